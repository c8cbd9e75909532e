"""The data set that comes with the library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def digits() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return handwritten digits: 1797 grey images of 8x8 pixels, in 10 classes of nearly equal size.

    Returns
    -------
    x : float32 array of shape (1797, 64)
        The images row by row, in [0, 1]: the original integers 0 to 16, divided by 16.
    y : int64 array of shape (1797,)
        The digits, 0 to 9.

    Notes
    -----
    The test part of *Optical Recognition of Handwritten Digits*, CC BY 4.0; ``digits.md`` beside this file has the details.
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
    return images.reshape(-1, 64).astype(np.float32) / 16, labels.astype(np.int64)
