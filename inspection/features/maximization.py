"""Activation maximization: the image that a class, a layer, a channel or a unit answers to most (lecture, slides 73-74)."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, Seed, as_floating, generator, positive_int, real, sizes
from ...datasets.checks import finite
from ...errors import ArgumentError, NonFiniteError, ShapeError
from ...modules import Module
from ...printing import aligned
from .images import Bounds, as_bounds, blurred, drawn_shift, shifted, shifted_back, total_variation
from .targets import Targets, Unit, as_channels, chosen, output_size, part_of


@dataclass(frozen=True)
class Maximization:
    """Images, and how the objective of each grew; prints as a table.

    Attributes
    ----------
    images : array, (n, *shape)
        One for each target.
    targets : tuple of str
        ``"class 3"``, ``"channel 0"``, ``"unit (0, 2, 1)"``, or ``"mean"``, of a whole layer.
    activations : array, (n,)
        Of the targets, by the images.
    objectives : array, (steps + 1, n)
        Activation less penalties, before each step and after the last. While steps are jittered: by what the network saw.
    """

    images: Array
    targets: tuple[str, ...]
    activations: Array
    objectives: Array

    def __str__(self) -> str:
        norms = np.linalg.norm(self.images.reshape(len(self.images), -1), axis=1)
        rows = [("target", "activation", "objective at start", "at end", "norm of image")]
        rows += [(name, f"{a:.4g}", f"{start:.4g}", f"{end:.4g}", f"{norm:.4g}") for name, a, start, end, norm
                 in zip(self.targets, self.activations, self.objectives[0], self.objectives[-1], norms, strict=True)]
        return aligned(rows)


@dataclass(frozen=True)
class Ascent:
    """How the images climb: the arguments of ``activation_maximization``, checked."""

    steps: int
    lr: float
    l2: float
    total_variation: float
    jitter: int
    blur: float
    blur_every: int
    norm: float | None
    bounds: Bounds | None

    def penalties(self, x: Array) -> tuple[Array, Array]:
        """What is taken off the objective of each image, and its gradient."""
        values = self.l2 * (x * x).sum(tuple(range(1, x.ndim)))
        gradient = 2 * self.l2 * x
        if self.total_variation:
            variation, slope = total_variation(x)
            values += self.total_variation * variation
            gradient += self.total_variation * slope
        return values, gradient

    def constrained(self, x: Array) -> Array:
        """On the sphere, or within the bounds."""
        if self.norm is not None:
            return x * (self.norm / norms(x))
        return x if self.bounds is None else np.clip(x, *self.bounds)

    def climb(self, part: Module, targets: Targets, x: Array, rng: np.random.Generator) -> Maximization:
        x, objectives = self.constrained(x), []
        for step in range(1, self.steps + 1):
            shift = drawn_shift(rng, self.jitter)
            activations = targets.of(part.forward(shifted(x, shift)))
            penalties, slope = self.penalties(x)
            objectives.append(activations - penalties)
            gradient = part.backward(targets.weights)
            if step == 1:
                warn_of_silence(targets, gradient)
            x = x + self.lr * (shifted_back(gradient, shift) - slope)
            if self.blur and step % self.blur_every == 0:
                x = blurred(x, self.blur)
            x = self.constrained(x)
            if not np.isfinite(x).all():
                raise NonFiniteError(f"the images are no longer finite after step {step}: lr, {self.lr:g}, is too large")
        activations = targets.of(part.forward(x))
        objectives.append(activations - self.penalties(x)[0])
        return Maximization(x, targets.names, activations, np.stack(objectives))


def activation_maximization(net: Module, layer: str | None = None, channel: int | Iterable[int] | None = None,
                            unit: Unit | Iterable[Unit] | None = None, *, shape: Sequence[int], steps: int = 200,
                            lr: float = 0.05, l2: float = 0.0, total_variation: float = 0.0, jitter: int = 0,
                            blur: float = 0.0, blur_every: int = 10, norm: float | None = None,
                            bounds: Sequence[float] | None = None, start: ArrayLike | None = None,
                            rng: Seed = None) -> Maximization:
    r"""Look for the image at which an activation is largest, by gradient ascent on the pixels.

    Parameters
    ----------
    net : Module
        Left as it is: a copy runs, in evaluation mode.
    layer : str, default None
        Path of a module, as in ``features.layers(net)``; the modules after it are left out. None: the scores of the
        classes, before a closing Softmax, LogSoftmax or Sigmoid.
    channel : int or sequence of int, optional
        Index of the first axis of the layer's output: a map, whose mean activation counts, or a unit of a Linear.
    unit : tuple of int or sequence of tuples, optional
        Index of one activation in the layer's output. Without channel and unit the mean of the layer counts.
    shape : tuple of int
        Of one image, as the network takes it: (64,), (1, 8, 8).
    steps : int, default 200
    lr : float > 0, default 0.05
        Step of the ascent: x ← x + lr·gradient.
    l2, total_variation : float, default 0
        Weights of the penalties :math:`\|x\|^2` and total variation, the sum of the differences between neighbours.
    jitter : int, default 0
        Before each step the images move by up to so many pixels in each direction, and back after it.
    blur, blur_every : float and int, default 0 and 10
        Width in pixels of a Gaussian that smooths the images after so many steps each.
    norm : float > 0, optional
        Keep :math:`\|x\|` at this value, as Erhan et al. do.
    bounds : (low, high), optional
        Keep the pixels within; not with ``norm``.
    start : array_like, (*shape) or (n, *shape), optional
        Zeros by default, and with ``norm`` normal random numbers.
    rng : None, int or numpy.random.Generator
        For jitter and a random start.

    Returns
    -------
    Maximization
        One image for each channel or unit: all climb at once, as a batch.

    Raises
    ------
    NonFiniteError
        The ascent diverged.

    Notes
    -----
    Nothing is learned: ``backward`` gives the gradient of the activation with respect to the pixels, ``update`` is not
    called. Jitter, blur and total variation take the last two axes as height and width. A ReLU that is silent at the start
    gives no gradient: look at the layer before it, or start elsewhere.

    References
    ----------
    Erhan, Bengio, Courville & Vincent 2009, "Visualizing higher-layer features of a deep network".

    Examples
    --------
    The image of a given norm that a linear unit answers to most is its row of weights:

    >>> import numpy as np, retroprop as rp
    >>> net = rp.Sequential(rp.Linear(4, 3, rng=0), rp.Tanh(), rp.Linear(3, 2, rng=1))
    >>> found = activation_maximization(net, "0", channel=[0, 2], shape=(4,), norm=1.0, rng=0)
    >>> w = net[0].weight.data[[0, 2]]
    >>> bool(np.allclose(found.images, w / np.linalg.norm(w, axis=1, keepdims=True), atol=1e-2)), found.targets
    (True, ('channel 0', 'channel 2'))
    """
    shape = sizes(shape)
    part = part_of("activation_maximization", net, layer)
    targets = chosen(output_size("activation_maximization", part, shape), channel, unit, part.dtype or "float32")
    ascent = Ascent(positive_int("steps", steps), real("lr", lr, 0, above=True), real("l2", l2, 0),
                    real("total_variation", total_variation, 0), positive_int("jitter", jitter, 0), real("blur", blur, 0),
                    positive_int("blur_every", blur_every), None if norm is None else real("norm", norm, 0, above=True),
                    None if bounds is None else as_bounds(bounds))
    check_together(ascent, shape)
    rng = generator(rng)
    x = started(start, (len(targets.names), *shape), targets.weights.dtype, norm is not None, rng)
    with np.errstate(over="ignore", invalid="ignore"):
        return ascent.climb(part, targets, x, rng)


def class_model(net: Module, classes: int | Iterable[int] | None = None, *, shape: Sequence[int], l2: float = 0.5,
                **options: Any) -> Maximization:
    r"""An image of what a classifier takes a class for: :math:`\arg\max_x S_c(x) - \lambda \|x\|^2`, from the zero image.

    Parameters
    ----------
    net : Module
        Left as it is. :math:`S_c` is its score before a closing Softmax, LogSoftmax or Sigmoid.
    classes : int or sequence of int, default None
        None: all. One image each; all climb at once.
    shape : tuple of int
        Of one image, as the network takes it: (64,), (1, 8, 8).
    l2 : float, default 0.5
        λ.
    **options
        As in ``activation_maximization``: steps, lr, total_variation, jitter, ...

    Returns
    -------
    Maximization

    References
    ----------
    Simonyan, Vedaldi & Zisserman 2013, "Deep inside convolutional networks", section 2.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> net = rp.Sequential(rp.Linear(4, 3, rng=0), rp.Softmax())
    >>> found = class_model(net, shape=(4,))
    >>> found.targets, bool(np.allclose(found.images, net[0].weight.data, atol=1e-4))      # w / 2λ
    (('class 0', 'class 1', 'class 2'), True)
    """
    for name in {"layer", "channel", "unit"} & options.keys():
        raise ArgumentError(f"class_model: {name} is for activation_maximization; a class is a channel of the scores")
    size = output_size("class_model", part_of("class_model", net, None), sizes(shape))
    if len(size) != 1:
        raise ArgumentError(f"class_model: net must give one score for each class, got an output of shape {(1, *size)}")
    which = range(size[0]) if classes is None else as_channels(classes, size, "classes")
    found = activation_maximization(net, channel=which, shape=shape, l2=l2, **options)
    return replace(found, targets=tuple(f"class {c}" for c in which))


def warn_of_silence(targets: Targets, gradient: Array) -> None:
    """Of what no change of the image it starts from changes: it stays there."""
    silent = [name for name, one in zip(targets.names, gradient, strict=True) if not one.any()]
    if silent:
        warnings.warn(f"no pixel of the start changes {', '.join(silent)}, so that nothing is found: units may be silent "
                      "there, as ReLUs without biases are at zero; give a start, such as small random numbers", stacklevel=4)


def check_together(ascent: Ascent, shape: tuple[int, ...]) -> None:
    """ArgumentError for arguments that contradict each other."""
    if ascent.norm is not None and ascent.bounds is not None:
        raise ArgumentError(f"norm and bounds exclude each other, got norm={ascent.norm:g} and bounds={ascent.bounds}")
    flat = [name for name in ("total_variation", "jitter", "blur") if getattr(ascent, name)]
    if len(shape) < 2 and flat:
        raise ArgumentError(f"shape must be that of an image, (..., height, width), for {' and '.join(flat)}, got {shape}; "
                            "put Reshape or Flatten before a network that takes rows")


def started(start: ArrayLike | None, shape: tuple[int, ...], dtype: Any, spherical: bool, rng: np.random.Generator) -> Array:
    """The images to start from."""
    if start is None:
        return rng.standard_normal(shape).astype(dtype) if spherical else np.zeros(shape, dtype)
    x = finite("start", as_floating(start, np.dtype(dtype), "start"))
    if x.shape not in (shape, shape[1:]):
        raise ShapeError(f"start must have shape {shape[1:]} or {shape}, got {x.shape}")
    x = np.array(np.broadcast_to(x, shape))
    if spherical and not norms(x).all():
        raise ArgumentError("start must hold no image of zeros, which no factor brings to the norm")
    return x


def norms(x: Array) -> Array:
    """Of each image, so that they divide x."""
    return np.sqrt((x * x).sum(tuple(range(1, x.ndim)), keepdims=True))
