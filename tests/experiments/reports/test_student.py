"""Student's distribution agrees with SciPy's, from the middle to the far tails."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import stdtr, stdtrit

from retroprop.experiments.reports.student import limit, two_sided


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 9, 24, 99, 1000])
def test_probabilities_and_limits_are_scipy_s(freedom):
    at = np.concatenate([np.geomspace(1e-3, 300, 60), [-2.0]])
    assert_allclose([two_sided(float(t), freedom) for t in at], 2 * stdtr(freedom, -np.abs(at)), rtol=1e-11)
    for outside in (0.3, 0.05, 1e-6):
        assert_allclose(limit(freedom, outside), stdtrit(freedom, 1 - outside / 2), rtol=1e-9)


def test_nothing_and_infinity():
    assert two_sided(0.0, 4) == 1
    assert two_sided(math.inf, 4) == 0
    assert math.isnan(two_sided(math.nan, 4))
