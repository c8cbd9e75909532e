"""Glorot & Bengio 2010, training: what is read from layers is what its names say, and claims are judged by their numbers."""

import gzip
import json
import pickle

import numpy as np
import pytest

import retroprop as rp
from retroprop.experiments.lab import loop
from retroprop.experiments.lab.data import source
from retroprop.experiments.lab.networks import dense, initialization
from retroprop.experiments.lab.readings import BINS, Layers, histogram
from retroprop.experiments.lab.trained import error_at, trained
from retroprop.experiments.papers.glorot2010 import claims as of_glorot
from retroprop.experiments.papers.glorot2010 import plan as training
from retroprop.experiments.reports.page import Figures, Page
from retroprop.experiments.reproduce.job import paper, reproduce
from retroprop.experiments.reproduce.paper import Report, Results, Scale
from retroprop.experiments.sweeps.trials import Done, Failed, Trial

PAPER = paper("glorot2010")

TINY = {"data": "digits", "activation": "tanh", "init": "Glorot", "depth": 3, "width": 20, "lr": 0.1, "batch_size": 10,
        "steps": 40, "at": [0, 20, 40], "seed": 0, "readings": "layers"}


def test_layers_are_read_as_their_names_say():
    """Against the same network run by hand: dC/dW is what `update` computes, z what the activation functions give."""
    x, y = (part[:300] for part in source("digits").part())
    net = dense(64, 10, initialization("Standard").initializer, depth=3, width=20, seed=3)
    found, loss = Layers(net, source("digits"), batch_size=10, seed=0).read(), rp.CrossEntropy()
    loss.forward(net.forward(x), y)
    net.backward(loss.backward())
    net.update()
    z = [np.tanh(x @ net[0].weight.data.T)]
    for k in (2, 4):
        z.append(np.tanh(z[-1] @ net[k].weight.data.T))
    np.testing.assert_allclose(found["weight_gradient"], [net[k].weight.grad.std() for k in (0, 2, 4)], rtol=1e-5)
    np.testing.assert_allclose(found["gradient"], [net[k].gradient.std() for k in (0, 2, 4)], rtol=1e-5)
    np.testing.assert_allclose(found["mean"], [a.mean() for a in z], atol=1e-6)
    np.testing.assert_allclose(found["std"], [a.std() for a in z], rtol=1e-5)
    np.testing.assert_allclose(found["high"], [np.quantile(abs(a), 0.98) for a in z], rtol=1e-4)


def test_a_histogram_counts_every_activation():
    z = np.array([-1.0, -0.99, 0.01, 1.0])
    counts = histogram(z)
    assert (len(counts), sum(counts), counts[0], counts[BINS // 2], counts[-1]) == (BINS, 4, 2, 1, 1)


def test_reading_layers_changes_nothing():
    """The errors are those of the run of which errors alone are read."""
    one, other = trained(**TINY), trained(**TINY | {"readings": "errors"})
    assert [{name: row[name] for name in ("step", "error")} for row in one["readings"]] == other["readings"]
    assert [sum(counts) for counts in one["histograms"]] == [300 * 20] * 3


def test_an_interrupted_run_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    whole = trained(**TINY)
    monkeypatch.setattr(loop, "EVERY", 0.0)                         # saved at each step
    save, step = loop.Unfinished.save, 0

    def interrupted(self, at, *rest):
        nonlocal step
        save(self, at, *rest)
        step = at
        if at == 23:
            raise KeyboardInterrupt
    monkeypatch.setattr(loop.Unfinished, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(**TINY, checkpoint=tmp_path / "run")
    assert step == 23
    monkeypatch.setattr(loop.Unfinished, "save", save)
    assert trained(**TINY, checkpoint=tmp_path / "run") == whole


def test_the_test_part_decides_no_learning_rate():
    """The network has seen neither the sixth that validates nor the test part."""
    options = TINY | {"data": "validated-digits", "readings": "errors"}
    errors = [error_at(part=part) for part in ("validation", "error")]
    found = trained(**options | {"steps": 400, "at": [400]})
    assert [round(count * error(found), 6) % 1 for count, error in zip((216, 500), errors, strict=True)] == [0.0, 0.0]
    assert error_at()(found) < 0.5
    wild = trained(**options | {"activation": "relu", "init": "N(0, 1e30)", "steps": 5, "at": [5]})
    assert [error(wild) for error in errors] == [wild["chance"]] * 2


@pytest.mark.parametrize("scale", [
    Scale("quick"), Scale("small"), Scale("paper", data="shapeset"), Scale("paper", 1, "/nowhere", 7)])
def test_plans_are_json_and_can_be_sent(scale):
    trials = training.in_training(scale)
    for trial in trials:
        assert json.loads(json.dumps(trial.settings)) == trial.settings
    assert pickle.loads(pickle.dumps(trials)) == trials
    assert len({trial.key for trial in trials}) == len(trials)
    assert len(trials) % scale.seeds == 0


def test_the_papers_own_sizes():
    trials = training.in_training(Scale("paper", data="shapeset"))
    for trial in trials:
        assert (trial.settings["width"], trial.settings["batch_size"], trial.settings["steps"]) == (1000, 10, 5_000_000)
        assert trial.resumable
        assert len(trial.settings["at"]) == training.READINGS + 1
    assert {(one.settings["activation"], one.settings["init"]) for one in trials} == set(training.NETS.values())


def made_up(scale, error):
    """Results of a plan with readings that ``error(trial, step)`` decides and layers that are all alike."""
    def result(trial):
        if trial.settings["data"] == "validated-digits":
            return {"readings": [{"step": trial.settings["steps"], "validation": abs(trial.settings["lr"] - 0.1),
                                  "error": error(trial, trial.settings["steps"])}], "diverged": None}
        wild = trial.settings["activation"] == "relu" and trial.settings["init"] == "N(0, 1)"
        flat = [0.5 + 0.001 * trial.settings["seed"]] * trial.settings["depth"]
        rows = [{"step": step, "error": error(trial, step), "validation": error(trial, step)} | dict.fromkeys(
            ("mean", "std", "high", "saturated", "gradient", "weight_gradient"), flat) for step in trial.settings["at"]]
        return {"readings": rows[:1] if wild else rows, "diverged": 3 if wild else None, "chance": 0.9,
                "histograms": [[1] * BINS] * trial.settings["depth"]}
    return Results(scale, [Done(trial, result(trial), 1.0) for trial in training.in_training(scale)])


def level(net):
    """An error by activation and initialization: as in the paper's table, in other numbers."""
    return {("tanh", "Glorot"): 0.02, ("tanh", "Standard"): 0.09, ("softsign", "Glorot"): 0.03, ("softsign", "Standard"): 0.05,
            ("relu", "He"): 0.02}.get(net, 0.9)


def better(trial, step):
    net = trial.settings["activation"], trial.settings["init"]
    early = step <= 500 and net[1] == "Standard"
    return (0.6 if early else level(net)) * (1 + 0.01 * trial.settings["seed"] ** 2)


def by_id(results):
    return {one.id: one for one in of_glorot.claims(results)}


def test_claims_are_judged_by_the_numbers():
    found = by_id(made_up(Scale("small"), better))
    for id in ("tanh-normalized-learns", "tanh-standard-behind", "softsign-normalized-ahead", "digits-tanh-n-better",
               "digits-normalization-helps-tanh", "digits-sigmoid-worst", "easy-shapeset-sigmoid-chance",
               "relu-large-overflows", "sigmoid-normalized-chance"):
        assert found[id].holds is True, id
    assert found["digits-tanh-n-better"].paper == "1.64 % / 1.76 %"
    assert found["easy-shapeset-tanh-n-better"].paper == "15.6 % / 27.15 %"
    more = found["digits-normalization-helps-tanh"].values
    assert more == pytest.approx([-0.05 * (1 + 0.01 * seed**2) for seed in range(5)])        # softsign's gain less tanh's


def test_claims_that_are_not_reproduced_say_so():
    found = by_id(made_up(Scale("small"), lambda trial, step: 0.5 + 0.001 * trial.settings["seed"]))
    for id in ("tanh-normalized-learns", "tanh-normalized-ahead", "digits-sigmoid-worst", "sigmoid-normalized-chance",
               "tanh-saturates-in-turn", "sigmoid4-normalized-falls", "softsign-layer1-at-knees"):
        assert found[id].holds is False, id


def test_a_larger_gain_that_the_seeds_do_not_show_is_inconclusive():
    noise = [0.05, -0.04, 0.03, -0.05, 0.02]                        # of standard tanh: its mean gain is the larger
    def error(trial, step):
        net = trial.settings["activation"], trial.settings["init"]
        return 0.2 + (noise[trial.settings["seed"]] if net == ("tanh", "Standard") else 0.0)
    more = by_id(made_up(Scale("small"), error))["digits-normalization-helps-tanh"]
    assert (sum(more.values) < 0, more.verdict) == (True, "inconclusive")


def test_the_rate_is_chosen_on_validation():
    results = made_up(Scale("small"), lambda trial, step: 0.5 - trial.settings["lr"])     # the largest has the best test error
    assert training.tuned(results, ("tanh", "Glorot"))[0] == 0.1
    rate, errors = training.tuned(Results(Scale("small"), []), ("tanh", "Glorot"))
    assert (rate, len(errors)) == (None, 0)


def test_shares_of_a_histogram_by_hand():
    counts = np.zeros(BINS, int)
    counts[[0, 40, 79, 67]] = [1, 2, 1, 4]                          # -0.99, 0.01, 0.99, 0.69
    result = {"histograms": [counts.tolist()]}
    assert [of_glorot.share(result, [0], *ends) for ends in ((0.9, 1.1), (0, 0.1), (0.6, 0.8))] == [0.25, 0.25, 0.5]


@pytest.mark.parametrize("name", ["quick", "small", "paper"])
@pytest.mark.parametrize("keep", [0, 1, pytest.param(7, marks=pytest.mark.long)])
def test_missing_runs_leave_claims_unjudged_and_pages_whole(name, keep, tmp_path):
    scale = Scale(name, data="shapeset" if name == "paper" else None)
    whole = made_up(scale, better)
    lost = Results(scale, [one if k % 9 < keep else Failed(one.trial, "MemoryError", "")
                           for k, one in enumerate(whole.outcomes)])
    found = of_glorot.claims(lost)
    if not keep:
        assert {one.holds for one in found} == {None}
    assert [one.id for one in found] == [one.id for one in of_glorot.claims(whole)]
    assert len({one.id for one in found}) == len(found)
    page = Page("")
    if name == "quick" or keep == 0:                                # drawing takes a second
        PAPER.draw(lost, Report(page, Figures(page, tmp_path), PAPER.texts))
    assert ("<img" in "".join(page.parts)) == (name == "quick" and keep > 0)


def write_mnist_format(folder, count):
    """Random 6×6 images of three classes, in the four files of MNIST."""
    rng = np.random.default_rng(0)
    for prefix in ("train", "t10k"):
        images, labels = rng.integers(0, 256, (count, 6, 6), dtype=np.uint8), rng.integers(0, 3, count, dtype=np.uint8)
        header = np.array([0x803, *images.shape], ">i4").tobytes()
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + images.tobytes()))
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(np.array([0x801, count], ">i4").tobytes() + labels.tobytes())


def test_the_papers_scale_runs_on_files(tmp_path, monkeypatch):
    """Its plan, with the networks made narrow: the rest is what days would be spent on."""
    write_mnist_format(tmp_path, 60)
    scale = Scale("paper", 1, str(tmp_path), 3, "0")
    done = []
    for trial in training.in_training(scale)[::4]:
        narrow = Trial(trial.task, dict(trial.settings) | {"width": 10})
        done.append(Done(trial, narrow.task(**narrow.settings), 0.0))
    assert [row["step"] for row in done[0].result["readings"]] == [0, 1, 2, 3]
    assert {"error", "validation", "high"} <= set(done[0].result["readings"][0])
    assert error_at(part="validation")(done[0].result) == done[0].result["readings"][-1]["validation"]
    assert of_glorot.claims(Results(scale, done))


def test_a_bad_folder_is_refused_before_anything_runs(tmp_path):
    with pytest.raises((rp.RetropropError, OSError), match="nowhere"):
        reproduce("glorot2010", scale="paper", data=tmp_path / "nowhere", steps=3)
