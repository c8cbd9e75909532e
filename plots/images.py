"""Image files, read and written; and examples as images in the form that matplotlib draws."""

from __future__ import annotations

import io
import math
import struct
import warnings
from pathlib import Path

import numpy as np
from matplotlib import image as files
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ..arguments import Array, as_floating, as_numbers, within
from ..errors import ArgumentError, FileFormatError, ShapeError
from ..files import write as replace_file

LUMA = np.array([0.299, 0.587, 0.114], "float32")                   # red, green and blue in a brightness (ITU-R BT.601)
ORIENTATION = 0x0112                                                # the tag in EXIF data
SUFFIXES = (".png", ".jpg", ".jpeg")


def read_image(path: str | Path, channels: int = 3) -> Array:
    """Read a PNG or JPEG file, turned as its EXIF orientation says.

    Parameters
    ----------
    path : path
    channels : {1, 3}, default 3
        1: grey, which is the brightness of colours. 3: red, green and blue, which are equal for grey files. Transparent pixels
        are blended with white.

    Returns
    -------
    array, (channels, height, width), float32
        Values in [0, 1]. Cameras save a photograph taken upright as a wide one with a note to turn it: this is done here.

    Raises
    ------
    FileFormatError
        The file cannot be read as an image.
    """
    if channels not in (1, 3) or isinstance(channels, bool):
        raise ArgumentError(f"read_image: channels must be 1 or 3, got {channels!r}")
    path = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)            # Pillow's, of damaged EXIF data
            pixels = upright(files.imread(path), orientation(path))
    except Exception as error:                                      # Pillow raises many kinds of error for broken files
        if isinstance(error, OSError) and error.errno is not None:
            raise                                                   # no such file, no permission, ...
        raise FileFormatError(f"{path} must be a PNG or JPEG file, but cannot be read as one: {error}") from error
    return np.ascontiguousarray(np.moveaxis(in_channels(unit_range(pixels), channels), -1, 0))


def orientation(path: Path) -> int:
    """Return the EXIF orientation of an image, 1 to 8; 1, upright, if it has none or its EXIF data are damaged."""
    from PIL import Image  # matplotlib, which depends on it, reads the pixels by it

    try:
        with Image.open(path) as image:
            found = image.getexif().get(ORIENTATION, 1)
    except (SyntaxError, ValueError, OverflowError, LookupError, EOFError, struct.error):
        return 1
    return found if found in range(1, 9) else 1


def upright(pixels: Array, orientation: int) -> Array:
    """Return pixels, of shape (height, width, ...), turned from an EXIF orientation to 1."""
    if orientation in (5, 6, 7, 8):                                 # the first row of the file is a side of the image
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):                                 # the image begins at the bottom
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):                                 # the image begins at the right
        pixels = pixels[:, ::-1]
    return pixels


def unit_range(pixels: Array) -> Array:
    """Return float32 pixels in [0, 1], of shape (height, width, bands)."""
    if pixels.dtype.kind == "u":
        pixels = pixels / np.float32(np.iinfo(pixels.dtype).max)
    return pixels.astype("float32").reshape(*pixels.shape[:2], -1)


def in_channels(pixels: Array, channels: int) -> Array:
    """Convert grey or RGB pixels, with or without opacity, to grey or RGB without opacity."""
    *_, bands = pixels.shape
    if bands in (2, 4):
        opacity = pixels[..., -1:]
        pixels = pixels[..., :-1] * opacity + (1 - opacity)
    if pixels.shape[-1] == channels:
        return pixels
    return np.clip(pixels @ LUMA, 0, 1)[..., None] if channels == 1 else np.repeat(pixels, 3, -1)


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
