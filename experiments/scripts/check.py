"""``retroprop check``: gradients against finite differences, of the library or of a user's network."""

from __future__ import annotations

from typing import NamedTuple

from ...errors import ArgumentError, CheckError
from ...inspection import CHECKS, LOSS_CHECKS, check_gradients, check_module
from ...inspection.contract.derivative_checks import check_cases
from ...losses import Loss
from .script import Script, blaming


class Verdict(NamedTuple):
    """Whether it passed, and what there is to read."""

    passed: bool
    text: str


def check(script: Script | None) -> Verdict:
    """Check every module and loss of the library (None), or a network with an input.

    With a loss and targets the gradients of its cost are compared number by number; without, all laws of the contract are
    tried.
    """
    if script is None:
        found = check_cases()
        return Verdict(found.passed, str(found))
    if script.loss is not None and script.y is not None:
        with blaming(script.path):
            gradients = check_gradients(script.net, script.loss, script.x, script.y)
        return Verdict(gradients.passed, str(gradients))
    loss = isinstance(script.net, Loss)
    if script.y is not None and not loss:
        raise ArgumentError(f"{script.path} defines y and must define loss too, or neither")
    try:
        check_module(script.net, script.x, script.y if loss else None)
    except CheckError as error:
        return Verdict(False, "\n".join([f"FAILED: {error}", *getattr(error, "__notes__", ())]))
    laws = len(LOSS_CHECKS if loss else CHECKS)
    return Verdict(True, f"passed: all {laws} laws of the contract, gradients against finite differences among them")
