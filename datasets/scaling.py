"""Standardization: features of mean 0 and standard deviation 1, measured on the training part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import as_numbers
from ..conversion import Named, check_columns, column_names
from ..underflow import unreported
from .checks import examples, finite, same_features

LARGE, SMALL = 2, 0.1               # root mean squares of features, of which initializers assume 1
UNEVEN = 100                        # root mean square of a feature / of the median one

@dataclass(frozen=True, eq=False)
class Scaler:
    """The mean and the standard deviation of each feature of a training part; they scale other data in the same way.

    Attributes
    ----------
    mean, deviation : float64 arrays of the shape of one example
        The deviation of a feature that is constant up to rounding is 1: see the notes of `standardize`.
    feature_names : tuple of str, or None
        The columns of the frame that was measured; a frame that is scaled must have them, in this order (DataError).

    Examples
    --------
    >>> scaler = Scaler.of([[1, 5], [3, 5]])
    >>> scaler.scaled([[4, 6]]).tolist(), scaler.unscaled([[2, 1]]).tolist()
    ([[2.0, 1.0]], [[4.0, 6.0]])
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    feature_names: tuple[str, ...] | None = None

    @classmethod
    @unreported
    def of(cls, x: ArrayLike, name: str = "x") -> Scaler:
        """Measure a training part, of shape (examples, ...); ShapeError, DtypeError or DataError for what has no mean."""
        check_columns(x, None, Named(name))
        train = finite(name, examples(name, x))
        mean, variance = train.mean(axis=0, dtype=np.float64), train.var(axis=0, dtype=np.float64)
        deviation = np.where(constant_features(train, mean, variance), 1, np.sqrt(variance))
        mean = np.where(train.min(axis=0) == train.max(axis=0), train[0], mean)    # the mean of [.1, .1, .1] is not .1
        return cls(mean, deviation, column_names(x))

    def check(self, x: Any, name: str = "x") -> None:
        """Raise DataError for a frame with other columns than those that were measured, or in another order."""
        check_columns(x, self.feature_names, Named(name), "the scaler was measured on")

    @unreported
    def scaled(self, x: ArrayLike) -> NDArray[np.floating[Any]]:
        """Return ``(x - mean) / deviation``; floats keep their dtype, integers and booleans become float32."""
        self.check(x)
        a = as_numbers(x, "x")
        return ((a - self.mean) / self.deviation).astype(a.dtype if a.dtype.kind == "f" else np.float32)

    @unreported
    def unscaled(self, z: ArrayLike) -> NDArray[np.float64]:
        """Return ``z * deviation + mean``, the inverse of ``scaled``, in float64: a large mean leaves float32 few digits."""
        self.check(z, "z")
        return np.asarray(as_numbers(z, "z") * self.deviation + self.mean, np.float64)


@unreported
def standardize(x_train: ArrayLike, *others: ArrayLike) -> tuple[NDArray[np.floating[Any]], ...]:
    r"""Return data whose features have mean 0 and standard deviation 1, both measured on the training part.

    Parameters
    ----------
    x_train : array of shape (examples, ...)
        The data on which the mean and the (biased) standard deviation over axis 0 are measured. A feature that is constant
        up to rounding is centred only.
    *others : arrays of shape (examples, ...)
        Validation and test parts, transformed in the same way. Frames must have the columns of the training part, in its order.

    Returns
    -------
    tuple of arrays
        One for each argument, of the same shape, also for a single one: ``x, = standardize(x)``. Floats keep their dtype,
        integers and booleans become float32.

    Notes
    -----
    A feature counts as constant where its variance v is at most :math:`n \epsilon v + (n \epsilon \bar x)^2`, the bound of
    the error of v (Chan, Golub & LeVeque 1983), as in scikit-learn; or where its standard deviation is at most
    :math:`\epsilon' |\bar x| / 2` with the ε' of the data's own dtype, so that its values are neighbours in that dtype.

    Examples
    --------
    >>> import retroprop as rp
    >>> train, test = rp.datasets.standardize([[1, 5], [3, 5]], [[4, 6]])
    >>> train.tolist(), test.tolist()
    ([[-1.0, 0.0], [1.0, 0.0]], [[2.0, 1.0]])
    """
    names = ["x_train", *(f"others[{i}]" for i in range(len(others)))]
    arrays = [finite(name, examples(name, a)) for name, a in zip(names, (x_train, *others), strict=True)]
    scaler = replace(Scaler.of(arrays[0]), feature_names=column_names(x_train))
    for name, given, a in zip(names, (x_train, *others), arrays, strict=True):
        same_features(name, a, like=arrays[0])
        scaler.check(given, name)
    return tuple(scaler.scaled(a) for a in arrays)


def constant_features(x: NDArray[Any], mean: NDArray[Any], variance: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which features are constant up to rounding, by the rule in the notes of `standardize`."""
    summed = len(x) * np.finfo(np.float64).eps
    own = np.finfo(x.dtype).eps / 2 if x.dtype.kind == "f" else 0
    return np.asarray(variance <= summed * variance + (max(summed, own) * mean) ** 2)


@unreported
def described_scale(x: NDArray[Any]) -> str:
    """Return the scale of x in words: "the columns have means from 0 to 5000 and ..."."""
    rows = x.reshape(len(x), -1)
    mean, deviation = rows.mean(0, dtype=np.float64), rows.std(0, dtype=np.float64)
    return f"the columns have means {interval(mean)} and standard deviations {interval(deviation)}"


def interval(values: NDArray[np.float64]) -> str:
    low, high = in_digits(values.min()), in_digits(values.max())
    return f"of {low}" if low == high else f"from {low} to {high}"


def in_digits(value: float) -> str:
    """Return a number with three digits; one of at least 1000 and below 10⁷ as an integer.

    >>> in_digits(0.012345), in_digits(5320.1), in_digits(1e12)
    ('0.0123', '5320', '1e+12')
    """
    return f"{value:.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.3g}"


@unreported
def scales_differ(x: ArrayLike) -> bool:
    """Return whether the columns of a table differ in scale from each other, or from what initializers assume.

    Initializers and learning rates assume a root mean square of about 1 for each column. The answer is yes if the largest one
    is above 2, below 0.1, or 100 times the median one; constant columns do not count. Pixels in [0, 1] and standardized columns
    have equal scales. The answer is no for anything but an array of shape (examples, columns).
    """
    a = finite("x", examples("x", x))
    if a.ndim != 2:
        return False
    sizes = np.sqrt((a.astype(np.float64)**2).mean(0))[a.min(0) < a.max(0)]
    return bool(sizes.size and (sizes.max() > LARGE or sizes.max() < SMALL or sizes.max() > UNEVEN * np.median(sizes)))
