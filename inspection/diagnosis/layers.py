"""Statistics of a batch inside a network, module by module: activations, and the gradients with respect to them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array
from ...datasets.checks import HINT, Inputs, examples, finite
from ...errors import ArgumentError
from ...losses.base import Loss
from ...modules import ELU, GELU, HardTanh, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Softsign, Tanh
from ...modules.core.base import Module
from ...modules.core.diagram import Node
from ...modules.core.rewinding import unchanged
from ...modules.core.values import Value, as_values

FLAT = 0.05                                                         # of the largest derivative
SQUASHING = {Sigmoid: 0.25, Tanh: 1.0, Softsign: 1.0, HardTanh: 1.0}    # flat on both sides; values: largest derivatives
RECTIFYING = dict.fromkeys((ReLU, LeakyReLU, ELU, GELU, SiLU, Softplus), 1.0)   # flat on one side only


@dataclass(frozen=True, eq=False)
class LayerStatistics:
    """One module of a network on one batch.

    Attributes
    ----------
    path : str
        Path of the module, as in ``named_modules`` (``"0"``, ``"1.inner"``).
    module : str
        Repr of the module.
    mean, std : float
        Mean and standard deviation of the output.
    saturated : float or None
        For Sigmoid, Tanh, Softsign and HardTanh: the share of outputs (one per unit and example) at which the derivative
        is less than 1/20 of its largest value. That is \\|y\\| > 0.975 for tanh, y outside [0.013, 0.987] for the
        sigmoid, \\|y\\| > 0.776 for softsign, \\|y\\| = 1 for hardtanh.
    dead : float or None
        For these and for ReLU, LeakyReLU, ELU, GELU, SiLU and Softplus: the share of units whose derivative is below 1/20
        of its largest value for all examples. A rectifier may be flat for half of the examples; a unit that is flat for
        all of them learns nothing. Both shares are NaN if an output is.
    gradient_mean, gradient_std : float or None
        Mean and standard deviation of the gradient of the cost with respect to the output; for a Linear this is the
        :math:`\\partial C/\\partial s` of Glorot & Bengio.
    activation, gradient : array or None
        The output, and the gradient with respect to it; None if ``arrays=False``. Tuples for a module with several outputs.
    reads : tuple of str
        Paths of the modules, and names of the inputs, that the module reads.
    is_output : bool
        Whether the output of the module is an output of the network.
    """

    path: str
    module: str
    mean: float
    std: float
    saturated: float | None = None
    dead: float | None = None
    gradient_mean: float | None = None
    gradient_std: float | None = None
    activation: Array | None = field(default=None, repr=False)
    gradient: Array | None = field(default=None, repr=False)
    reads: tuple[str, ...] = ()
    is_output: bool = False

    @property
    def kind(self) -> str:
        """Class name of the module."""
        return self.module.partition("(")[0]


def layer_statistics(net: Module, x: Inputs, loss: Loss | None = None, y: ArrayLike | None = None, *,
                     arrays: bool = True) -> list[LayerStatistics]:
    """Run the modules one by one on a batch, and describe the output of each and the gradient with respect to it.

    Parameters
    ----------
    net : Module
        A Sequential or a Graph, whose modules are described in the order in which data pass, with nested containers
        opened. Any other module is described as a whole.
    x : array_like of shape (batch, ...), or a tuple of them
    loss, y : Loss and array_like, optional
        If both are given, gradients are computed too. They are gradients of the cost as the loss reduces it: a mean divides
        them by the batch size.
    arrays : bool, default True
        Whether the records keep the arrays, for histograms.

    Returns
    -------
    list of LayerStatistics

    Notes
    -----
    The modules run in their current mode. Training mode shows the network as training sees it: BatchNorm normalizes the
    batch, whereas before training its running statistics, which evaluation mode uses, do not describe any data. Call
    ``net.eval()`` first for statistics without the noise of Dropout. In either mode the network is left as it was: modes,
    points, gradients, running statistics and random generators are restored.

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.digits()
    >>> net = rp.Sequential(rp.Linear(64, 100, rng=0), rp.Tanh(), rp.Linear(100, 10, rng=1))
    >>> for layer in layer_statistics(net, x[:300], rp.CrossEntropy(), y[:300]):
    ...     print(f"{layer.path} {layer.kind:6}  std {layer.std:.2f}  gradient's std {layer.gradient_std:.1e}")
    0 Linear  std 0.42  gradient's std 3.8e-04
    1 Tanh    std 0.36  gradient's std 4.3e-04
    2 Linear  std 0.51  gradient's std 1.0e-03
    """
    if (loss is None) != (y is None):
        raise ArgumentError(f"loss and y must be given together, got only {'y' if loss is None else 'loss'}")
    x = as_values(x, net.dtype, "x", net, net.arity)
    modules, outputs, shares = net.leaves(), [], []
    gradients: list[Array | None] = [None] * len(modules)

    def step(module: Module, read: Value) -> Value:
        outputs.append(module.forward(read))
        shares.append(flat_shares(module, outputs[-1]))
        return outputs[-1]

    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        with unchanged(net) as kept, kept:
            prediction = net.flow(x, step)
        if loss is not None and y is not None:
            with unchanged(net, loss) as kept, kept:                # the same masks again
                loss.forward(prediction, finite("y", examples("y", y), HINT))
                net.forward(x)
                net.backward(loss.backward())
                gradients = [module.gradient for _, module in modules]
        wiring = net.wiring()
        results = zip(wiring.nodes, outputs, shares, gradients, strict=True)
        return [record(node, a, share, g, arrays, node.path in wiring.outputs) for node, a, share, g in results]


def record(node: Node[Module], value: Value, shares: tuple[float | None, float | None], gradient: Value | None, arrays: bool,
           is_output: bool) -> LayerStatistics:
    (mean, std), (saturated, dead) = moments(value), shares
    gradient_mean, gradient_std = (None, None) if gradient is None else moments(gradient)
    return LayerStatistics(node.path, repr(node.module), mean, std, saturated, dead, gradient_mean, gradient_std,
                           value if arrays else None, gradient if arrays else None, node.sources, is_output)


def hidden_activations(layers: Sequence[LayerStatistics]) -> list[LayerStatistics]:
    """Return the records of the activation functions, except for one whose output is that of the network."""
    return [layer for layer in layers if layer.dead is not None and not layer.is_output]


def preactivations(layers: Sequence[LayerStatistics]) -> list[LayerStatistics]:
    """Return the records of the modules before the hidden activation functions: their outputs are the s in z = f(s)."""
    known = {layer.path: layer for layer in layers}
    return [known[layer.reads[0]] for layer in hidden_activations(layers) if layer.reads[0] in known]


def saturated_shares(layers: Sequence[LayerStatistics]) -> list[float]:
    """Return the share of saturated outputs of each hidden activation function; for a rectifier, that of dead units."""
    shares = [layer.dead if layer.saturated is None else layer.saturated for layer in hidden_activations(layers)]
    return [share for share in shares if share is not None]


def inactive_shares(net: Module, x: Inputs) -> list[float]:
    """Return ``saturated_shares(layer_statistics(net, x))``, and compute nothing else: for a look after each epoch."""
    with unchanged(net) as kept, kept:
        return seen(net, x)[0]


def seen(net: Module, x: Inputs, first: int | None = None) -> tuple[list[float], Value]:
    """Return the ``inactive_shares`` on the first examples, all by default, and the output for all; points change."""
    wiring = net.wiring()
    hidden = {id(node.module): squashing for node in wiring.nodes
              if (squashing := is_squashing(node.module)) is not None and node.path not in wiring.outputs}
    shares: list[float] = []

    def step(module: Module, read: Value) -> Value:
        y = module.forward(read)
        squashing = hidden.get(id(module))
        if squashing is not None:
            found = flat(module, y)
            shares.append(share(found if found is None else found[:first], squashing=squashing))
        return y

    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        output = net.flow(as_values(x, net.dtype, "x", net, net.arity), step)
    return shares, output


def flat_shares(module: Module, y: Array) -> tuple[float | None, float | None]:
    """Return the shares of saturated outputs and of dead units of an activation function, right after its forward."""
    squashing = is_squashing(module)
    if squashing is None:
        return None, None
    found = flat(module, y)
    return share(found, squashing=True) if squashing else None, share(found, squashing=False)


def is_squashing(module: Module) -> bool | None:
    """Return whether an activation function is flat on both sides, not only on one; None for another module."""
    return True if isinstance(module, tuple(SQUASHING)) else False if isinstance(module, tuple(RECTIFYING)) else None


def flat(module: Module, y: Array) -> Array | None:
    """Return where the derivative of an activation function is near 0, right after its forward; None if one is NaN."""
    largest = next(value for kind, value in (SQUASHING | RECTIFYING).items() if isinstance(module, kind))
    derivative = module.backward(np.ones_like(y))                   # since the Jacobian is diagonal
    if not derivative.size or math.isnan(derivative.min()):         # NaN if any element is
        return None
    return np.abs(derivative, derivative) < FLAT * largest


def share(flat: Array | None, *, squashing: bool) -> float:
    """Return the share of flat outputs (saturated) or of units that are flat for all examples (dead); NaN if not known."""
    if flat is None:
        return math.nan
    counted = flat if squashing else flat.all(0)
    return float(np.count_nonzero(counted)) / counted.size                 # their mean, a tenth of its time


def moments(value: Value) -> tuple[float, float]:
    a = value if isinstance(value, np.ndarray) else np.concatenate([array.ravel() for array in value])
    return float(a.mean(dtype=np.float64)), float(a.std(dtype=np.float64))
