"""Activation maximization: images that maximize a class score, a layer, a channel or a unit (lecture, slides 73-74)."""

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
    """Images, and the objective of each at every step; prints as a table.

    Attributes
    ----------
    images : array of n images
        One image per target.
    targets : tuple of str
        ``"class 3"``, ``"channel 0"``, ``"unit (0, 2, 1)"``, or ``"mean"`` for a whole layer.
    activations : array, (n,)
        The activation of each target for its image.
    objectives : array, (steps + 1, n)
        Activation minus penalties, before each step and after the last. With jitter, the activation is that of the shifted
        image.
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
    """The gradient ascent: the checked arguments of ``activation_maximization``."""

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
        """Return the penalty of each image, and the gradient of the penalties."""
        values = self.l2 * (x * x).sum(tuple(range(1, x.ndim)))
        gradient = 2 * self.l2 * x
        if self.total_variation:
            variation, derivative = total_variation(x)
            values += self.total_variation * variation
            gradient += self.total_variation * derivative
        return values, gradient

    def constrained(self, x: Array) -> Array:
        """Return x projected on the sphere of the given norm, or clipped to the bounds."""
        if self.norm is not None:
            return x * (self.norm / norms(x))
        return x if self.bounds is None else np.clip(x, *self.bounds)

    def climb(self, part: Module, targets: Targets, x: Array, rng: np.random.Generator) -> Maximization:
        x, objectives = self.constrained(x), []
        for step in range(1, self.steps + 1):
            shift = drawn_shift(rng, self.jitter)
            activations = targets.of(part.forward(shifted(x, shift)))
            penalties, penalty_gradient = self.penalties(x)
            objectives.append(activations - penalties)
            gradient = part.backward(targets.weights)
            if step == 1:
                warn_of_zero_gradients(targets, gradient)
            x = x + self.lr * (shifted_back(gradient, shift) - penalty_gradient)
            if self.blur and step % self.blur_every == 0:
                x = blurred(x, self.blur)
            x = self.constrained(x)
            if not np.isfinite(x).all():
                raise NonFiniteError(f"the images must stay finite, got NaN or infinity after step {step}: lr, {self.lr:g}, is "
                                     "too large")
        activations = targets.of(part.forward(x))
        objectives.append(activations - self.penalties(x)[0])
        return Maximization(x, targets.names, activations, np.stack(objectives))


def activation_maximization(net: Module, layer: str | None = None, channel: int | Iterable[int] | None = None,
                            unit: Unit | Iterable[Unit] | None = None, *, shape: Sequence[int], steps: int = 200,
                            lr: float = 0.05, l2: float = 0.0, total_variation: float = 0.0, jitter: int = 0,
                            blur: float = 0.0, blur_every: int = 10, norm: float | None = None,
                            bounds: Sequence[float] | None = None, start: ArrayLike | None = None,
                            rng: Seed = None) -> Maximization:
    r"""Find images that maximize activations, by gradient ascent on the pixels.

    Parameters
    ----------
    net : Module
        Left as it is: a copy runs, in evaluation mode.
    layer : str, default None
        Path of a module, as in ``features.layers(net)``; later modules do not run. None: the class scores, before a final
        Softmax, LogSoftmax or Sigmoid.
    channel : int or sequence of int, optional
        Index on the first axis of the layer's output. The objective is the mean activation of that map, or the activation
        of that unit of a Linear.
    unit : tuple of int or sequence of tuples, optional
        Index of one activation in the layer's output. Without channel and unit the objective is the mean of the layer.
    shape : tuple of int
        Shape of one image, as the network takes it: (64,), (1, 8, 8).
    steps : int, default 200
        Number of steps.
    lr : float > 0, default 0.05
        Step of the ascent: x ← x + lr·gradient.
    l2, total_variation : float, default 0
        Weights of two penalties: :math:`\|x\|^2`, and the total variation, the sum of differences between neighbours.
    jitter : int, default 0
        Each step shifts the images randomly by up to so many pixels in each direction, and shifts them back.
    blur, blur_every : float and int, default 0 and 10
        After every ``blur_every`` steps the images are smoothed by a Gaussian with a standard deviation of ``blur`` pixels.
    norm : float > 0, optional
        Keep :math:`\|x\|` at this value, as Erhan et al. do.
    bounds : (low, high), optional
        Clip the pixels to this range; not together with ``norm``.
    start : array_like of one image, or of n, optional
        The images before the first step: zeros by default, and normal random numbers with ``norm``.
    rng : None, int or numpy.random.Generator
        Source of jitter and random start images.

    Returns
    -------
    Maximization
        One image per channel or unit; all images are computed together, as a batch.

    Raises
    ------
    NonFiniteError
        The ascent diverged.

    Notes
    -----
    The network does not change: ``backward`` gives the gradient of the activation with respect to the pixels, and ``update`` is
    not called. Jitter, blur and total variation take the last two axes as height and width. A ReLU whose output is 0 for the
    start image passes no gradient: maximize the layer before it, or give another start image.

    References
    ----------
    Erhan, Bengio, Courville & Vincent 2009, "Visualizing higher-layer features of a deep network".

    Examples
    --------
    Among images of a given norm, the one that maximizes a linear unit is its row of weights:

    >>> import numpy as np, retroprop as rp
    >>> net = rp.Sequential(rp.Linear(4, 3, rng=0), rp.Tanh(), rp.Linear(3, 2, rng=1))
    >>> result = activation_maximization(net, "0", channel=[0, 2], shape=(4,), norm=1.0, rng=0)
    >>> w = net[0].weight.data[[0, 2]]
    >>> bool(np.allclose(result.images, w / np.linalg.norm(w, axis=1, keepdims=True), atol=1e-2)), result.targets
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
    x = start_images(start, (len(targets.names), *shape), targets.weights.dtype, norm is not None, rng)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        return ascent.climb(part, targets, x, rng)


def class_model(net: Module, classes: int | Iterable[int] | None = None, *, shape: Sequence[int], l2: float = 0.5,
                **options: Any) -> Maximization:
    r"""Find images that maximize class scores: :math:`\arg\max_x S_c(x) - \lambda \|x\|^2`, starting from zeros.

    Parameters
    ----------
    net : Module
        Left as it is. :math:`S_c` is the score of class c before a final Softmax, LogSoftmax or Sigmoid.
    classes : int or sequence of int, default None
        The classes, with one image each. None: all.
    shape : tuple of int
        Shape of one image, as the network takes it: (64,), (1, 8, 8).
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
    >>> result = class_model(net, shape=(4,))
    >>> result.targets, bool(np.allclose(result.images, net[0].weight.data, atol=1e-4))    # w / 2λ
    (('class 0', 'class 1', 'class 2'), True)
    """
    for name in {"layer", "channel", "unit"} & options.keys():
        raise ArgumentError(f"class_model: {name} must not be given; activation_maximization takes layers, channels and units")
    size = output_size("class_model", part_of("class_model", net, None), sizes(shape))
    if len(size) != 1:
        raise ArgumentError(f"class_model: net must have one score for each class, got an output of shape {(1, *size)}")
    which = range(size[0]) if classes is None else as_channels(classes, size, "classes")
    result = activation_maximization(net, channel=which, shape=shape, l2=l2, **options)
    return replace(result, targets=tuple(f"class {c}" for c in which))


def warn_of_zero_gradients(targets: Targets, gradient: Array) -> None:
    """Warn of targets whose gradient is 0 at the start image, which never changes then."""
    silent = [name for name, one in zip(targets.names, gradient, strict=True) if not one.any()]
    if silent:
        warnings.warn(f"no pixel of the start image changes {', '.join(silent)}, so that the image stays as it is: the output "
                      "may be constant there, as that of ReLUs without biases at zero; give another start, such as small "
                      "random numbers", stacklevel=4)


def check_together(ascent: Ascent, shape: tuple[int, ...]) -> None:
    """Raise ArgumentError for arguments that contradict each other."""
    if ascent.norm is not None and ascent.bounds is not None:
        raise ArgumentError(f"norm and bounds must not both be given, got norm={ascent.norm:g} and bounds={ascent.bounds}")
    flat = [name for name in ("total_variation", "jitter", "blur") if getattr(ascent, name)]
    if len(shape) < 2 and flat:
        raise ArgumentError(f"shape must be that of an image, (..., height, width), for {' and '.join(flat)}, got {shape}; "
                            "put Reshape or Flatten before a network that takes rows")


def start_images(start: ArrayLike | None, shape: tuple[int, ...], dtype: Any, spherical: bool,
                 rng: np.random.Generator) -> Array:
    """Return the images before the first step."""
    if start is None:
        return rng.standard_normal(shape).astype(dtype) if spherical else np.zeros(shape, dtype)
    x = finite("start", as_floating(start, np.dtype(dtype), "start"))
    if x.shape not in (shape, shape[1:]):
        raise ShapeError(f"start must have shape {shape[1:]} or {shape}, got {x.shape}")
    x = np.array(np.broadcast_to(x, shape))
    if spherical and not norms(x).all():
        raise ArgumentError("start must hold no image of zeros if norm is given, since no factor gives it that norm")
    return x


def norms(x: Array) -> Array:
    """Return the norm of each image, in a shape that broadcasts with x."""
    return np.sqrt((x * x).sum(tuple(range(1, x.ndim)), keepdims=True))
