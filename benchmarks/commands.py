"""``python -m benchmarks.commands --earlier PATH``: whole commands beside those of an earlier build, in turns.

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
from typing import NamedTuple

PAPERS = ("glorot2010", "he2015", "saxe2014", "lsuv2016", "batchnorm2015", "dropout2014")   # those of both builds


class Command(NamedTuple):
    """The command and its options now; what of them the earlier build is given; further options of a quick run."""

    options: tuple[str, ...]
    earlier: tuple[str, ...]
    quick: tuple[str, ...]


SHORT = ("--quick", "--seeds", "1")
COMMANDS = {
    "compare": Command(("compare", "--split", "fixed"), ("compare",), SHORT),
    "compare, in this process": Command(("compare", "--split", "fixed", "--jobs", "1"), ("compare",), SHORT),
    "compare, five rates": Command(("compare", "--split", "fixed", "--lr", "0.003,0.01,0.03,0.1,0.3"), ("compare",), SHORT),
    "look": Command(("look",), ("look",), ("--quick",)),
    **{f"reproduce {paper}": Command(("reproduce", paper), ("reproduce", paper), ("--scale", "quick", "--seeds", "1"))
       for paper in PAPERS}}
Times = tuple[float, float]                                         # wall clock, and all processors


def measured(options: tuple[str, ...], package: Path | None) -> Times:
    """Run a command of retroprop once: of this build, as it is installed, or of that in another folder."""
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ)
        if package is not None:
            Path(folder, "path").mkdir()
            Path(folder, "path", "retroprop").symlink_to(package.absolute(), target_is_directory=True)
            environment["PYTHONPATH"] = os.pathsep.join([f"{folder}/path", environment.get("PYTHONPATH", "")])
        used, start = processors(), time.perf_counter()
        subprocess.run([sys.executable, "-m", "retroprop", *options, "--out", f"{folder}/out"], cwd=folder,
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
    parser.add_argument("--command", nargs="+", choices=COMMANDS, default=[name for name in COMMANDS if "compare" in name],
                        help="default: those of compare; a paper takes minutes")
    parser.add_argument("--quick", action="store_true", help="few epochs and one seed, to see that all runs")
    arguments = parser.parse_args()
    if not (arguments.earlier / "__main__.py").is_file():
        parser.error(f"--earlier must be a checkout of retroprop, got {arguments.earlier}")
    runs: dict[str, tuple[tuple[str, ...], Path | None]] = {}
    for name in arguments.command:
        command = COMMANDS[name]
        few = command.quick if arguments.quick else ()
        runs[earlier(name)] = (*command.earlier, *few), arguments.earlier
        runs[name] = (*command.options, *few), None
    times: dict[str, list[Times]] = {name: [] for name in runs}
    for turn in range(-1, arguments.rounds):
        for name, (options, package) in runs.items():
            found = measured(options, package)
            if turn >= 0:
                times[name].append(found)
    print(f"{'':32}{'seconds':>9}{'ratio':>8}{'processors':>12}{'ratio':>8}")
    for name, rows in times.items():
        old, columns = times[earlier(name)], []
        for k, width in ((0, 9), (1, 12)):
            columns += [f"{statistics.median(row[k] for row in rows):{width}.2f}",
                        f"{statistics.median(row[k] / one[k] for row, one in zip(rows, old, strict=True)):8.2f}"]
        print(f"{name:32}{''.join(columns)}", flush=True)


def earlier(name: str) -> str:
    """Return the name of what a command is compared with: the same for all forms of ``compare``."""
    return name if name.startswith("the earlier") else "the earlier " + " ".join(COMMANDS[name].earlier)


if __name__ == "__main__":
    main()
