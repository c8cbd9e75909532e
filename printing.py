"""Tables as text and as HTML, text in one line, and the streams that commands print on."""

from __future__ import annotations

import codecs
import errno
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from html import escape
from io import TextIOWrapper

# What is printed where the encoding of a stream lacks a character.
PLAIN = {
    "→": "->", "←": "<-", "–": "-", "−": "-", "±": "+-", "×": "x", "·": "*", "√": "sqrt ", "∂": "d", "‖": "||", "…": "...",
    "≥": ">=", "²": "^2", "₁": "_1", "₂": "_2", "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "eps",
    "λ": "lambda", "μ": "mu", "µ": "u", "σ": "sigma", "“": '"', "”": '"'}


def aligned(rows: Sequence[Sequence[str]], right: Collection[str] | None = None) -> str:
    """Return rows of cells as lines of text; the first row holds the headings, and a rule follows it.

    The columns whose headings are in ``right`` (None: all but the first) are aligned right, the others left.
    """
    columns = []
    for k, cells in enumerate(zip(*rows, strict=True)):
        width, ends = max(map(len, cells)), k > 0 if right is None else cells[0] in right
        columns.append([cell.rjust(width) if ends else cell.ljust(width) for cell in cells])
    lines = ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def html_table(rows: Sequence[Sequence[str]], right: Collection[str] | None = None, *, above: str = "", below: str = "") -> str:
    """Return rows of cells as HTML for a notebook, with the headings and the columns at the right of ``aligned``.

    All text is escaped, and has the colours of the page that shows it. ``above`` and ``below`` are lines beside the table.
    """
    sides = ["right" if (k > 0 if right is None else cell in right) else "left" for k, cell in enumerate(rows[0])]

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(f'<{tag} style="text-align: {side}; vertical-align: top; white-space: pre-wrap">{escape(cell)}'
                       f"</{tag.partition(' ')[0]}>" for side, cell in zip(sides, row, strict=True))

    head, *lines = cells('th scope="col"', rows[0]), *(cells("td", row) for row in rows[1:])
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if lines else ""
    above, below = (f"<p>{escape(text)}</p>" if text else "" for text in (above, below))
    return above + table + below


def in_one_line(text: object) -> str:
    """Return a text, such as the message of another library's error, in one line of characters that can be printed."""
    try:
        letters = str(text)
    except Exception:                                               # an error of the user's may have no text
        return f"{type(text).__name__} without a text"
    return " ".join("".join(letter if letter.isprintable() else " " for letter in letters).split())


def show(text: object) -> None:
    """Print on standard output at once. If its reader has gone (``| head``), nothing more is printed, and work goes on."""
    with unheard():
        print(text, flush=True)


@contextmanager
def unheard() -> Iterator[None]:
    """Drop what standard output holds back, and all that follows, if its reader has gone."""
    try:
        yield
    except OSError as error:
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())          # else Python tries once more when it ends, and complains
        if error.errno not in (errno.EPIPE, errno.EINVAL):          # EINVAL is Windows' word for it
            raise


@contextmanager
def complete_streams() -> Iterator[None]:
    """Let the null device stand in for standard output and error where a program has none (``2>&-``, pythonw).

    Processes that are started meanwhile inherit it, unless a file of the program's has the stream's descriptor.
    """
    with ExitStack() as stack:
        for descriptor, name in ((1, "stdout"), (2, "stderr")):
            if getattr(sys, name) is None:
                nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
                if nowhere.fileno() == descriptor:
                    os.set_inheritable(descriptor, True)
                elif not is_open(descriptor):
                    os.dup2(nowhere.fileno(), descriptor)
                    stack.callback(os.close, descriptor)
                setattr(sys, name, nowhere)
                stack.callback(setattr, sys, name, None)
        yield


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def is_inherited(descriptor: int) -> bool:
    """Whether processes that are started now have this descriptor too."""
    return is_open(descriptor) and os.get_inheritable(descriptor)


@contextmanager
def forgiving_streams() -> Iterator[None]:
    """Make standard output and error take every text: none of what a command found is lost to a stream.

    A stream that is missing is the null device. Characters that an encoding lacks, such as → in that of a Windows pipe,
    are replaced by others (``PLAIN``) or ``?``. Output whose reader has gone is dropped.
    """
    with complete_streams(), ExitStack() as stack:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stack.callback(stream.reconfigure, errors=stream.errors)
                stream.reconfigure(errors="retroprop.plain")
        try:
            yield
        finally:
            with unheard():
                sys.stdout.flush()


def plain(error: UnicodeError) -> tuple[str | bytes, int]:
    """Replace characters that cannot be encoded: an error handler of codecs."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start]
    if "\udc80" <= text <= "\udcff":                                # a byte of a file's name that is no text: as it was
        return bytes([ord(text) - 0xDC00]), error.start + 1
    return PLAIN.get(text, "?"), error.start + 1


codecs.register_error("retroprop.plain", plain)
