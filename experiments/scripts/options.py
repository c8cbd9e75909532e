"""The options of the commands that take a user's script."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ...errors import ArgumentError
from ..options import new_command
from .script import Script, read

if TYPE_CHECKING:
    from ..options import Commands

NOTE = """\
FILE is a Python script that defines net, a Module. It may define x (a batch: an array, or a tuple of arrays), y (targets)
and loss. The script is executed, but not as __main__.

"""
Shape = tuple[int, ...]


def script_command(commands: Commands, name: str, short: str, description: str, example: str) -> argparse.ArgumentParser:
    command = new_command(commands, name, short, description, example, NOTE)
    command.add_argument("file", nargs="?", metavar="FILE", help="a Python script that defines net")
    return command


def add_shape(command: argparse.ArgumentParser) -> None:
    command.add_argument("--shape", action="append", default=[], type=shape, metavar="N,N", dest="shapes",
                         help="draw x from N(0, 1) in this shape, such as 5,3, if FILE does not define x; give --shape once "
                              "for each input of net")


def add_out(command: argparse.ArgumentParser, text: str) -> None:
    command.add_argument("--out", metavar="IMAGE", help=f"{text}: a .png or .svg file")


def shape(text: str) -> Shape:
    """``"5,3"`` as a tuple of sizes."""
    try:
        sizes = tuple(map(int, text.split(",")))
    except ValueError:
        sizes = (0,)
    if min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"must be integers of at least 1, such as 5,3, got {text!r}")
    return sizes


def with_input(file: str | None, shapes: list[Shape]) -> Script | None:
    """The user's script with an x; None without a file."""
    if file is not None:
        return read(file).with_input(shapes)
    if shapes:
        raise ArgumentError("--shape gives the shape of x in FILE: give FILE too")
    return None
