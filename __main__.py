"""The command line: ``retroprop`` and ``python -m retroprop``."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from retroprop import __version__
from retroprop.errors import RetropropError
from retroprop.experiments.compare import LEARNING_RATES, Config, compare
from retroprop.experiments.networks import ACTIVATIONS, OPTIMIZERS, STARTS

QUICK = {"epochs": 3, "seeds": 2}                                   # enough to see the shape of the report


def parser() -> argparse.ArgumentParser:
    default = Config()
    top = argparse.ArgumentParser(prog="retroprop", description="Neural networks in which learning is explicit.",
                                  allow_abbrev=False)
    top.add_argument("--version", action="version", version=f"retroprop {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="command")
    job = commands.add_parser("compare", help="train one architecture from several starts and compare them",
                              formatter_class=argparse.ArgumentDefaultsHelpFormatter, allow_abbrev=False,
                              description="Train one architecture from several initializations, over several seeds, on the "
                              "same data in the same order; print a table and write a report with figures.")
    add = job.add_argument
    add("--data", default=default.data, help="digits, a toy (moons, circles, spirals, xor, blobs), a folder of MNIST-format "
        "files, or an .npz file with arrays x and y")
    add("--init", nargs="+", default=list(default.init), metavar="START",
        help=f"starts: {', '.join(STARTS)} (U[-1/√fan_in, 1/√fan_in]), 'N(0, s)' of standard deviation s, 'U(-a, a)'")
    add("--activation", default=default.activation, choices=ACTIVATIONS)
    add("--depth", type=int, default=default.depth, help="hidden layers")
    add("--width", type=int, default=default.width, help="units in each")
    add("--batch-norm", action="store_true", help="BatchNorm before each activation")
    add("--dropout", type=float, default=default.dropout, metavar="P", help="probability of dropping a hidden unit")
    add("--optimizer", default=default.optimizer, choices=OPTIMIZERS)
    add("--lr", type=float, default=argparse.SUPPRESS,
        help=f"learning rate (default: {', '.join(f'{rate:g} for {name}' for name, rate in LEARNING_RATES.items())})")
    add("--epochs", type=int, default=argparse.SUPPRESS, help=f"(default: {default.epochs})")
    add("--batch-size", type=int, default=default.batch_size)
    add("--seeds", type=int, default=argparse.SUPPRESS, help=f"number of seeds (default: {default.seeds})")
    add("--jobs", type=int, default=argparse.SUPPRESS, help="processes; the numbers do not depend on it (default: one a core)")
    add("--out", default="results/compare", help="folder for the report")
    add("--quick", action="store_true", help=f"{QUICK['epochs']} epochs and {QUICK['seeds']} seeds, unless given")
    add("--json", action="store_true", help="print the table as JSON")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0, or 2 for input that cannot be used."""
    options = vars(parser().parse_args(arguments))
    options.pop("command")
    as_json, quick = options.pop("json"), options.pop("quick")
    options = (QUICK if quick else {}) | options
    try:
        result = compare(**options)
    except (RetropropError, OSError) as error:
        print(f"retroprop: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("retroprop: interrupted", file=sys.stderr)
        return 130
    print(json.dumps([finite(row) for row in result.summary()], indent=2, allow_nan=False) if as_json else result)
    print(f"\nThe report is in {options['out']}/report.html", file=sys.stderr)
    return 0


def finite(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row as JSON can hold it: null for what is infinite (never) or NaN (undefined)."""
    return {name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in row.items()}


if __name__ == "__main__":
    sys.exit(main())
