"""Start: how the layers of a network begin in a library, by the library's name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arguments import Array, Seed, generator, in_a_line
from ..errors import ArgumentError
from ..names import suggestion
from ..restoring import at_once, filling
from ..underflow import unreported
from .architecture import Layer, Range
from .libraries import TABLE
from .networks import Network, layers_of
from .rules import Rule


@dataclass(frozen=True)
class Start:
    """How the dense layers of a network begin in a library by default; its convolutions too, if the rule for them is known.

    ``start(net, rng=7)`` draws weights and biases of a network in place. ``of`` returns the start of a library.

    Attributes
    ----------
    name, version : str
        The library, and the release that the rule was measured on; "source": the rule is that of its source.
    weight, bias : str
        The rule: i is fan_in, o fan_out of a layer, N the number of all parameters; U(±a) is uniform in [-a, a), N(0, v)
        normal with variance v.
    convolution : (str, str) or None
        The same for a convolution, if that rule is known; fans count the pixels of the filter.
    aliases : tuple of str
        Other names of the library.
    """

    name: str
    version: str
    weight: str
    bias: str
    convolution: tuple[str, str] | None = None
    aliases: tuple[str, ...] = ()
    rule: Rule = field(default_factory=Rule, repr=False, compare=False)

    @unreported
    def draw(self, layers: Sequence[Layer], rng: Seed = None) -> list[tuple[Array, Array | None]]:
        """Return new arrays: weight, and bias or None, of each layer, in float64.

        Each weight and each bias has a generator of its own, spawned from ``rng``: libraries with the same distribution of
        weights draw the same ones, whatever their biases.
        """
        if not isinstance(rng, (int, np.integer, type(None))):
            rng = int(generator(rng).integers(2**63))               # so that the state of the caller's generator decides
        streams = generator(rng).spawn(2 * len(layers))
        drawn = self.rule.draw(layers, list(zip(streams[::2], streams[1::2], strict=True)))
        return [(weight, bias if layer.bias else None) for layer, (weight, bias) in zip(layers, drawn, strict=True)]

    def __call__(self, net: Network, *, rng: Seed = None, classifier: bool = True, inputs: Range = (-1.0, 1.0)) -> None:
        """Draw weights and biases of all layers of a network, in place: of all or, after an error, of none.

        Parameters
        ----------
        net : Module
            The layers are its Linear and Conv2d modules, and other modules whose ``weight`` has two axes or more. Frozen
            parameters, and those of other modules, are not changed. Of layers that share a weight the first decides.
        rng : None, int or numpy.random.Generator
            Source of the numbers. OpenCV's start does not depend on it.
        classifier : bool, default True
            Whether the outputs stand for classes. Thinc and H2O then start the last layer in another way.
        inputs : (float, float), default (-1, 1)
            The range of the network's inputs, for neurolab.

        Raises
        ------
        ArgumentError
            The network has no such layer; the library has no rule for a convolution; or the rule depends on the activation
            after a layer, and that is not one of the library's modules, or not the same on all paths.
        """
        found = layers_of(net, classifier, inputs)
        filled: dict[int, tuple[Array, Array]] = {}
        for (parameters, _), arrays in zip(found, self.draw([layer for _, layer in found], rng), strict=True):
            for parameter, array in zip(parameters, arrays, strict=True):
                if parameter is not None and array is not None and not parameter.frozen:
                    filled.setdefault(id(parameter), (parameter.data, array))
        at_once(filling(filled.values()))

    def __reduce__(self) -> tuple[Any, ...]:
        return of, (self.name,)


def key(name: str) -> str:
    """Return a name without case and punctuation."""
    return re.sub(r"[\W_]", "", name).lower()


def entries() -> Iterator[Start]:
    for rule, libraries in TABLE:
        for name, (version, *aliases) in libraries.items():
            yield Start(name, version, rule.weight, rule.bias, rule.convolution, tuple(aliases), rule)


STARTS: dict[str, Start] = {start.name: start for start in entries()}
KNOWN = {key(name): start for start in STARTS.values() for name in (start.name, *start.aliases)}


def of(name: str) -> Start:
    """Return the start of a library by its name, in any case and punctuation; ``starts`` lists all.

    >>> of("pytorch").weight, of("scikit_learn").name, of("Gluon").name
    ('U(±1/√i)', 'scikit-learn', 'MXNet')
    """
    found = known(name) if isinstance(name, str) else None
    if found is None:
        raise ArgumentError(f"name must be a library: {', '.join(STARTS)}; got {in_a_line(name)}"
                            f"{suggestion(name, library_names())}")
    return found


def known(name: str) -> Start | None:
    """Return the start of a library; None if no library has the name."""
    return KNOWN.get(key(name))


def starts() -> list[Start]:
    """Return the starts of all libraries that are known."""
    return list(STARTS.values())


def library_names() -> list[str]:
    """Return the names of all libraries, with other names for them."""
    return [name for start in STARTS.values() for name in (start.name, *start.aliases)]
