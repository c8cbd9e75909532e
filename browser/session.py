"""The Python side of the page: two networks that differ in their start alone, trained on the same batches.

The page gets the results of the methods through ``Desk``, as JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np

from .. import datasets
from ..arguments import Array, one_of, positive_int
from ..errors import ArgumentError, RetropropError
from ..files import json_value
from ..initializers import starts
from ..inspection.diagnosis.diagnose import diagnose
from ..inspection.diagnosis.layers import LayerStatistics, hidden_activations, layer_statistics, preactivations
from ..losses import CrossEntropy
from ..modules import Sequential, Softmax
from ..optim import SGD
from ..training.metrics import accuracy
from ..training.named import ACTIVATIONS, INITIALIZATIONS, dense_network, initialization
from ..training.steps import Step
from .by_hand import ByHand
from .settings import DATA, Settings

NOISE = {"moons": 0.1, "circles": 0.1, "spirals": 0.03, "xor": 0.15}
EXAMPLES, TEST = 500, 200                                           # points in the plane, and how many of them test
PICTURES = 40                                                       # test images that the page shows
SEEN = 200                                                          # training examples that statistics of layers are taken on
BINS = 25
NAIVE = ("N(0, 0.01²)", "N(0, 1)", "U(-1, 1)")
SIDES = ("a", "b")


class Session:
    """What the page shows, and what its controls do.

    Parameters
    ----------
    settings : Settings, default Settings()
        ``steps`` of training are made at once, so that an address brings back the networks that it shows.

    Attributes
    ----------
    settings : Settings
        ``steps`` is the number of steps made so far.
    nets : dict of Sequential
        The networks ``"a"`` and ``"b"``.
    history : list of (int, float, float)
        Steps, and the mean costs of both networks since the entry before.
    x, y, test : arrays
        The training part, and the pair that tests.

    Examples
    --------
    >>> session = Session(Settings(steps=300))
    >>> [round(net["accuracy"], 2) for net in session.frame(0)["nets"].values()]
    [1.0, 0.48]
    """

    def __init__(self, settings: Settings | None = None) -> None:
        wanted = Settings() if settings is None else settings
        self.settings = replace(wanted, steps=0)
        (self.x, self.y), self.test = data(wanted.data, wanted.seed)
        self.classes = int(self.y.max()) + 1
        self.nets = {side: self.network(getattr(wanted, side)) for side in SIDES}
        self.training = {side: Step(net, CrossEntropy(), SGD(net.parameters(), lr=wanted.lr))
                         for side, net in self.nets.items()}
        self.batches = batches(self.x, self.y, wanted)
        self.history: list[tuple[int, float, float]] = []
        self.hand: ByHand | None = None
        for start, end in pairwise([*range(0, wanted.steps, 5 + wanted.steps // 100), wanted.steps]):      # for the history
            self.train(end - start)

    def network(self, init: str) -> Sequential:
        chosen, s = initialization(init), self.settings
        return chosen.network(
            lambda initializer: dense_network(self.x.shape[1], self.classes, [s.width] * s.depth, initializer,
                                              activation=s.activation, seed=s.seed),
            lambda count: self.x[:count], s.seed)

    # ------------------------------------------------------------------ what the page asks for

    def describe(self) -> dict[str, Any]:
        """Return the settings, the choices for each, the data, and the shape of the networks."""
        net = self.nets["a"]
        sizes = [self.x.shape[1], *[self.settings.width] * self.settings.depth, self.classes]
        return {
            "settings": asdict(self.settings), "state": self.state(), "classes": self.classes, "sizes": sizes,
            "parameters": sum(parameter.data.size for parameter in net.parameters()),
            "chance": math.log(self.classes), "history": self.history, "examples": [len(self.x), len(self.test[0])],
            "choices": {"data": DATA, "activation": tuple(ACTIVATIONS), "initializations": (*INITIALIZATIONS, *NAIVE),
                        "libraries": [start.name for start in starts()]},
            **self.shown(),
        }

    def shown(self) -> dict[str, Any]:
        """Return the test examples that the page draws: points and the window around them, or images."""
        x, y = self.test
        if self.planar:
            return {"points": rounded(x), "labels": y.tolist(), "window": [rounded(edge) for edge in self.window()]}
        images = np.rint(x[:PICTURES] * 255).astype(int)
        return {"images": images.tolist(), "side": math.isqrt(x.shape[1]), "labels": y[:PICTURES].tolist()}

    @property
    def planar(self) -> bool:
        """Whether the examples are points of the plane."""
        return self.x.shape[1] == 2

    def window(self) -> tuple[Array, Array]:
        """Return the lower left and the upper right corner of the plane that the page draws."""
        low, high = self.x.min(0), self.x.max(0)
        margin = 0.12 * (high - low)
        return low - margin, high + margin

    def train(self, steps: int) -> dict[str, Any]:
        """Train both networks on the next batches, the same ones. ``seconds`` is the time of both."""
        start = perf_counter()
        sums = dict.fromkeys(SIDES, 0.0)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):         # what diverges is shown, not reported
            for _ in range(positive_int("steps", steps, 0)):
                x, y = next(self.batches)
                for side, step in self.training.items():
                    sums[side] += step(x, y)
        if steps:
            a, b = (sums[side] / steps for side in SIDES)
            self.history.append((self.settings.steps + steps, a, b))
            self.settings = replace(self.settings, steps=self.settings.steps + steps)
        return {"steps": self.settings.steps, "seconds": perf_counter() - start,
                "epochs": self.settings.steps / math.ceil(len(self.x) / self.settings.batch_size)}

    def frame(self, steps: int, grid: int = 48) -> dict[str, Any]:
        """Train, and return what the page draws of both networks."""
        trained = self.train(steps)
        return trained | {"nets": {side: {"cost": cost, **self.tested(side), "layers": self.layers(side),
                                          **({"boundary": self.boundary(side, grid)} if self.planar else {})}
                                   for side, cost in zip(SIDES, self.history[-1][1:] if self.history else (None, None),
                                                         strict=True)}}

    def tested(self, side: str) -> dict[str, Any]:
        """Return the share of test examples whose class is right, and the classes of those that are shown."""
        x, y = self.test
        scores = self.predict(side, x)
        if not np.isfinite(scores).all():
            return {"accuracy": None, "predicted": []}
        return {"accuracy": accuracy(scores, y), "predicted": scores[:PICTURES].argmax(1).tolist() if not self.planar else []}

    def boundary(self, side: str, grid: int = 48) -> list[int]:
        """Return 255 times the probability of class 1 on a grid over the window, row by row from the top."""
        (left, low), (right, high) = self.window()
        cells = (np.arange(positive_int("grid", grid)) + 0.5) / grid
        u, v = np.meshgrid(left + (right - left) * cells, high - (high - low) * cells)
        probability = Softmax().predict(np.nan_to_num(self.predict(side, np.column_stack([u.ravel(), v.ravel()]))))[:, 1]
        return np.rint(255 * probability).astype(int).tolist()

    def predict(self, side: str, x: Array) -> Array:
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            return self.nets[one_of("side", side, SIDES)].predict(x)

    def layers(self, side: str) -> list[dict[str, Any]]:
        """Return for each layer the spread of its activations and of the gradient that comes back to its sums.

        The last layer, whose outputs are the scores, has the gradient alone. The statistics are those of
        ``retroprop.layer_statistics`` on the first 200 training examples.
        """
        net = self.nets[one_of("side", side, SIDES)]
        found = layer_statistics(net, self.x[:SEEN], CrossEntropy(), self.y[:SEEN])
        rows = [described(activation) | {"gradient": sums.gradient_std}
                for activation, sums in zip(hidden_activations(found), preactivations(found), strict=True)]
        return [*rows, {"kind": "scores", "gradient": found[-1].gradient_std}]

    def diagnosis(self, side: str) -> list[str]:
        """Return what ``retroprop.diagnose`` says about a network, on the first 200 training examples."""
        net = self.nets[one_of("side", side, SIDES)]
        return [str(finding) for finding in diagnose(net, self.x[:SEEN], self.y[:SEEN], loss=CrossEntropy()).findings]

    def state(self) -> str:
        """Return the part of the page's address that brings this state back; see ``Settings``."""
        return self.settings.text()

    # ------------------------------------------------------------------ one batch by hand

    def take(self, side: str, examples: int = 4) -> dict[str, Any]:
        """Take a copy of a network and a small batch, for ``phase`` and ``nudge``: training goes on without them."""
        one_of("side", side, SIDES)
        count = positive_int("examples", examples)
        self.hand = ByHand(self.nets[side], self.x[:count], self.y[:count], self.settings.lr)
        return self.hand.describe()

    def phase(self) -> dict[str, Any]:
        """Run the next phase of the copy: forward, backward, update, step, and again."""
        return self.held().phase()

    def nudge(self, name: str, index: list[int], delta: float) -> dict[str, Any]:
        """Change one weight of the copy by ``delta``, for a look: the cost that its gradient predicts, and what comes."""
        return self.held().nudge(name, tuple(index), delta)

    def held(self) -> ByHand:
        if self.hand is None:
            raise ArgumentError("take a batch first: take(side)")
        return self.hand


class Desk:
    """The session of a page, which a message as text reaches, and whose answer is text."""

    def __init__(self) -> None:
        self.session: Session

    def open(self, state: str | Mapping[str, Any] = "") -> dict[str, Any]:
        """Begin anew, from the text of an address or from a form's values; nothing changes if they cannot be used.

        No steps are made yet. ``wanted`` is the number of those that make the networks of the address: the page asks for
        them a few at a time, so that it can show how far it is, and be paused.
        """
        wanted = Settings.read(state) if isinstance(state, str) else Settings.of(state)
        self.session = Session(replace(wanted, steps=0))
        return self.session.describe() | {"wanted": wanted.steps}

    def answer(self, message: str) -> str:
        """Return the result of a method, as JSON: ``{"result": ...}``, or ``{"error": sentence}``.

        JSON has no numbers that are not finite: they become None.

        ``message`` is JSON: ``["open", state]``, or the name of a method of Session and its arguments.
        """
        name, *arguments = json.loads(message)
        try:
            method = self.open if name == "open" else getattr(self.session, name)
            return json.dumps({"result": json_value(method(*arguments))}, ensure_ascii=False, allow_nan=False)
        except RetropropError as error:
            return json.dumps({"error": str(error)}, ensure_ascii=False)


def data(name: str, seed: int) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return a training and a test part. Points have mean 0 and variance 1 in each coordinate, pixels are in [0, 1]."""
    if name == "digits":
        return datasets.split(*datasets.digits(), test=EXAMPLES, rng=seed)
    x, y = getattr(datasets, name)(EXAMPLES, noise=NOISE[name], rng=seed)
    return datasets.split(datasets.standardize(x)[0].astype(np.float32), y, test=TEST, rng=seed)


def batches(x: Array, y: Array, settings: Settings) -> Iterator[tuple[Array, Array]]:
    """Yield batches without end, in an order that is drawn anew for each epoch."""
    rng = np.random.default_rng(settings.seed)
    while True:
        yield from datasets.batches(x, y, batch_size=settings.batch_size, rng=rng)


def described(layer: LayerStatistics) -> dict[str, Any]:
    """Return the spread, the histogram and the flat shares of an activation function."""
    values = np.asarray(layer.activation, np.float64).ravel()
    row: dict[str, Any] = {
        "kind": layer.kind, "std": layer.std, "saturated": layer.saturated, "dead": layer.dead, "range": None, "histogram": []}
    if np.isfinite(values).all():
        low, high = float(values.min()), float(values.max())
        if layer.saturated is not None:                             # squashing functions: the same axis in every layer
            low, high = min(low, 0.0 if layer.kind == "Sigmoid" else -1.0), max(high, 1.0)
        row |= {"range": [low, high], "histogram": np.histogram(values, BINS, (low, high))[0].tolist()}
    return row


def rounded(a: Array) -> Any:
    return np.round(a.astype(np.float64), 4).tolist()
