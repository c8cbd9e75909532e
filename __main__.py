"""The command line: ``retroprop`` and ``python -m retroprop``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

from retroprop import __version__
from retroprop.errors import ArgumentError, RetropropError
from retroprop.experiments.compare.job import LEARNING_RATES, Config, compare
from retroprop.experiments.lab.networks import ACTIVATIONS, INITIALIZATIONS, OPTIMIZERS
from retroprop.experiments.look.job import look
from retroprop.experiments.look.subjects import DATA
from retroprop.experiments.papers.paper import SCALES, SEEDS
from retroprop.experiments.papers.reproduce import PAPERS, reproduce
from retroprop.experiments.reports.text import finite
from retroprop.experiments.scripts import graph, script
from retroprop.experiments.scripts import tape as trace
from retroprop.experiments.scripts.check import check
from retroprop.experiments.sweeps.workers import BACKENDS

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

QUICK = {"epochs": 3, "seeds": 2}                                   # enough to see the shape of the report
QUICK_LOOK = {"epochs": 1, "seeds": 1}
EPILOG = """\
FILE is a Python script that defines net, a Module, and may define x (a batch: an array, or a tuple of arrays),
y (targets) and loss. It is executed, but not as __main__.

example: retroprop {}"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="retroprop", description="Neural networks in which learning is explicit.",
                                  epilog="retroprop COMMAND --help says more of each.", allow_abbrev=False)
    top.add_argument("--version", action="version", version=f"retroprop {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="command")
    for add in (add_compare, add_reproduce, add_look, add_check, add_graph, add_trace):
        add(commands)
    return top


def add_compare(commands: Commands) -> None:
    default = Config()
    job = commands.add_parser("compare", help="train one architecture from several starts and compare them",
                              formatter_class=argparse.ArgumentDefaultsHelpFormatter, allow_abbrev=False,
                              description="Train one architecture from several initializations, over several seeds, on the "
                              "same data in the same order; print a table and write a report with figures.",
                              epilog="example: retroprop compare --data moons --activation relu --init He Glorot --quick")
    add = job.add_argument
    add("--data", default=default.data, help="digits, a toy (moons, circles, spirals, xor, blobs), shapeset, easy-shapeset, a "
        "folder of MNIST-format files, or an .npz file with arrays x and y")
    add("--init", nargs="+", default=list(default.init), metavar="START",
        help=f"starts: {', '.join(INITIALIZATIONS)}, 'N(0, s)' of standard deviation s, 'U(-a, a)'; Standard is U[-1/√fan_in, "
        "1/√fan_in], LSUV is Orthogonal, then scaled on training examples")
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
    add_workers(job)
    add("--out", default="results/compare", help="folder for the report")
    add("--quick", action="store_true", help=f"{QUICK['epochs']} epochs and {QUICK['seeds']} seeds, unless given")
    add("--json", action="store_true", dest="as_json", help="print the table as JSON")
    job.set_defaults(run=run_compare)


def add_reproduce(commands: Commands) -> None:
    job = commands.add_parser("reproduce", help="run the experiments of the lecture's papers again, and judge their claims",
                              formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, description=fill(
                                  "Run the experiments of a paper again, over several seeds; print its claims, each with "
                                  "the paper's number and ours, and write a page with figures. Runs that end are kept in "
                                  "the folder runs of --out: after an interruption the same command goes on from them. The "
                                  "exit status is 1 if a run fails.", 110),
                              epilog="example: retroprop reproduce glorot2010 --scale paper --data mnist --jobs 8")
    add = job.add_argument
    add("paper_name", metavar="PAPER", choices=(*PAPERS, "all"), help=f"{', '.join(PAPERS)}, or all, which writes an index")
    add("--scale", default="small", choices=SCALES, help="quick: the smallest that shows the effects; small: minutes "
        "(default); paper: the paper's own sizes, hours to weeks")
    add("--data", metavar="FOLDER", help="for --scale paper: the four files of MNIST, or of a set in its format; shapeset for "
        "glorot2010")
    add("--steps", type=int, help="for --scale paper: steps in each run, instead of the paper's; nothing is judged then")
    add("--seeds", type=int, default=SEEDS,
        help=f"number of seeds; with fewer than {SEEDS} nothing is judged (default: {SEEDS})")
    add_workers(job)
    add("--out", default="results/reproduce", help="folder for the pages and the runs (default: results/reproduce)")
    add("--fresh", action="store_true", help="run all of it again, whatever is kept")
    add("--json", action="store_true", dest="as_json", help="print the claims as JSON")
    job.set_defaults(run=run_reproduce)


def add_workers(job: argparse.ArgumentParser) -> None:
    add = job.add_argument
    add("--jobs", type=int, default=argparse.SUPPRESS, help="processes; the numbers do not depend on it (default: one a core)")
    add("--backend", choices=BACKENDS, default=argparse.SUPPRESS,
        help="who runs: processes of this machine (loky, the default), or a Dask cluster, with the extra dask")
    add("--scheduler", metavar="ADDRESS", default=argparse.SUPPRESS, help="of the Dask cluster, such as tcp://localhost:8786")


def add_look(commands: Commands) -> None:
    job = commands.add_parser("look", help="look into a network: saliency, attacks, class models, a dream", allow_abbrev=False,
                              formatter_class=argparse.RawDescriptionHelpFormatter, description=fill(
                                  "Train a small convolutional network, or take one, and ask it what it sees, by backward "
                                  "alone: which pixels an answer hangs on, how small a change makes it err, what it looks for "
                                  "in a class, what it dreams. Print a table and write a page with figures. It takes about "
                                  "a minute on two quiet cores; beside others OPENBLAS_NUM_THREADS=1 makes it faster.", 110),
                              epilog="example: retroprop look --image cat.jpg --quick")
    add = job.add_argument
    add("--data", default="digits", choices=DATA, help="what it is trained on, and looked into with (default: digits)")
    add("--model", metavar="FILE", help="look into this network and train nothing: the net.safetensors of an earlier run on "
        "the same data, or a Python script that defines net, and perhaps x (images) and y (their classes)")
    add("--image", metavar="FILE", help="a PNG or JPEG of at most a million pixels to dream on (default: test images side by "
        "side)")
    add("--layer", metavar="NAME", help="dream of this layer, and show its channels (default: the activation after the last "
        "convolution, and the first convolution); an unknown name lists those there are")
    epochs = ", ".join(f"{next(iter(data.recipes.values())).epochs} on the {name}" for name, data in DATA.items())
    add("--epochs", type=int, default=argparse.SUPPRESS,
        help=f"of the convolutional network, others in proportion (default: {epochs})")
    add("--seed", type=int, default=0, help="the first seed, whose network is shown (default: 0)")
    add("--seeds", type=int, default=argparse.SUPPRESS, help="how many seeds the numbers are means of (default: 3)")
    add("--out", default="results/look", help="folder for the page (default: results/look)")
    add("--quick", action="store_true", help=f"{QUICK_LOOK['epochs']} epoch and {QUICK_LOOK['seeds']} seed, unless given: to "
        "see the page; what is wanted of the full run is not judged")
    add("--json", action="store_true", dest="as_json", help="print the table as JSON")
    job.set_defaults(run=run_look)


def add_check(commands: Commands) -> None:
    job = add_command(commands, "check", "check gradients against finite differences",
                      "Check the gradients of every module and loss of the library against finite differences. With FILE, "
                      "check its net: the gradients of its cost if there are y and loss, all laws of the contract if not. The "
                      "exit status is 1 if anything fails.", "check mynet.py --shape 5,3")
    add_shape(job)
    job.set_defaults(run=run_check)


def add_graph(commands: Commands) -> None:
    job = add_command(commands, "graph", "print or draw a network as a graph",
                      "Print the nodes of a Graph or Sequential and what each reads. Without FILE, of a small example.",
                      "graph mynet.py --out mynet.svg")
    job.add_argument("--format", default="text", choices=graph.FORMATS, help="a table (text), or source for a drawing")
    add_out(job, "draw it too, with values and gradients if there is x")
    job.set_defaults(run=run_graph)


def add_trace(commands: Commands) -> None:
    job = add_command(commands, "trace", "print every phase of one step",
                      "Run one step (forward, loss if there is one, backward, update) and print each phase: shapes, what it "
                      "stores, the numbers of small arrays, bytes and time. Without FILE, of the lecture's worked example.",
                      "trace mynet.py --shape 5,3 --out timeline.png")
    add_shape(job)
    job.add_argument("--json", action="store_true", dest="as_json", help="print the records as JSON")
    add_out(job, "draw it too, along time")
    job.set_defaults(run=run_trace)


def add_command(commands: Commands, name: str, short: str, description: str, example: str) -> argparse.ArgumentParser:
    """A command that takes a script of the user's."""
    job = commands.add_parser(name, help=short, description=fill(description, 110), epilog=EPILOG.format(example),
                              formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    job.add_argument("file", nargs="?", metavar="FILE", help="a Python script that defines net")
    return job


def add_shape(job: argparse.ArgumentParser) -> None:
    job.add_argument("--shape", action="append", default=[], type=shape, metavar="N,N", dest="shapes",
                     help="draw x from N(0, 1) in this shape, such as 5,3, where FILE has no x; one for each input of net")


def add_out(job: argparse.ArgumentParser, what: str) -> None:
    job.add_argument("--out", metavar="IMAGE", help=f"{what}: a .png or .svg file")


def shape(text: str) -> tuple[int, ...]:
    """``"5,3"`` as a tuple of sizes."""
    try:
        sizes = tuple(map(int, text.split(",")))
    except ValueError:
        sizes = (0,)
    if min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"must be integers of at least 1, such as 5,3, got {text!r}")
    return sizes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns
    -------
    int
        The exit status: 0, 1 where ``check`` finds something that fails, or 2 for input that cannot be used.
    """
    options = vars(parser().parse_args(arguments))
    options.pop("command")
    run: Callable[..., int] = options.pop("run")
    try:
        return run(**options)
    except (RetropropError, OSError) as error:
        print(f"retroprop: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("retroprop: interrupted", file=sys.stderr)
        return 130


def run_compare(*, as_json: bool, quick: bool, **options: Any) -> int:
    result = compare(**(QUICK if quick else {}) | options)
    print(as_text(result.summary()) if as_json else result)
    print(f"\nThe report is in {options['out']}/report.html", file=sys.stderr)
    return 0


def run_reproduce(*, as_json: bool, **options: Any) -> int:
    reproduced = reproduce(**options)
    print(as_text(reproduced.summary()) if as_json else reproduced)
    where = "index.html" if options["paper_name"] == "all" else f"{options['paper_name']}/report.html"
    print(f"\nThe page is {options['out']}/{options['scale']}/{where}", file=sys.stderr)
    return 1 if reproduced.failed else 0


def run_look(*, as_json: bool, quick: bool, **options: Any) -> int:
    looked = look(**(QUICK_LOOK if quick else {}) | options)
    print(as_text(looked.summary()) if as_json else looked)
    print(f"\nThe page is in {options['out']}/report.html", file=sys.stderr)
    return 0


def run_check(*, file: str | None, shapes: list[tuple[int, ...]]) -> int:
    verdict = check(with_input(file, shapes))
    print(verdict.text)
    return 0 if verdict.passed else 1


def run_graph(*, file: str | None, format: str, out: str | None) -> int:
    chosen = graph.example() if file is None else script.read(file)
    text = graph.describe(chosen, format)
    if out is not None:
        graph.draw(chosen, out)
        print(f"The image is in {out}", file=sys.stderr)
    print(text)
    return 0


def run_trace(*, file: str | None, shapes: list[tuple[int, ...]], as_json: bool, out: str | None) -> int:
    taped = trace.trace(with_input(file, shapes) or trace.example())
    if out is not None:
        trace.draw(taped, out)
        print(f"The image is in {out}", file=sys.stderr)
    if file is None and not as_json:
        print(trace.EXAMPLE, end="\n\n")
    print(as_text(taped.as_dicts()) if as_json else taped)
    return 0


def with_input(file: str | None, shapes: list[tuple[int, ...]]) -> script.Script | None:
    """The user's script with its x, if a file is given."""
    if file is not None:
        return script.read(file).with_input(shapes)
    if shapes:
        raise ArgumentError("--shape is of the x of FILE: give FILE too")
    return None


def as_text(rows: Any) -> str:
    """JSON, with null for what it cannot hold: what is infinite (never) or NaN (undefined)."""
    return json.dumps(finite(rows), indent=2, allow_nan=False)


if __name__ == "__main__":
    sys.exit(main())
