"""How the data of a comparison are divided: by seed or once, in folds, by group, with a validation part for rates."""

import numpy as np
import pytest

import retroprop as rp
from retroprop.datasets.data_set import data_set
from retroprop.experiments.compare.config import Config
from retroprop.experiments.compare.job import compare
from retroprop.experiments.compare.parts import Problem
from retroprop.experiments.lab.networks import dense

X = np.arange(40.0)[:, None]
Y = np.repeat([0, 1], [30, 10])
GROUPS = np.repeat(np.arange(8), 5)
SMALL = {"depth": 2, "width": 10, "epochs": 2, "seeds": 2, "progress": False}


def problem(config, data=(X, Y), **more):
    return Problem.of(data_set(data, **more), config)


def indices(config, seed=0, fold=0, **more):
    return [set(part.tolist()) for part in problem(config, **more).division(config, seed, fold)]


@pytest.mark.parametrize("options", [{}, {"split": "fixed"}, {"lr": (0.1, 0.2)}, {"cv": 4}, {"cv": 4, "lr": "auto"},
                                     {"stratify": True}, {"stratify": True, "cv": 5, "lr": "auto"}])
@pytest.mark.parametrize("groups", [None, GROUPS])
def test_every_example_is_in_one_part(options, groups):
    config = Config(**options)
    for seed in range(3):
        for fold in range(config.folds):
            train, validation, test = indices(config, seed, fold, group=groups)
            assert len(train) + len(validation) + len(test) == len(train | validation | test) == 40
            assert bool(validation) == ("lr" in options)
            if groups is not None:
                parts = [set(groups[list(part)].tolist()) for part in (train, validation, test)]
                assert sum(map(len, parts)) == len(set.union(*parts))


def test_each_seed_has_a_split_of_its_own_and_a_fixed_split_is_that_of_seed_0():
    by_seed = [indices(Config(), seed) for seed in range(4)]
    assert len({frozenset(test) for *_, test in by_seed}) == 4
    assert [indices(Config(split="fixed"), seed) for seed in range(4)] == [by_seed[0]] * 4


def test_a_validation_part_leaves_the_test_part_as_it_is():
    for seed in range(3):
        (train, _, test), (smaller, validation, same) = (indices(Config(lr=lr), seed) for lr in (0.1, (0.1, 0.2)))
        assert test == same
        assert smaller | validation == train


@pytest.mark.parametrize("split", ["seed", "fixed"])
def test_folds_test_each_example_once_with_each_seed(split):
    config = Config(cv=4, split=split)
    folds = [[frozenset(indices(config, seed, fold)[2]) for fold in range(4)] for seed in range(2)]
    assert all(sorted(k for part in one for k in part) == list(range(40)) for one in folds)
    assert (folds[0] == folds[1]) == (split == "fixed")


def test_stratified_parts_have_equal_shares_of_each_class():
    config = Config(stratify=True, lr="auto")
    for part in indices(config):
        assert abs(Y[list(part)].mean() - Y.mean()) < 1 / len(part)


def test_data_with_a_test_part_of_their_own_keep_it():
    test = X[:7] + 100, Y[:7]
    config = Config(lr=(0.1, 0.2), standardize=False)
    found = problem(config, test=test)
    parts = [found.parts(config, seed) for seed in range(2)]
    for part in parts:
        np.testing.assert_array_equal(part.test[0], test[0])
        assert len(part.train[1]) + len(part.validation[1]) == 40
    assert not np.array_equal(parts[0].validation[0], parts[1].validation[0])
    with pytest.raises(rp.ArgumentError, match="cv must be None for data that bring a test part of their own, got 3"):
        problem(Config(cv=3), test=test)


def test_scales_are_measured_on_the_training_part():
    x = np.random.default_rng(0).normal([0, 5000], [1, 1000], (40, 2))
    config = Config(lr=(0.1, 0.2))
    found = problem(config, (x, Y))
    train, validation, test = found.division(config, 0)
    parts = found.parts(config, 0)
    for indices, part in ((train, parts.train), (validation, parts.validation), (test, parts.test)):
        np.testing.assert_allclose(part[0], (x[indices] - x[train].mean(0)) / x[train].std(0), rtol=1e-9)
    unscaled = Config(standardize=False)
    assert problem(unscaled, (x, Y)).parts(unscaled, 0).train[0].max() > 5000


@pytest.mark.parametrize(("far", "scaled"), [("test", False), ("train", True)])
def test_whether_data_are_scaled_depends_on_training_examples_alone(far, scaled):
    """And the scale that is said is that of the training part."""
    config = Config(split="fixed")
    divided = problem(config, (X / 40, Y)).division(config, 0)
    x = X / 40
    x[getattr(divided, far)[0]] = 5000
    assert problem(config, (x, Y)).scaled == scaled
    said = compare((x, Y), "Glorot", **SMALL | {"split": "fixed"}).remarks
    known = f"standard deviations of {x[divided.train].std():.0f} (--no-standardize leaves them)."
    assert [one.endswith(known) for one in said if one.startswith("Each column of x was scaled")] == [True] * scaled


def test_a_folder_called_digits_is_divided_as_other_data(tmp_path, monkeypatch):
    image = pytest.importorskip("matplotlib.image")
    for name in "ab":
        (tmp_path / "digits" / name).mkdir(parents=True)
        for k in range(5):
            image.imsave(tmp_path / "digits" / name / f"{k}.png", np.full((2, 2), k / 10 + (name == "b") / 2), cmap="gray")
    monkeypatch.chdir(tmp_path)
    assert compare("./digits", "Glorot", **SMALL).sizes == (8, 0, 2)
    assert len(Problem.of(data_set("digits"), Config()).division(Config(), 0).test) == 500


def test_a_fixed_split_keeps_the_numbers_of_training_by_hand():
    """To the bit: the training that `compare` did before seeds had splits of their own."""
    found = compare(init="Glorot", split="fixed", **SMALL)
    train, (x, y) = rp.datasets.split(*rp.datasets.digits(), test=500, rng=0)
    for run in found.runs:
        net = dense(64, 10, rp.GlorotUniform(), depth=2, width=10, seed=run.seed)
        errors = []
        history = rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.03), train, epochs=2, batch_size=10,
                         rng=run.seed, progress=False,
                         callbacks=[lambda one: errors.append(1 - rp.accuracy(one.net.predict(x), y))])  # noqa: B023
        assert (run.errors, run.costs) == (errors, history["cost"])


def test_errors_are_lower_on_known_writers_than_on_unseen_ones():
    """The digits come as 14 forms: with whole forms held out, the error is about twice as high."""
    known, unseen = (compare(init="Glorot", group=group, epochs=3, seeds=3, progress=False).summary()[0]["error"]
                     for group in (None, "form"))
    assert unseen > 1.3 * known


def test_cross_validation_runs_each_fold_with_each_seed():
    found = compare("moons", ["Glorot", "He"], cv=3, **SMALL)
    assert [(run.seed, run.fold) for run in found["He"]] == [(seed, fold) for seed in range(2) for fold in range(3)]
    assert found.resampled == pytest.approx(167 / 333, rel=0.01)
    assert found.summary()[1]["pairs"] == 6


def test_only_runs_that_divide_the_data_anew_have_corrected_intervals():
    options = SMALL | {"init": "Glorot", "depth": 1, "epochs": 1}
    assert compare("moons", **options).resampled == 100 / 400
    assert compare("moons", split="fixed", **options).resampled == 0
    assert compare((X, Y), test=(X, Y), **options).resampled == 0
    assert compare("moons", cv=5, split="fixed", **options).resampled == 100 / 400


@pytest.mark.parametrize(("data", "options", "kind", "text"), [
    ((X, Y), {"cv": 50}, rp.ArgumentError, "cv must be at most 40, the number of examples, got 50"),
    ((X, Y), {"cv": 9, "group": GROUPS}, rp.ArgumentError, "cv must be at most 8, the number of groups, got 9"),
    ((X[:2], [0, 1]), {}, rp.DataError, "data must hold enough examples for all parts, got 2 in arrays"),
    ((X, np.where(np.arange(40), "a", "b")), {"stratify": True}, rp.DataError, "two examples of each class .* got one of 'b'"),
    ((X, Y), {"group": GROUPS > 3, "lr": (0.1, 0.2)}, rp.DataError,
     r"lr must be one learning rate here: .* off the 20 training examples of arrays \(seed 0\): groups must hold at least two"),
    ((X, np.repeat(["a", "b"], [38, 2])), {"stratify": True, "cv": 2, "lr": (0.1, 0.2)}, rp.DataError,
     r"cannot be split off the 20 training examples of arrays \(seed 0, fold 0\): y must hold .* got one of 'b'"),
    ((X, Y / 7), {"stratify": True}, rp.ArgumentError, "stratify must be False for y, which holds values and no classes"),
])
def test_parts_that_cannot_be_are_refused_before_anything_runs(data, options, kind, text):
    with pytest.raises(kind, match=text):
        compare(data, "Glorot", **SMALL | options)
