"""A sanity check of saliency: a map that stays as it is when the net's parameters are lost does not show what it learned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, Seed, generator
from ...errors import ArgumentError, ShapeError
from ...initializers import Initializer
from ...modules import BatchNorm, LayerNorm, Module, Parameter
from ...printing import aligned
from .class_scores import ClassScores
from .gradients import gradient
from .images import as_images

Method = Callable[..., ArrayLike]                                   # (net, x, classes) -> maps of the shape of x


@dataclass(frozen=True, eq=False)
class Randomization:
    """Maps of a net that loses its parameters layer by layer; prints as a table.

    Attributes
    ----------
    x : array of shape (examples, ...)
    classes : int array of shape (examples,)
        Whose scores are explained, at all stages.
    layers : tuple of (str, str)
        Path and repr of the module that is drawn anew at each stage; all those before it stay as they were drawn.
    maps : array of shape (stages + 1, examples, ...)
        Images, magnitudes without channels: first those of the net as it is, then those of each stage.
    correlations : array of shape (stages, examples)
        Spearman's rank correlation of each image with the first of the same example.
    """

    x: Array
    classes: Array
    layers: tuple[tuple[str, str], ...]
    maps: Array
    correlations: Array

    def __str__(self) -> str:
        rows = [("drawn anew, down to", "", "rank correlation", "std")]
        rows += [(path, module, f"{own.mean():.2f}", f"{own.std():.2f}")
                 for (path, module), own in zip(self.layers, self.correlations, strict=True)]
        return f"{len(self.x)} examples\n{aligned(rows, rows[0][2:])}"


def randomization(net: Module, x: ArrayLike, classes: ArrayLike | None = None, *, method: Method = gradient,
                  rng: Seed = None) -> Randomization:
    """Draw the layers of a net anew, from the top down, and compare the maps at each stage with the original ones.

    Parameters
    ----------
    net : Module
        Left as it is: a copy is drawn anew.
    x, classes
        As for ``gradient``; the predicted classes are those of the net as it is.
    method : callable, default gradient
        ``method(net, x, classes)`` returns maps of the shape of x: a function of this package, or of yours. For options,
        ``functools.partial(smooth_grad, rng=0)``; an int draws the same noise at each stage.
    rng : None, int or numpy.random.Generator
        Where the parameters are drawn from.

    Returns
    -------
    Randomization
        Drawn by ``rp.plots.randomization``.

    Notes
    -----
    A stage is a module with parameters of its own, the one nearest to the output first. It is put to where it could have
    started: a parameter is drawn from the initializer that the module keeps for it (``weight_init``, ``bias_init``);
    BatchNorm and LayerNorm start at 1 and 0, with new running statistics; what says nothing of its start has its numbers
    shuffled. After the last stage the net has learned nothing.

    Ranks are compared, of magnitudes: the scale of a map means nothing, and a sign is not seen in an image. Two maps
    correlate as images of one thing also where both merely follow the input, as those do that are multiplied by it:
    the numbers that are 0 in the input stay the least salient ones. A map without differences correlates with nothing: 0.

    References
    ----------
    Adebayo, Gilmer, Muelly, Goodfellow, Hardt & Kim 2018, "Sanity checks for saliency maps", section 3.1.

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.digits()
    >>> net = rp.Sequential(rp.Linear(64, 20, rng=0), rp.ReLU(), rp.Linear(20, 10, rng=1), rp.Softmax())
    >>> found = rp.saliency.randomization(net, x[:50], rng=2)
    >>> found.layers, found.maps.shape, found.correlations.shape
    ((('2', 'Linear(20, 10)'), ('0', 'Linear(64, 20)')), (3, 50, 64), (2, 50))
    """
    score = ClassScores(net, x, classes)
    rng = generator(rng).spawn(1)[0]                                # not the stream that a layer with this seed was drawn from
    drawn, layers = deepcopy(net).eval(), []
    maps = [mapped(method, drawn, score)]
    for path, module in from_the_top(drawn):
        draw(module, rng)
        layers.append((path, repr(module)))
        maps.append(mapped(method, drawn, score))
    if not layers:
        raise ArgumentError(f"net must have at least one module with parameters, got {net!r}")
    return Randomization(score.x, score.classes, tuple(layers), np.stack(maps), rank_correlations(maps[0], maps[1:]))


def mapped(method: Method, net: Module, score: ClassScores) -> Array:
    maps = np.asarray(method(net, score.x, score.classes))
    if maps.shape != score.x.shape:
        raise ShapeError(f"method must return maps of the shape of x, {score.x.shape}, got {maps.shape}")
    return as_images(maps)


def from_the_top(net: Module) -> Iterator[tuple[str, Module]]:
    """Modules with parameters of their own, against the order of the data; not those whose parameters all came before."""
    seen = set[Parameter]()
    for path, leaf in reversed(net.leaves()):
        for inner, module in reversed(leaf.named_modules(path)):
            own = set(module.own_parameters().values())
            if own - seen:
                yield inner, module
            seen |= own


def draw(module: Module, rng: np.random.Generator) -> None:
    """Put a module to where it could have started."""
    for kind in (BatchNorm, LayerNorm):
        if isinstance(module, kind):
            module.load_state_dict(kind(module.features).state_dict(), strict=False)
            return
    for name, parameter in module.own_parameters().items():
        init: Any = getattr(module, f"{name}_init", None)
        if isinstance(init, Initializer):
            parameter.data = init(parameter.shape, rng, parameter.dtype)
        else:
            parameter.data = rng.permutation(parameter.data.ravel()).reshape(parameter.shape)


def rank_correlations(first: Array, others: list[Array]) -> Array:
    """Spearman's, of each image with that of the same example in ``first``: Pearson's, of the ranks."""
    from scipy.stats import rankdata

    ranks = [rankdata(images.reshape(len(first), -1), axis=1) for images in (first, *others)]
    centred = np.stack(ranks) - (first[0].size + 1) / 2             # the mean rank, also where some are equal
    norms = np.sqrt((centred**2).sum(-1))
    products, scale = (centred[1:] * centred[0]).sum(-1), norms[1:] * norms[0]
    return np.divide(products, scale, out=np.zeros_like(products), where=scale > 0)
