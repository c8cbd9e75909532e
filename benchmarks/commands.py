"""``python -m benchmarks.commands --earlier PATH``: whole commands beside an earlier build's ``retroprop compare``, in turns.

PATH is a checkout of the earlier build, such as that of ``git worktree add PATH COMMIT``; its files are imported as they are.
Each command is a process of its own, which starts without workers and writes into a new folder. Times are wall-clock and those
of the processors, of all its processes together. A ratio is the median of the ratios of each turn. On a busy machine only the
ratios of the processors' times mean something.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RATES = "0.003,0.01,0.03,0.1,0.3"
COMMANDS = {
    "compare": ["--split", "fixed"],
    "compare, in this process": ["--split", "fixed", "--jobs", "1"],
    "compare, five rates": ["--split", "fixed", "--lr", RATES],
}
QUICK = ["--quick", "--seeds", "1"]
Times = tuple[float, float]                                         # wall clock, and all processors


def measured(options: list[str], package: Path | None) -> Times:
    """Run ``retroprop compare`` once: this build, as it is installed, or that of another folder."""
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ)
        if package is not None:
            Path(folder, "path").mkdir()
            Path(folder, "path", "retroprop").symlink_to(package.absolute(), target_is_directory=True)
            environment["PYTHONPATH"] = os.pathsep.join([f"{folder}/path", environment.get("PYTHONPATH", "")])
        used, start = processors(), time.perf_counter()
        subprocess.run([sys.executable, "-m", "retroprop", "compare", *options, "--out", f"{folder}/out"], cwd=folder,
                       env=environment, check=True, capture_output=True)
        return time.perf_counter() - start, processors() - used


def processors() -> float:
    """The seconds of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.commands", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--earlier", type=Path, required=True, help="folder of the earlier build")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s, after one that is not counted")
    parser.add_argument("--command", nargs="+", choices=COMMANDS, default=list(COMMANDS), help="default: all")
    parser.add_argument("--quick", action="store_true", help="few epochs and one seed, to see that all runs")
    arguments = parser.parse_args()
    if not (arguments.earlier / "__main__.py").is_file():
        parser.error(f"--earlier must be a checkout of retroprop, got {arguments.earlier}")
    few = QUICK if arguments.quick else []
    runs = {"the earlier compare": (few, arguments.earlier)} | {
        name: ([*COMMANDS[name], *few], None) for name in arguments.command}
    times: dict[str, list[Times]] = {name: [] for name in runs}
    for turn in range(-1, arguments.rounds):
        for name, (options, package) in runs.items():
            found = measured(options, package)
            if turn >= 0:
                times[name].append(found)
    earlier = times["the earlier compare"]
    print(f"{'':28}{'seconds':>9}{'ratio':>8}{'processors':>12}{'ratio':>8}")
    for name, rows in times.items():
        columns = []
        for k, width in ((0, 9), (1, 12)):
            columns += [f"{statistics.median(row[k] for row in rows):{width}.2f}",
                        f"{statistics.median(row[k] / old[k] for row, old in zip(rows, earlier, strict=True)):8.2f}"]
        print(f"{name:28}{''.join(columns)}", flush=True)


if __name__ == "__main__":
    main()
