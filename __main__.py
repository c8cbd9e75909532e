"""The command line: ``retroprop`` and ``python -m retroprop``."""

from __future__ import annotations

import argparse
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from retroprop.errors import RetropropError
from retroprop.printing import forgiving_streams

if TYPE_CHECKING:
    from retroprop.experiments.options import Commands


APOSTROPHE = "'"
COMMANDS = {"compare": "experiments.compare.job", "reproduce": "experiments.reproduce.job", "look": "experiments.look.job",
            "check": "experiments.scripts.check", "graph": "experiments.scripts.graph", "tape": "experiments.scripts.tape",
            "initializers": "experiments.scripts.initializers", "play": "browser.command", "grade": "course.report",
            "course": "course.kit"}


def parser(command: str | None = None) -> tuple[argparse.ArgumentParser, Commands]:
    """Each command's module adds its own options, and the function ``run`` that takes them.

    Only the module of ``command`` is imported; all are if there is no such command, as for the help of all.
    """
    from retroprop import __version__
    top = argparse.ArgumentParser(prog="retroprop", description="Neural networks in which learning is explicit.",
                                  epilog="retroprop COMMAND --help describes a command.", allow_abbrev=False)
    top.add_argument("--version", action="version", version=f"retroprop {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="command")
    for name in [command] if command in COMMANDS else COMMANDS:
        import_module(f"retroprop.{COMMANDS[name]}").add_command(commands)
    return top, commands


class Terminated(KeyboardInterrupt):
    """SIGTERM came. It ends a command as Ctrl-C does: files are whole, and no process stays behind."""


def terminate(signal: int, frame: object) -> None:
    raise Terminated


@contextmanager
def terminable() -> Iterator[None]:
    """Raise Terminated at SIGTERM, where the system would end the process; only the main thread gets signals."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns
    -------
    int
        The exit status: 0; 1 if a check or a run fails; 2 for input that cannot be used; 130 if the user interrupts, 143 if
        the system terminates it. It does not change if a reader (``| head``) stops reading.
    """
    with forgiving_streams(), terminable():
        try:
            return run(arguments)
        except Terminated:
            print("retroprop: terminated", file=sys.stderr)
            return 143
        except KeyboardInterrupt:
            print("retroprop: interrupted", file=sys.stderr)
            return 130


def run(arguments: Sequence[str] | None) -> int:
    """Run a command; an error that begins with the name of an argument names the option instead."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    top, commands = parser(next(iter(given), None))                 # imports much: an interrupt may come meanwhile
    known, unknown = top.parse_known_args(given)
    options = vars(known)
    command = commands.choices[options.pop("command")]
    if unknown:
        command.error(f"unrecognized arguments: {' '.join(unknown)}")       # with the usage of the command, not of all
    work: Callable[..., int] = options.pop("run")
    try:
        return work(**options)
    except (RetropropError, OSError) as error:
        print(f"retroprop: {in_words(error, command.format_help())}", file=sys.stderr)
        return 2


def in_words(error: Exception, usage: str) -> str:
    """The text of an error, with options in place of arguments, or with the file before the system's reason.

    ``usage`` is the help of the command, which holds its options.

    >>> in_words(ValueError("cv must be None for a, got 3; missing='drop' leaves b out"), "--cv K --missing {refuse,drop}")
    '--cv must be left out for a, got 3; --missing drop leaves b out'
    """
    if isinstance(error, OSError) and error.strerror is not None:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror

    def option(name: str) -> str:
        found = f"--{name.replace('_', '-')}"
        return found if re.search(rf"{found}\b(?!-)", usage) else ""

    def value(match: re.Match[str]) -> str:
        name, given = match.groups()
        return f"{option(name)}{'' if given == 'True' else ' ' + given.strip(APOSTROPHE)}" if option(name) else match[0]

    name, space, rest = re.sub(r"\b(\w+)=('[^']*'|True|[\d.]+)", value, str(error)).partition(" ")
    if option(name) and rest.startswith(("must be None ", "must be False ")):
        rest = "must be left out " + rest.split(" ", 3)[3]
    return f"{option(name) or name}{space}{rest}"


if __name__ == "__main__":
    sys.exit(main())
