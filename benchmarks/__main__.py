"""``python -m benchmarks``: time retroprop against PyTorch, JAX, scikit-learn and the floor of its matrix products."""

from __future__ import annotations

import argparse
from pathlib import Path

from joblib import cpu_count

from .measurements import crossovers, growth, imports, steps, whole_jobs
from .report import machine, write
from .workers import OURS, PEERS, installed
from .workloads import WORKLOADS

PARTS = ("steps", "growth", "imports", "experiment")
IN_GROWTH = ("retroprop", "by-hand", "floor", "torch-fused", "jax", "sklearn")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--part", nargs="+", choices=PARTS, default=PARTS, help="default: all")
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, default=list(WORKLOADS), help="of the steps; default: all")
    parser.add_argument("--peer", nargs="*", choices=[peer for peer in PEERS if peer not in OURS],
                        default=[peer for peer in PEERS if peer not in OURS], help="default: all that are installed")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2], help="default: 1 2")
    parser.add_argument("--quick", action="store_true", help="little time for each number: to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks"), help="folder; default: %(default)s")
    arguments = parser.parse_args()
    cores, threads = cpu_count(), []
    for count in arguments.threads:
        if not 1 <= count <= cores:
            print(f"left out: {count} threads (this machine has {cores} core{'s' * (cores > 1)})")
        else:
            threads.append(count)
    peers = installed([*OURS, *arguments.peer])
    if "retroprop" not in peers or not threads:
        parser.error("nothing to time: install retroprop (pip install .), and ask for threads that there are")
    results: dict[str, object] = {"machine": machine(), "quick": arguments.quick}
    print(results["machine"])
    for part in PARTS:
        if part not in arguments.part:
            continue
        print(f"== {part}")
        if part == "steps":
            results[part] = steps(arguments.workload, peers, threads, arguments.quick)
        elif part == "growth":
            chosen = [peer for peer in peers if peer in IN_GROWTH or len(arguments.peer) == 1]
            results[part] = rows = growth(chosen, threads, arguments.quick)
            results["crossovers"] = crossovers(rows)
            for row in crossovers(rows):
                print(f"    {row['grows']}, {row['threads']} thread{'s' * (row['threads'] > 1)}: {PEERS[row['peer']].label} is "
                      + (f"faster from {row['faster_from']} on" if row["faster_from"] else "never faster for good"))
        elif part == "imports":
            results[part] = imports(arguments.quick)
            for row in results[part]:
                print(f"    import {row['import']}: {row['ms']:.0f} ms")
        else:
            libraries = {"retroprop", "the whole command"}
            libraries |= {name for name, peer in (("PyTorch", "torch"), ("scikit-learn", "sklearn")) if peer in peers}
            results[part] = whole_jobs(libraries, arguments.quick)
            for name, row in results[part].items():
                print(f"    {name}: " + ", ".join(f"{key} {value:.3g}" for key, value in row.items()))
        write(results, arguments.out)                               # after each part: the next may take minutes
    print(f"written: {arguments.out / 'benchmarks.json'}, and tables and figures beside it")


if __name__ == "__main__":
    main()
