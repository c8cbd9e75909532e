"""The paper on noise behind BatchNorm: what its claims make of results, and its page."""

import pytest

from retroprop.experiments.papers.santurkar2018.plan import NETWORKS, plan
from retroprop.experiments.reproduce.job import paper
from retroprop.experiments.reproduce.pages import write_paper
from retroprop.experiments.reproduce.paper import Results, Scale
from retroprop.experiments.sweeps.trials import Done

PAPER, SMALL = paper("santurkar2018"), Scale("small")
FOUND = {"plain": (0.89, [0.003, 0.03, 0.1], [0.01, 0.4, 7.0]), "BatchNorm": (0.02, [0.002] * 3, [0.002] * 3),
         "noisy BatchNorm": (0.025, [0.5] * 3, [0.49, 0.49, 0.4])}


def name_of(settings):
    return next(name for name, given in NETWORKS.items() if all(settings.get(key) == value for key, value in given.items()))


def made(**changes):
    """Results as they are: the error, the movement and the drift of each network; ``changes`` by its first word."""
    found = []
    for trial in plan(SMALL):
        name = name_of(trial.settings)
        error, moved, drift = changes.get(name.split()[0], FOUND[name])
        off = 0.001 * trial.settings["seed"]
        rows = [{"step": step, "error": error + off, "mean": [0.0] * 3, "spread": [1.0] * 3} for step in trial.settings["at"]]
        found.append(Done(trial, {"readings": rows, "diverged": None, "moved": [one + 0.01 * off for one in moved],
                                  "drift": drift}, 1.0))
    return Results(SMALL, found)


def verdicts(results):
    return {claim.id: claim.holds for claim in PAPER.claims(results)}


def test_all_come_out_on_results_as_they_are():
    assert all(verdicts(made()).values())


@pytest.mark.parametrize(("changes", "lost"), [
    ({"noisy": (0.5, [0.5] * 3, [0.5] * 3)}, {"noisy-error", "noisy-as-good"}),
    ({"noisy": (0.025, [0.001] * 3, [0.001] * 3)}, {"noisy-drift", "noisy-moves-more-1", "noisy-moves-more-3"}),
    ({"BatchNorm": (0.02, [0.2] * 3, [0.2] * 3)}, {"bn-drift", "bn-moves-less-2", "bn-moves-less-3"}),
    ({"plain": (0.01, [0.003, 0.03, 0.1], [0.01, 0.9, 0.1])},
     {"plain-error", "plain-drift", "noisy-beats-plain", "last-drifts-less"})])
def test_claims_fail_on_results_that_deny_them(changes, lost):
    assert lost <= {id for id, holds in verdicts(made(**changes)).items() if holds is False}


def test_the_three_networks_begin_with_the_same_weights_and_differ_in_their_modules_alone():
    settings = [trial.settings for trial in plan(Scale("small", seeds=1))]
    assert [name_of(each) for each in settings] == list(NETWORKS)
    changing = {"network", "batch_norm", "shift", "scale"}
    assert len({str(sorted((key, value) for key, value in each.items() if key not in changing)) for each in settings}) == 1


def test_the_finding_compares_the_three_errors():
    assert PAPER.finding(made()) == (
        "Mean test error of steps 180 to 200: 2.7 % with noise that moves BatchNorm's outputs at each step, "
        "2.2 % with BatchNorm alone, 89 % without")


@pytest.mark.long
def test_the_page_shows_an_input_of_each_network_and_how_far_inputs_move(tmp_path):
    results = made()
    write_paper(PAPER, results, PAPER.claims(results), tmp_path)
    assert "hidden layer 3: drift" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert (tmp_path / "figure-2.png").exists()


@pytest.mark.long
def test_the_papers_scale_on_few_small_images(mnist_folder, tmp_path):
    scale = Scale("paper", seeds=1, data=str(mnist_folder(zoom=1, frame=0, count=20)), steps=4, digest="0")
    trials = plan(scale)
    assert all(trial.resumable for trial in trials)
    results = Results(scale, [Done(trial, trial.task(**trial.settings), 0.0) for trial in trials])
    assert not any(one.measured == "no run ended" for one in PAPER.claims(results))
    write_paper(PAPER, results, PAPER.claims(results), tmp_path / "page")
