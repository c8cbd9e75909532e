"""Findings on labels, a loss, and the last module of a network that do not fit each other."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import numpy as np

from ...arguments import Array
from ...errors import RetropropError
from ...losses import BCE, MSE, NLL, BCEWithLogits, CrossEntropy, Loss
from ...losses.classification import OfClasses
from ...modules import LogSoftmax, Sigmoid, Softmax
from ...modules.core.base import Module
from ...modules.core.rewinding import unchanged

CONTAINED: dict[type[Loss], type[Module]] = {BCEWithLogits: Sigmoid, CrossEntropy: Softmax}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a network.

    Attributes
    ----------
    what : str
        A sentence.
    where : str
        The modules (class and path), parameters or arrays that are concerned.
    remedy : str
    slides : str
        Slides of the lecture; "" for what it does not treat.
    """

    what: str
    where: str
    remedy: str
    slides: str

    def __str__(self) -> str:
        slides = f" ({'slides' if '-' in self.slides else 'slide'} {self.slides})" if self.slides else ""
        paragraphs = f"{self.where}: {self.what}", f"Remedy: {self.remedy}{slides}."
        return "\n   ".join(line for paragraph in paragraphs for line in textwrap.wrap(paragraph, 100))


def infer_loss(last: Module, prediction: Array, y: Array) -> tuple[Loss, str]:
    """Return the loss that fits the last module and the labels, and the reason."""
    if isinstance(last, Sigmoid):
        return BCE(), "the network ends with Sigmoid"
    if isinstance(last, LogSoftmax):
        return NLL(), "the network ends with LogSoftmax"
    if prediction.shape[1:] in ((), (1,)) and (binary(y) or signs(y)):
        return BCEWithLogits(), "there is one output and two labels"
    if y.dtype.kind in "iub":
        return CrossEntropy(), "the labels are integers"
    return MSE(), "the labels are not integers"


def label_findings(last: Module, loss: Loss, prediction: Array, y: Array) -> tuple[list[Finding], bool]:
    """Return what does not fit, and whether the loss can be computed."""
    try:
        with unchanged(loss) as kept, kept:
            loss.forward(prediction, y)
    except RetropropError as error:
        reason = str(error).removeprefix(f"{loss!r}: ")
        return [Finding(f"the labels do not fit {loss!r}: {reason}.", "y", remedy(loss, prediction, y), "35, 44-48")], False
    both, name = f"{last!r} and {loss!r}", type(last).__name__
    if any(isinstance(loss, kind) and isinstance(last, end) for kind, end in CONTAINED.items()):
        return [Finding(f"the network ends with a {name} that the loss contains too: applied twice, it flattens the cost.",
                        both, f"remove the last {name}", "44-48")], True
    if isinstance(loss, NLL) and not np.allclose(np.logaddexp.reduce(prediction, 1), 0, atol=1e-3):
        return [Finding("the outputs are not the log-probabilities that NLL needs: the cost has no lower bound.",
                        both, "end the network with LogSoftmax(), or use CrossEntropy()", "44-48")], True
    return [], True


def remedy(loss: Loss, prediction: Array, y: Array) -> str:
    """Return a remedy for labels that a loss refuses."""
    if y.dtype.kind not in "fiub":
        return "number the classes 0, 1, 2, ... (numpy.unique(y, return_inverse=True))"
    outputs = prediction.shape[1] if prediction.ndim == 2 else 1
    if signs(y):
        return "use labels 0 and 1: (y + 1) / 2"
    if isinstance(loss, OfClasses):
        if outputs == 1 and binary(y):
            return "for one output use BCEWithLogits(), or end the network with two outputs"
        if y.shape == prediction.shape and loss.probabilities and binary(y) and (y.sum(1) != 1).any():
            return "for several classes of one example, or none, use BCEWithLogits()"
        if y.shape == prediction.shape:
            return "give class indices instead of rows: y.argmax(1)"
        if y.dtype.kind == "f":
            return "give class indices as integers: y.astype(int); to predict real numbers, use MSE()"
        if y.min() == 1 and y.max() == outputs:
            return "count the classes from 0: y - 1"
        if y.min() >= 0 and y.max() >= outputs:
            return f"end the network with one output per class: {y.max() + 1} instead of {outputs}"
    elif y.shape == prediction.shape[:1] and y.dtype.kind in "iub":
        return "for several outputs and integer classes use CrossEntropy()"
    elif isinstance(loss, BCE) and binary(y):
        return "end the network with Sigmoid(), or use BCEWithLogits()"
    return "give labels in the form that the docstring of the loss describes"


def binary(y: Array) -> bool:
    return bool(np.isin(y, (0, 1)).all())


def signs(y: Array) -> bool:
    """Return whether the labels are -1 and 1."""
    return bool(np.isin(y, (-1, 1)).all() and (y == -1).any())
