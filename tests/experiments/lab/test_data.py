"""Data by name: the classes of files are the labels that occur."""

import numpy as np
import pytest

import retroprop as rp
from retroprop.experiments.lab.data import relabelled as wrong_labels
from retroprop.experiments.lab.data import source
from retroprop.experiments.papers.saxe2014.runs import reduced


def relabelled(folder, change):
    """The labels in a folder in MNIST's format, changed by a function."""
    for path in folder.glob("*labels*"):
        content = path.read_bytes()
        path.write_bytes(content[:8] + bytes(change(label) for label in content[8:]))
    return str(folder)


@pytest.mark.parametrize("change", [lambda label: label + 1, lambda label: 255 - 20 * (9 - label)], ids=["from 1", "apart"])
def test_classes_of_files_are_the_labels_that_occur(change, mnist_folder):
    """EMNIST's letters are numbered from 1, for example: there is no class 0 to learn."""
    folder = mnist_folder(zoom=1, frame=0, count=60)
    plain = source(str(folder))
    _, expected = reduced(str(folder))
    source.cache_clear()
    reduced.cache_clear()
    found = source(relabelled(folder, change))
    assert (found.classes, plain.classes) == (10, 10)
    for part in ("train", "validation", "test"):
        for a, b in zip(getattr(found, part), getattr(plain, part), strict=True):
            np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(reduced(str(folder))[1], expected)


def test_each_seed_has_a_split_of_its_own_and_files_one_test_part(mnist_folder):
    first, second = source("digits", 1), source("digits", 2)
    tests = [{bytes(row) for row in one.test[0]} for one in (first, second)]
    assert len(tests[0] & tests[1]) < 250                           # 500 of 1797 have 139 in common on average
    assert (first.resampled, source("easy-shapeset", 1).resampled) == (500 / 1297, 0)
    assert not {bytes(row) for row in source("easy-shapeset", 1).test[0]} & {
        bytes(row) for row in source("easy-shapeset", 2).test[0]}
    folder = str(mnist_folder(zoom=1, frame=0, count=60))
    assert source(folder, 1).resampled is None
    np.testing.assert_array_equal(source(folder, 1).test[0], source(folder, 2).test[0])


def test_files_of_a_single_class_are_refused(mnist_folder):
    folder = relabelled(mnist_folder(zoom=1, frame=0, count=12), lambda label: 4)
    with pytest.raises(rp.DataError, match=r"the labels in .*mnist must hold at least two classes, got only 4"):
        source(folder)


def test_centred_images_have_the_mean_of_the_training_part_taken_off():
    data = source("digits", 1).centred()
    assert data.train is not None
    np.testing.assert_allclose(data.prepared(data.train[0]).mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(data.part()[0], data.test[0] - data.train[0].mean(0), atol=1e-6)
    x, y = data.stream(8, seed=0).batch(3)
    plain, same = source("digits", 1).stream(8, seed=0).batch(3)
    np.testing.assert_allclose(x, plain - data.train[0].mean(0), atol=1e-6)
    np.testing.assert_array_equal(y, same)
    assert abs(source("easy-shapeset").centred().some(500).mean()) < 0.01


def test_wrong_labels_are_so_many_and_none_of_them_is_right():
    y = np.arange(200) % 10
    given = wrong_labels(y, 0.3, 10, np.random.default_rng(0))
    assert (given != y).sum() == 60
    assert set(given) == set(range(10))
    np.testing.assert_array_equal(y, np.arange(200) % 10)
