"""The kinds of error that retroprop raises.

Every message is one sentence: which argument, what was expected, what came.
"""


class RetropropError(Exception):
    """Every error that retroprop raises on purpose."""


class ArgumentError(RetropropError, ValueError):
    """An argument has a value that it must not have."""


class ShapeError(RetropropError, ValueError):
    """An array has a shape that does not fit."""


class DtypeError(RetropropError, TypeError):
    """An array has a type that cannot be computed with."""


class PhaseError(RetropropError, RuntimeError, AttributeError):
    """A phase was called before the phase that it needs.

    Also an AttributeError: what a phase needs is not there yet.
    """


class DataError(RetropropError, ValueError):
    """Data hold a value that cannot be learned from: NaN, infinity, a label out of range, nothing at all."""


class FileFormatError(RetropropError, ValueError):
    """A file is truncated, or not what it claims to be."""


class StateError(RetropropError, ValueError):
    """A state does not fit the object that it is loaded into: the message lists every name that is in the way."""


class NonFiniteError(RetropropError, ArithmeticError):
    """Training met a cost that is NaN or infinite."""


class CheckError(RetropropError, AssertionError):
    """A module breaks the contract: the message names the module, the law, what was expected and what came."""
