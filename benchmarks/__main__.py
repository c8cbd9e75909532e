"""``python -m benchmarks``: time the installed retroprop beside other libraries, NumPy by hand and the bare matrix products."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from joblib import cpu_count

from .parts import PARTS
from .peers import OURS, STEPS, installed
from .report import machine, write
from .settings import Settings
from .workloads import WORKLOADS

QUICK = ("W1", "W5")


def main() -> None:
    others = [peer for peer in STEPS if peer not in OURS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS), help="default: all")
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS,
                        help="networks whose steps are timed; default: all (--quick: W1, W5)")
    parser.add_argument("--peer", nargs="*", choices=others, default=others,
                        help="libraries besides retroprop and NumPy by hand; default: all that are installed")
    parser.add_argument("--threads", nargs="+", type=int, help="default: 1 and, with two cores or more, 2 (--quick: 1)")
    parser.add_argument("--quick", action="store_true", help="spend little time on each number, to see that all runs")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks"), help="folder to write to; default: %(default)s")
    parser.add_argument("--page", type=Path, help="page whose blocks are written anew, with the figures in images/ beside it")
    arguments = parser.parse_args()
    cores = cpu_count()
    if not all(1 <= count <= cores for count in arguments.threads or [1]):
        parser.error(f"--threads must be from 1 to {cores}, the cores of this machine, got {arguments.threads}")
    if arguments.page is not None and not arguments.page.is_file():
        parser.error(f"--page must be a file, got {arguments.page}")
    arguments.out.mkdir(parents=True, exist_ok=True)                # a wrong path fails before the work
    peers = installed([*OURS, *arguments.peer])
    for peer in arguments.peer:
        if peer not in peers:
            print(f"left out: {STEPS[peer].label} ({STEPS[peer].needs} is not installed; pip install '.[bench]')")
    settings = Settings(tuple(arguments.workload or (QUICK if arguments.quick else WORKLOADS)), tuple(peers),
                        tuple(arguments.threads or (1, 2)[:1 if arguments.quick else cores]), arguments.quick)
    results: dict[str, Any] = {"machine": machine(), "quick": arguments.quick}
    for name, value in results["machine"].items():
        print(f"{name}: {value if isinstance(value, (str, int)) else ', '.join(map(' '.join, value.items()))}")
    for name, part in PARTS.items():
        if name in arguments.part:
            print(f"== {name}: {part.__doc__.splitlines()[0]}", flush=True)
            start = time.perf_counter()
            results[name] = part.measure(settings)
            print(f"    ({time.perf_counter() - start:.0f} s)", flush=True)
            write(results, arguments.out, arguments.page, [name])   # after each part, because the next may take minutes
    print(f"written: {arguments.out / 'benchmarks.json'}, and the page's blocks and figures beside it")


if __name__ == "__main__":
    main()
