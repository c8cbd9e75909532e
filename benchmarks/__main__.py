"""``python -m benchmarks``: time retroprop beside PyTorch, JAX, scikit-learn, NumPy by hand and the bare matrix products."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from joblib import cpu_count

from .measurements import crossovers, growth, imports, steps, whole_jobs
from .memory import memory
from .report import machine, write
from .workers import OURS, PEERS, installed
from .workloads import WORKLOADS

PARTS = ("steps", "growth", "memory", "imports", "experiment")
IN_GROWTH = ("retroprop", "by-hand", "floor", "torch-fused", "jax", "sklearn")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--part", nargs="+", choices=PARTS, default=PARTS, help="default: all")
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, default=list(WORKLOADS),
                        help="networks whose steps are timed; default: all")
    parser.add_argument("--peer", nargs="*", choices=[peer for peer in PEERS if peer not in OURS],
                        default=[peer for peer in PEERS if peer not in OURS],
                        help="libraries besides retroprop and NumPy by hand; default: all that are installed")
    parser.add_argument("--threads", nargs="+", type=int, help="default: 1 and, with two cores or more, 2")
    parser.add_argument("--quick", action="store_true", help="spend little time on each number, to see that all runs")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks"), help="folder to write to; default: %(default)s")
    arguments = parser.parse_args()
    cores = cpu_count()
    if not all(1 <= count <= cores for count in arguments.threads or [1]):
        parser.error(f"--threads must be from 1 to {cores}, the cores of this machine, got {arguments.threads}")
    threads = arguments.threads or [1, 2][:cores]
    arguments.out.mkdir(parents=True, exist_ok=True)                # a wrong path fails before the work
    peers = installed([*OURS, *arguments.peer])
    if "retroprop" not in peers:
        parser.error("retroprop must be installed: pip install .")
    results: dict[str, Any] = {"machine": machine(), "quick": arguments.quick}
    for name, value in results["machine"].items():
        print(f"{name}: {value if isinstance(value, (str, int)) else ', '.join(map(' '.join, value.items()))}")
    for part in PARTS:
        if part not in arguments.part:
            continue
        print(f"== {part}")
        if part == "steps":
            print("time of a step, median (10 % to 90 %); multiple of retroprop's; memory beyond the examples; error of the "
                  "gradients beside those by hand, relative to the largest")
            results[part] = steps(arguments.workload, peers, threads, arguments.quick)
        elif part == "growth":
            chosen = [peer for peer in peers if peer in IN_GROWTH or len(arguments.peer) == 1]
            results[part] = growth(chosen, threads, arguments.quick)
            results["crossovers"] = crossovers(results[part])
            for row in results["crossovers"]:
                print(f"    {row['grows']}, {row['threads']} thread{'s' * (row['threads'] > 1)}: {PEERS[row['peer']].label} is "
                      + (f"faster from {row['faster_from']} on" if row["faster_from"] else "not faster at the largest size"))
        elif part == "memory":
            results[part] = memory(arguments.quick)
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
        write(results, arguments.out)                               # after each part, because the next may take minutes
    print(f"written: {arguments.out / 'benchmarks.json'}, and tables and figures beside it")


if __name__ == "__main__":
    main()
