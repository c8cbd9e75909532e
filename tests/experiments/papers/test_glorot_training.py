"""Glorot & Bengio 2010, training: what is read from layers is what its names say, and claims are judged by their numbers."""

import gzip
import json
import pickle

import numpy as np
import pytest

import retroprop as rp
from retroprop.experiments.lab import loop as course
from retroprop.experiments.lab.data import source
from retroprop.experiments.lab.dense import errors
from retroprop.experiments.lab.networks import network, start
from retroprop.experiments.papers.glorot2010 import training_claims as glorot_training_claims
from retroprop.experiments.papers.glorot2010 import training_layers as glorot_training_layers
from retroprop.experiments.papers.glorot2010 import training_page as glorot_training_page
from retroprop.experiments.papers.glorot2010 import training_plan as training
from retroprop.experiments.papers.glorot2010.training_runs import BINS, held_out, histogram, layers, watched
from retroprop.experiments.papers.paper import Results, Scale
from retroprop.experiments.papers.reproduce import reproduce
from retroprop.experiments.reports.page import Figures, Page
from retroprop.experiments.sweeps.trials import Done, Failed, Trial

TINY = {"data": "digits", "activation": "tanh", "init": "Glorot", "depth": 3, "width": 20, "lr": 0.1, "batch_size": 10,
        "steps": 40, "at": [0, 20, 40], "seed": 0}


def test_layers_are_read_as_their_names_say():
    """Against the same network run by hand: dC/dW is what `update` computes, z what the activation functions give."""
    x, y = (part[:50] for part in source("digits").part())
    net = network(64, 10, start("Standard")[1], depth=3, width=20, seed=3)
    found, loss = layers(net, x, y), rp.CrossEntropy()
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


def test_watching_changes_nothing():
    """The same errors as of the run that nobody looks into."""
    one, other = watched(**TINY), errors(**TINY)
    assert [{name: row[name] for name in ("step", "error")} for row in one["readings"]] == other["readings"]
    assert [sum(counts) for counts in one["histograms"]] == [300 * 20] * 3


def test_an_interrupted_run_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    whole = watched(**TINY)
    monkeypatch.setattr(course, "EVERY", 0.0)                       # saved at each step
    kept, step = course.Kept.save, 0

    def interrupted(self, at, *rest):
        nonlocal step
        kept(self, at, *rest)
        step = at
        if at == 23:
            raise KeyboardInterrupt
    monkeypatch.setattr(course.Kept, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        watched(**TINY, kept=tmp_path / "run")
    assert step == 23
    monkeypatch.setattr(course.Kept, "save", kept)
    assert watched(**TINY, kept=tmp_path / "run") == whole


def test_the_test_part_decides_no_learning_rate():
    """The network of a held-out run has seen neither the held-out sixth nor the test part."""
    options = {name: TINY[name] for name in ("activation", "init", "depth", "width", "batch_size", "seed")}
    found = held_out(lr=0.1, steps=400, **options)
    assert {round(216 * found["validation"], 6) % 1, round(500 * found["error"], 6) % 1} == {0.0}
    assert found["error"] < 0.5
    wild = held_out(**options | {"activation": "relu", "init": "N(0, 1e30)"}, lr=0.1, steps=5)
    assert wild == {"validation": 1.0, "error": 1.0}


@pytest.mark.parametrize("scale", [
    Scale("quick"), Scale("small"), Scale("paper", data="shapeset"), Scale("paper", 1, "/nowhere", 7)])
def test_plans_are_json_and_can_be_sent(scale):
    trials = training.plan(scale)
    for trial in trials:
        assert json.loads(json.dumps(trial.settings)) == trial.settings
    assert pickle.loads(pickle.dumps(trials)) == trials
    assert len({trial.key for trial in trials}) == len(trials)
    assert len(trials) % scale.seeds == 0


def test_the_papers_own_sizes():
    trials = training.plan(Scale("paper", data="shapeset"))
    for trial in trials:
        assert (trial.settings["width"], trial.settings["batch_size"], trial.settings["steps"]) == (1000, 10, 5_000_000)
        assert trial.resumable
        assert len(trial.settings["at"]) == training.READINGS + 1
    assert {(one.settings["activation"], one.settings["init"]) for one in trials} == set(training.NETS.values())


def made_up(scale, error):
    """Results of a plan with readings that ``error(trial, step)`` decides and layers that are all alike."""
    def result(trial):
        if trial.task is held_out:
            return {"validation": abs(trial.settings["lr"] - 0.1), "error": error(trial, trial.settings["steps"])}
        wild = trial.settings["activation"] == "relu" and trial.settings["init"] == "N(0, 1)"
        flat = [0.5 + 0.001 * trial.settings["seed"]] * trial.settings["depth"]
        rows = [{"step": step, "error": error(trial, step), "validation": error(trial, step)} | dict.fromkeys(
            ("mean", "std", "high", "saturated", "gradient", "weight_gradient"), flat) for step in trial.settings["at"]]
        return {"readings": rows[:1] if wild else rows, "diverged": 3 if wild else None,
                "histograms": [[1] * BINS] * trial.settings["depth"]}
    return Results(scale, [Done(trial, result(trial), 1.0) for trial in training.plan(scale)])


def level(net):
    """An error by activation and start: as in the paper's table, in other numbers."""
    return {("tanh", "Glorot"): 0.02, ("tanh", "Standard"): 0.09, ("softsign", "Glorot"): 0.03, ("softsign", "Standard"): 0.05,
            ("relu", "He"): 0.02}.get(net, 0.9)


def better(trial, step):
    net = trial.settings["activation"], trial.settings["init"]
    early = step <= 500 and net[1] == "Standard"
    return (0.6 if early else level(net)) * (1 + 0.01 * trial.settings["seed"] ** 2)


def by_what(results):
    return {one.what: one for one in glorot_training_claims.claims(results)}


def test_claims_are_judged_by_the_numbers():
    found = by_what(made_up(Scale("small"), better))
    for what in ("tanh, normalized: learns the digits", "tanh: after 500 steps the standard start is far behind",
                 "softsign: normalized is ahead of standard after 500 steps", "digits: tanh N is better than tanh",
                 "digits: normalization helps tanh more than softsign", "digits: sigmoid is the worst of the five",
                 "easy-shapeset: the sigmoid network does not learn at all".replace("easy-shapeset", "easy Shapeset"),
                 "ReLU, N(0, 1): the cost overflows even at a learning rate of 0.001", "sigmoid, normalized: stays at chance"):
        assert found[what].holds is True, what
    assert found["digits: tanh N is better than tanh"].paper == "1.64 % / 1.76 %"
    assert found["easy Shapeset: tanh N is better than tanh"].paper == "15.6 % / 27.15 %"
    more = found["digits: normalization helps tanh more than softsign"].values
    assert more == pytest.approx([-0.05 * (1 + 0.01 * seed**2) for seed in range(5)])        # softsign's gain less tanh's


def test_claims_that_do_not_come_out_say_so():
    found = by_what(made_up(Scale("small"), lambda trial, step: 0.5 + 0.001 * trial.settings["seed"]))
    for what in ("tanh, normalized: learns the digits", "tanh: normalized is ahead of standard after 500 steps",
                 "digits: sigmoid is the worst of the five", "sigmoid, normalized: stays at chance",
                 "tanh, standard: layer 1 saturates first, then layers 2 and 3",
                 "sigmoid, 4 layers, normalized: the top layer falls to 0", "softsign: layer 1 ends at the knees"):
        assert found[what].holds is False, what


def test_a_larger_gain_that_the_seeds_do_not_show_is_undecided():
    noise = [0.05, -0.04, 0.03, -0.05, 0.02]                        # in tanh's standard start: its mean gain is the larger
    def error(trial, step):
        net = trial.settings["activation"], trial.settings["init"]
        return 0.2 + (noise[trial.settings["seed"]] if net == ("tanh", "Standard") else 0.0)
    found = by_what(made_up(Scale("small"), error))
    more = found["digits: normalization helps tanh more than softsign"]
    assert (sum(more.values) < 0, more.verdict) == (True, "inconclusive")


def test_the_rate_is_chosen_on_validation():
    results = made_up(Scale("small"), lambda trial, step: 0.5 - trial.settings["lr"])     # the largest has the best test error
    assert training.chosen(results, "tanh", "Glorot")[0] == 0.1
    assert training.chosen(Results(Scale("small"), []), "tanh", "Glorot") == (None, {})


def test_shares_of_a_histogram_by_hand():
    counts = np.zeros(BINS, int)
    counts[[0, 40, 79, 67]] = [1, 2, 1, 4]                          # -0.99, 0.01, 0.99, 0.69
    share = glorot_training_layers.share
    result = {"histograms": [counts.tolist()]}
    assert [share([0], *ends)(result) for ends in ((0.9, 1.1), (0, 0.1), (0.6, 0.8))] == [0.25, 0.25, 0.5]


@pytest.mark.parametrize("name", ["quick", "small", "paper"])
@pytest.mark.parametrize("keep", [0, 1, 7])
def test_missing_runs_leave_claims_unjudged_and_pages_whole(name, keep, tmp_path):
    scale = Scale(name, data="shapeset" if name == "paper" else None)
    whole = made_up(scale, better)
    lost = Results(scale, [one if k % 9 < keep else Failed(one.trial, "MemoryError", "")
                           for k, one in enumerate(whole.outcomes)])
    found = glorot_training_claims.claims(lost)
    if not keep:
        assert {one.holds for one in found} == {None}
    assert [one.what for one in found] == [one.what for one in glorot_training_claims.claims(whole)]
    page = Page("")
    if name == "quick" or keep == 0:                                # drawing takes a second
        glorot_training_page.draw(lost, page, Figures(page, tmp_path))
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
    for trial in training.plan(scale)[::4]:
        narrow = Trial(trial.task, dict(trial.settings) | {"width": 10})
        done.append(Done(trial, narrow.task(**narrow.settings), 0.0))
    assert [row["step"] for row in done[0].result["readings"]] == [0, 1, 2, 3]
    assert {"error", "validation", "high"} <= set(done[0].result["readings"][0])
    assert training.validation_error(done[0].result) == done[0].result["readings"][-1]["validation"]
    assert glorot_training_claims.claims(Results(scale, done))


def test_a_bad_folder_is_refused_before_anything_runs(tmp_path):
    with pytest.raises((rp.RetropropError, OSError), match="nowhere"):
        reproduce("glorot2010", scale="paper", data=tmp_path / "nowhere", steps=3)
