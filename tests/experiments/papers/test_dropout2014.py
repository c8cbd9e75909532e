"""The paper on dropout: its exact facts, what its runs do, and claims that can fail."""

import gzip
import json
import math
import pickle
import re
from functools import partial
from io import BytesIO

import numpy as np
import pytest

import retroprop as rp
from retroprop.experiments.lab import loop, readings
from retroprop.experiments.lab import trained as lab
from retroprop.experiments.lab.data import source
from retroprop.experiments.lab.networks import noisy
from retroprop.experiments.lab.trained import trained
from retroprop.experiments.papers.dropout2014 import runs
from retroprop.experiments.papers.dropout2014.claims import claims, of_mnist, rate_claim
from retroprop.experiments.papers.dropout2014.measured import chosen, needed
from retroprop.experiments.papers.dropout2014.plan import PLAIN, RATES, network, plan
from retroprop.experiments.reports.page import Figures, Page
from retroprop.experiments.reproduce.job import paper
from retroprop.experiments.reproduce.paper import Report, Results, Scale
from retroprop.experiments.reproduce.series import Series
from retroprop.experiments.sweeps.trials import Done
from retroprop.initializers import HeNormal

PAPER = paper("dropout2014")

QUICK = Scale("quick")
TINY = network(QUICK, examples=100, updates=20, width=8) | {"seed": 3}


def test_the_facts_that_hold_exactly():
    for keep in (0.3, 0.5, 0.8):
        facts = runs.exact(keep=keep, seed=0)
        assert max(facts["ridge"], facts["cost"]) < 1e-8
        assert facts["mean"] < 4
        assert (facts["test"], facts["mask"]) == (0, 0)


def test_the_ridge_of_one_number_by_hand():
    """X = (2), y = 3, p = 1/2: the mean of (3 - 2 m w)² over m is least where w = 3/2; the ridge has w~ = p w = 6 / (4 + 4)."""
    keep, x, y = 0.5, 2.0, 3.0
    w = np.linspace(0, 3, 301)
    average = keep * (y - x * w) ** 2 + (1 - keep) * y ** 2
    ridge = (y - x * keep * w) ** 2 + (1 - keep) / keep * x ** 2 * (keep * w) ** 2
    np.testing.assert_allclose(average, ridge, atol=1e-12)
    assert w[average.argmin()] == pytest.approx(1.5)


@pytest.mark.parametrize("examples", [100, 800])
def test_labels_are_wrong_as_often_as_asked_and_the_others_are_right(examples):
    (x, given), (others, right) = runs.noisy_digits(examples, 0.3, seed=1)
    train = dict(zip(map(bytes, source("digits", 1).train[0]), source("digits", 1).train[1], strict=True))
    truth = np.array([train[bytes(row)] for row in x])
    assert np.count_nonzero(given != truth) == round(0.3 * examples)
    assert set(given - truth) > {-3, 3}                             # whatever the right class, several wrong ones
    assert [train[bytes(row)] for row in others] == right.tolist()
    assert len({*map(bytes, x), *map(bytes, others)}) == 1297
    np.testing.assert_array_equal(given, runs.noisy_digits(examples, 0.3, seed=1)[0][1])


def test_keep_is_the_papers_p_and_weights_do_not_depend_on_it():
    net, plain = (noisy(64, 10, HeNormal(), sizes=[30, 20], keep=keep, keep_input=keep_input, seed=2)
                  for keep, keep_input in ((0.4, 0.8), (1.0, 1.0)))
    assert [module.p for module in net if isinstance(module, rp.Dropout)] == pytest.approx([0.2, 0.6, 0.6])
    assert not any(isinstance(module, rp.Dropout) for module in plain)
    for a, b in zip(net.parameters(), plain.parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data)


def test_gaussian_noise_has_the_moments_of_dropout():
    noise = runs.GaussianNoise(0.8, rng=0)
    rp.check_module(noise, np.random.default_rng(0).normal(size=(5, 3)))
    y = noise.forward(np.full(100_000, 2.0))
    assert y.mean() == pytest.approx(2, abs=4 * 2 * 0.5 / np.sqrt(y.size))
    assert y.var() == pytest.approx(4 * 0.25, rel=0.03)


def test_an_l1_step_shrinks_weights_to_zero_and_no_further():
    net = rp.Sequential(rp.Linear(3, 1, rng=0))
    net[0].weight.data[...], net[0].bias.data[...] = [[0.5, -0.1, 0.02]], 0.3
    lab.Shrink(0.1).project(net)
    np.testing.assert_allclose(net[0].weight.data, [[0.4, 0, 0]], atol=1e-7)
    assert net[0].bias.data == np.float32(0.3)


def test_averages_of_a_network_without_dropout_are_its_own_error(monkeypatch):
    monkeypatch.setattr(readings, "NETS", 3)
    x, y = source("digits").part()
    net = noisy(64, 10, HeNormal(), sizes=[20], keep=1.0, keep_input=1.0, seed=0)
    found = readings.averages(net, x, y, seed=0)
    assert found["errors"] == pytest.approx([readings.wrong(net, x, y)] * 3)
    assert found["stds"] == pytest.approx([0] * 3)
    assert net.training is False


def test_the_spread_of_averages_is_that_of_draws_without_common_networks(monkeypatch):
    """Of two sampled networks one errs on everything, the other on nothing: errors 0 and 1, whose deviation is 1/sqrt 2."""
    class Two(rp.Module):
        turn = 0

        def output_shape(self, shape):
            return shape[0], 2

        def forward(self, x):
            self.turn += 1
            return np.eye(2)[np.full(len(x), self.turn % 2)]

    monkeypatch.setattr(readings, "ORDERS", 2000)
    monkeypatch.setattr(readings, "NETS", 1)
    found = readings.averages(Two(), np.zeros((3, 1)), np.zeros(3, int), seed=0)
    assert found["errors"][0] == pytest.approx(0.5, abs=0.05)
    assert found["stds"][0] == pytest.approx(np.sqrt(0.5), rel=0.01)


@pytest.mark.parametrize(("errors", "scaled", "expected"), [([0.3, 0.2, 0.1], 0.2, 2), ([0.3, 0.2], 0.1, float("inf"))])
def test_how_many_sampled_networks_are_needed(errors, scaled, expected):
    assert needed({"scaled": scaled, "averages": {"errors": errors}}) == expected


def test_a_run_that_diverged_has_no_averages_that_are_enough():
    assert math.isnan(needed({"diverged": 3, "readings": []}))


def test_a_run_is_json_and_the_same_again(monkeypatch):
    monkeypatch.setattr(readings, "NETS", 2)
    settings = TINY | {"averaged": True, "norm": 1.0, "l1": 1e-3, "l2": 1e-3}
    result = runs.learned(**settings)
    assert json.loads(json.dumps(result)) == result == runs.learned(**settings)
    assert result["error"] == result["curve"][-1]["error"]
    assert len(result["averages"]["errors"]) == 2
    auto = runs.autoencoded(keep=0.5, width=10, updates=60, lr=0.1, momentum=0.9, seed=0)
    assert json.loads(json.dumps(auto)) == auto
    assert sum(auto["units"]) == pytest.approx(1)


def test_a_run_that_diverges_counts_as_chance():
    result = runs.learned(**TINY | {"lr": 1e30})
    assert [result[name] for name in ("error", "training", "validation")] == [source("digits", 3).chance] * 3
    assert math.isnan(result["silent"])


@pytest.mark.parametrize("scale", [QUICK, Scale(), Scale("paper", data="folder", digest="0")])
def test_the_plan_is_json_and_goes_to_workers(scale):
    trials = plan(scale)
    for trial in trials:
        assert json.loads(json.dumps(trial.settings)) == trial.settings
        assert pickle.loads(pickle.dumps(trial.task)) is trial.task
    assert len({str(trial) for trial in trials}) == len(trials)


def made_up(trial, good):
    """A result as the paper would have it, or the opposite."""
    s, seed = trial.settings, trial.settings["seed"]
    if trial.task is runs.exact:
        return dict.fromkeys(("ridge", "cost", "mean", "test", "mask"), 0.0 if good else 5.0)
    if trial.task is runs.autoencoded:
        less = (s["keep"] < 1) == good
        return {"mean": 0.5 if less else 2.0, "silent": 0.8 if less else 0.3, "neighbours": 0.3 if less else 0.1,
                "edges": [0, 1, 2], "activations": [0.8, 0.2], "units": [0.5, 0.5], "features": [[0.0] * 64] * 64}
    dropped = (s["keep"] < 1) == good
    e = (0.05 if dropped else 0.2) * (1 + seed / 100)
    return {"diverged": False, "error": e, "training": 0.3 if s["keep"] < 1 and good else 0.0 if good else 0.1,
            "validation": e, "curve": [{"update": k, "error": e, "training": e} for k in (1, 2, 3)],
            "silent": 0.7 if dropped else 0.4, "scaled": e,
            "averages": {"errors": [2 * e] * 30 + [e] * 70, "stds": [0.01] * 100}}


def results(good, without=lambda trial: False, scale=QUICK):
    return Results(scale, [Done(trial, made_up(trial, good), 1.0) for trial in plan(scale) if not without(trial)])


def test_claims_hold_where_they_should_and_fail_where_they_should():
    held, missed = ({one.id: one.holds for one in claims(results(good))} for good in (True, False))
    both = ["error-lower", "error-divided", "half-width-error-lower", "keep-half-better", "not-by-heart-with",
            "by-heart-without", "autoencoder-less-active", "dropout-l2-below-l2", "backward-mask", "classifier-silent"]
    assert [held[id] for id in both] == [True] * len(both)
    assert [missed[id] for id in both] == [False] * len(both)


def test_rows_of_table_2_that_are_not_run_are_named_with_the_reason():
    for scale in (QUICK, Scale(), Scale("paper", data="folder")):
        lines = [one for one in claims(Results(scale, [])) if one.measured.startswith("not run: ")]
        assert [one.paper for one in lines] == ["1.01 %", "0.95 %", "0.94 %", "1.40 %", "0.92 %", "0.79 %"]
        assert {one.verdict for one in lines} == {"–"}


@pytest.mark.parametrize("scale", [QUICK, Scale(), Scale("paper", data="folder", digest="0")])
def test_no_two_claims_have_the_same_id(scale):
    ids = [one.id for one in claims(Results(scale, []))]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", id) for id in ids)


def test_at_the_small_scale_every_claim_that_is_run_has_values():
    found = claims(results(True, scale=Scale()))
    assert all(one.values for one in found if not one.measured.startswith("not run: "))
    assert {one.id: one.verdict for one in found}["rate-ratio"] == "inconclusive"   # all rates err alike, so the first is best


def test_names_and_ids_of_claims_do_not_depend_on_what_came_out():
    """The gate knows by id which do not come out."""
    names = [[(one.id, one.what) for one in claims(found)] for found in (results(True), results(False), Results(QUICK, []))]
    assert names[0] == names[1] == names[2]


def report(folder):
    page = Page("title")
    return Report(page, Figures(page, folder), PAPER.texts)


def test_missing_runs_are_not_judged_and_do_not_hinder_the_page(tmp_path):
    for found in (Results(QUICK, []), Results(Scale(), []), Results(Scale("paper", data="folder"), [])):
        assert all(one.holds is None for one in claims(found))
        PAPER.draw(found, report(tmp_path))
    assert not list(tmp_path.iterdir())
    some = results(True, without=lambda trial: trial.settings["seed"] == 2 and trial.settings.get("keep") == 1)
    assert {one.holds for one in claims(some)} <= {True, False, None}


@pytest.mark.parametrize(("scale", "more"), [(QUICK, []), pytest.param(Scale(), ["thumb"], marks=pytest.mark.long)])
def test_the_page_has_all_figures(scale, more, monkeypatch):
    drawn = []

    def add(self, figure, name, caption, beside, *, alt=None):
        assert "nan" not in caption
        figure.savefig(BytesIO(), dpi=20)
        drawn.append(name)

    monkeypatch.setattr(Figures, "add", add)
    PAPER.draw(results(True, scale=scale), report(None))
    assert drawn == ["curves", "features", "sparsity", "keep", "sizes", "averaging", "table-9", *more]


def test_the_validation_examples_choose():
    found = results(True)
    assert chosen(found, [PLAIN, {}]) == {}
    assert chosen(results(False), [PLAIN, {}]) == PLAIN


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The digits in the four files of MNIST, 8×8 pixels each."""
    where = tmp_path_factory.mktemp("mnist")
    parts = rp.datasets.split(*rp.datasets.digits(), test=500, rng=0)
    for prefix, (images, labels) in zip(("train", "t10k"), parts, strict=True):
        images = (images.reshape(-1, 8, 8) * 255).astype(np.uint8)
        header = np.array([0x803, *images.shape], ">i4").tobytes()
        (where / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + images.tobytes()))
        header = np.array([0x801, len(labels)], ">i4").tobytes()
        (where / f"{prefix}-labels-idx1-ubyte").write_bytes(header + labels.astype(np.uint8).tobytes())
    return str(where)


def small(trial):
    return dict(trial.settings) | {"sizes": [8] * len(trial.settings["sizes"])}


@pytest.mark.long
def test_the_papers_scale_runs_on_files(folder, tmp_path, monkeypatch):
    """All of its networks, 8 units wide, three steps; then claims and page from what came out."""
    monkeypatch.setattr(readings, "NETS", 2)
    scale = Scale("paper", 1, folder, steps=3, digest="0")
    trials = plan(scale)
    done = [Done(trial, trial.task(**(trial.settings if trial.task is runs.exact else small(trial))), 1.0) for trial in trials]
    assert all(trial.resumable for trial in trials if trial.task is trained)
    found = Results(scale, done)
    assert all(one.values for one in of_mnist(found))
    PAPER.draw(found, report(tmp_path))
    assert {path.stem for path in tmp_path.glob("*.png")} == {"mnist", "mnist-more"}


ON_FILES = {"network": "noisy", "activation": "relu", "init": "He", "sizes": [12, 12], "keep": 0.5, "keep_input": 0.8,
            "norm": 1.0, "lr": 0.1, "momentum": 0.95, "rising": True, "batch_size": 100, "steps": 40, "seed": 0}


def test_on_files_weights_stay_short_and_momentum_rises_in_the_first_tenth(folder, monkeypatch):
    descent, made, momenta, norms = lab.descent, [], [], []

    def look(net, x, y):
        momenta.append(made[0].groups[0]["momentum"])
        norms.append(max(np.linalg.norm(weight.data, axis=1).max() for weight in lab.weights(net)))
        return 0.5

    monkeypatch.setattr(lab, "descent", lambda *given: made.append(descent(*given)) or made[0])
    monkeypatch.setattr(readings, "wrong", look)
    trained(**ON_FILES, data=folder, examples=200, at=[0, 2, 4, 40])
    assert momenta[::2] == pytest.approx([0.5, 0.725, 0.95, 0.95])  # test and validation examples are read at each step
    assert norms[0] > 1.2
    assert norms[2::2] == pytest.approx([1] * 3, rel=1e-6)


def test_a_run_on_files_that_was_interrupted_goes_on_to_the_same_bits(folder, tmp_path, monkeypatch):
    """Masks, the rising momentum and the constraint included."""
    monkeypatch.setattr(loop, "EVERY", 0.0)
    monkeypatch.setattr(readings, "NETS", 2)
    run = partial(trained, **ON_FILES, data=folder, readings="sampled averages", at=[0, 20, 40])
    whole, real = run(), readings.wrong

    def interrupted(net, x, y):
        if list(tmp_path.glob("*.safetensors")):
            raise KeyboardInterrupt
        return real(net, x, y)

    monkeypatch.setattr(readings, "wrong", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(checkpoint=tmp_path / "run.safetensors")
    monkeypatch.setattr(readings, "wrong", real)
    assert run(checkpoint=tmp_path / "run.safetensors") == whole
    assert whole["readings"][-1]["error"] < whole["readings"][0]["error"]


@pytest.mark.parametrize(("dropout", "plain", "verdict"), [
    (0.01, 0.001, "yes"), (0.01, 0.002, "NO"), (0.05, 0.001, "inconclusive"), (0.01, 0.0005, "inconclusive"),
    (None, 0.01, "–")])
def test_a_best_rate_at_an_end_of_those_tried_decides_nothing(dropout, plain, verdict):
    with_, without = ({} if rate is None else {lr: Series.of([(0, abs(lr - rate))]) for lr in RATES}
                      for rate in (dropout, plain))
    nothing = {lr: Series({}) for lr in RATES}
    assert rate_claim(with_ or nothing, without or nothing).verdict == verdict
