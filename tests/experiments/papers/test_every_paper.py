"""What holds for the plan and the claims of every paper, at every scale."""

import json
import pickle
import re

import pytest

from retroprop.experiments.reports.text import Filler
from retroprop.experiments.reproduce.job import PAPERS, paper
from retroprop.experiments.reproduce.paper import Results, Scale


@pytest.mark.parametrize("scale", [Scale("quick"), Scale("small"), Scale("paper", data="mnist", digest="0")],
                         ids=lambda scale: scale.name)
@pytest.mark.parametrize("name", PAPERS)
def test_the_plan_is_plain_data_and_without_runs_nothing_is_judged(name, scale):
    plan = paper(name).plan(scale)
    assert all(json.loads(json.dumps(trial.settings)) == trial.settings and pickle.loads(pickle.dumps(trial)) == trial
               for trial in plan)
    assert len({trial.key for trial in plan}) == len(plan)
    claims = paper(name).claims(Results(scale, []))
    assert all(one.holds is None for one in claims)
    assert len({one.id for one in claims}) == len(claims)


@pytest.mark.parametrize("name", PAPERS)
def test_the_texts_of_one_seed_speak_of_one_seed(name):
    for part in (part for parts in paper(name).texts.sections.values() for part in parts):
        assert not re.search(r"\{(seeds|count|runs|epochs|layers)\} \w+s\b", part)
    assert Filler().format("of {seeds:seed}; {a:g}, {b:5d}, {c[0]}", seeds=1, a=2.0, b=7, c="x") == "of 1 seed; 2,     7, x"
    assert Filler().format("{count:learning rate}, {seeds:seed}", count=3, seeds=5) == "3 learning rates, 5 seeds"
