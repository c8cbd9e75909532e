"""``retroprop check``: compare gradients with finite differences, for the library or for a user's network."""

from __future__ import annotations

from collections.abc import Sized
from typing import TYPE_CHECKING, NamedTuple

from ...errors import ArgumentError, CheckError
from ...inspection import CHECKS, LOSS_CHECKS, check_gradients, check_module
from ...inspection.contract.checks import check_own_modules
from ...inspection.contract.derivative_checks import check_cases
from ...losses import Loss
from ...printing import show
from .options import Shape, add_shape, script_command, with_input
from .script import Script, blaming

if TYPE_CHECKING:
    from ..options import Commands


def add_command(commands: Commands) -> None:
    command = script_command(
        commands, "check", "check gradients against finite differences",
        "Check the gradients of every module and loss of the library against finite differences. With FILE, check its net: all "
        "laws of the contract; if FILE defines y and loss, the gradients of its cost, and all laws for the modules in it that "
        "are not the library's. The exit status is 1 if anything fails.", "mynet.py --shape 5,3")
    add_shape(command)
    command.set_defaults(run=run)


def run(*, file: str | None, shapes: list[Shape]) -> int:
    verdict = check(with_input(file, shapes))
    show(verdict.text)
    return 0 if verdict.passed else 1


class Verdict(NamedTuple):
    """Whether the check passed, and the text to print."""

    passed: bool
    text: str


def check(script: Script | None) -> Verdict:
    """Check every module and loss of the library (None), or a network with an input.

    Without a loss and targets, check all laws of the contract. With them, compare the gradients of the network's cost number
    by number, and check the laws for the user's own modules.
    """
    if script is None:
        found = check_cases()
        return Verdict(found.passed, str(found))
    if script.loss is not None and script.y is not None:
        with blaming(script.path):
            gradients = check_gradients(script.net, script.loss, script.x, script.y)
            own = check_own_modules(script.net, script.x)
        lines = [verdict(path, broken) for path, _, broken in own]
        return Verdict(gradients.passed and not any(broken for _, _, broken in own), "\n".join([str(gradients), *lines]))
    loss = isinstance(script.net, Loss)
    if script.y is not None and not loss:
        raise ArgumentError(f"{script.path} defines y and must define loss too, or neither")
    try:
        check_module(script.net, script.x, script.y if loss else None)
    except CheckError as error:
        return Verdict(False, "\n".join([f"FAILED: {error}", *getattr(error, "__notes__", ())]))
    return Verdict(True, f"{passed(LOSS_CHECKS if loss else CHECKS)}, gradients against finite differences among them")


def verdict(path: str, broken: CheckError | None) -> str:
    """Return the line for one of the user's modules, by its path in the network."""
    where = f"module {path}: " if path else ""
    return f"FAILED: {where}{broken}" if broken else f"passed: {where}{passed(CHECKS).removeprefix('passed: ')}"


def passed(laws: Sized) -> str:
    return f"passed: all {len(laws)} laws of the contract"
