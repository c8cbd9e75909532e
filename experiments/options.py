"""The options of a command: built from the dataclass that holds its settings, and written back as a command to repeat."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Mapping
from dataclasses import field, fields
from textwrap import fill
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from ..errors import ArgumentError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

Settings = TypeVar("Settings")


def option(default: Any, text: str, **keywords: Any) -> Any:
    """A field of a settings dataclass. ``text`` and ``keywords`` are the help and other arguments of argparse's option."""
    return field(default=default, metadata={"help": text} | keywords)


def add_settings(command: argparse.ArgumentParser, settings: type[Any]) -> None:
    """Add an option for each field of a settings dataclass; the parsed arguments hold only the options that the user gives."""
    hints = get_type_hints(settings)
    for one in fields(settings):
        keywords: dict[str, Any] = {"default": argparse.SUPPRESS} | one.metadata
        kind, *_ = get_args(hints[one.name]) or (hints[one.name],)  # int, of int | None; str, of tuple[str, ...]
        if kind is bool:                                            # of bool | None, both values are options
            keywords["action"] = argparse.BooleanOptionalAction if one.default is None else "store_true"
        else:
            keywords.setdefault("type", kind)
            several = get_origin(hints[one.name]) is tuple
            if several:
                keywords["nargs"] = "+"
            default: Any = one.default
            if default is not None:
                keywords["help"] += f" (default: {', '.join(default) if several else default})"
        command.add_argument(flag(one.name), **keywords)


def from_arguments(settings: type[Settings], arguments: Mapping[str, Any]) -> Settings:
    """Settings from arguments by name, such as the options that a user gave, or a function's ``locals()``."""
    return settings(**{one.name: arguments[one.name]
                       for one in fields(settings) if one.name in arguments})  # type: ignore[arg-type]


def path(name: str, value: Any, instead: str = "") -> str:
    """A name of data or a path, as text; ArgumentError, which says what to give ``instead``, for others, such as arrays."""
    if not isinstance(value, (str, os.PathLike)):
        raise ArgumentError(f"{name} must be a name or a path, got a {type(value).__name__}{instead}")
    return os.fspath(value)


def new_command(commands: Commands, name: str, short: str, description: str, example: str,
                note: str = "") -> argparse.ArgumentParser:
    """Add a command, with a line for the list of commands, a paragraph, and an example of its use."""
    return commands.add_parser(name, help=short, description=fill(description, 110), allow_abbrev=False,
                               epilog=f"{note}example: retroprop {name} {example}",
                               formatter_class=argparse.RawDescriptionHelpFormatter)


def command_line(command: str, settings: Mapping[str, Any]) -> str:
    """The line that runs a command with these settings; those that are None or False are left out.

    Numbers in a tuple are one word, names in a tuple are words of their own.

    >>> command_line("compare", {"init": ["He", "N(0, 1)"], "batch_norm": True, "lr": (0.1, 0.3), "cv": None})
    "retroprop compare --init He 'N(0, 1)' --batch-norm --lr 0.1,0.3"
    """
    words = ["retroprop", *command.split()]
    for name, value in settings.items():
        if value is None or value is False:
            continue
        values = [] if value is True else value if isinstance(value, (tuple, list)) else [value]
        names = [one for one in values if isinstance(one, str)]
        words += [flag(name), *(map(str, values) if len(names) == len(values) or len(values) == 1 else
                                [",".join(map(str, values))])]
    return shlex.join(words)


def flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
