"""he2015 and saxe2014: plans are plain data, claims judge what they are given, and exact facts of the runs."""

import json
import pickle

import numpy as np
import pytest
from test_compare import write_mnist_format

from retroprop.experiments.lab.data import source
from retroprop.experiments.papers import reproduce
from retroprop.experiments.papers.he2015 import paper as he2015
from retroprop.experiments.papers.he2015.runs import convolutions, signals
from retroprop.experiments.papers.lsuv2016 import paper as lsuv2016
from retroprop.experiments.papers.paper import Results, Scale
from retroprop.experiments.papers.saxe2014 import paper as saxe2014
from retroprop.experiments.papers.saxe2014.runs import learned, products, projected, reduced, scalar
from retroprop.experiments.sweeps.trials import Done
from retroprop.initializers import HeNormal

PAPERS = [he2015.PAPER, saxe2014.PAPER]


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
@pytest.mark.parametrize("scale", [Scale("quick"), Scale("small"), Scale("paper", data="mnist", digest="0")],
                         ids=lambda scale: scale.name)
def test_plans_are_plain_data_and_without_runs_nothing_is_judged(paper, scale):
    plan = paper.plan(scale)
    assert all(json.loads(json.dumps(trial.settings)) == trial.settings and pickle.loads(pickle.dumps(trial)) == trial
               for trial in plan)
    assert len({trial.key for trial in plan}) == len(plan)
    assert all(one.holds is None for one in paper.claims(Results(scale, [])))


def test_a_signal_that_dies_is_said_to_die():
    trials = [trial for trial in he2015.PAPER.plan(Scale("quick")) if trial.task is signals]
    dead = [Done(trial, {"signal": [1.0, 1e-9], "gradient": [1e-9, 1.0]}, 0.0) for trial in trials]
    found = he2015.PAPER.claims(Results(Scale("quick"), dead))
    assert [one.holds for one in found[:8]] == [False] * 8


def test_products_of_orthogonal_matrices_keep_all_lengths():
    values = products(init="Orthogonal", size=12, depths=[1, 30], seed=0)["values"]["30"]
    np.testing.assert_allclose(values, 1, atol=1e-12)


def test_gradient_descent_follows_the_exact_solution():
    assert scalar(s=1.0, u0=0.001, lr=0.002, steps=8000)["worst"] < 0.02


def test_the_reduced_examples_have_the_gradient_of_all():
    x, y = source("digits").train
    r, q = reduced("digits")
    w = np.random.default_rng(0).standard_normal((64, 10))
    expected = x.T.astype(float) @ (x @ w - np.eye(10)[y]) / len(y)
    np.testing.assert_allclose(r.T.astype(float) @ (r @ w - q), expected, rtol=1e-3, atol=1e-4)


def test_thirty_layers_are_thirty():
    net = convolutions(30, 28, 10, HeNormal(), 0)
    assert sum(name.endswith("weight") for name, _ in net.named_parameters()) == 30
    assert net.forward(np.zeros((2, 784), np.float32)).shape == (2, 10)


def test_directions_that_the_examples_lack_do_not_stay_in_the_cost():
    rng = np.random.default_rng(0)
    x = np.pad(rng.standard_normal((30, 4)) @ rng.standard_normal((4, 6)), ((0, 0), (0, 3)))     # rank 4 of 9
    y = rng.standard_normal((30, 2))
    r, q = projected(x, y)
    assert r.shape == (4, 9)
    best, *_ = np.linalg.lstsq(x, y)
    assert np.square(r @ best - q).sum() < 1e-10
    assert np.square(q).sum() == pytest.approx((np.square(y).sum() - np.square(y - x @ best).sum()) / 30, rel=1e-5)


def learning_times(scale, steps_of):
    """Made-up results: at each seed, init and depth ``steps_of`` says the steps at the step size 0.02; others never learn."""
    found = []
    for trial in saxe2014.PAPER.plan(scale):
        one = trial.settings
        if trial.task is learned:
            steps = steps_of(one["seed"], one["init"], one["depth"]) if one["lr"] == 0.02 else None
            found += [] if steps == "lost" else [Done(trial, {"steps": steps, "left": 0.2}, 0.0)]
    return Results(scale, found)


def test_learning_times_are_paired_by_seed():
    scale = Scale("quick")
    lost = {("Glorot", 3): 0, ("Glorot", 20): 4}                     # each depth lacks another seed
    results = learning_times(scale, lambda seed, init, depth: "lost" if lost.get((init, depth)) == seed else 10 * (seed + 1))
    whole = [one for one in results.outcomes if lost.get((one.trial.settings["init"], one.trial.settings["depth"]))
             != one.trial.settings["seed"]]
    assert saxe2014.growth(Results(scale, whole), "Glorot") == [1, 1, 1]


@pytest.mark.parametrize(("deep", "holds"), [({"Glorot": 90, "Orthogonal": 31}, True),
                                             ({"Glorot": 31, "Orthogonal": 90}, False)])
def test_learning_times_that_do_or_do_not_grow(deep, holds):
    results = learning_times(Scale("quick"), lambda seed, init, depth: 30 if depth == 3 else deep[init])
    found = [one.holds for one in saxe2014.PAPER.claims(results) if "learning time" in one.what]
    assert found == [holds, holds]


def test_a_start_that_costs_much_is_not_given_up_before_the_first_step():
    """Seed 4 of 20 layers begins at 16 times the cost of zero."""
    settings = {"data": "digits", "init": "Glorot", "depth": 20, "width": 100, "share": 0.2, "seed": 4}
    found = [learned(lr=lr, steps=3, **settings)["left"] for lr in (0.0001, 0.001)]
    assert found[0] != found[1]


def test_a_linear_network_learns_what_a_linear_map_can():
    found = learned(data="digits", init="Orthogonal", depth=1, width=40, lr=0.05, steps=300, share=0.2, seed=0)
    assert 0 < found["steps"] < 300
    assert found["left"] <= 0.2


SMALLER = {"width": 12, "size": 12}


@pytest.mark.parametrize("paper", [*PAPERS, lsuv2016.PAPER], ids=lambda paper: paper.name)
def test_the_papers_scale_on_few_small_images(paper, tmp_path):
    """One run of each kind and start at the paper's scale, two steps, and the page of them."""
    write_mnist_format(tmp_path, zoom=1, frame=0, count=20)
    scale = Scale("paper", seeds=1, data=str(tmp_path), steps=2, digest="0")
    kinds = {}
    for trial in paper.plan(scale):
        one = trial.settings
        kinds.setdefault((trial.task, one.get("init"), one.get("depth"), one.get("gain"), one.get("s")), trial)
    done = []
    for trial in kinds.values():
        smaller = trial._replace(settings=trial.settings | {name: SMALLER[name] for name in SMALLER if name in trial.settings})
        done.append(Done(trial, smaller.task(**smaller.settings), 0.0))
    results = Results(scale, done)
    claims = paper.claims(results)
    missing = {one.what for one in claims if one.here == "no run ended"}
    assert missing <= {"Orthogonal: the best step size, as a power of the depth"}      # two steps do not learn
    reproduce.write_paper(paper.name, results, claims, tmp_path)
    assert (tmp_path / "report.html").exists()
