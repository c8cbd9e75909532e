"""The data set that comes with the library."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

FORMS = (0, 130, 256, 386, 516, 646, 776, 906, 1029, 1157, 1287, 1415, 1545, 1667)      # first images of each

Images = NDArray[np.float32]
Labels = NDArray[np.int64]


@overload
def digits(groups: Literal[False] = False) -> tuple[Images, Labels]: ...
@overload
def digits(groups: Literal[True]) -> tuple[Images, Labels, Labels]: ...
def digits(groups: bool = False) -> Any:
    """Return handwritten digits: 1797 grey images of 8x8 pixels, in 10 classes of nearly equal size.

    Parameters
    ----------
    groups : bool, default False
        Whether to return the form that each image was cut from, too. A form was filled in by one writer, so that images of one
        form resemble each other: `split` and `folds` keep them together with ``groups=forms``.

    Returns
    -------
    x : float32 array of shape (1797, 64)
        The images row by row, in [0, 1]: the original integers 0 to 16, divided by 16.
    y : int64 array of shape (1797,)
        The digits, 0 to 9.
    forms : int64 array of shape (1797,)
        Only with ``groups=True``: the number of the form, 0 to 13; 119 to 130 images each.

    Notes
    -----
    The test part of *Optical Recognition of Handwritten Digits*, CC BY 4.0; ``digits.md`` beside this file has the details.
    The images come form by form, of 14 forms: within each, the digits follow in one fixed order. (UCI says 13 writers.) A
    network that was trained on other forms errs about twice as often as on a random split.
    For convolutions use ``x.reshape(-1, 1, 8, 8)``.

    References
    ----------
    E. Alpaydin, C. Kaynak (1998), UCI Machine Learning Repository, https://doi.org/10.24432/C50P49.

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.digits()
    >>> x.shape, y[:10].tolist()
    ((1797, 64), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    with np.load(Path(__file__).with_name("digits.npz"), allow_pickle=False) as archive:
        images, labels = archive["images"], archive["labels"]
    x, y = images.reshape(-1, 64).astype(np.float32) / 16, labels.astype(np.int64)
    return (x, y, np.searchsorted(FORMS, np.arange(len(y)), "right") - 1) if groups else (x, y)
