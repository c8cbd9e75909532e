"""A sanity check of saliency: a map that does not change when parameters are randomized does not show what a net learned."""

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

Method = Callable[..., ArrayLike]                                   # takes (net, x, classes), returns maps of the shape of x


@dataclass(frozen=True, eq=False)
class Randomization:
    """Maps of a net whose parameters are randomized layer by layer; prints as a table.

    Attributes
    ----------
    x : array of shape (examples, ...)
    classes : int array of shape (examples,)
        The classes whose scores are explained, the same at all stages.
    layers : tuple of (str, str)
        Path and repr of the module that is randomized at each stage; modules of earlier stages stay randomized.
    maps : array of shape (stages + 1, examples, ...)
        Images of magnitudes, without channels: first those of the original net, then those of each stage.
    correlations : array of shape (stages, examples)
        Spearman's rank correlation of each image with that of the original net for the same example.
    """

    x: Array
    classes: Array
    layers: tuple[tuple[str, str], ...]
    maps: Array
    correlations: Array

    def __str__(self) -> str:
        rows = [("randomized down to", "", "rank correlation", "std")]
        rows += [(path, module, f"{own.mean():.2f}", f"{own.std():.2f}")
                 for (path, module), own in zip(self.layers, self.correlations, strict=True)]
        return f"{len(self.x)} examples\n{aligned(rows, rows[0][2:])}"


def randomization(net: Module, x: ArrayLike, classes: ArrayLike | None = None, *, method: Method = gradient,
                  rng: Seed = None) -> Randomization:
    """Randomize the layers of a net, from the output to the input, and compare the maps at each stage with the original ones.

    Parameters
    ----------
    net : Module
        Left as it is: a copy is randomized.
    x, classes
        As for ``gradient``; the predicted classes are those of the original net.
    method : callable, default gradient
        ``method(net, x, classes)`` returns maps of the shape of x. For options, ``functools.partial(smooth_grad, rng=0)``; an
        int draws the same noise at each stage.
    rng : None, int or numpy.random.Generator
        Source of the new parameters.

    Returns
    -------
    Randomization
        ``rp.plots.randomization`` draws it.

    Notes
    -----
    Each stage randomizes one module with parameters of its own, beginning with the one nearest to the output. Parameters are
    initialized again, by the initializer that the module keeps for them (``weight_init``, ``bias_init``). BatchNorm and
    LayerNorm get weights of 1, biases of 0 and new running statistics. Parameters without a known initializer are shuffled.
    After the last stage the net has learned nothing.

    The correlation is one of ranks, since the scale of a map has no meaning, and of magnitudes, since an image shows no signs.
    Maps that are multiplied by the input correlate in any case: numbers that are 0 in the input have the least saliency in
    both. The correlation with a constant map is 0.

    References
    ----------
    Adebayo, Gilmer, Muelly, Goodfellow, Hardt & Kim 2018, "Sanity checks for saliency maps", section 3.1.

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.digits()
    >>> net = rp.Sequential(rp.Linear(64, 20, rng=0), rp.ReLU(), rp.Linear(20, 10, rng=1), rp.Softmax())
    >>> result = rp.saliency.randomization(net, x[:50], rng=2)
    >>> result.layers, result.maps.shape, result.correlations.shape
    ((('2', 'Linear(20, 10)'), ('0', 'Linear(64, 20)')), (3, 50, 64), (2, 50))
    """
    score = ClassScores(net, x, classes)
    rng = generator(rng).spawn(1)[0]                                # not the stream that a layer with this seed was drawn from
    randomized, layers = deepcopy(net).eval(), []
    maps = [images_of(method, randomized, score)]
    for path, module in from_the_output(randomized):
        initialize(module, rng)
        layers.append((path, repr(module)))
        maps.append(images_of(method, randomized, score))
    if not layers:
        raise ArgumentError(f"net must have at least one module with parameters, got {net!r}")
    return Randomization(score.x, score.classes, tuple(layers), np.stack(maps), rank_correlations(maps[0], maps[1:]))


def images_of(method: Method, net: Module, score: ClassScores) -> Array:
    maps = np.asarray(method(net, score.x, score.classes))
    if maps.shape != score.x.shape:
        raise ShapeError(f"method must return maps of the shape of x, {score.x.shape}, got {maps.shape}")
    return as_images(maps)


def from_the_output(net: Module) -> Iterator[tuple[str, Module]]:
    """Yield modules with parameters of their own, from output to input; not those whose parameters were all yielded before."""
    seen = set[Parameter]()
    for path, leaf in reversed(net.leaves()):
        for inner, module in reversed(leaf.named_modules(path)):
            own = set(module.own_parameters().values())
            if own - seen:
                yield inner, module
            seen |= own


def initialize(module: Module, rng: np.random.Generator) -> None:
    """Initialize the parameters of a module again."""
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
    """Return Spearman's correlation (Pearson's, of ranks) of each image with that of the same example in ``first``."""
    from scipy.stats import rankdata

    ranks = [rankdata(images.reshape(len(first), -1), axis=1) for images in (first, *others)]
    centred = np.stack(ranks) - (first[0].size + 1) / 2             # the mean rank, also with ties
    norms = np.sqrt((centred**2).sum(-1))
    products, scale = (centred[1:] * centred[0]).sum(-1), norms[1:] * norms[0]
    return np.divide(products, scale, out=np.zeros_like(products), where=scale > 0)
