"""Image files, written; and examples as images in the form that matplotlib draws."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
from matplotlib import image as files
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ..arguments import Array, as_floating, as_numbers, within
from ..datasets.images.files import SUFFIXES
from ..datasets.images.files import read_image as read_image
from ..errors import ArgumentError, ShapeError
from ..files import write as replace_file


def write_image(image: ArrayLike, path: str | Path) -> Path:
    """Write an image as a PNG or JPEG file, and create its folder if needed.

    Parameters
    ----------
    image : array_like, (height, width), (1, height, width) or (3, height, width)
        Values in [0, 1], which are rounded to 256 levels.
    path : path
        Ends in .png, .jpg or .jpeg.

    Returns
    -------
    Path
    """
    pixels = as_pixels(image, "image")
    within("image must lie in", pixels, 0, 1)
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ArgumentError(f"path must end in {', '.join(SUFFIXES)}, got {str(path)!r}")
    path.parent.mkdir(parents=True, exist_ok=True)
    bands = np.broadcast_to(pixels if pixels.ndim == 3 else pixels[..., None], (*pixels.shape[:2], 3))
    content = io.BytesIO()
    kind = path.suffix[1:].lower()
    files.imsave(content, np.rint(bands * 255).astype("uint8"), format=kind,
                 metadata={"Software": "retroprop"} if kind == "png" else None)
    replace_file(path, content.getvalue())
    return path


def as_pixels(image: ArrayLike, name: str) -> Array:
    """Return the image as matplotlib draws it: (height, width), or (height, width, 3) for three channels."""
    pixels = as_numbers(image, name)
    if pixels.ndim == 2 and pixels.size:
        return pixels
    if pixels.ndim != 3 or pixels.shape[0] not in (1, 3) or not pixels.size:
        raise ShapeError(f"{name} must have shape (height, width), (1, height, width) or (3, height, width), got "
                         f"{pixels.shape}")
    return pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1)


def images(name: str, x: ArrayLike, shape: tuple[int, int] | None = None) -> Array:
    """Return examples as matplotlib draws them: (examples, height, width), or with a last axis of three colours."""
    array = rows_as_images(name, x, shape)
    if array.ndim == 4 and array.shape[1] not in (1, 3):
        raise ShapeError(f"{name} must have one channel or three, got shape {array.shape}")
    if array.ndim == 4:
        return array[:, 0] if array.shape[1] == 1 else np.moveaxis(array, 1, -1)
    return array


def rows_as_images(name: str, x: ArrayLike, shape: tuple[int, int] | None = None) -> Array:
    """Reshape rows of numbers to images of this height and width, by default square; return images unchanged."""
    array = as_floating(x, None, name)
    if array.ndim == 2:
        side = math.isqrt(array.shape[1])
        height, width = (side, side) if shape is None else shape
        if height * width == array.shape[1]:
            return array.reshape(-1, height, width)
    elif array.ndim in (3, 4) and shape is None:
        return array
    wanted = ("images, (examples, channels, height, width), (examples, height, width) or, if they are square, rows of numbers"
              if shape is None else f"rows of {shape[0]} x {shape[1]} numbers, according to shape")
    raise ShapeError(f"{name} must be {wanted}, got shape {array.shape}")


def framed(ax: Axes, title: str | None = None) -> None:
    """Remove the ticks, and draw a grey frame, which makes a white image visible on white paper."""
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_color("0.8")
    if title is not None:
        ax.set_title(title, fontsize="medium")
