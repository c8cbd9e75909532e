"""Image files, and folders of them with a folder for each class."""

from __future__ import annotations

import os
import struct
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...arguments import Array
from ...errors import ArgumentError, DataError, FileFormatError, ShapeError
from ...threads import OneThread

LUMA = np.array([0.299, 0.587, 0.114], "float32")                   # red, green and blue in a brightness (ITU-R BT.601)
ORIENTATION = 0x0112                                                # the tag in EXIF data
SUFFIXES = (".png", ".jpg", ".jpeg")
PARTS = {"train": ("train", "training"), "test": ("test", "testing")}


def image_folder(folder: Path) -> tuple[tuple[Array, Array], tuple[Array, Array] | None, tuple[str, ...]]:
    """Return the images in a folder with a folder for each class, or with folders ``train`` and ``test`` that hold these.

    Returns
    -------
    (x, y), test, notes
        x is float32 of shape (images, channels, height, width) in [0, 1], with three channels if an image of either part has
        colours; y holds the names of the classes.

    Raises
    ------
    FileFormatError
        A file cannot be read as an image.
    DataError
        There are fewer than two classes, or a class of the test part is none of the training part.
    ShapeError
        An image has another size than the first one.
    """
    inner = {path.name.lower(): path for path in visible(folder) if path.is_dir()}
    parts = {part: next((inner[name] for name in names if name in inner), None) for part, names in PARTS.items()}
    train, test, notes = folder, None, list[str]()
    if parts["train"] is not None and parts["test"] is not None:
        train, test = parts["train"], parts["test"]
        others = [path.name for name, path in inner.items() if path not in (train, test)]
        notes += [f"Only {train.name} and {test.name} of {folder.name} were read, not {', '.join(others)}."] if others else []
    listings = [listing(part, notes) for part in (train, test) if part is not None]
    classes = [sorted({name for _, name in found}) for found in listings]
    if len(classes[0]) < 2:
        raise DataError(f"{train} must hold at least two folders with PNG or JPEG images, one for each class, got "
                        f"{len(classes[0])}")
    if test is not None and not set(classes[1]) <= set(classes[0]):
        raise DataError(f"{test} must hold the classes {', '.join(classes[0])}, got "
                        f"{next(name for name in classes[1] if name not in classes[0])!r}")
    pixels = [[(path, pixels_of(path)) for path, _ in found] for found in listings]
    every = [pair for part in pixels for pair in part]
    channels = 3 if any(image.shape[-1] > 2 for _, image in every) else 1
    first, like = every[0]
    for path, image in every:
        if image.shape[:2] != like.shape[:2]:
            raise ShapeError(f"{path} must be as large as {first}, {size(like)} pixels, got {size(image)}")
    found = [(np.stack([as_channels(image, channels) for _, image in part]), np.array([name for _, name in names]))
             for part, names in zip(pixels, listings, strict=True)]
    return found[0], found[1] if test is not None else None, tuple(notes)


def size(pixels: Array) -> str:
    return f"{pixels.shape[0]} x {pixels.shape[1]}"


def listing(folder: Path, notes: list[str]) -> Sequence[tuple[Path, str]]:
    """Return the images below the folders of the classes, with the names of these, in order; a note tells of other files."""
    found, others = [], 0
    for inner in visible(folder):
        if not inner.is_dir():
            others += 1
            continue
        for path in sorted(Path(place) / file for place, _, files in os.walk(inner) for file in files):
            if any(part.startswith(".") for part in path.relative_to(inner).parts):
                continue
            if path.suffix.lower() in SUFFIXES:
                found.append((path, inner.name))
            else:
                others += 1
    if others:
        notes.append(f"{others} files in {folder.name} that are no PNG or JPEG images of a class were passed over.")
    return found


def visible(folder: Path) -> list[Path]:
    """Return what a folder holds, in order, without what is hidden."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


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
    return as_channels(pixels_of(Path(path)), channels)


def pixels_of(path: Path) -> Array:
    """Return the pixels of a file, turned upright: float32 in [0, 1], of shape (height, width, bands)."""
    from matplotlib import image as files
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)            # Pillow's, of damaged EXIF data
            return unit_range(upright(files.imread(path), orientation(path)))
    except Exception as error:                                      # Pillow raises many kinds of error for broken files
        if isinstance(error, OSError) and error.errno is not None:
            raise                                                   # no such file, no permission, ...
        raise FileFormatError(f"{path} must be a PNG or JPEG file, but cannot be read as one: {error}") from error


def as_channels(pixels: Array, channels: int) -> Array:
    """Return pixels of any number of bands as (channels, height, width)."""
    return np.ascontiguousarray(np.moveaxis(in_channels(pixels, channels), -1, 0))


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
    if channels == 3:
        return np.repeat(pixels, 3, -1)
    with OneThread():
        return np.clip(pixels @ LUMA, 0, 1)[..., None]
