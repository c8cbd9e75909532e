"""He et al. 2015: the plan is plain data, claims judge what they are given, and thirty layers are thirty."""


import numpy as np
import pytest

from retroprop.experiments.lab.networks import convolutions
from retroprop.experiments.lab.trained import trained
from retroprop.experiments.papers.he2015.runs import signals
from retroprop.experiments.reproduce.job import paper
from retroprop.experiments.reproduce.pages import write_paper
from retroprop.experiments.reproduce.paper import Results, Scale
from retroprop.experiments.sweeps.trials import Done
from retroprop.initializers import HeNormal

PAPER = paper("he2015")


def test_a_signal_that_dies_is_said_to_die():
    trials = [trial for trial in PAPER.plan(Scale("quick")) if trial.task is signals]
    dead = [Done(trial, {"signal": [1.0, 1e-9], "gradient": [1e-9, 1.0]}, 0.0) for trial in trials]
    found = PAPER.claims(Results(Scale("quick"), dead))
    assert [one.holds for one in found[:8]] == [False] * 8


@pytest.mark.parametrize("good", [True, False])
def test_claims_of_trained_networks_can_hold_and_can_fail(good):
    """As the paper says, or the other way round: then only what should stall learns."""
    def result(settings):
        init, depth = settings["init"], settings.get("depth", 20)
        hard = init == "Glorot" and depth >= 20 and settings.get("activation") == "relu" and not settings["momentum"]
        error, late = (0.04, 3) if init == "Glorot" else (0.02, 1)  # readings until it has learned
        rows = [{"step": step, "error": error + 0.001 * depth if hard != good and k >= late else 0.9}
                for k, step in enumerate(settings["at"])]
        return {"readings": rows, "diverged": None}

    runs = [Done(trial, result(trial.settings), 0.0) for trial in PAPER.plan(Scale("small")) if trial.task is trained]
    found = {one.id: one.holds for one in PAPER.claims(Results(Scale("small"), runs)) if one.holds is not None}
    assert len(found) == (15 if good else 12)                       # two that never learn are not told apart
    kept = {"layers14-alike"}                                       # two networks that learn nothing end alike too
    assert {id: holds for id, holds in found.items() if holds is not good and id not in kept} == {}


def test_thirty_layers_are_thirty():
    [settings, _] = [trial.settings for trial in PAPER.plan(Scale("paper", seeds=1, data="x"))
                     if trial.task is trained and sum(map(len, trial.settings["stages"])) == 27]          # He's and Glorot's
    net = convolutions(784, 10, HeNormal(), **{name: settings[name] for name in ("stages", "pools", "hidden")}, seed=0)
    assert sum(name.endswith("weight") for name, _ in net.named_parameters()) == 30
    assert net.forward(np.zeros((2, 784), np.float32)).shape == (2, 10)


@pytest.mark.long
def test_the_papers_scale_on_few_small_images(mnist_folder, tmp_path):
    """One run of each kind and initialization at the paper's scale, two steps, and the page of them."""
    data = mnist_folder(zoom=1, frame=0, count=20)
    scale = Scale("paper", seeds=1, data=str(data), steps=2, digest="0")
    results = Results(scale, [Done(trial, trial.task(**trial.settings), 0.0) for trial in PAPER.plan(scale)])
    claims = PAPER.claims(results)
    assert not any(one.measured == "no run ended" for one in claims)
    write_paper(PAPER, results, claims, tmp_path / "page")
    assert (tmp_path / "page" / "report.html").exists()
