"""DeepDream: its steps, its octaves and its results."""

from __future__ import annotations

import numpy as np
import pytest
from cases import numbers
from image_nets import digits_net, sheet, small
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop import features
from retroprop.inspection.features.images import zoomed


def test_the_objective_grows_in_every_octave():
    found = features.dream(digits_net(), sheet(), "0.3", rng=0, step_size=0.02)
    assert found.sizes == ((24, 24), (33, 33), (46, 46), (64, 64))
    assert found.objectives.shape == (4, 11)
    assert (found.objectives[:, -1] > 1.05 * found.objectives[:, 0]).all()
    assert len(str(found).splitlines()) == 2 + 4


def test_jitter_lowers_the_share_of_the_highest_frequencies():
    still, jittered = (share_of_highest(features.dream(digits_net(), sheet(), "0.3", jitter=jitter, rng=0, steps=20,
                                                       step_size=0.02).image) for jitter in (0, 9))
    assert jittered < 0.85 * still


def share_of_highest(image):
    """Return the share of energy in waves shorter than 2.5 pixels along either axis."""
    energy = np.abs(np.fft.fft2(image - image.mean()))**2
    high = np.abs(np.fft.fftfreq(len(image))) > 0.4
    return energy[high[:, None] | high].sum() / energy.sum()


@pytest.mark.parametrize("image", [sheet(), sheet()[None, :41, :30], sheet().astype("float64")[:9, :64]])
def test_the_image_keeps_size_type_and_range(image):
    given = image.copy()
    found = features.dream(digits_net(), image, "0.3", rng=0, steps=4, step_size=0.1)
    assert found.image.shape == image.shape
    assert found.image.dtype == image.dtype
    assert found.image.min() >= 0
    assert found.image.max() <= 1
    assert np.abs(found.image - image).max() > 0.05
    assert_array_equal(image, given)
    assert_array_equal(found.before, image)
    assert not np.may_share_memory(found.before, image)
    part = features.truncated(digits_net(), "0.3")
    seen = part.forward(found.image.reshape(1, 1, *found.image.shape[-2:]))
    assert found.objectives[-1, -1] == pytest.approx(0.5 * (seen**2).sum(), rel=1e-5)       # clipped to the bounds at each step


def test_a_step_changes_pixels_by_step_size_on_average():
    """One octave, no jitter: x + s g / mean|g|, where g is the gradient of half the squared norm."""
    net = small().astype("float64")
    x = numbers(2, 5, 6)
    part, channel = features.truncated(net, "0.2"), [0, 2]
    found = features.dream(net, x, "0.2", channel=channel, octaves=1, steps=1, step_size=0.01, jitter=0, bounds=(-9, 9))

    def objective(x):
        return 0.5 * (part.forward(x[None])[0, channel]**2).sum()

    g = rp.numerical_gradient(objective, x)
    assert_allclose(found.image, x + 0.01 * g / np.abs(g).mean(), rtol=1e-6)
    assert_allclose(found.objectives[0], [objective(x), objective(found.image)])


def test_the_detail_of_the_first_octave_is_enlarged_and_added_to_the_second():
    options = {"layer": "0.3", "steps": 3, "step_size": 0.05, "jitter": 0, "bounds": (-9, 9), "rng": 0}
    base = sheet()[:28, :21]
    small_base = zoomed(base, (20, 15))
    first = features.dream(digits_net(), small_base, octaves=1, **options)
    second = features.dream(digits_net(), base + zoomed(first.image - small_base, (28, 21)), octaves=1, **options)
    both = features.dream(digits_net(), base, octaves=2, **options)
    assert both.sizes == ((20, 15), (28, 21))
    assert_allclose(both.image, second.image, atol=1e-5)
    assert_allclose(both.objectives, np.concatenate([first.objectives, second.objectives]), rtol=1e-5)


def test_an_image_that_does_not_change_stays_sharp():
    found = features.dream(digits_net(), sheet(), "0.3", rng=0, step_size=1e-9)
    assert_allclose(found.image, sheet(), atol=1e-5)


def test_jitter_is_a_seventh_of_the_side_by_default():
    options = {"layer": "0.3", "octaves": 1, "steps": 3, "rng": 0}
    plain, nine = (features.dream(digits_net(), sheet(), **options, **more).image for more in ({}, {"jitter": 9}))
    assert_array_equal(plain, nine)


def test_sizes_that_the_layer_does_not_accept_are_skipped():
    unpadded = rp.Sequential(rp.Conv2d(1, 2, 3, rng=0))
    assert features.dream(unpadded, sheet()[:8, :8], "0", rng=0, octaves=9).sizes == ((3, 3), (4, 4), (6, 6), (8, 8))
    with pytest.raises(rp.ShapeError, match=r"x must be at least 3 pixels high and 3 wide, got \(1, 1, 2, 8\)"):
        features.dream(unpadded, sheet()[:2, :8], "0", rng=0)
    rows = rp.Sequential(rp.Flatten(), rp.Linear(64, 5, rng=0))
    assert features.dream(rows, sheet()[:8, :8], "1", rng=0).sizes == ((8, 8),)
    assert features.dream(rp.Sequential(rp.Tanh()), np.full((1, 2), 0.5), "0", octaves=9).sizes == ((1, 1), (1, 2))


def test_a_layer_of_zeros_changes_nothing():
    found = features.dream(rp.Sequential(rp.ReLU()), np.zeros((6, 7)), "0", rng=0)
    assert_array_equal(found.image, 0)
    assert_array_equal(found.objectives, 0)
    assert "-" in str(found).splitlines()[-1]


def test_bounds_other_than_0_and_1():
    image = 255 * sheet()
    found = features.dream(digits_net(), image, "0.3", rng=0, bounds=(0, 255), octaves=1, steps=1, jitter=0)
    moved = np.abs(found.image - image)
    assert 0.2 < moved.mean() < 1.5 + 1e-3                          # 1.5 on average, less at the bounds
    assert found.image.max() <= 255


@pytest.mark.parametrize(("image", "options", "message"), [
    (255 * sheet(), {}, "image must lie within bounds, [0, 1], got values from 0 to 255"),
    (np.stack([sheet()] * 3), {}, "x must have shape (batch, 1, height, width), got (1, 3, 64, 64)"),
    (sheet()[0], {}, "image must have shape (channels, height, width) or (height, width), got (64,)"),
    (np.full((8, 8), np.nan), {}, "image must be finite"),
    (sheet(), {"scale": 1}, "scale must be a number in (1, inf)"),
    (sheet(), {"octaves": 0}, "octaves must be an integer of at least 1"),
    (sheet(), {"channel": 16}, "channel must be less than 16"),
    (sheet(), {"jitter": -1}, "jitter must be an integer of at least 0"),
    (sheet(), {"layer": "x"}, "layer must be one of '0', '0.0'"),
])
def test_bad_arguments_of_a_dream_are_named(image, options, message):
    with pytest.raises(rp.RetropropError) as caught:
        features.dream(digits_net(), image, **{"layer": "0.3", **options})
    assert message in str(caught.value)
