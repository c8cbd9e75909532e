"""Augmentation: each image by itself, drawn by the generator that is given, with fit's generator in fit."""

import numpy as np
import pytest

import retroprop as rp
from retroprop.datasets import Flip, Noise, Shift

IMAGES = np.random.default_rng(0).uniform(1, 2, (60, 2, 4, 5)).astype("float32")


def rng():
    return np.random.default_rng(1)


@pytest.mark.parametrize(("augmentation", "axis"), [(Flip(), 3), (Flip(vertical=True), 2)], ids=str)
def test_half_of_the_images_are_mirrored(augmentation, axis):
    found = augmentation(IMAGES, rng())
    mirrored = np.array([not np.array_equal(a, b) for a, b in zip(found, IMAGES, strict=True)])
    assert 15 < mirrored.sum() < 45
    np.testing.assert_array_equal(found[mirrored], np.flip(IMAGES, axis)[mirrored])
    np.testing.assert_array_equal(Flip(0)(IMAGES, rng()), IMAGES)


def test_a_shift_is_a_crop_of_the_padded_image():
    found = Shift(1, fill=-1)(IMAGES, rng())
    padded = np.pad(IMAGES, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-1)
    crops = {(i, j): padded[:, :, i:i + 4, j:j + 5] for i in range(3) for j in range(3)}
    places = [next(place for place, crop in crops.items() if np.array_equal(crop[k], image)) for k, image in enumerate(found)]
    assert set(places) == set(crops)
    np.testing.assert_array_equal(Shift(0)(IMAGES, rng()), IMAGES)


def test_noise_has_its_standard_deviation():
    noise = Noise(0.25)(IMAGES, rng()) - IMAGES
    assert noise.std() == pytest.approx(0.25, rel=0.05)
    assert abs(noise.mean()) < 0.02


@pytest.mark.parametrize("augmentation", [Flip(), Shift(2), Noise(0.1)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shape_and_dtype_stay_and_the_images_are_not_written(augmentation, dtype):
    images = IMAGES.astype(dtype)
    found = augmentation(images, rng())
    assert (found.shape, found.dtype) == (images.shape, images.dtype)
    assert not np.shares_memory(found, images)
    np.testing.assert_array_equal(images, IMAGES.astype(dtype))
    np.testing.assert_array_equal(found, augmentation(images, rng()))


@pytest.mark.parametrize(("call", "kind", "text"), [
    (lambda: Flip(2), rp.ArgumentError, r"p must be a number in \[0, 1\], got 2"),
    (lambda: Shift(-1), rp.ArgumentError, "pixels must be an integer of at least 0, got -1"),
    (lambda: Noise(-1), rp.ArgumentError, r"std must be a number in \[0, inf\), got -1"),
    (lambda: Shift(1)(IMAGES[0], rng()), rp.ShapeError, r"Shift\(pixels=1, fill=0\.0\): x must be images of shape"),
    (lambda: Noise(1)((IMAGES, IMAGES), rng()), rp.ArgumentError, r"Noise\(std=1\.0\): x must be one array, got a tuple of 2")])
def test_wrong_arguments_are_refused(call, kind, text):
    with pytest.raises(kind, match=text):
        call()


def fit(augment, epochs=2):
    x, y, seen = np.arange(12, dtype="float32").reshape(6, 2), np.arange(6) % 2, []

    class Seen(rp.Callback):
        def before_batch(self, run):
            seen.append(run.x.copy())

    net = rp.Linear(2, 2, rng=0)
    rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.01), (x, y), epochs=epochs, batch_size=2, rng=0,
           augment=augment, progress=False, callbacks=[Seen()], validation=(x, y))
    return np.concatenate(seen)


def test_several_inputs_are_augmented_together():
    net = rp.Graph({"sum": (rp.Add(), "a", "b"), "out": (rp.Linear(2, 2, rng=0), "sum")}, inputs=["a", "b"], outputs="out")
    x = np.zeros((6, 2), "float32"), np.ones((6, 2), "float32")

    def fit(augment):
        rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.01), (x, np.arange(6) % 2), epochs=1, rng=0,
               augment=augment, progress=False)
        return net.point

    fit(lambda x, rng: (x[1], x[0]))
    with pytest.raises(rp.ShapeError, match=r"augment: <lambda>\(x, rng\) must be a tuple of 2 arrays, as x, got ndarray"):
        fit(lambda x, rng: x[0])


def test_fit_augments_each_batch_of_each_epoch_with_its_own_generator():
    """The functions come one after the other; their draws and the orders of the epochs are of one generator."""
    def halves(x, rng):
        return x + rng.choice([0, 0.5], size=x.shape)               # float64, which becomes float32 again

    drawing = np.random.default_rng(0)
    expected = []
    for _ in range(2):
        order = drawing.permutation(6)
        for part in (order[:2], order[2:4], order[4:]):
            x = np.arange(12, dtype="float32").reshape(6, 2)[part]
            expected.append(2 * (x + drawing.choice([0, 0.5], size=x.shape)))
    np.testing.assert_array_equal(fit([halves, lambda x, rng: 2 * x]), np.concatenate(expected))
    assert len(np.unique(fit(Noise(0.1)))) == 24
    assert fit(Noise(0.1)).dtype == "float32"


@pytest.mark.parametrize(("augment", "kind", "text"), [
    (3, rp.ArgumentError, r"augment must be a function \(x, rng\) -> x, or a list of them, got 3"),
    ([Flip], rp.ArgumentError, "augment must be a function"),
    (lambda x, rng: x[:1], rp.ShapeError, r"augment: <lambda>\(x, rng\) must have the shape of x, \(2, 2\), got \(1, 2\)"),
    (lambda x, rng: None, rp.DtypeError, r"augment: <lambda>\(x, rng\) must be real numbers"),
    (lambda x, rng: x.astype(float) + 1e300, rp.DataError, r"\(x, rng\) must fit float32")], ids=range(5))
def test_what_is_no_augmentation_is_refused(augment, kind, text):
    with pytest.raises(kind, match=text):
        fit(augment)
