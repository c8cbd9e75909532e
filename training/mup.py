"""μP (maximal update parametrization): starts and learning rates with which the best learning rate does not move with width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..arguments import Array, Seed, generator, in_a_line, positive_int, real
from ..errors import ArgumentError
from ..initializers.networks import Paths
from ..modules import BatchNorm, Conv2d, LayerNorm, Linear, Module
from ..modules.core.diagram import Node
from ..modules.core.parameter import Parameter
from ..printing import aligned
from ..restoring import at_once, filling
from ..underflow import unreported

Width = float | None                                                # over that of the base network; None: it does not grow


class WidthScale(NamedTuple):
    """What `mup` does with one parameter.

    ``kind`` is that of table 3: ``input``, ``hidden`` or ``output`` for a weight, by which of its two sizes grow with the
    width, and ``vector`` for a bias or a parameter of a normalization. ``start`` is the factor of the numbers that its own
    initializer draws; ``sgd`` and ``adam`` are the factors of the learning rate.
    """

    name: str
    parameter: Parameter
    kind: str
    start: float
    sgd: float
    adam: float


class WidthScales(list[WidthScale]):
    """The records of `mup`, one per parameter; printed as a table. `adam` and `sgd` give the groups for an optimizer."""

    def adam(self, lr: float) -> list[dict[str, Any]]:
        """Groups for Adam, and for other optimizers that divide the gradient by its size: AdamW, RMSprop, Adagrad.

        ``lr`` is the learning rate of the base network. Options of the optimizer that are not in the groups, such as
        ``betas``, are given to it as ever.
        """
        return self.groups(lr, [scale.adam for scale in self])

    def sgd(self, lr: float) -> list[dict[str, Any]]:
        """Groups for SGD, with momentum or without; see `adam`."""
        return self.groups(lr, [scale.sgd for scale in self])

    def groups(self, lr: float, factors: Sequence[float]) -> list[dict[str, Any]]:
        """One group for each factor, ``{"params": [...], "lr": lr * factor}``."""
        lr = real("lr", lr, 0)
        found: dict[float, list[Parameter]] = {}
        for scale, factor in zip(self, factors, strict=True):
            found.setdefault(factor, []).append(scale.parameter)
        return [{"params": parameters, "lr": lr * factor} for factor, parameters in found.items()]

    def __str__(self) -> str:
        rows = [["parameter", "shape", "kind", "start ×", "SGD's lr ×", "Adam's lr ×"]]
        rows += [[name, str(parameter.shape), kind, *(f"{factor:.4g}" for factor in factors)]
                 for name, parameter, kind, *factors in self]
        return aligned(rows, rows[0][3:])


@unreported
def mup(net: Module, base_width: int | Sequence[int], *, rng: Seed = None) -> WidthScales:
    r"""Start a network in μP, in which the best learning rate of a narrow network is that of a wide one too.

    Tune the learning rate on a network of ``base_width`` units; a wider one of the same depth can then be trained with it.

    Parameters
    ----------
    net : Module
        Of Linear and Conv2d layers, BatchNorm and LayerNorm, and modules without parameters; in a Sequential or Graph. The
        weights and biases of its layers are drawn anew, in place, by the layers' own ``weight_init`` and ``bias_init``.
        Frozen ones are not changed.
    base_width : int, or sequence of int
        Units (channels) of each hidden layer of the network whose learning rate is known; one number for all hidden layers,
        or one for each. At its own width a network is in its standard parametrization.
    rng : None, int or numpy.random.Generator
        Source of the weights and biases; each has a generator of its own.

    Returns
    -------
    WidthScales
        A list with a ``WidthScale`` (name, parameter, kind, start, sgd, adam) per parameter; ``print`` shows a table.
        ``.adam(lr)`` and ``.sgd(lr)`` give the parameter groups for an optimizer.

    Raises
    ------
    ArgumentError
        The network has a module with parameters that is not named above, or no hidden layer; a layer reads values that grow
        with the width beside values that do not; two layers share a parameter that μP scales in two ways; an initializer has
        no variance. Nothing is changed then.

    Notes
    -----
    Let m be the width over ``base_width``. Weights start with the variance that they have in the base network, times 1/m
    in hidden layers and 1/m² in the output layer, and learn at these multiples of the learning rate:

    ======================== ============================== ========== =======
    parameter                variance of the start          SGD        Adam
    ======================== ============================== ========== =======
    input weights, biases    as at the base width           m          1
    hidden weights           1/m of that at the base width  1          1/m
    output weights           1/m² of that at the base width 1/m        1/m
    ======================== ============================== ========== =======

    For layers of unequal growth, m_out/m_in stands for SGD's factor and 1/m_in for Adam's. In the standard parametrization
    with Adam all weights move by lr, in the same direction for all examples alike: a sum over the inputs of a hidden layer
    changes by m lr, and the best lr falls as the width grows. Schedules and `lr_range_test` keep the ratios between
    groups; ``optimizer.lr = 0.1`` would make them equal. AdamW decays each weight by its group's own learning rate.

    References
    ----------
    Yang, Hu et al. 2021, "Tensor Programs V: tuning large neural networks via zero-shot hyperparameter transfer", table 3.

    Examples
    --------
    >>> import retroprop as rp
    >>> net = rp.Sequential(rp.Linear(64, 512, weight_init=rp.HeNormal()), rp.ReLU(),
    ...                     rp.Linear(512, 512, weight_init=rp.HeNormal()), rp.ReLU(), rp.Linear(512, 10))
    >>> scales = rp.mup(net, base_width=32, rng=0)
    >>> print(scales)
    parameter  shape       kind    start ×  SGD's lr ×  Adam's lr ×
    ---------------------------------------------------------------
    0.weight   (512, 64)   input         1          16            1
    0.bias     (512,)      vector        1          16            1
    2.weight   (512, 512)  hidden        1           1       0.0625
    2.bias     (512,)      vector        1          16            1
    4.weight   (10, 512)   output   0.2203      0.0625       0.0625
    4.bias     (10,)       vector        1           1            1
    >>> adam = rp.Adam(scales.adam(lr=2**-6), betas=(0.9, 0.99))
    >>> [group["lr"] for group in adam.groups]
    [0.015625, 0.0009765625]
    """
    if not isinstance(net, Module):
        raise ArgumentError(f"mup: net must be a Module, got {in_a_line(net)}")
    scales, draws = found_scales(net, base_width)
    filled: list[tuple[Array, Array]] = []
    streams = generator(rng).spawn(len(draws))
    for (parameter, initializer, start), stream in zip(draws, streams, strict=True):
        if not parameter.frozen:
            drawn = initializer(parameter.shape, stream, "float64")
            filled.append((parameter.data, (drawn * start).astype(parameter.dtype)))
    at_once(filling(filled))
    return scales


def found_scales(net: Module, base_width: int | Sequence[int]) -> tuple[WidthScales, list[tuple[Parameter, Any, float]]]:
    """Return the records, and (parameter, initializer, factor) of all that are to be drawn, each parameter once."""
    wiring = net.wiring()
    paths, widths = Paths(wiring), dict[str, Width].fromkeys(wiring.inputs)
    hidden = [node.path for node in wiring.nodes if isinstance(node.module, (Linear, Conv2d))
              and not paths.is_last(id(node.module))]
    if not hidden:
        raise ArgumentError(f"mup: net must have a hidden layer, Linear or Conv2d, and an output layer, got {in_a_line(net)}")
    bases = dict(zip(hidden, base_widths(base_width, len(hidden)), strict=True))
    names = {id(parameter): name for name, parameter in net.named_parameters()}
    scales: dict[int, WidthScale] = {}
    draws: list[tuple[Parameter, Any, float]] = []
    for node in wiring.nodes:
        width = read(node, widths)
        found, widths[node.path] = of_module(node, width, bases)
        for parameter, initializer, kind, *factors in found:
            scale = WidthScale(names[id(parameter)], parameter, kind, *factors)
            if scales.setdefault(id(parameter), scale)[3:] != scale[3:]:
                raise ArgumentError(f"mup: {called(node)} must share no parameter that μP scales in another way elsewhere, got "
                                    f"{scale.name}")
            if initializer is not None and all(parameter is not other for other, *_ in draws):
                draws.append((parameter, initializer, scale.start))
    return WidthScales(scales[id(parameter)] for parameter in net.parameters()), draws


def base_widths(base_width: int | Sequence[int], count: int) -> list[int]:
    """Return the base width of each hidden layer."""
    if not isinstance(base_width, (list, tuple)):
        return [positive_int("base_width", base_width)] * count
    if len(base_width) != count:
        raise ArgumentError(f"base_width must be an integer, or one for each of the {count} hidden layers, got "
                            f"{in_a_line(base_width)}")
    return [positive_int(f"base_width[{k}]", each) for k, each in enumerate(base_width)]


def read(node: Node[Module], widths: dict[str, Width]) -> Width:
    """Return the width of what a module reads; ArgumentError if it reads values of several widths."""
    found = {widths[source] for source in node.sources}
    if len(found) > 1:
        raise ArgumentError(f"mup: {called(node)} must read values that all grow with the width alike, got the outputs of "
                            f"{' and '.join(node.sources)}")
    return found.pop()


def of_module(node: Node[Module], width: Width, bases: dict[str, int]) -> tuple[list[tuple[Any, ...]], Width]:
    """Return (parameter, initializer or None, kind, start, sgd, adam) of each parameter, and the width of the output."""
    module = node.module
    inner = 1.0 if width is None else width                         # m_in of table 3, in multiples of the base
    if isinstance(module, (Linear, Conv2d)):
        units, base = module.weight.shape[0], bases.get(node.path)
        outer = None if base is None else units / base
        ratio = 1.0 if outer is None else outer
        kind = "output" if outer is None else "input" if width is None else "hidden"
        at_base = (units if base is None else base, round(module.weight.shape[1] / inner), *module.weight.shape[2:])
        start = base_std(called(node), module, at_base) / (inner if outer is None else math.sqrt(inner))
        found: list[tuple[Any, ...]] = [(module.weight, module.weight_init, kind, start, ratio / inner, 1 / inner)]
        if module.bias is not None:
            found.append((module.bias, module.bias_init, "vector", 1.0, ratio, 1.0))
        return found, outer
    if isinstance(module, (BatchNorm, LayerNorm)):
        return [(parameter, None, "vector", 1.0, inner, 1.0) for parameter in module.parameters()], width
    if module.parameters():
        raise ArgumentError(f"mup: {called(node)} must be a Linear, a Conv2d, a BatchNorm, a LayerNorm or a module without "
                            "parameters, inside a Sequential or Graph: μP is not known for others")
    return [], width


def base_std(name: str, layer: Linear | Conv2d, at_base: tuple[int, ...]) -> float:
    """Return the standard deviation of a weight in the base network, over that which its initializer gives it now."""
    variance = getattr(layer.weight_init, "variance", None)
    if variance is None:
        raise ArgumentError(f"mup: weight_init of {name} must have a variance, as HeNormal() has, got {layer.weight_init!r}")
    now = variance(layer.weight.shape)
    return math.sqrt(variance(at_base) / now) if now else 1.0


def called(node: Node[Module]) -> str:
    return f"module {node.path or 'net'}, {node.module!r},"
