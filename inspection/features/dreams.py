"""DeepDream: an image changes so that a layer sees more of what it sees in it (lecture, slide 72)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, Seed, as_floating, generator, positive_int, real
from ...datasets.checks import finite
from ...errors import ShapeError
from ...modules import Module
from ...printing import aligned
from .images import Bounds, as_bounds, drawn_shift, shifted, shifted_back, within, zoomed
from .targets import as_channels, output_size, part_of

STEP = 1.5 / 255                                                    # of the range of pixels: that of the original
JITTER, JITTERED = 32, 224                                          # the original's, and the side of its images


@dataclass(frozen=True)
class Dream:
    """An image before and after, and how the objective grew; prints as a table.

    Attributes
    ----------
    before, image : arrays of one shape, (channels, height, width) or (height, width)
    layer : str
    sizes : tuple of (height, width)
        Of the octaves, the smallest first.
    objectives : array, (octaves, steps + 1)
        Half the squared norm of the activation, before each step and after the last, of what the network saw.
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
    """What makes the steps: the part of the network, and the arguments of ``dream``, checked."""

    part: Module
    channels: list[int] | None
    steps: int
    step_size: float
    jitter: int
    bounds: Bounds
    rng: np.random.Generator

    def octave(self, x: Array, bar: Any) -> tuple[Array, list[float]]:
        """All steps at one size; what comes out, and the objectives."""
        objectives = []
        for _ in range(self.steps):
            shift = drawn_shift(self.rng, self.jitter)
            value, seen = self.activation(shifted(x, shift))
            objectives.append(value)
            g = shifted_back(self.part.backward(seen), shift)
            size = np.abs(g).mean()
            if size:                                                # nothing to climb where the layer is silent
                x = np.clip(x + self.step_size / float(size) * g, *self.bounds)
            bar.update()
        return x, [*objectives, self.activation(x)[0]]

    def activation(self, x: Array) -> tuple[float, Array]:
        """The objective, half the squared norm of what is looked at, and its gradient, the activation itself."""
        y = self.part.forward(x)
        if self.channels is not None:
            seen = np.zeros_like(y)
            seen[:, self.channels] = y[:, self.channels]
            y = seen
        return 0.5 * float(np.vdot(y, y)), y


def dream(net: Module, image: ArrayLike, layer: str, *, channel: int | Sequence[int] | None = None, octaves: int = 4,
          scale: float = 1.4, steps: int = 10, step_size: float | None = None, jitter: int | None = None,
          bounds: Sequence[float] = (0, 1), rng: Seed = None, progress: bool = True) -> Dream:
    r"""Change an image so that a layer sees more of what it sees in it: DeepDream.

    Parameters
    ----------
    net : Module
        Left as it is: a copy of what leads to the layer runs, in evaluation mode. It takes any size of image that these
        modules take.
    image : array_like, (channels, height, width) or (height, width)
        Within the bounds, and as the network was trained on. Two axes are one channel.
    layer : str
        Path of a module, as in ``features.layers(net)``.
    channel : int or sequence of int, optional
        Look only at these channels of the layer.
    octaves : int, default 4
        How many sizes, from the smallest to the image's own. Those that the layer does not take are left out.
    scale : float > 1, default 1.4
        From one size to the next.
    steps : int, default 10
        At each size.
    step_size : float > 0, optional
        Mean change of a pixel in a step, by default 1.5/255 of the range of the bounds.
    jitter : int, optional
        Before each step the image moves by up to so many pixels in each direction, and back after it. By default 32, in
        images of less than 224 pixels a seventh of the shorter side.
    bounds : (low, high), default (0, 1)
        The range of pixels.
    rng : None, int or numpy.random.Generator
        For the jitter.
    progress : bool, default True
        Show a bar, if standard error is a terminal.

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
    :math:`x \leftarrow x + s\, g / \overline{|g|}`. The smallest size comes first. What it added, the detail, is enlarged and
    added to the image at the next size, so that large forms come before small ones and the image stays sharp.

    References
    ----------
    Mordvintsev, Olah & Tyka 2015, "Inceptionism: going deeper into neural networks", and the code released with it.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> net = rp.Sequential(rp.Flatten(), rp.Linear(64, 20, rng=0), rp.Tanh(), rp.Linear(20, 10, rng=1))
    >>> image = rp.datasets.digits()[0][0].reshape(8, 8)
    >>> found = dream(net, image, "2", rng=0)
    >>> found.image.shape, found.sizes                        # this layer takes one size
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
    """The last image, and the objectives of each size."""
    from tqdm import tqdm
    detail, objectives = np.zeros_like(bases[0]), []
    with tqdm(total=len(bases) * dreamer.steps, unit="step", disable=None if progress else True) as bar:
        for base in bases:
            x = np.clip(base + zoomed(detail, base.shape[-2:]), *dreamer.bounds)
            x, found = dreamer.octave(x, bar)
            objectives.append(found)
            detail = x - base
    return x, objectives


def sized(base: Array, part: Module, octaves: int, scale: float) -> list[Array]:
    """The image in up to so many sizes that the part takes, each smaller than the next."""
    found = [base]
    while len(found) < octaves:
        old = found[0].shape[-2:]
        size = tuple(max(1, round(n / scale)) for n in old)
        if size == old or not takes(part, (*base.shape[:2], *size)):
            break
        found.insert(0, zoomed(found[0], size))
    return found


def takes(part: Module, shape: tuple[int, ...]) -> bool:
    try:
        part.output_shape(shape)
    except ShapeError:
        return False
    return True


def as_image(image: ArrayLike, bounds: Bounds) -> Array:
    """A floating copy of the image; ShapeError or DataError if it is none."""
    x = finite("image", as_floating(image, None, "image").copy())
    if x.ndim not in (2, 3) or not x.size:
        raise ShapeError(f"image must have shape (channels, height, width) or (height, width), got {x.shape}")
    within("image", x, bounds)
    return x
