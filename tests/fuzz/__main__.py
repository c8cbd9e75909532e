"""Fuzzing of everything that the library reads from files: ``python tests/fuzz --mutations 100000``.

Each target runs in a process of its own. The bytes of mutations that fail, or that end their process, are written into a
folder; ``--only idx --start 1234 --mutations 1`` with the same seed reads one of them again.
"""

import argparse
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

SHARES = {"states": 3, "idx": 3, "mnist": 1, "npz": 3, "runs": 3, "progress": 2, "scripts": 3, "tables": 4,
          "models": 3} | ({"onnx": 4} if find_spec("onnx") else {})
MEMORY = 4 * 2**30                                                  # bytes of address space of each process


def main():
    parse = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parse.add_argument("--mutations", type=int, default=2000, help="number of files to read (default: 2000)")
    parse.add_argument("--seed", type=int, default=0)
    parse.add_argument("--only", choices=SHARES, nargs="+", default=list(SHARES), help="what to fuzz (default: all)")
    parse.add_argument("--start", type=int, default=0, help="number of the first mutation of each target")
    parse.add_argument("--failed", default="fuzz-failures", help="folder for the bytes of mutations that fail")
    parse.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    chosen = parse.parse_args()
    Path(chosen.failed).mkdir(exist_ok=True)
    if chosen.here:
        return here(chosen)
    whole, good = sum(SHARES[name] for name in chosen.only), True
    for name in chosen.only:
        count = -(-chosen.mutations * SHARES[name] // whole)
        options = (f"--only={name}", f"--mutations={count}", f"--seed={chosen.seed}", f"--start={chosen.start}",
                   f"--failed={chosen.failed}")
        command = [sys.executable, "-X", "faulthandler", str(Path(__file__).parent), "--here", *options]
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
        if ended.returncode < 0:
            print(f"{name}: the process died of signal {-ended.returncode}; the file that it read is in {chosen.failed}")
        good = good and ended.returncode == 0
    return 0 if good else 1


def here(chosen):
    """Fuzz in this process, which has a limit of memory."""
    import os
    os.environ.setdefault("MPLBACKEND", "Agg")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if sys.platform != "win32":
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    from engine import fuzz
    reports = [fuzz(name, chosen.mutations, chosen.seed, chosen.failed, chosen.start) for name in chosen.only]
    for report in reports:
        print(report, flush=True)
        for k, wrong in report.failures[:20]:
            print(f"  mutation {k}: {' '.join(wrong.split())[:300]}", flush=True)
    return 1 if any(report.failures for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
