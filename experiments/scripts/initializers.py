"""``retroprop initializers``: the starts of libraries, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...initializers import Start, of, starts
from ...printing import aligned, show
from ..options import new_command
from ..reports.text import as_json as json_text

if TYPE_CHECKING:
    from ..options import Commands

LEGEND = """\
i is fan_in and o fan_out of a layer, N the number of all parameters of the network. U(±a) is uniform in [-a, a), U(0, a) in
[0, a). N(0, v) is normal with variance v; "cut at ±2σ" leaves 0.77 of the variance, "corrected" all of it. Each rule is that of
dense layers by default, as measured on the version, or as its source says. rp.initializers.of(NAME) is the start in Python;
retroprop compare --init NAME ... trains from it, --init libraries from all.
"""


def add_command(commands: Commands) -> None:
    command = new_command(
        commands, "initializers", "print how the layers of other libraries start",
        "Print for each library that is known how it draws weights and biases of a dense layer by default, and of a "
        "convolution if that is known.", "PyTorch Keras")
    command.add_argument("names", nargs="*", metavar="NAME", help="libraries (default: all)")
    command.add_argument("--json", action="store_true", dest="as_json", help="print the table as JSON")
    command.set_defaults(run=run)


def run(*, names: list[str], as_json: bool) -> int:
    chosen = [of(name) for name in names] or starts()
    show(json_text([described(start) for start in chosen]) if as_json else f"{table(chosen)}\n\n{LEGEND.rstrip()}")
    return 0


def described(start: Start) -> dict[str, Any]:
    """The row of a library, with other names for it."""
    kernel = start.convolution
    return {"name": start.name, "version": start.version, "weight": start.weight, "bias": start.bias,
            "convolution": kernel and {"weight": kernel[0], "bias": kernel[1]}, "aliases": list(start.aliases)}


def table(chosen: Sequence[Start]) -> str:
    """A row for each of the libraries, as text."""
    rows = [("library", "version", "weight", "bias", "convolutions")]
    rows += [(start.name, start.version, start.weight, "the same" if start.bias == start.weight else start.bias,
              of_convolutions(start)) for start in chosen]
    return aligned(rows, ())


def of_convolutions(start: Start) -> str:
    if start.convolution is None:
        return "–"
    (weight, bias), dense = start.convolution, (start.weight, start.bias)
    differs = [f"{what} {text}" for what, text, other in zip(("weight", "bias"), (weight, bias), dense, strict=True)
               if text != other]
    return ", ".join(differs) or "alike"
