"""The errors that retroprop raises.

Every message is one sentence, which says which argument is wrong, what was expected, and what was given.
"""


class RetropropError(Exception):
    """Base class of all errors that retroprop raises."""


class ArgumentError(RetropropError, ValueError):
    """An argument has a value that is not allowed."""


class ShapeError(RetropropError, ValueError):
    """An array has a shape that does not fit."""


class DtypeError(RetropropError, TypeError):
    """An array has a dtype that is not supported."""


class PhaseError(RetropropError, RuntimeError, AttributeError):
    """A phase was called before the phase whose results it needs.

    It is also an AttributeError, because these results are attributes that do not exist yet.
    """


class DataError(RetropropError, ValueError):
    """Data are empty, or contain NaN, infinity, or a label out of range."""


class FileFormatError(RetropropError, ValueError):
    """A file is truncated, or not of the format that it claims to have."""


class StateError(RetropropError, ValueError):
    """A state does not fit the object that it is loaded into; the message lists every name that does not fit."""


class NonFiniteError(RetropropError, ArithmeticError):
    """The cost became NaN or infinite in training."""


class CheckError(RetropropError, AssertionError):
    """A module breaks the contract; the message names the module and the law, and says what was expected and what was found."""
