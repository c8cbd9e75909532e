"""`compare`: the comparison is paired, and its table, files and numbers are right and reproducible."""

import csv
import json
import math
import os

import numpy as np
import pages
import pytest

import retroprop as rp
from retroprop.datasets.data_set import data_set
from retroprop.experiments.compare import job
from retroprop.experiments.compare.config import Config
from retroprop.experiments.compare.findings import verdicts
from retroprop.experiments.compare.job import compare
from retroprop.experiments.compare.parts import Problem
from retroprop.experiments.compare.training import Task, train_one
from retroprop.experiments.lab.data import spread
from retroprop.experiments.lab.networks import dense, initialization
from retroprop.experiments.sweeps.workers import Workers

SMALL = {"depth": 2, "width": 20, "epochs": 2, "seeds": 2, "progress": False}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A small comparison written to disk, in which one initialization diverges."""
    folder = tmp_path_factory.mktemp("compare")
    result = compare(init=["Glorot", "N(0, 1e30)", "U(-1, 1)"], activation="relu", lr=0.05, out=folder, **SMALL)
    return result, folder


def read(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_files_are_all_there(report):
    result, folder = report
    names = ["learning-curves", "ranking", "costs", "saturation", "activations-before", "activations-after", "gradients-before",
             "gradients-after"]
    expected = {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
    assert {path.name for path in folder.iterdir()} == expected | {
        "report.html", "results.csv", "summary.csv", "rates.csv", "config.json"}
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == len(names)
    assert "http" not in page.replace("http-equiv", "")             # nothing is fetched from elsewhere
    assert pages.parsed(page).all("h1")[0].text == result.finding
    shown = {row[0]: row for row in pages.rows(pages.parsed(page))[1:4]}
    assert {init: row[1] for init, row in shown.items()} | {"N(0, 1e+30²)": "diverges"} == {
        one.init: one.text(2) for one in verdicts(result)}


def test_results_have_a_row_per_run_and_summary_a_row_per_initialization(report):
    result, folder = report
    rows = read(folder / "results.csv")
    assert [(row["init"], row["seed"]) for row in rows[:3]] == [("Glorot", "0"), ("N(0, 1e+30²)", "0"), ("U(-1, 1)", "0")]
    assert len(rows) == 6
    summary = read(folder / "summary.csv")
    assert [row["init"] for row in summary] == list(result.config["init"])
    errors = [float(row["error"]) for row in rows if row["init"] == "Glorot"]
    assert float(summary[0]["error"]) == pytest.approx(np.mean(errors))
    assert float(summary[0]["error_half"]) == pytest.approx(12.7062 * np.std(errors, ddof=1) * math.sqrt(1 / 2 + 500 / 1297))


def test_a_run_that_diverges_in_its_last_step_is_reported_as_diverged():
    """Its costs are finite: only the test error, of outputs of NaN, shows it. It must not count as an error of 90 %."""
    result = compare(init=["Glorot"], activation="relu", lr=1e30, batch_size=2000, **SMALL | {"epochs": 1})
    assert all(run.diverged.startswith("training has diverged: prediction must be finite") for run in result["Glorot"])
    assert all(math.isnan(run.error) for run in result["Glorot"])


def test_a_run_that_diverges_is_reported_as_diverged(report):
    result, folder = report
    assert all(run.diverged for run in result["N(0, 1e+30²)"])
    row = result.table()[-1]
    assert row[1] == row[2] == row[4] == "diverged"
    assert "epoch 1, batch 1" in read(folder / "results.csv")[1]["diverged"]


def test_the_configuration_repeats_the_comparison_exactly(report):
    result, folder = report
    saved = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    again = compare(**{name: value for name, value in saved.items() if name in Config.__dataclass_fields__}, progress=False)
    assert again.rows()[0] == result.rows()[0]
    assert saved["command"].startswith("retroprop compare --data digits ")
    assert " --init Glorot 'N(0, 1e+30²)' 'U(-1, 1)' --activation relu --depth 2 " in saved["command"]
    assert saved["versions"]["retroprop"] == rp.__version__


def test_numbers_do_not_depend_on_the_number_of_processes():
    """Nor on the BLAS threads of this process: at width 300, BLAS would share products among threads."""
    options = SMALL | {"width": 300, "epochs": 1}
    one, two = (compare(init=["Glorot", "Standard"], jobs=jobs, **options) for jobs in (1, 2))
    assert one.rows() == two.rows()


def test_several_jobs_share_no_process_with_the_caller():
    assert os.getpid() not in dict(Workers(2).run(os.getpid, [()] * 3)).values()


def test_initializations_are_paired_by_seed():
    """Two initializations draw the same random numbers from one seed: Glorot's weights are Standard's, scaled."""
    glorot, standard, other = (dense(64, 10, initialization(name).initializer, depth=2, width=30, seed=seed)
                               for name, seed in (("Glorot", 4), ("Standard", 4), ("Glorot", 5)))
    for a, b in zip(glorot.parameters(), standard.parameters(), strict=True):
        if a.data.ndim == 2:
            np.testing.assert_allclose(a.data / b.data, np.full(a.shape, a.data[0, 0] / b.data[0, 0]), rtol=1e-5)
    assert not np.array_equal(glorot[0].weight.data, other[0].weight.data)


def test_lsuv_scales_orthogonal_weights_on_the_data():
    """LSUV scales Orthogonal's weights on data, so that each layer's output has variance 1 before training."""
    result = compare(init=["Orthogonal", "LSUV"], activation="relu", **SMALL)
    plain, fitted = (result[init][0].before for init in ("Orthogonal", "LSUV"))
    for a, b in zip(plain, fitted, strict=True):
        if a.kind == "Linear":
            assert b.std ** 2 == pytest.approx(1, abs=0.1)
            assert abs(a.std ** 2 - 1) > 0.1
    x = np.arange(1000)[:, None]
    assert spread(x, 256)[[0, -1], 0].tolist() == [0, 999]          # data may be sorted by class
    assert len(set(spread(x, 256)[:, 0].tolist())) == 256
    assert spread(x[:5], 256)[:, 0].tolist() == [0, 1, 2, 3, 4]


def test_lsuv_is_paired_with_orthogonal_and_its_fit_draws_nothing():
    """LSUV scales each weight matrix of Orthogonal by one number, and leaves biases, generators and buffers as they are."""
    x = rp.datasets.digits()[0]
    plain, fitted = (initialization(name).network(
        lambda initializer: dense(64, 10, initializer, depth=2, width=30, batch_norm=True, dropout=0.5, seed=4),
        lambda count: spread(x, count), 4) for name in ("Orthogonal", "LSUV"))
    for (name, a), b in zip(plain.named_parameters(), fitted.parameters(), strict=True):
        factor = b.data.flat[0] / a.data.flat[0] if a.data.ndim == 2 else 1
        assert (factor == 1) == (a.data.ndim == 1), name
        np.testing.assert_allclose(b.data, factor * a.data, rtol=1e-5)
    for (_, a), (_, b) in zip(plain.named_generators(), fitted.named_generators(), strict=True):
        assert str(a.bit_generator.state) == str(b.bit_generator.state)
    for (_, a), (_, b) in zip(plain.named_buffers(), fitted.named_buffers(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_equal_results_say_equal():
    """Two initializations that differ in scale, so small that tanh is linear, with negligible steps: the same predictions."""
    twin = compare(init=["N(0, 1e-9)", "N(0, 1e-8)"], lr=1e-30, **SMALL)
    assert [row[1] for row in twin.table()] == ["against N(0, 1e-09²)", "–", "equal"]


@pytest.mark.parametrize(("name", "expected"), [
    ("glorot", ("Glorot", rp.GlorotUniform())), ("He", ("He", rp.HeNormal())),
    ("lecun-uniform", ("LeCun uniform", rp.LeCunUniform())),
    ("N(0,1)", ("N(0, 1)", rp.Normal(1.0))), ("n(0, 0.01)", ("N(0, 0.01²)", rp.Normal(0.01))),
    ("N(0, 0.01²)", ("N(0, 0.01²)", rp.Normal(0.01))), ("U(-0.5,0.5)", ("U(-0.5, 0.5)", rp.Uniform(-0.5, 0.5)))])
def test_initializations_by_name(name, expected):
    found = initialization(name)
    assert (found.label, found.initializer) == expected


@pytest.mark.parametrize(("options", "text"), [
    ({"init": ["Xavier"]}, "init must be one of Glorot, .*, got 'Xavier'"),
    ({"init": "N(0, 1..2)"}, r"init must be one of Glorot, .*, got 'N\(0, 1\.\.2\)'"),
    ({"init": [rp.GlorotUniform()]}, r"init must be names of initializations, such as 'Glorot', got GlorotUniform\("),
    ({"init": np.zeros(3)}, r"init must be names of .*, got an array: arrays are given together, compare\(\(x, y\)\)"),
    ({"init": []}, "init must name at least one initialization"),
    ({"init": ["Glorot", "glorot"]}, "init must name at least one initialization, and each once"),
    ({"activation": "swish"}, "activation must be one of 'tanh', .*, got 'swish'"),
    ({"optimizer": "adm"}, "optimizer must be one of 'sgd', .*, got 'adm'"),
    ({"depth": 0}, "depth must be an integer of at least 1, got 0"),
    ({"seeds": 0}, "seeds must be an integer of at least 1, got 0"),
    ({"lr": 0}, r"lr must be a number in \(0, inf\), got 0"),
    ({"dropout": 1.0}, r"dropout must be a number in \[0, 1\), got 1.0"),
    ({"jobs": 0}, "jobs must be an integer of at least 1, got 0"),
    ({"data": "mnist-of-mine"}, "mnist-of-mine"),
    ({"data": "sine", "stratify": True}, "stratify must be False for y, which holds values and no classes"),
    ({"data": 3}, "data must be a name, a path, "),
    ({"split": "seeds"}, "split must be one of 'seed', 'fixed', got 'seeds'"),
    ({"cv": 1}, "cv must be an integer of at least 2, got 1"),
    ({"standardize": "yes"}, "standardize must be None, True or False, got 'yes'"),
    ({"standardize": 0}, "standardize must be None, True or False, got 0"),
    ({"batch_norm": 1}, "batch_norm must be True or False, got 1"),
    ({"stratify": None}, "stratify must be True or False, got None"),
    ({"lr": "fast"}, "lr must be a number, several such as 0.01,0.03,0.1, or 'auto', got 'fast'"),
    ({"lr": [0.1, -1]}, r"lr must be a number in \(0, inf\), got -1"),
    ({"lr": []}, r"lr must be a number, several such as .*, got \[\]"),
    ({"data": "nofile"}, "data must be one of digits, .* or an .npz file, got 'nofile'"),
])
def test_bad_arguments_are_refused_before_anything_runs(options, text, tmp_path):
    with pytest.raises((rp.RetropropError, OSError), match=text):
        compare(**({"out": tmp_path / "none", "progress": False} | options))
    assert not (tmp_path / "none").exists()


FEW, TWO = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
LARGE = np.where(np.arange(120).reshape(40, 3) == 119, 1e39, FEW)


@pytest.mark.parametrize(("data", "options", "text"), [
    ((0 * FEW, TWO), {"init": ["Glorot", "LSUV"]}, "lsuv: the output of module 0, .* must have a variance on x, got 0"),
    ((FEW, TWO), {"test": (LARGE, TWO)}, "test: x must fit float32, whose largest number is 3.4e[+]38, got 1 of 120 numbers"),
    ((FEW, TWO), {"test": (LARGE, TWO), "standardize": True}, "test: x must fit float32, .* got 1 of 120 numbers"),
    ((FEW, FEW[:, 0]), {"test": (FEW, LARGE[:, 2])}, "test: y must fit float32, .* got 1 of 40 numbers"),
    ((np.float32(FEW) * [1, 1, 1e-30], TWO), {"test": (np.float32(FEW) * [1, 1, 1e30], TWO), "standardize": True},
     "test: x must fit float32, .* got 40 of 120 numbers"),
])
def test_what_any_run_would_refuse_is_refused_before_the_first(data, options, text, monkeypatch, tmp_path):
    monkeypatch.setattr(job, "run_all", lambda *_: pytest.fail("a run has begun"))
    with pytest.raises(rp.DataError, match=text):
        compare(data, **SMALL | {"init": "Glorot", "out": tmp_path / "none"} | options)
    assert not (tmp_path / "none").exists()


def test_a_file_of_the_users(tmp_path):
    x, y = rp.datasets.moons(60, rng=0)
    np.savez(tmp_path / "mine.npz", x=x, y=y)
    result = compare(tmp_path / "mine.npz", ["Glorot"], **SMALL)
    assert (result.sizes, result.features, result.names) == ((48, 0, 12), 2, ("0", "1"))


def with_labels(y, folder, **more):
    """Points whose labels are those of ``y``, repeated; the path of their file."""
    y = np.resize(y, 60)
    x = np.random.default_rng(0).normal(size=(60, 2)) + 5 * np.unique(y, return_inverse=True)[1][:, None]
    np.savez(folder / "labels.npz", x=x, y=y, **more)
    return folder / "labels.npz"


@pytest.mark.parametrize("labels", [[1, 2, 3], [0, 255], [0, 20_000_000]])
def test_classes_are_the_labels_that_occur(labels, tmp_path):
    """The network has an output for each of several labels, not one for each number up to the largest."""
    config = Config(data=with_labels(labels, tmp_path), init=["Glorot"], depth=1, width=5, epochs=1, seeds=1)
    problem = Problem.of(data_set(config.data), config)
    parts = problem.parts(config, 0)
    assert set(parts.train[1]) | set(parts.test[1]) == set(range(len(labels)))
    assert problem.targets.names == tuple(map(str, labels))
    run = train_one(problem, config, Task("Glorot", 0.1, 0))
    assert run.before[-1].activation.shape[1:] == (len(labels) if len(labels) > 2 else 1,)


def test_a_class_of_the_test_part_alone_is_a_class(tmp_path):
    path = with_labels([3, 5], tmp_path, x_test=np.zeros((2, 2)), y_test=np.array([9, 5]))
    problem = Problem.of(data_set(path), Config())
    parts = problem.parts(Config(), 0)
    assert (problem.targets.names, set(parts.train[1]), parts.test[1].tolist()) == (("3", "5", "9"), {0, 1}, [2, 1])


def test_a_single_class_is_refused(tmp_path):
    with pytest.raises(rp.DataError, match="y must hold at least two classes, got only 7"):
        compare(with_labels([7], tmp_path), progress=False)


@pytest.mark.parametrize(("optimizer", "lr"), [("sgd", 0.03), ("adam", 0.001), ("adagrad", 0.01)])
def test_each_optimizer_has_a_learning_rate_of_its_own(optimizer, lr):
    assert Config(optimizer=optimizer).lr == lr
    assert Config(optimizer=optimizer, lr=0.5).lr == 0.5


def test_batch_norm_dropout_and_other_optimizers():
    result = compare(init=["He"], activation="relu", batch_norm=True, dropout=0.2, optimizer="adam", lr=0.01, **SMALL)
    assert result.summary()[0]["error"] < 0.3
    assert result.reference == "He"


@pytest.mark.long
def test_glorot_is_ahead_on_files_in_mnists_format(mnist_folder):
    """784-5×100-10 tanh after 4 epochs (520 steps): Glorot ahead of Standard by a factor, N(0, 0.01²) at chance."""
    result = compare(mnist_folder(), ["Glorot", "Standard", "N(0, 0.01)"], epochs=4, seeds=3, progress=False)
    assert (result.features, result.outputs, result.sizes) == (784, 10, (1297, 0, 500))
    glorot, standard, small = (row["error"] for row in result.summary())
    assert all(a.error < b.error for a, b in zip(result["Glorot"], result["Standard"], strict=True))
    assert glorot < 0.06
    assert standard > 2 * glorot
    assert small > 0.85


def test_the_lectures_point_on_the_embedded_digits():
    """The default network after 8 epochs, 1040 steps on batches of 10: a small version of Glorot & Bengio's result."""
    result = compare(epochs=8, seeds=3, progress=False)
    glorot, standard, large, small, uniform = (row["error"] for row in result.summary())
    early = {init: np.mean([run.errors[3] for run in result[init]]) for init in ("Glorot", "Standard")}
    assert all(a.errors[3] < b.errors[3] for a, b in zip(result["Glorot"], result["Standard"], strict=True))
    assert early["Standard"] > 3 * early["Glorot"]
    assert glorot < 0.045
    assert large > 5 * glorot
    assert small > 0.85
    assert glorot < standard < uniform < large
