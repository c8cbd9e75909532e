"""``retroprop reproduce``: pages and tables say what the claims say, whoever ran the work; nothing is judged on too little."""

import json
import sys
from dataclasses import replace

import pytest

import retroprop as rp
from retroprop.experiments.lab.trained import error_at, trained
from retroprop.experiments.reports import drawing
from retroprop.experiments.reproduce import job as reproduce
from retroprop.experiments.reproduce.bounds import above, below
from retroprop.experiments.reproduce.claims import claim
from retroprop.experiments.reproduce.paper import Paper, Results, Scale, Texts, leaves
from retroprop.experiments.sweeps.trials import Trial
from retroprop.experiments.sweeps.workers import Workers

TINY = {"data": "digits", "activation": "tanh", "init": "Glorot", "depth": 1, "width": 300, "lr": 0.1, "batch_size": 64,
        "steps": 40, "at": [0, 40]}                                 # wide enough for two BLAS threads to share


def plan(scale):
    return [Trial(trained, TINY | {"seed": seed, "init": init}) for init in ("Glorot", "Standard")
            for seed in range(scale.seeds)]


def judged(results):
    glorot, standard = (results.series(error_at(), trained, init=init) for init in ("Glorot", "Standard"))
    return [claim("learns", "learns", "paper", "figure 1", glorot, below(0.5)),
            claim("does-not", "does not", "paper", "figure 2", standard, above(1), reason="errors are at most 1")]


@pytest.fixture
def small_paper(tmp_path_factory, monkeypatch):
    """Replace every paper by one with ten short runs."""
    page = tmp_path_factory.mktemp("tiny") / "page.md"
    page.write_text("# A tiny paper\n\nNobody, 1900.\n\nIt asks nothing.\n", encoding="utf-8")
    made = Paper("tiny", Texts(page), plan, judged, lambda results, report: None)
    monkeypatch.setattr(reproduce, "paper", lambda name: replace(made, name=name))


@pytest.mark.long
@pytest.mark.parametrize("processes", [False, True])
def test_two_dask_workers_and_two_processes_give_the_same_csv(processes, small_paper, tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs the extra dask")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=2 if processes else 1, processes=processes,
                                  dashboard_address=":0", silence_logs=50) as cluster:
        far = reproduce.reproduce("saxe2014", backend="dask", scheduler=cluster.scheduler_address, out=tmp_path / "far",
                                  progress=False)
    reproduce.reproduce("saxe2014", jobs=2, out=tmp_path / "near", progress=False)
    assert not far.failed
    for name in ("results.csv", "claims.csv"):
        assert (tmp_path / "far/small/saxe2014" / name).read_bytes() == (tmp_path / "near/small/saxe2014" / name).read_bytes()
    assert len((tmp_path / "near/small/saxe2014/results.csv").read_text().splitlines()) > 40


def test_the_index_hides_nothing(small_paper, tmp_path):
    reproduced = reproduce.reproduce("all", jobs=2, out=tmp_path, progress=False)
    page = (tmp_path / "small/index.html").read_text(encoding="utf-8")
    assert page.count("errors are at most 1") == page.count(">NO (5 of 5)</td>") == len(reproduce.PAPERS)
    count = len(reproduce.PAPERS)
    assert f"Claims of the papers: {count} of {2 * count} are reproduced, {count} are not." in page
    assert "does not: errors are at most 1" in (tmp_path / "small/he2015/report.html").read_text(encoding="utf-8")
    rows = (tmp_path / "small/claims.csv").read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[0] for row in rows[1::2]] == list(reproduce.PAPERS)
    assert len(list((tmp_path / "runs").iterdir())) == 10           # equal runs of two papers are one
    assert str(reproduced).count("NO") == len(reproduce.PAPERS)
    config = json.loads((tmp_path / "small/he2015/config.json").read_text(encoding="utf-8"))
    assert config["command"] in (tmp_path / "small/he2015/report.html").read_text(encoding="utf-8")
    assert (config["paper"], config["command"]) == (
        "he2015", f"retroprop reproduce he2015 --scale small --seeds 5 --out {tmp_path}")


def test_too_few_seeds_are_not_judged(small_paper):
    assert {one.holds for one in reproduce.reproduce("he2015", seeds=2, jobs=2, progress=False).claims["he2015"]} == {None}


def test_failed_runs_leave_claims_unjudged_and_are_named(small_paper, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "TINY", TINY | {"activation": "swish"})
    reproduced = reproduce.reproduce("he2015", jobs=2, out=tmp_path, progress=False)
    assert len(reproduced.failed) == 10
    assert [one.measured for one in reproduced.claims["he2015"]] == ["no run ended"] * 2
    assert "activation must be one of" in (tmp_path / "small/he2015/report.html").read_text(encoding="utf-8")
    assert "10 runs failed" in str(reproduced)
    assert (tmp_path / "small/he2015/failures.txt").read_text(encoding="utf-8").count("ArgumentError: activation") == 10


def test_fresh_runs_all_again(small_paper, tmp_path):
    reproduce.reproduce("he2015", seeds=1, jobs=2, out=tmp_path, progress=False)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").iterdir()}
    reproduce.reproduce("he2015", seeds=1, jobs=2, out=tmp_path, progress=False)
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").iterdir()}
    reproduce.reproduce("he2015", seeds=1, jobs=2, out=tmp_path, fresh=True, progress=False)
    assert all(path.stat().st_mtime_ns > old for path, old in before.items())


@pytest.mark.parametrize(("options", "text"), [
    ({"paper_name": "lecun1998"}, "paper must be one of 'glorot2010', .*, got 'lecun1998'"),
    ({"scale": "large"}, "scale must be one of 'quick', 'small', 'paper', got 'large'"),
    ({"seeds": 0}, "seeds must be an integer of at least 1, got 0"),
    ({"data": "shapeset"}, "data must be None at scale 'small'"),
    ({"steps": 5}, "steps must be None at scale 'small'"),
    ({"scale": "paper"}, "data must be a folder with the four files of MNIST"),
    ({"scale": "paper", "data": "nowhere"}, "must hold the four files of MNIST, but lacks"),
    ({"scale": "paper", "data": "shapeset"}, "data must be a folder .* for all, got 'shapeset', which is for glorot2010"),
    ({"scale": "paper", "data": "shapeset", "steps": 0}, "steps must be an integer of at least 1, got 0"),
])
def test_bad_arguments_are_refused_before_anything_runs(options, text, tmp_path):
    with pytest.raises((rp.ArgumentError, FileNotFoundError), match=text):
        reproduce.reproduce(**({"paper_name": "all", "out": tmp_path / "none", "progress": False} | options))
    assert not (tmp_path / "none").exists()


def test_leaves_of_a_result_have_names():
    assert dict(leaves({"a": [1, {"b": 2.5}], "c": None})) == {"a.0": 1, "a.1.b": 2.5, "c": None}
    assert not list(Results(Scale(), []).rows())


def test_what_draws_the_pages_is_loaded_while_runs_are_carried_out(small_paper, tmp_path, monkeypatch):
    """matplotlib takes a second to load; without pages it is not needed."""
    given, run = [], Workers.run
    monkeypatch.setattr(Workers, "run", lambda self, function, tasks, lost=None, ahead=None: (
        given.append(ahead), run(self, function, tasks, lost))[1])
    reproduce.reproduce("saxe2014", jobs=1, progress=False)
    assert given == [None]
    reproduce.reproduce("saxe2014", jobs=1, out=tmp_path, progress=False)
    assert given[1] is drawing.load
