"""DeepDream: change an image so that the activation of a layer grows (lecture, slide 72)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, Seed, as_floating, generator, positive_int, real, within
from ...datasets.checks import finite
from ...errors import ShapeError
from ...modules import Module
from ...modules.core.values import product
from ...printing import aligned
from ...progress import progress_bar
from .images import Bounds, as_bounds, drawn_shift, shifted, shifted_back, zoomed
from .targets import as_channels, output_size, part_of

STEP = 1.5 / 255                                                    # of the range of pixels, as in the original code
JITTER, JITTERED = 32, 224                                          # as in the original code, and the side of its images


@dataclass(frozen=True)
class Dream:
    """An image before and after, and the objective at each step; prints as a table.

    Attributes
    ----------
    before, image : arrays of one shape, (channels, height, width) or (height, width)
    layer : str
        Path of the layer.
    sizes : tuple of (height, width)
        Sizes of the image in the octaves, the smallest first.
    objectives : array, (octaves, steps + 1)
        Half the squared norm of the activation, before each step and after the last, for the jittered image.
    """

    before: Array
    image: Array
    layer: str
    sizes: tuple[tuple[int, int], ...]
    objectives: Array

    def __str__(self) -> str:
        rows = [("octave", "size", "objective at start", "at end", "ratio")]
        rows += [(str(k), f"{height} x {width}", f"{steps[0]:.4g}", f"{steps[-1]:.4g}",
                  f"{steps[-1] / steps[0]:.2f}" if steps[0] else "-")
                 for k, ((height, width), steps) in enumerate(zip(self.sizes, self.objectives, strict=True), 1)]
        return aligned(rows)


@dataclass(frozen=True)
class Dreamer:
    """The gradient ascent: the part of the network up to the layer, and the checked arguments of ``dream``."""

    part: Module
    channels: list[int] | None
    steps: int
    step_size: float
    jitter: int
    bounds: Bounds
    rng: np.random.Generator

    def octave(self, x: Array, bar: Any) -> tuple[Array, list[float]]:
        """Make all steps at one size; return the image and the objectives."""
        objectives = []
        for _ in range(self.steps):
            shift = drawn_shift(self.rng, self.jitter)
            value, activation = self.activation(shifted(x, shift))
            objectives.append(value)
            g = shifted_back(self.part.backward(activation), shift)
            size = np.abs(g).mean()
            if size:                                                # 0 if the activation is 0
                x = np.clip(x + self.step_size / float(size) * g, *self.bounds)
            bar.update()
        return x, [*objectives, self.activation(x)[0]]

    def activation(self, x: Array) -> tuple[float, Array]:
        """Return the objective, half the squared norm of the chosen channels, and its gradient: their activation."""
        y = self.part.forward(x)
        if self.channels is not None:
            chosen = np.zeros_like(y)
            chosen[:, self.channels] = y[:, self.channels]
            y = chosen
        return 0.5 * product(y, y), y


def dream(net: Module, image: ArrayLike, layer: str, *, channel: int | Sequence[int] | None = None, octaves: int = 4,
          scale: float = 1.4, steps: int = 10, step_size: float | None = None, jitter: int | None = None,
          bounds: Sequence[float] = (0, 1), rng: Seed = None, progress: bool = True) -> Dream:
    r"""Change an image by gradient ascent so that the activation of a layer grows: DeepDream.

    Parameters
    ----------
    net : Module
        Left as it is: a copy of the modules up to the layer runs, in evaluation mode. The image may have any size that these
        modules accept.
    image : array_like, (channels, height, width) or (height, width)
        Within the bounds, and scaled as the images on which the network was trained. Two axes mean one channel.
    layer : str
        Path of a module, as in ``features.layers(net)``.
    channel : int or sequence of int, optional
        Maximize only these channels of the layer.
    octaves : int, default 4
        Number of sizes, from the smallest to that of the image. Sizes that the layer does not accept are skipped.
    scale : float > 1, default 1.4
        Ratio of one size to the one before.
    steps : int, default 10
        Number of steps at each size.
    step_size : float > 0, optional
        Mean change of a pixel per step, by default 1.5/255 of the range of the bounds.
    jitter : int, optional
        Each step shifts the image randomly by up to so many pixels in each direction, and shifts it back. By default 32;
        for images whose shorter side is less than 224 pixels, a seventh of that side.
    bounds : (low, high), default (0, 1)
        The range of pixels.
    rng : None, int or numpy.random.Generator
        Source of the jitter.
    progress : bool, default True
        Whether to show a progress bar: on a terminal, or as a widget in a notebook; there is none elsewhere.

    Returns
    -------
    Dream

    Raises
    ------
    DataError
        The image is not within the bounds.

    Notes
    -----
    The objective is :math:`\frac12 \|a\|^2` of the layer's activation a, whose gradient is a itself; a step is
    :math:`x \leftarrow x + s\, g / \overline{|g|}`. The smallest size comes first. The change at one size, the
    detail, is enlarged and added to the image of the next size, so that large structures appear first and the image stays
    sharp.

    References
    ----------
    Mordvintsev, Olah & Tyka 2015, "Inceptionism: going deeper into neural networks", and the code released with it.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> net = rp.Sequential(rp.Flatten(), rp.Linear(64, 20, rng=0), rp.Tanh(), rp.Linear(20, 10, rng=1))
    >>> image = rp.datasets.digits()[0][0].reshape(8, 8)
    >>> result = dream(net, image, "2", rng=0)
    >>> result.image.shape, result.sizes                      # this layer accepts one size
    ((8, 8), ((8, 8),))
    """
    part = part_of("dream", net, layer)
    limits = as_bounds(bounds)
    before = as_image(image, limits)
    base = before.reshape(1, -1, *before.shape[-2:]).astype(part.dtype or before.dtype)
    size = output_size("dream", part, base.shape[1:])
    shorter = min(base.shape[-2:])
    dreamer = Dreamer(
        part, None if channel is None else as_channels(channel, size), positive_int("steps", steps),
        STEP * (limits[1] - limits[0]) if step_size is None else real("step_size", step_size, 0, above=True),
        min(JITTER, JITTER * shorter // JITTERED) if jitter is None else positive_int("jitter", jitter, 0), limits,
        generator(rng))
    bases = sized(base, part, positive_int("octaves", octaves), real("scale", scale, 1, above=True))
    x, objectives = dreamt(dreamer, bases, progress)
    after = np.clip(x.reshape(before.shape).astype(before.dtype), *limits)
    return Dream(before, after, layer, tuple(base.shape[-2:] for base in bases), np.array(objectives))


def dreamt(dreamer: Dreamer, bases: list[Array], progress: bool) -> tuple[Array, list[list[float]]]:
    """Return the final image, and the objectives of each size."""
    detail, objectives = np.zeros_like(bases[0]), []
    with progress_bar(len(bases) * dreamer.steps, "step", progress) as bar:
        for base in bases:
            x = np.clip(base + zoomed(detail, base.shape[-2:]), *dreamer.bounds)
            x, values = dreamer.octave(x, bar)
            objectives.append(values)
            detail = x - base
    return x, objectives


def sized(base: Array, part: Module, octaves: int, scale: float) -> list[Array]:
    """Return the image in up to ``octaves`` sizes that the part accepts, the smallest first."""
    images = [base]
    while len(images) < octaves:
        old = images[0].shape[-2:]
        size = tuple(max(1, round(n / scale)) for n in old)
        if size == old or not accepts(part, (*base.shape[:2], *size)):
            break
        images.insert(0, zoomed(images[0], size))
    return images


def accepts(part: Module, shape: tuple[int, ...]) -> bool:
    try:
        part.output_shape(shape)
    except ShapeError:
        return False
    return True


def as_image(image: ArrayLike, bounds: Bounds) -> Array:
    """Return a floating-point copy of the image; ShapeError or DataError if it is no image within the bounds."""
    x = finite("image", as_floating(image, None, "image").copy())
    if x.ndim not in (2, 3) or not x.size:
        raise ShapeError(f"image must have shape (channels, height, width) or (height, width), got {x.shape}")
    within("image must lie within bounds,", x, *bounds)
    return x
