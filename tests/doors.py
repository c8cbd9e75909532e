"""Doors: arguments of public functions that take an array, and what is wrong with one for a kind of array.

Whatever a caller passes gives the right result or one clear sentence, and the caller's array stays as it is. The right result
is that of a plain array. A sentence is an error of the library that names the argument. No kind of array gives another error,
a warning or, silently, another number.
"""

import pickle
import re
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
from kinds import KINDS

from retroprop.errors import RetropropError

QUIET = frozenset({"NaN", "infinite"})                              # are shown, told or passed on
NUMBERS = QUIET | {"NaN shows"}                                     # a NaN is in the result
LARGE = frozenset({"too large"})                                    # computed in float64
LENGTHS = frozenset({"too short"})                                  # another batch size
SCALAR = frozenset({"one number"})


class Door(NamedTuple):
    """A public name, the argument of it that takes an array, an array that it takes, and a call that passes it.

    ``takes``: kinds beyond those that every door takes. ``refuses``: kinds of these that this one does not.
    """

    name: str
    argument: str
    array: Any
    call: Callable[[Any], Any]
    takes: frozenset[str] = frozenset()
    refuses: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.name}: {self.argument}"


# Kinds of a wrong size; other names of an argument in messages; slow doors, which get some of the kinds that all doors take.
SIZES = ("empty", "too short", "one number", "ragged")
ALSO = {"y": ("target", "targets", "classes"), "target": ("targets", "classes"), "prediction": ("predictions",),
        "data": ("target",), "validation": ("target",), "bounds": ("x",), "baseline": ("x",), "value": ("x",), "moved": ("x",)}
SLOW, SOME = ("plots.", "check_module", "saliency.randomization"), ("big-endian", "subclass", "nothing missing")
LEAVES = (np.ndarray, np.generic, float, int, str, bytes, type(None))


def leaves(value):
    """Yield the numbers and texts in a result, whatever it is made of; of a figure, those that it draws."""
    if isinstance(value, LEAVES):
        yield value
    elif isinstance(value, Mapping):
        for name in sorted(value, key=str):
            yield str(name)
            yield from leaves(value[name])
    elif is_dataclass(value):
        for field in fields(value):
            yield from leaves(getattr(value, field.name))
    elif isinstance(value, (tuple, list)):
        for member in value:
            yield from leaves(member)
    elif hasattr(value, "findobj"):
        yield from drawn(value)
    else:
        raise TypeError(f"what of a {type(value).__name__} must be equal?")


def drawn(figure):
    from matplotlib.collections import Collection
    from matplotlib.image import AxesImage
    from matplotlib.lines import Line2D
    from matplotlib.text import Text
    for artist in figure.findobj(lambda one: isinstance(one, (Line2D, AxesImage, Collection, Text))):
        if isinstance(artist, Line2D):
            yield np.asarray(artist.get_xydata())
        elif isinstance(artist, AxesImage):
            yield np.asarray(artist.get_array())
        elif isinstance(artist, Collection):
            yield np.asarray(artist.get_offsets())
        else:
            yield artist.get_text()


def assert_same(found, expected):
    found, expected = list(leaves(found)), list(leaves(expected))
    assert list(map(type, found)) == list(map(type, expected))
    for a, b in zip(found, expected, strict=True):
        if isinstance(a, (str, bytes)) or a is None:
            assert a == b
        else:
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
            assert np.asarray(a).dtype == np.asarray(b).dtype


def bytes_of(value):
    try:
        return pickle.dumps(np.asarray(value).tobytes() if isinstance(value, np.ndarray) else value)
    except (pickle.PicklingError, TypeError, ValueError):
        return None


def names(door, text, name):
    """Return whether an error is about the argument; of a wrong size, it may be about the argument that it does not fit."""
    spelled = (door.argument, *ALSO.get(door.argument.partition("[")[0], ()))
    return any(re.search(rf"\b{re.escape(one)} ", text) for one in spelled) or (name in SIZES and " must " in text)


def wrong(door, name, kind, folder, expected):
    """Return what is wrong with a door for one kind of array; None if nothing is."""
    value, taken = kind.make(door.array, folder), (kind.same or name in door.takes) and name not in door.refuses
    if value is None or (kind.same and name not in SOME and door.name.startswith(SLOW)):
        return None
    before = bytes_of(value)
    try:
        with warnings.catch_warnings(), np.errstate(invalid="ignore"):      # as in fit: inf - inf is NaN, which shows
            warnings.simplefilter("error")
            result = door.call(value)
    except RetropropError as error:
        text = str(error)
        if taken:
            return f"refused: {text}"
        clear = "\n" not in text and names(door, text, name) and (kind.text in text or bool(door.refuses))
        return None if clear else f"another sentence: {text}"
    except Exception as error:
        return f"raw {type(error).__name__}: {error}"
    finally:
        if "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].close("all")
    if bytes_of(value) != before:
        return "the caller's array was written"
    if not taken:
        return f"taken: {result!r:.80}"
    if kind.same:
        try:
            assert_same(result, expected)
        except AssertionError as error:
            return f"another result: {' '.join(str(error).split())[:200]}"
    if name == "NaN" and "NaN shows" in door.takes and not any(np.isnan(leaf).any() for leaf in leaves(result)
                                                               if isinstance(leaf, (np.ndarray, float))):
        return "NaN is lost"
    return None


def table(doors):
    """Return a test that each of these doors takes what it can, and refuses the rest in one sentence."""
    @pytest.mark.parametrize("door", doors, ids=str)
    def test(door, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        expected = door.call(door.array.copy())
        found = {name: wrong(door, name, kind, tmp_path, expected) for name, kind in KINDS.items()}
        assert {name: text for name, text in found.items() if text} == {}
    return test
