"""Whether labels, loss and the end of the network fit each other."""

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
    """One thing that is wrong.

    Attributes
    ----------
    what : str
        A sentence.
    where : str
        The modules (path and repr), parameters or arrays that it is about.
    remedy : str
    slides : str
        Of the lecture.
    """

    what: str
    where: str
    remedy: str
    slides: str

    def __str__(self) -> str:
        slides = "slides" if "-" in self.slides else "slide"
        paragraphs = f"{self.where}: {self.what}", f"Remedy: {self.remedy} ({slides} {self.slides})."
        return "\n   ".join(line for paragraph in paragraphs for line in textwrap.wrap(paragraph, 100))


def infer_loss(last: Module, prediction: Array, y: Array) -> tuple[Loss, str]:
    """The loss that the end of the network and the labels suggest, and why."""
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
    """What does not fit, and whether the loss can be computed nevertheless."""
    try:
        with unchanged(loss):
            loss.forward(prediction, y)
    except RetropropError as error:
        said = str(error).removeprefix(f"{loss!r}: ")
        return [Finding(f"the labels do not fit {loss!r}: {said}.", "y", cure(loss, prediction, y), "35, 44-48")], False
    ends, name = f"{last!r} and {loss!r}", type(last).__name__
    if any(isinstance(loss, kind) and isinstance(last, end) for kind, end in CONTAINED.items()):
        return [Finding(f"the loss contains the {name} with which the network ends: twice, it flattens the cost.",
                        ends, f"leave out the last {name}", "44-48")], True
    if isinstance(loss, NLL) and not np.allclose(np.logaddexp.reduce(prediction, 1), 0, atol=1e-3):
        return [Finding("the outputs are not the log-probabilities that NLL needs: the cost has no lower bound.",
                        ends, "end the network with LogSoftmax(), or use CrossEntropy()", "44-48")], True
    return [], True


def cure(loss: Loss, prediction: Array, y: Array) -> str:
    """What to do about labels that a loss refuses."""
    if y.dtype.kind not in "fiub":
        return "number the classes 0, 1, 2, ... (numpy.unique(y, return_inverse=True))"
    outputs = prediction.shape[1] if prediction.ndim == 2 else 1
    if signs(y):
        return "let the labels be 0 and 1: (y + 1) / 2"
    if isinstance(loss, OfClasses):
        if outputs == 1 and binary(y):
            return "for one output use BCEWithLogits(), or end the network with two"
        if y.shape == prediction.shape:
            return "give the classes instead of rows: y.argmax(1)"
        if y.dtype.kind == "f":
            return "give the classes as integers: y.astype(int); to predict real numbers, use MSE()"
        if y.min() == 1 and y.max() == outputs:
            return "count the classes from 0: y - 1"
        if y.min() >= 0 and y.max() >= outputs:
            return f"end the network with one output for each class: {y.max() + 1} instead of {outputs}"
    elif y.shape == prediction.shape[:1] and y.dtype.kind in "iub":
        return "for several outputs and integer classes use CrossEntropy()"
    elif isinstance(loss, BCE) and binary(y):
        return "end the network with Sigmoid(), or use BCEWithLogits()"
    return "give the labels as the loss's docstring says"


def binary(y: Array) -> bool:
    return bool(np.isin(y, (0, 1)).all())


def signs(y: Array) -> bool:
    """Whether the labels are -1 and 1."""
    return bool(np.isin(y, (-1, 1)).all() and (y == -1).any())
