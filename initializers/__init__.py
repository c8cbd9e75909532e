"""Initializers: distributions for the initial weights, the scales that Glorot, He and LeCun derived for them, and the starts of
libraries: rules for a whole network."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..names import unknown_names
from .base import Initializer, fans
from .plain import Constant, Normal, Orthogonal, Uniform, Zeros
from .scaled import GlorotNormal, GlorotUniform, HeNormal, HeUniform, LeCunNormal, LeCunUniform, Standard

__all__ = [
    "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Initializer", "Layer", "LeCunNormal",
    "LeCunUniform", "Normal", "Orthogonal", "Standard", "Start", "Uniform", "Zeros", "chain", "fans", "of", "starts",
]

if TYPE_CHECKING:
    from .architecture import Layer, chain
    from .start import Start, of, starts
else:                                                               # a type checker would take any name for one of ours
    # The fifty libraries are imported when one is asked for: who draws from a distribution does not wait for them.
    _WHEN_USED = {"Layer": ".architecture", "chain": ".architecture", "Start": ".start", "of": ".start", "starts": ".start"}
    _unknown = unknown_names(__name__, __all__)

    def __getattr__(name: str) -> Any:
        return getattr(import_module(_WHEN_USED[name], __name__), name) if name in _WHEN_USED else _unknown(name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
