"""``diagnose``: a report, in sentences, of what is wrong with a network on a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array
from ...datasets.checks import pair
from ...datasets.scaling import described_scale, in_digits
from ...errors import ArgumentError
from ...losses import Loss
from ...modules.containers.wiring import leading_to
from ...modules.core.base import Module
from ...printing import html_table
from ...training.inputs.labels import OF_CLASSES, as_codes
from .labels import Finding, infer_loss, label_findings
from .layers import RECTIFYING, LayerStatistics, hidden_activations, layer_statistics, preactivations

# The thresholds come from nets of 5x100 units on digits. Good initializations (Glorot, He) have at most 4 % saturated
# outputs, 17 % dead units (45 % in 20 layers of ReLU), and gradients at the first and the last hidden layer that differ by
# less than a factor of 4 (8 after training). N(0, 1) has 40 to 80 % saturated outputs and a factor of 40; N(0, 0.01²) has a
# factor of 10^-4.
SATURATED = 0.25                                                    # share of the outputs of an activation function
DEAD = 0.5                                                          # share of the units of an activation function
VANISHING, EXPLODING = 0.05, 20                                     # gradient at the first hidden layer / at the last
SMALL_INPUT, LARGE_INPUT = 0.05, 5                                  # root mean square; initializers assume 1
UNEVEN_INPUT = 100                                                  # root mean square of a feature / of the median one
NOTHING = "Nothing found that would keep this network from learning."


@dataclass(frozen=True, repr=False)
class Diagnosis(Sequence[Finding]):
    """A sequence of findings: empty, and therefore false, if nothing is wrong. Prints as sentences.

    Attributes
    ----------
    findings : tuple of Finding
    loss : Loss
        The loss that was used.
    why : str
        Why this loss was chosen, if none was given.
    """

    findings: tuple[Finding, ...]
    loss: Loss
    why: str = ""

    def __len__(self) -> int:
        return len(self.findings)

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Finding, ...]: ...
    def __getitem__(self, index: Any) -> Any:
        return self.findings[index]

    def __str__(self) -> str:
        lines = [f"{k}. {finding}" for k, finding in enumerate(self.findings, 1)]
        return "\n".join([self._heading(), *(lines or [NOTHING])])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = [["#", "where", "what", "remedy", "slides"], *(
            [str(k), each.where, each.what, each.remedy, each.slides] for k, each in enumerate(self.findings, 1))]
        return html_table(rows, ("#",), above=self._heading(), below="" if self.findings else NOTHING)

    def _heading(self) -> str:
        return f"With {self.loss!r}, assumed because {self.why}:" if self.why else f"With {self.loss!r}:"


def diagnose(net: Module, x: ArrayLike, y: ArrayLike, loss: Loss | None = None) -> Diagnosis:
    """Report what would keep a network from learning a batch, with remedies and the slides of the lecture.

    The report covers values that are not finite, inputs of an unsuitable scale, labels that do not fit the loss, equal initial
    weights, saturated or dead units, and vanishing or exploding gradients.

    Parameters
    ----------
    net : Module
        Runs in its current mode, and is left as it was (see ``layer_statistics``).
    x, y : array_like of equal length
        A few hundred examples, and their labels in the form that the loss takes; text and categories are numbered as by
        ``fit``, unless the loss is none of classes.
    loss : Loss, optional
        By default BCE if the network ends with Sigmoid, NLL if it ends with LogSoftmax, BCEWithLogits for one output and
        labels 0 and 1, CrossEntropy for other integer labels, else MSE. The report names it.

    Returns
    -------
    Diagnosis
        A sequence of findings with ``.what``, ``.where``, ``.remedy`` and ``.slides``; prints as sentences.

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.digits()
    >>> net = rp.Sequential(rp.Linear(64, 100, weight_init=rp.Normal(std=1), rng=0), rp.Tanh(),
    ...                     rp.Linear(100, 10, rng=1))
    >>> print(rp.diagnose(net, x[:300], y[:300]))
    With CrossEntropy(), assumed because the labels are integers:
    1. Tanh 1: 58 % of the outputs are saturated: the derivative there is less than 1/20 of its largest
       value, so that hardly any gradient passes.
       Remedy: initialize smaller weights with GlorotUniform(), or put BatchNorm before the activation
       (slides 75-77).
    """
    layers = layer_statistics(net, x) if net.arity == 1 else []
    if sum(layer.is_output for layer in layers) != 1 or isinstance(layers[-1].activation, tuple):
        raise ArgumentError(f"diagnose: net must have one input and one output, got {net!r}")
    if loss is None or isinstance(loss, OF_CLASSES):
        y = as_codes(y, net.class_labels)
    x, y = pair(x, y)
    prediction = np.asarray(layers[-1].activation)
    loss, why = (loss, "") if loss is not None else infer_loss(net.leaves()[-1][1], prediction, y)
    findings = not_finite(net, x, y, layers)
    if findings:                                                    # all other statistics would be NaN
        return Diagnosis(tuple(findings), loss, why)
    findings += [] if any(net.holds_integers(x)) else input_scale(x)
    labels, fits = label_findings(net.leaves()[-1][1], loss, prediction, y)
    findings += labels
    if fits:
        layers = layer_statistics(net, x, loss, y)
    findings += [*equal_weights(net, layers), *flat_units(layers, net)]
    if fits:
        findings += gradients(layers, net)
    return Diagnosis(tuple(findings), loss, why)


def not_finite(net: Module, x: Array, y: Array, layers: list[LayerStatistics]) -> list[Finding]:
    """Return a finding on the first place with NaN or infinity."""
    for name, array in (("x", x), ("y", y)):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            count = array.size - np.count_nonzero(np.isfinite(array))
            return [Finding(f"{count} of the {array.size} values are NaN or infinite.", name,
                            "clean the data: remove or replace these values", "42")]
    for name, parameter in net.named_parameters():
        if not np.isfinite(parameter.data).all():
            return [Finding("the values are not finite: training has diverged.", name,
                            "train again from smaller weights or with a smaller learning rate", "75-76")]
    for layer in layers:
        if not np.isfinite([layer.mean, layer.std]).all():
            return [*input_scale(x), Finding("the outputs overflow, although input and parameters are finite.", places([layer]),
                                             f"initialize smaller weights with {initializer(net)}", "75-76")]
    return []


def input_scale(x: Array) -> Iterator[Finding]:
    """Yield findings on inputs far from the scale that initializers and learning rates assume."""
    rows = x.reshape(len(x), -1).astype(np.float64)
    sizes = np.sqrt((rows ** 2).mean(0))
    size = np.sqrt((sizes ** 2).mean())
    remedy = "subtract the mean of each feature and divide by its standard deviation, as datasets.standardize does"
    if size > LARGE_INPUT or size < SMALL_INPUT:
        effect = "saturates or explodes" if size > 1 else "hardly learns"
        yield Finding(f"the inputs have a root mean square of {in_digits(size)}, but initializers assume about 1, so that the "
                      f"first layer {effect}: {described_scale(x)}.", "x", remedy, "76")
    elif sizes.max() > UNEVEN_INPUT * (median := np.median(sizes[sizes > 0])):
        yield Finding(f"feature {sizes.argmax()} is {sizes.max() / median:.0f} times as large as the median feature, "
                      "and dominates the others.", "x", remedy, "76")


def equal_weights(net: Module, layers: list[LayerStatistics]) -> Iterator[Finding]:
    """Yield findings on hidden units with equal weights and gradients, and on layers with equal weights."""
    weighted = [(layer, module) for layer, (_, module) in zip(layers, net.leaves(), strict=True) if weights(module)]
    twins = [layer for layer, module in weighted[:-1] if units_are_twins(module, layer.gradient)]
    if twins:
        yield Finding("all units have the same weights and get the same gradient: they stay equal, and the layer "
                      "computes no more than one unit.", places(twins), "draw the weights at random, as Linear does", "76")
    drawn = [(layer, data) for layer, module in weighted for data in weights(module) if np.ptp(data) > 0]
    for (a, first), (b, second) in combinations(drawn, 2):
        if first is not second and np.array_equal(first, second):
            yield Finding("both have the same weights.", places([a, b]), "give each layer an rng of its own", "76")


def weights(module: Module) -> list[Array]:
    """Return the module's own parameters that have at least two axes."""
    return [parameter.data for parameter in module.own_parameters().values() if parameter.data.ndim > 1]


def units_are_twins(module: Module, gradient: Array | None) -> bool:
    """Return whether all units have equal parameters and, up to rounding, equal gradients for every example."""
    parameters = [parameter.data for parameter in module.own_parameters().values()]
    if len(parameters[0]) < 2 or any((data != data[:1]).any() for data in parameters):
        return False
    if gradient is None:
        return True
    units = np.moveaxis(gradient, 1 if parameters[0].ndim > 2 else -1, 0)
    return bool(np.allclose(units, units[:1], rtol=1e-4, atol=1e-5 * np.abs(units).max()))


def flat_units(layers: list[LayerStatistics], net: Module) -> Iterator[Finding]:
    """Yield findings on saturated outputs and dead units."""
    hidden = hidden_activations(layers)
    saturated = [layer for layer in hidden if (layer.saturated or 0) > SATURATED]
    dead = [layer for layer in hidden if (layer.dead or 0) > DEAD and layer not in saturated]
    if saturated:
        share = percent([layer.saturated or 0 for layer in saturated])
        yield Finding(f"{share} of the outputs are saturated: the derivative there is less than 1/20 of its largest "
                      "value, so that hardly any gradient passes.", places(saturated),
                      f"initialize smaller weights with {initializer(net)}, or put BatchNorm before the activation", "75-77")
    if dead:
        share = percent([layer.dead or 0 for layer in dead])
        yield Finding(f"{share} of the units are dead: their derivative is almost 0 for every example, so that no "
                      "gradient passes.", places(dead),
                      "initialize with HeNormal() and biases of 0, lower the learning rate, or use LeakyReLU", "75-76")


def gradients(layers: list[LayerStatistics], net: Module) -> Iterator[Finding]:
    """Yield findings on gradients whose size differs between the first and the last hidden layer."""
    hidden, broken = before_the_last(layers), [layer for layer in layers if not np.isfinite(size(layer))]
    if broken:
        yield Finding("the gradient overflows.", places(broken[-1:]),
                      f"initialize smaller weights with {initializer(net)}", "75-76")
        return
    if not hidden or size(layers[-1]) == 0:                         # nothing to learn
        return
    remedy = f"initialize with {initializer(net)}, or add BatchNorm"
    if any(layer.kind == "Sigmoid" for layer in hidden_activations(layers)):
        remedy = "replace Sigmoid, whose derivative is at most 1/4, by Tanh or ReLU, or add BatchNorm"
    first, last = hidden[0], hidden[-1]
    lost = [layer for layer in hidden if size(layer) == 0]
    if lost:
        yield Finding("no gradient arrives: it is 0 for every example.", places(lost), remedy, "75-77")
    elif not VANISHING <= size(first) / size(last) <= EXPLODING:
        verb = "vanishes" if size(first) < size(last) else "explodes"
        yield Finding(f"the gradient {verb} from layer to layer: at the first hidden layer it is "
                      f"{size(first) / size(last):.2g} times as large as at the last.",
                      f"{places([first])} and {places([last])}", remedy, "75-77")


def before_the_last(layers: list[LayerStatistics]) -> list[LayerStatistics]:
    """Return the last preactivation, and those from which a path leads to it."""
    hidden = preactivations(layers)
    before = leading_to([layer.path for layer in hidden[-1:]], {layer.path: layer.reads for layer in layers})
    return [layer for layer in hidden if layer.path in before]


def size(layer: LayerStatistics) -> float:
    """Return the root mean square of the gradient."""
    return float(np.hypot(layer.gradient_mean or 0, layer.gradient_std or 0))


def initializer(net: Module) -> str:
    """Return the initializer that suits the activation functions of a network."""
    rectifiers = any(isinstance(module, tuple(RECTIFYING)) for _, module in net.leaves())
    return "HeNormal()" if rectifiers else "GlorotUniform()"


def percent(shares: list[float]) -> str:
    low, high = (f"{100 * share:.0f}" for share in (min(shares), max(shares)))
    return f"{low} %" if low == high else f"{low} to {high} %"


def places(layers: list[LayerStatistics]) -> str:
    """Return the layers as text, such as ``Linear 0, 2, Conv2d 4``."""
    kinds = {layer.kind: [other.path for other in layers if other.kind == layer.kind] for layer in layers}
    return ", ".join(f"{kind} {', '.join(paths)}".strip() for kind, paths in kinds.items())
