"""The whole job: wall-clock time of the training of the default ``retroprop compare`` by each library.

There are five initializations times five seeds. Each library trains the same networks from the same weights, on the same
batches in the same order, and measures the test error after each epoch. Libraries differ only in rounding. From N(0, 1) and
U(-1, 1) such differences grow within ten steps, so the results differ; from the other initializations they do not.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from importlib import import_module
from statistics import fmean, median
from time import perf_counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..peers import STEPS
from ..settings import Settings
from ..tables import Row, rounded, table

# Worker processes import this file, so each library is imported only in the function that uses it.

Split = tuple[NDArray[np.float32], NDArray[np.int64]]
QUICK = {"epochs": 2, "seeds": 1}


class Task(NamedTuple):
    """One run: Linear layers with zero biases and tanh between them, trained by cross-entropy and plain SGD."""

    weights: list[NDArray[np.float32]]                              # each of shape (outputs, inputs)
    train: Split
    test: Split
    seed: int                                                       # of the order of the examples
    epochs: int
    batch: int
    rate: float

    def orders(self) -> Iterator[NDArray[np.int64]]:
        """Yield the order of the examples in each epoch, the same as in ``rp.fit``."""
        rng = np.random.default_rng(self.seed)
        return (rng.permutation(len(self.train[0])) for _ in range(self.epochs))


def measure(settings: Settings) -> list[Row]:
    """Time all jobs: the median of three runs, by turns."""
    chosen = {STEPS[peer].needs for peer in settings.peers}
    libraries = [name for name, (needs, train) in JOBS.items() if train is None or needs.partition(".")[0] in chosen]
    runs = [experiment(libraries, settings.quick) for _ in range(1 if settings.quick else 3)]
    rows = [{"job": name, **row, "seconds": median(run[name]["seconds"] for run in runs)} for name, row in runs[0].items()]
    for row in rows:
        print("    " + ", ".join(f"{key} {value if isinstance(value, str) else f'{value:.3g}'}" for key, value in row.items()))
    return rows


def blocks(rows: list[Row]) -> dict[str, list[str]]:
    return {"whole job": table(["the default comparison", "seconds", "test error, Glorot", "Standard"], (
        [row["job"], rounded(row["seconds"]), *(f"{100 * row[init]:.1f} %" for init in ("Glorot", "Standard"))]
        for row in rows))}


def experiment(peers: Collection[str], quick: bool = False) -> dict[str, dict[str, float]]:
    """Train all runs with each of the peers; return the wall-clock times and the test errors.

    Parameters
    ----------
    peers : names among those of ``JOBS``
        "the whole command" is ``python -m retroprop compare`` itself, which also draws the weights, measures the layers
        after each epoch, and writes the report.
    quick : bool, default False
        One seed and two epochs.

    Returns
    -------
    dict
        For each peer ``{"seconds": wall clock, initialization: mean test error after the last epoch, ...}``. A peer that
        cannot be imported is left out.

    Notes
    -----
    The data and the weights are ready when the clock starts. Each peer begins without worker processes, so the time to start
    them and to import the library in them counts for every peer. The whole command is one more process, which also loads the
    data. Each peer is imported once in this process beforehand, so that no peer waits for a cold disk.
    """
    results = {}
    for peer, (needs, train) in JOBS.items():                      # in a fixed order: ``peers`` may be a set
        if peer not in peers:
            continue
        try:
            import_module(needs)
        except ImportError:
            continue
        results[peer] = whole_command(quick) if train is None else training(train, quick)
    return results


def training(train: Callable[[Task], list[float]], quick: bool) -> dict[str, float]:
    """Train all runs with one library, in as many single-threaded processes as ``retroprop compare`` uses."""
    import joblib
    from joblib.externals.loky import get_reusable_executor
    runs = tasks(quick)
    count = min(joblib.cpu_count(), len(runs))
    get_reusable_executor().shutdown(wait=True)                     # the processes of the previous peer
    start = perf_counter()
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        options = {"n_jobs": 2, "pre_dispatch": 1, "batch_size": 1} if count == 1 else {"n_jobs": count}
        errors = joblib.Parallel(**options)(joblib.delayed(train)(task) for _, task in runs)
    seconds = perf_counter() - start
    get_reusable_executor().shutdown(wait=True)
    last: dict[str, list[float]] = {}
    for (label, _), by_epoch in zip(runs, errors, strict=True):
        last.setdefault(label, []).append(by_epoch[-1])
    return {"seconds": seconds} | {label: fmean(values) for label, values in last.items()}


def tasks(quick: bool) -> list[tuple[str, Task]]:
    """Return the runs of the default comparison, in its order, each with the label of its initialization."""
    from retroprop import Linear
    from retroprop.datasets.data_set import data_set
    from retroprop.experiments.compare.config import Config
    from retroprop.experiments.compare.parts import Problem
    from retroprop.experiments.compare.training import Task as Start
    from retroprop.experiments.compare.training import network
    config = Config(**QUICK if quick else {})
    problem, runs = Problem.of(data_set(config.data), config), []
    for seed in range(config.seeds):
        parts = problem.parts(config, seed)
        for label in config.init:
            net = network(problem, config, Start(label, config.rates[0], seed), parts)
            weights = [module.weight.data.copy() for _, module in net.leaves() if isinstance(module, Linear)]
            task = Task(weights, parts.train, parts.test, seed, config.epochs, config.batch_size, config.rates[0])
            runs.append((label, task))
    return runs


# The peers, run by worker processes: each takes a task and returns the test error after each epoch


def retroprop(task: Task) -> list[float]:
    import retroprop as rp
    modules: list[rp.Module] = []
    for weight in task.weights:
        modules += [rp.Linear(*weight.shape[::-1]), rp.Tanh()]
        modules[-2].weight.data = weight
    net = rp.Sequential(*modules[:-1])
    errors: list[float] = []

    def measure(run: rp.Run) -> None:
        errors.append(1 - rp.accuracy(run.net.predict(task.test[0]), task.test[1]))

    rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=task.rate), task.train, epochs=task.epochs,
           batch_size=task.batch, rng=task.seed, callbacks=[measure], progress=False).raise_if_interrupted()
    return errors


def pytorch(task: Task) -> list[float]:
    import torch
    torch.set_num_threads(1)
    modules: list[torch.nn.Module] = []
    for weight in task.weights:
        linear = torch.nn.Linear(*weight.shape[::-1])
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight))
            linear.bias.zero_()
        modules += [linear, torch.nn.Tanh()]
    net, loss = torch.nn.Sequential(*modules[:-1]), torch.nn.CrossEntropyLoss()
    sgd = torch.optim.SGD(net.parameters(), lr=task.rate, fused=True)      # the fastest implementation, by a few per cent
    x, y, x_test, y_test = map(torch.from_numpy, (*task.train, *task.test))
    errors = []
    for order in map(torch.from_numpy, task.orders()):
        total = 0.0                                                 # the other libraries compute the cost of the epoch too
        for xb, yb in zip(x[order].split(task.batch), y[order].split(task.batch), strict=True):
            sgd.zero_grad()
            cost = loss(net(xb), yb)
            total += len(xb) * cost.item()
            cost.backward()
            sgd.step()
        with torch.no_grad():
            errors.append((net(x_test).argmax(1) != y_test).float().mean().item())
    return errors


def scikit_learn(task: Task) -> list[float]:
    from sklearn.neural_network import MLPClassifier
    (x, y), (x_test, y_test) = task.train, task.test
    net = MLPClassifier([len(weight) for weight in task.weights[:-1]], activation="tanh", solver="sgd", alpha=0, momentum=0,
                        nesterovs_momentum=False, batch_size=task.batch, learning_rate_init=task.rate, shuffle=False)
    # The first call makes the arrays. It also makes one step, whose result is overwritten below.
    net.partial_fit(x[:task.batch], y[:task.batch], classes=np.unique(y))
    for own, bias, weight in zip(net.coefs_, net.intercepts_, task.weights, strict=True):
        own[...], bias[...] = weight.T, 0
    errors = []
    for order in task.orders():
        net.partial_fit(x[order], y[order])
        errors.append(float(np.mean(net.predict(x_test) != y_test)))
    return errors


# Of each peer: the module that must be installed and is imported beforehand; the function (None: the command)
JOBS: dict[str, tuple[str, Callable[[Task], list[float]] | None]] = {
    "retroprop": ("retroprop", retroprop),
    "the whole command": ("matplotlib.pyplot", None),               # its first import on a machine makes a cache of fonts
    "PyTorch": ("torch", pytorch),
    "scikit-learn": ("sklearn.neural_network", scikit_learn),
}


def whole_command(quick: bool) -> dict[str, float]:
    """Run the command as a user types it, except that it prints JSON in place of the table."""
    options = [f"--{name}={value}" for name, value in QUICK.items()] if quick else []
    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        done = subprocess.run([sys.executable, "-m", "retroprop", "compare", "--json", "--out", folder, *options],
                              capture_output=True, text=True)
        seconds = perf_counter() - start
    if done.returncode:
        raise RuntimeError(done.stderr)
    return {"seconds": seconds} | {row["init"]: row["error"] for row in json.loads(done.stdout)}
