"""Right modules whose numbers differ by rounding only: BLAS rounds by the place of an array, and large terms cancel."""

import numpy as np
import pytest

import retroprop as rp


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scale", [1, 5])
def test_no_law_takes_rounding_for_a_fault(scale, seed):
    x, _ = rp.datasets.moons(60, noise=0.1, rng=0)
    net = rp.Sequential(rp.Linear(2, 8, rng=seed), rp.SiLU(), rp.Linear(8, 1, rng=seed + 100))
    for parameter in net.parameters():
        parameter.data *= scale
    rp.check_module(net, x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_wide_layer_on_many_examples_passes(dtype):
    rp.check_module(rp.Linear(64, 100, rng=0, dtype=dtype), np.random.default_rng(0).normal(size=(60, 64)))
