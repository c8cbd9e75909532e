"""Ranges: rounding at their ends is tolerated, and a message shows what lies outside."""

import numpy as np
import pytest

import retroprop as rp
from retroprop.arguments import spelled, within
from retroprop.inspection import adversarial

ABOVE = {kind: np.nextafter(np.ones((), kind), np.array(2, kind)) for kind in ("float32", "float64")}


@pytest.mark.parametrize("kind", ABOVE)
def test_rounding_at_the_ends_is_tolerated(kind):
    """That is ``eps`` of the dtype, of the larger end: what a scaler's product and sum leave."""
    one, eps = ABOVE[kind], np.finfo(kind).eps
    within("x must be in", np.array([-eps, one], kind), 0, 1)
    within("x must be in", np.array([0, 255], kind) * one, 0, 255)
    for bad in ([0, 1 + 4 * eps], [-4 * eps, 1], [np.nan, 0.5], [0.5, np.inf]):
        with pytest.raises(rp.DataError, match=r"^x must be in \[0, 1\], got values from "):
            within("x must be in", np.array(bad, kind), 0, 1)
    with pytest.raises(rp.ArgumentError, match=r"^x must be in \[0, 1\], got values from 0 to 2; why\?$"):
        within("x must be in", np.array([0, 2]), 0, 1, "; why?", kind=rp.ArgumentError)


@pytest.mark.parametrize(("value", "ends", "text"), [
    (1.0, (0, 1), "1"), (1.25, (0, 1), "1.25"), (1 + 2**-52, (0, 1), "1.0000000000000002"), (-1e-17, (0, 1), "-1e-17"),
    (np.float32(1.0000001), (0, 1), "1.0000001"), (1 - 2**-53, (0, 1), "0.9999999999999999"), (1 / 3, (0, 1), "0.333333"),
    (np.nan, (0, 1), "nan"), (np.inf, (0, 1), "inf"), (np.bool_(True), (2, 3), "1"), (np.int64(3), (0, 1), "3"),
    (0.1234567, (), "0.1234567"), (0.5, (), "0.5"), (10_000_001, (0, 10_000_000), "10000001")])
def test_a_number_has_as_many_digits_as_tell_it_from_the_ends(value, ends, text):
    assert spelled(value, *ends) == text


def test_bounds_of_attacks_and_images():
    """An example that a scaler has put an ulp outside is taken; the result is within the bounds."""
    net, x = rp.Linear(2, 2, rng=0, dtype="float64"), np.array([[1 + 2**-52, 0.5], [0.25, -2**-60]])
    for attack in (adversarial.fgsm, adversarial.pgd):
        moved = attack(net, rp.CrossEntropy(), x, [0, 1], 0.1, bounds=(0, 1))
        assert 0 <= moved.min() <= moved.max() <= 1
        attack(net, rp.CrossEntropy(), x, [0, 1], 0.1, bounds=(-np.inf, 1))
        with pytest.raises(rp.DataError, match=r"got 1 of 4 values outside, from -8\.67362e-19 to 1\.0000000000000004, with"):
            attack(net, rp.CrossEntropy(), x + np.array([[2**-52, 0], [0, 0]]), [0, 1], 0.1, bounds=(0, 1))
    conv = rp.Sequential(rp.Conv2d(1, 2, 3, rng=0))
    image = np.ones((1, 6, 6), "float32") * ABOVE["float32"]
    rp.features.dream(conv, image, "0", steps=1, octaves=1, bounds=(0, 1))
    with pytest.raises(rp.DataError, match=r"^image must lie within bounds, \[0, 1\], got values from 1\.0000002 to "):
        rp.features.dream(conv, image * ABOVE["float32"], "0", steps=1, octaves=1, bounds=(0, 1))
