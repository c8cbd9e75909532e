"""The whole job: the default ``retroprop compare``, as the same training by each library, timed by the clock on the wall.

Five starts times five seeds: each library trains the same networks from the same weights, on the same batches in the same
order, and looks at the test error after each epoch. What remains different is rounding, which the wild starts, N(0, 1) and
U(-1, 1), blow up within ten steps, and the others do not.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from importlib import import_module
from statistics import fmean
from time import perf_counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Workers import this file: what one library alone needs is imported where it is used, so that nobody waits for another's.

Split = tuple[NDArray[np.float32], NDArray[np.int64]]
QUICK = {"epochs": 2, "seeds": 1}


class Task(NamedTuple):
    """One run: tanh layers between Linear ones, whose biases start at 0, learn classes by cross-entropy and plain SGD."""

    weights: list[NDArray[np.float32]]                              # each of shape (outputs, inputs)
    train: Split
    test: Split
    seed: int                                                       # of the order of the examples
    epochs: int
    batch: int
    rate: float

    def orders(self) -> Iterator[NDArray[np.int64]]:
        """The order of the examples in each epoch: that in which ``rp.fit`` takes them."""
        rng = np.random.default_rng(self.seed)
        return (rng.permutation(len(self.train[0])) for _ in range(self.epochs))


def experiment(peers: Collection[str], quick: bool = False) -> dict[str, dict[str, float]]:
    """Train all runs with each of the peers, and say how long it took and what was learned.

    Parameters
    ----------
    peers : names among those of ``PEERS``
        "the whole command" is ``python -m retroprop compare`` itself: it also draws the weights, looks at the layers after
        each epoch, and writes the report.
    quick : bool, default False
        One seed and two epochs.

    Returns
    -------
    dict
        For each peer ``{"seconds": wall clock, start: mean test error of its runs after the last epoch, ...}``. A peer that
        cannot be imported is left out.

    Notes
    -----
    The seconds are those of a user who has the data and the weights: each peer begins without worker processes, so their
    start and the import of the library in each of them count for all alike. The whole command is one process more, and
    loads the data. Each peer was imported once before, in this process: no one pays for a cold disk.
    """
    results = {}
    for peer, (needs, train) in PEERS.items():                      # in one order, whatever that of a set is
        if peer not in peers:
            continue
        try:
            import_module(needs)
        except ImportError:
            continue
        results[peer] = whole_command(quick) if train is None else training(train, quick)
    return results


def training(train: Callable[[Task], list[float]], quick: bool) -> dict[str, float]:
    """All runs by one library, in processes of one thread, as many as compare.run_all takes."""
    import joblib
    from joblib.externals.loky import get_reusable_executor
    runs = tasks(quick)
    count = min(joblib.cpu_count(), len(runs))
    get_reusable_executor().shutdown(wait=True)                     # those of the peer before have another library loaded
    start = perf_counter()
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        options = {"n_jobs": 2, "pre_dispatch": 1, "batch_size": 1} if count == 1 else {"n_jobs": count}
        errors = joblib.Parallel(**options)(joblib.delayed(train)(task) for _, task in runs)
    seconds = perf_counter() - start
    get_reusable_executor().shutdown(wait=True)
    last: dict[str, list[float]] = {}
    for (label, _), found in zip(runs, errors, strict=True):
        last.setdefault(label, []).append(found[-1])
    return {"seconds": seconds} | {label: fmean(found) for label, found in last.items()}


def tasks(quick: bool) -> list[tuple[str, Task]]:
    """The runs of the default comparison, in its order, each with the label of its start."""
    from retroprop import Linear
    from retroprop.experiments.compare.job import Config, load
    from retroprop.experiments.lab.networks import dense, initialization
    config = Config(**QUICK if quick else {})
    train, test = load(config.data)
    features, classes = train[0].shape[1], int(train[1].max()) + 1
    runs = []
    for seed in range(config.seeds):
        for label in config.init:
            net = dense(features, classes, initialization(label).initializer, depth=config.depth, width=config.width, seed=seed)
            weights = [module.weight.data.copy() for _, module in net.leaves() if isinstance(module, Linear)]
            runs.append((label, Task(weights, train, test, seed, config.epochs, config.batch_size, config.lr)))
    return runs


# What workers run: from a task to the test error after each epoch


def retroprop(task: Task) -> list[float]:
    import retroprop as rp
    modules: list[rp.Module] = []
    for weight in task.weights:
        modules += [rp.Linear(*weight.shape[::-1]), rp.Tanh()]
        modules[-2].weight.data = weight
    net = rp.Sequential(*modules[:-1])
    errors: list[float] = []

    def look(run: rp.Run) -> None:
        errors.append(1 - rp.accuracy(run.net.predict(task.test[0]), task.test[1]))

    rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=task.rate), task.train, epochs=task.epochs,
           batch_size=task.batch, rng=task.seed, callbacks=[look], progress=False)
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
    sgd = torch.optim.SGD(net.parameters(), lr=task.rate, fused=True)      # its fastest way, by a few per cent
    x, y, x_test, y_test = map(torch.from_numpy, (*task.train, *task.test))
    errors = []
    for order in map(torch.from_numpy, task.orders()):
        total = 0.0                                                 # the others add up the cost of the epoch, too
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
    # It makes its arrays in the first call, which also learns: one step, of thousands, and what it learned is overwritten.
    net.partial_fit(x[:task.batch], y[:task.batch], classes=np.unique(y))
    for own, bias, weight in zip(net.coefs_, net.intercepts_, task.weights, strict=True):
        own[...], bias[...] = weight.T, 0
    errors = []
    for order in task.orders():
        net.partial_fit(x[order], y[order])
        errors.append(float(np.mean(net.predict(x_test) != y_test)))
    return errors


# What must be there, and is imported beforehand; and what workers run, if it is not the command's
PEERS: dict[str, tuple[str, Callable[[Task], list[float]] | None]] = {
    "retroprop": ("retroprop", retroprop),
    "the whole command": ("matplotlib.pyplot", None),               # whose first import ever makes a cache of fonts
    "PyTorch": ("torch", pytorch),
    "scikit-learn": ("sklearn.neural_network", scikit_learn),
}


def whole_command(quick: bool) -> dict[str, float]:
    """The command as a user types it, but for the table, which is printed as JSON."""
    options = [f"--{name}={value}" for name, value in QUICK.items()] if quick else []
    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        done = subprocess.run([sys.executable, "-m", "retroprop", "compare", "--json", "--out", folder, *options],
                              capture_output=True, text=True)
        seconds = perf_counter() - start
    if done.returncode:
        raise RuntimeError(done.stderr)
    return {"seconds": seconds} | {row["init"]: row["test_error"] for row in json.loads(done.stdout)}
