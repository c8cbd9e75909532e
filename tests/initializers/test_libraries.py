"""The starts of libraries draw what was measured from the libraries: moments, bounds, cuts and constants."""

import math
from itertools import pairwise

import numpy as np
import pytest
from library_facts import (
    AFTER_CUT,
    CONVOLUTIONS,
    LIBRARIES,
    NEUROLAB_NORMS,
    OPENCV,
    OPENCV_LAST_BIAS,
    SPECIAL,
    Place,
)
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop.errors import ArgumentError
from retroprop.initializers import Layer, chain, of, starts

SIZES = [(300, 200, 100), (3, 13000, 5), (6, 5, 13000)]             # many weights; many biases, of the first and last layer
ENOUGH = 12000                                                      # numbers of which four standard errors are 5 % of σ²
RATIO = {"U": 1 / 3, "P": 1 / 12, "N": 1, "T": AFTER_CUT**2}        # variance by the square of the law's number
KURTOSIS = {"U": 9 / 5, "P": 9 / 5, "N": 3, "T": 2.3706}


def follows(law, array):
    """Whether an array is of a law: each of its numbers within bounds and, of many, mean, variance and fourth moment."""
    kind, size = law
    if kind == "C" or size == 0:
        return bool((array == size).all())
    low, high = {"U": (-size, size), "P": (0, size), "N": (-math.inf, math.inf), "T": (-2 * size, 2 * size)}[kind]
    if array.min() < low or array.max() > high:
        return False
    if array.size < ENOUGH:
        return array.size < 3 or np.ptp(array) > 0
    variance, mean = RATIO[kind] * size**2, size / 2 if kind == "P" else 0
    z = (array - mean) / math.sqrt(variance)
    four = 4 / math.sqrt(array.size)
    return (abs(z.mean()) < four and abs((z**2).mean() - 1) < four * math.sqrt(KURTOSIS[kind] - 1) < 0.05
            and abs((z**4).mean() / KURTOSIS[kind] - 1) < 0.1
            and (kind == "N" or max(array.max() - mean, mean - array.min()) > 0.99 * (high - mean)))


def places(sizes, activation):
    total = sum(i * o + o for i, o in pairwise(sizes))
    count = len(sizes) - 2
    return [Place(i, o, k == 0, k == count, "identity" if k == count else activation, activation, total)
            for k, (i, o) in enumerate(pairwise(sizes))]


def check(name, sizes, activation="tanh"):
    for place, (weight, bias) in zip(places(sizes, activation), of(name).draw(chain(*sizes, activation=activation), rng=1),
                                     strict=True):
        of_weight, of_bias = LIBRARIES[name][1](place)
        assert (weight.shape, bias.shape) == ((place.o, place.i), (place.o,))
        assert follows(of_weight, weight), (place, of_weight)
        assert follows(of_bias, bias), (place, of_bias)


def test_the_table_has_these_libraries_and_versions():
    facts = {name: version for name, (version, _) in LIBRARIES.items()} | SPECIAL
    assert {start.name: start.version for start in starts()} == facts
    assert len(facts) == 50


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_each_layer_starts_as_measured(name, sizes):
    check(name, sizes)


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
@pytest.mark.parametrize("name", ["scikit-learn", "numpy-ml", "H2O", "ConvNetJS", "PyTorch"])
def test_some_depend_on_the_activation(name, activation):
    for sizes in SIZES:
        check(name, sizes, activation)


def test_a_law_that_is_wrong_by_5_percent_of_the_variance_fails():
    array = rp.Uniform(-1, 1)((300, 200), rng=0, dtype="float64")
    assert follows(("U", 1), array)
    assert not follows(("U", math.sqrt(1.05)), array)
    assert not follows(("U", math.sqrt(0.95)), array)
    assert not follows(("N", 1 / math.sqrt(3)), array)
    normal = rp.Normal(1)((300, 200), rng=0, dtype="float64")
    assert follows(("N", 1), normal)
    assert not any(follows(("N", math.sqrt(factor)), normal) for factor in (0.95, 1.05))
    assert not follows(("T", 1 / AFTER_CUT), normal)


@pytest.mark.parametrize("name", sorted({*LIBRARIES, *SPECIAL} - {"OpenCV"}))
def test_the_same_seed_gives_the_same_numbers_and_another_others(name):
    layers = chain(7, 6, 5)
    one, again, other = (of(name).draw(layers, rng) for rng in (3, 3, 4))
    for (a, _), (b, _), (c, _) in zip(one, again, other, strict=True):
        assert_array_equal(a, b)
        assert not np.array_equal(a, c) or not a.any()
    assert not np.array_equal(one[0][0][:5, :6], one[1][0])


def test_libraries_of_one_distribution_draw_the_same_weights_whatever_their_biases():
    layers = chain(7, 6, 5)
    for name, other in (("PyTorch", "MLX"), ("Keras", "DyNet"), ("Keras", "scikit-learn"), ("FANN", "R-deepnet")):
        for (a, _), (b, _) in zip(of(name).draw(layers, 3), of(other).draw(layers, 3), strict=True):
            assert_array_equal(a, b)


def test_without_classes_the_last_layer_of_thinc_and_h2o_begins_as_the_others():
    for name in ("Thinc", "H2O"):
        (_, last), (_, values) = (of(name).draw(chain(200, 100, 300, classifier=which), rng=0) for which in (True, False))
        assert follows(("U", math.sqrt(6 / 400)), values[0])
        assert not follows(("U", math.sqrt(6 / 400)), last[0])


def test_opencv_always_starts_with_its_own_numbers():
    drawn = of("OpenCV").draw(chain(3, 4, 3, 2), rng=0)
    for (weight, bias), table in zip(drawn, OPENCV, strict=True):
        assert_array_equal(weight.T, table[:-1])
        assert_array_equal(bias, table[-1])
    assert_array_equal(of("OpenCV").draw(chain(64, 100, 100, 10), rng=5)[-1][1], OPENCV_LAST_BIAS)
    assert [abs(rows).sum(1).round(12).tolist() for rows, _ in drawn[:-1]] == [[1.0] * 4, [1.0] * 3]


def test_neurolab_spreads_units_over_the_range_of_their_inputs():
    drawn = of("neurolab").draw(chain(64, 100, 100, 10, inputs=(0, 1)), rng=0)
    for (weight, bias), norm, factor in zip(drawn, NEUROLAB_NORMS, (2, 1, 1), strict=True):
        assert_allclose(np.linalg.norm(weight, axis=1), norm, rtol=1e-12)
        offset = bias + weight.sum(1) / 2 if factor == 2 else bias  # the middle of [0, 1] is 1/2, that of [-1, 1] is 0
        assert_allclose(offset, norm / factor * np.linspace(-1, 1, len(bias)) * np.sign(weight[:, 0]), rtol=1e-9)
    for activation, times in (("tanh", 2), ("sigmoid", 4), ("identity", 1)):
        weight, bias = of("neurolab").draw(chain(9, 8, 1, activation=activation), rng=0)[0]
        assert_allclose(np.linalg.norm(weight, axis=1), times * 0.7 * 8 ** (1 / 9), rtol=1e-12)
        assert_allclose(np.abs(bias).max(), times * 0.7 * 8 ** (1 / 9), rtol=1e-12)
    hidden = of("neurolab").draw(chain(9, 8, 7, 1, activation="sigmoid"), rng=0)[1][0]
    assert_allclose(np.linalg.norm(hidden, axis=1), 2 * 4 * 0.7 * 7 ** (1 / 8), rtol=1e-12)     # it reads numbers in [0, 1]
    assert of("neurolab").draw(chain(9, 1), rng=0)[0][1] == 0


def test_js_pytorch_has_normal_numbers_with_a_mean_and_without_a_tail():
    weight, bias = of("js-pytorch").draw(chain(400, 500, 10), rng=0)[0]
    z = weight * 20
    assert abs(z.mean() + 0.026) < 4 / math.sqrt(z.size)
    assert abs(z.var() - 1) < 0.02
    assert 3.6 < abs(z).max() <= math.sqrt(-2 * math.log(0.001))
    assert not bias.any()


@pytest.mark.parametrize("name", sorted({*LIBRARIES, *SPECIAL}))
def test_convolutions_start_as_measured_or_are_refused(name):
    """fan_in and fan_out count the pixels of the filter, 5 × 3."""
    layer = Layer((240, 40, 5, 3), name="module 1, Conv2d,")
    if name not in CONVOLUTIONS:
        with pytest.raises(ArgumentError, match=r"module 1, Conv2d, must be a dense layer: the library has no rule for a conv"):
            of(name).draw([layer], rng=0)
        return
    [(weight, bias)] = of(name).draw([layer], rng=0)
    of_weight, of_bias = CONVOLUTIONS[name](Place(600, 3600, True, False, "tanh", "tanh", 0))
    assert (weight.shape, bias.shape) == ((240, 40, 5, 3), (240,))
    assert follows(of_weight, weight)
    assert follows(of_bias, bias)


def test_formulas_of_the_table_are_those_of_the_facts():
    table = {start.name: (start.weight, start.bias) for start in starts()}
    assert table["PyTorch"] == ("U(±1/√i)", "U(±1/√i)")
    assert table["Keras"] == ("U(±√(6/(i+o)))", "0")
    assert table["Flax"] == ("N(0, 1/i) cut at ±2σ, corrected", "0")
    assert table["Haiku"] == ("N(0, 1/i) cut at ±2σ", "0")
    assert table["R-deepnet"] == ("U(±0.1)", "0.1")
    assert table["ml-fnn"] == ("U(0, 1/√i)", "0")
    assert table["R-monmlp"] == ("U(±0.8/√(i+1)); last layer U(±0.5)",) * 2
    assert table["Thinc"] == ("U(±√(6/(i+o))); a classifier’s last layer 0", "0")
    assert table["stax"] == ("N(0, 2/(i+o)) cut at ±2σ, corrected", "N(0, 0.01²)")
    assert table["mlxtend"][0] == "N(0, 0.01²)"
