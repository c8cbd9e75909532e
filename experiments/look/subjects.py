"""The networks and images that ``retroprop look`` examines: data sets with recipes for networks, and the user's networks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ... import datasets
from ...arguments import Array, as_array, as_floating
from ...datasets.classes import Classes, listed
from ...errors import ArgumentError, DataError, ShapeError, StateError
from ...initializers import GlorotUniform, HeNormal
from ...inspection.features.truncation import scores
from ...losses import CrossEntropy
from ...modules import Conv2d, Dropout, Flatten, Linear, MaxPool2d, Module, ReLU, Sequential
from ...modules.core.values import several
from ...optim import SGD, Adam, Optimizer
from ...training import Callback, Run, accuracy, fit, load
from ...training.metrics import largest_column
from ..lab import networks
from ..scripts import script

Split = tuple[Array, Array]
Hook = Callback | Callable[[Run], Any]


@dataclass(frozen=True)
class Recipe:
    """A network, built from a seed, and its training."""

    build: Callable[[int], Module]
    optimizer: Callable[..., Optimizer]
    lr: float
    epochs: int
    batch_size: int

    def train(self, data: Split, seed: int, epochs: int, callbacks: Iterable[Hook] = ()) -> tuple[Module, float]:
        """Train a network; return it and the seconds that took."""
        net = self.build(seed)
        start = time.perf_counter()
        fit(net, CrossEntropy(), self.optimizer(net.parameters(), lr=self.lr), data, epochs=epochs,
            batch_size=self.batch_size, rng=seed, callbacks=callbacks, progress=False).raise_if_interrupted()
        return net, time.perf_counter() - start


class Images(NamedTuple):
    """A data set of images, (examples, channels, height, width), and the networks that are trained on it.

    The network of the first recipe is examined. If ``attacked``, all networks are attacked, and trained a second time on
    adversarial examples.
    """

    title: str
    classes: tuple[str, ...]
    read: Callable[[], tuple[Split, Split]]
    recipes: Mapping[str, Recipe]
    attacked: bool


class Subject(NamedTuple):
    """A network that gives a score for each class, and the images with which it is examined.

    ``means`` is the mean training image of each class; for the user's images it is the mean of those images. ``foreground``
    marks the drawn pixels; it is None for the user's images. If the user gives no classes, ``labelled`` is False and ``y``
    holds the network's own answers.
    """

    net: Module
    x: Array
    y: Array
    classes: tuple[str, ...]
    means: Array
    bounds: tuple[float, float]
    foreground: Array | None
    origin: str = ""
    labelled: bool = True

    @property
    def error(self) -> float:
        """The share of misclassified images; NaN without labels."""
        if not self.labelled:
            return float("nan")
        return 1 - accuracy(self.net.predict(self.x), self.y)

    def answers(self, x: Array) -> Array:
        """The class of each image by the network; DataError if its outputs are not finite."""
        return largest_column(self.net.predict(x))


def digits() -> tuple[Split, Split]:
    """The training part, 1297 images, and the test part, 500."""
    x, y = datasets.digits()
    train, test = datasets.split(x.reshape(-1, 1, 8, 8), y, test=500, rng=0)
    return train, test


def shapes() -> tuple[Split, Split]:
    """The training part, 20,000 images, and the test part, 2000."""
    easy = datasets.EASY_SHAPESET
    return datasets.shapeset(20_000, **easy, rng=0), datasets.shapeset(2000, **easy, rng=1)


def digits_net(seed: int) -> Sequential:
    """Two 3×3 convolutions with 16 and 32 maps, then one pooling."""
    rng, he = iter(np.random.default_rng(seed).spawn(4)), HeNormal()
    return Sequential(Conv2d(1, 16, 3, padding=1, weight_init=he, rng=next(rng)), ReLU(),
                      Conv2d(16, 32, 3, padding=1, weight_init=he, rng=next(rng)), ReLU(),
                      MaxPool2d(2), Dropout(0.5, rng=next(rng)), Flatten(), Linear(512, 10, rng=next(rng)))


def shapes_net(seed: int) -> Sequential:
    """Three 3×3 convolutions with 8, 16 and 32 maps, each followed by pooling."""
    rng, modules = iter(np.random.default_rng(seed).spawn(4)), list[Module]()
    for channels, maps in ((1, 8), (8, 16), (16, 32)):
        modules += [Conv2d(channels, maps, 3, padding=1, weight_init=HeNormal(), rng=next(rng)), ReLU(), MaxPool2d(2)]
    return Sequential(*modules, Flatten(), Linear(512, 3, rng=next(rng)))


def dense(features: int, classes: int, depth: int) -> Callable[[int], Module]:
    """A function that builds, from a seed, a dense network with ``depth`` tanh layers of 100 units on the pixels."""
    return lambda seed: Sequential(Flatten(), networks.dense(features, classes, GlorotUniform(), depth=depth, seed=seed))


DATA: Mapping[str, Images] = {
    "digits": Images("handwritten digits of 8 × 8 pixels", tuple(map(str, range(10))), digits, {
        "convolutional": Recipe(digits_net, Adam, 2e-3, 40, 32),
        "softmax": Recipe(dense(64, 10, 0), SGD, 0.5, 73, 32),      # 73 epochs: 2993 steps
        "2 × 100 tanh": Recipe(dense(64, 10, 2), SGD, 0.1, 73, 32)}, attacked=True),
    "shapes": Images("triangles, parallelograms and ellipses of 32 × 32 pixels", datasets.SHAPESET_CLASSES[:3], shapes, {
        "convolutional": Recipe(shapes_net, SGD, 0.03, 4, 10),      # 8000 steps
        "5 × 100 tanh": Recipe(dense(1024, 3, 5), SGD, 0.03, 4, 10)}, attacked=False),
}


def of_data(net: Module, data: Images, train: Split, test: Split, origin: str = "") -> Subject:
    """The subject of a network and the test part of a data set."""
    x, y = test
    return Subject(scores(net), x, y, data.classes, class_means(train, len(data.classes)),
                   (float(train[0].min()), float(train[0].max())), x > 0, origin)


def class_means(data: Split, count: int) -> Array:
    """The mean image of each class; for a class without images, the mean of all images."""
    x, y = data
    means = [x[y == c if (y == c).any() else slice(None)].mean(0, dtype=np.float64) for c in range(count)]
    return np.stack(means).astype(x.dtype)


def read_model(path: str, data: Images, parts: tuple[Split, Split]) -> Subject:
    """The subject of a user's network: a saved state of the data set's first network, or a script that defines a network.

    Raises
    ------
    OSError, ArgumentError, StateError, FileFormatError
        The file cannot be read, or holds no network for these images.
    """
    kind = Path(path).suffix.lower()
    if kind == ".py":
        return of_script(script.read(path), data, parts)
    if kind != ".safetensors":
        raise ArgumentError(f"model must be a .safetensors file or a .py script, got {path!r}")
    net = next(iter(data.recipes.values())).build(0)
    try:
        load(net, path)
    except StateError as error:
        raise StateError(f"{path} holds no state of the network for {data.title}: {error}") from error
    return of_data(net, data, *parts, path)


def of_script(found: script.Script, data: Images, parts: tuple[Split, Split]) -> Subject:
    """The subject of a script's net, with the script's images and classes; without them, with those of the data set."""
    own = found.x is not None
    x = as_floating(parts[1][0] if not own else found.x, np.dtype("float32"), f"{found.path}: x")
    if x.ndim != 4 or x.shape[1] not in (1, 3) or not len(x):
        raise ShapeError(f"{found.path}: x must be images, (examples, 1 or 3, height, width), got shape {x.shape}")
    if not np.isfinite(x).all() or x.min() == x.max():
        raise DataError(f"{found.path}: x must hold finite numbers, not all equal")
    count = class_count(found, x.shape)
    with script.blaming(found.path):
        net = scores(found.net)
        answers = largest_column(net.predict(x[:1000]))
    if not own:
        if count != len(data.classes):
            raise ArgumentError(f"{found.path}: net must give a score for each of the {len(data.classes)} classes of "
                                f"{data.title}, got {count}; or define x, images of its own")
        return of_data(net, data, *parts, found.path)
    x, names = x[:1000], tuple(map(str, range(count)))
    y, names = (answers, names) if found.y is None else targets(found, names)
    y = y[:1000]
    return Subject(net, x, y, names, class_means((x, y), count), (float(x.min()), float(x.max())), None, found.path,
                   found.y is not None)


def class_count(found: script.Script, shape: tuple[int, ...]) -> int:
    """The number of scores that the net gives for images of this shape."""
    try:
        with script.blaming(found.path):
            size = found.net.output_shape(shape)
    except ShapeError as error:
        raise ArgumentError(f"{found.path}: net must take images of shape {shape}: {error}; put Flatten or Reshape before a "
                            "net that takes rows") from error
    if several(size) or len(size) != 2 or size[1] < 2:
        raise ArgumentError(f"{found.path}: net must give a score for each of two classes or more, (examples, classes), got "
                            f"shape {size}")
    return int(size[1])


def targets(found: script.Script, names: tuple[str, ...]) -> tuple[Array, tuple[str, ...]]:
    """The number of the class of each image, and the names of the classes.

    The script's y holds these numbers, or other labels, as many different ones as the net has scores: then the scores are
    those of the labels in their order.
    """
    y, count = as_array(found.y, f"{found.path}: y"), len(names)
    if y.shape != (len(found.x),):
        raise DataError(f"{found.path}: y must hold a label for each of {len(found.x)} images, got shape {y.shape}")
    if y.dtype.kind in "iu" and y.min() >= 0 and y.max() < count:
        return y, names
    classes = Classes.of(found.y, name=f"{found.path}: y")
    if len(classes.names) != count:
        raise DataError(f"{found.path}: y must hold classes from 0 to {count - 1}, or {count} different labels, one for each "
                        f"score of net, got {listed(classes.names)}")
    return classes.encode(found.y), classes.names
