"""The analyses that ``retroprop look`` makes of a network: saliency, attacks, class models, channels and dreams."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ...arguments import Array
from ...errors import ArgumentError, ShapeError
from ...inspection import adversarial, features, saliency
from ...inspection.adversarial import Robustness
from ...inspection.features import Dream, Maximization
from ...inspection.features.truncation import truncated
from ...inspection.saliency import Randomization
from ...losses import CrossEntropy
from ...modules import BatchNorm, Conv2d, Module
from ...modules.core.values import several
from ..lab.networks import ACTIVATIONS
from .landscape import landscape
from .subjects import Subject

EPS = (0.05, 0.1, 0.15, 0.25)                                       # sizes of attacks, as shares of the range of pixels
DEFENDED = 1                                                        # index of the size used in adversarial training
ATTACKED, RANDOMIZED, SHOWN = 500, 200, 5                           # numbers of images
CHANNELS = 10                                                       # shown of a layer, at most
SIDE = 192                                                          # height of the landscape that a dream starts from
STEPS, STEP_SIZE = 10, 0.01                                         # of a dream at each size; as a share of the pixels' range


class Attacked(NamedTuple):
    """The errors of one network under attacks in one step, and in ten steps (perhaps at the size ``DEFENDED`` only)."""

    single: Robustness
    iterated: Robustness

    @property
    def in_ten_steps(self) -> float:
        """The error under ten steps at the size ``DEFENDED``."""
        return self.iterated.error[self.iterated.eps.index(self.single.eps[DEFENDED])]


class Fooled(NamedTuple):
    """A few correctly classified images before and after one attack step.

    ``known`` and ``fooled`` count, among all attacked images, those classified correctly before the step, and those of them
    that are misclassified after it.
    """

    x: Array
    moved: Array
    known: int
    fooled: int


class Saliency(NamedTuple):
    """Saliency maps of a few images by method, and for more images the share on the foreground, as a multiple of chance.

    The share is NaN if the foreground is unknown.
    """

    x: Array
    answers: tuple[str, ...]
    maps: Mapping[str, Array]
    shares: Mapping[str, float]
    randomization: Randomization


class Models(NamedTuple):
    """Class models, and the number (``own``) of those that are most similar to the mean image of their own class."""

    found: Maximization
    own: int


def sizes(subject: Subject) -> tuple[float, ...]:
    """Sizes of attacks, in units of the pixels."""
    low, high = subject.bounds
    return tuple(round(eps * (high - low), 6) for eps in EPS)


def attacked(subject: Subject, seed: int, shown: bool) -> Attacked:
    """Attack a network; ``shown`` says that a figure needs the attack in ten steps at all sizes."""
    x, y, loss = subject.x[:ATTACKED], subject.y[:ATTACKED], CrossEntropy()
    robustness = partial(adversarial.robustness, subject.net, loss, x, y, bounds=subject.bounds, rng=seed)
    eps = sizes(subject)
    return Attacked(robustness(eps), robustness(eps if shown else eps[DEFENDED:DEFENDED + 1], attack=adversarial.pgd))


def examples(subject: Subject, count: int = 8) -> Fooled:
    """A few images that the network classifies correctly before the attack; those that it then misclassifies come first."""
    x, y = subject.x[:ATTACKED], subject.y[:ATTACKED]
    moved = adversarial.fgsm(subject.net, CrossEntropy(), x, y, sizes(subject)[DEFENDED], bounds=subject.bounds)
    before, after = (subject.answers(a) == y for a in (x, moved))
    known = np.flatnonzero(before)
    order = known[np.argsort(after[known], kind="stable")[:count]]
    return Fooled(x[order], moved[order], len(known), int((before & ~after).sum()))


def methods(subject: Subject, seed: int) -> dict[str, Callable[..., Any]]:
    """Saliency methods by name. The baseline is black, and the window of occlusion is a quarter of the shorter side."""
    low, window = subject.bounds[0], max(1, min(subject.x.shape[2:]) // 4)
    return {"gradient": saliency.gradient, "gradient × input": saliency.gradient_times_input,
            "SmoothGrad": partial(saliency.smooth_grad, samples=20, rng=seed),
            "integrated": partial(saliency.integrated_gradients, baseline=low),
            "occlusion": partial(saliency.occlusion, window=window, stride=max(1, window // 2), value=low)}


def saliency_of(subject: Subject, seed: int, shown: bool) -> Saliency:
    """Saliency by all methods if a figure shows the maps, else by the gradient alone."""
    x = subject.x[:ATTACKED]
    chosen = methods(subject, seed) if shown else {"gradient": saliency.gradient}
    maps = {name: np.asarray(method(subject.net, x)) for name, method in chosen.items()}
    answers = subject.answers(x)
    few = first_of_each(answers)
    return Saliency(x[few], tuple(subject.classes[k] for k in answers[few]),
                    {name: found[few] for name, found in maps.items()},
                    {name: on_foreground(found, subject) for name, found in maps.items()},
                    saliency.randomization(subject.net, x[:RANDOMIZED], rng=seed))


def gradient_on_foreground(net: Module, subject: Subject) -> float:
    """The share on the foreground of the gradient of another network, on the images of a subject."""
    return on_foreground(np.asarray(saliency.gradient(net, subject.x[:ATTACKED])), subject)


def on_foreground(maps: Array, subject: Subject) -> float:
    """The share of a map that lies on the foreground, divided by the foreground's share of the area: 1 is chance."""
    if subject.foreground is None:
        return float("nan")
    foreground = saliency.as_images(subject.foreground[:len(maps)].astype("float32")) > 0
    shares = saliency.share(maps, foreground)
    return float(shares[np.isfinite(shares)].mean() / foreground.mean()) if np.isfinite(shares).any() else float("nan")


def first_of_each(classes: Array) -> Array:
    """Indices, in order, of the first image of each class, and of further images if there are few classes."""
    _, first = np.unique(classes, return_index=True)
    others = np.setdiff1d(np.arange(len(classes)), first)
    return np.sort(np.concatenate([first, others])[:SHOWN])


def class_models(subject: Subject) -> Models:
    """Class models, compared with the mean image of each class by correlation."""
    found = features.class_model(subject.net, shape=subject.x.shape[1:], l2=penalty(subject))
    means = centred(subject.means - subject.means.mean(0))
    likeness = centred(found.images) @ means.T
    return Models(found, int((likeness.argmax(1) == np.arange(len(means))).sum()))


def penalty(subject: Subject) -> float:
    """λ of the class models: 0.5 for the 64 pixels of a digit, and in inverse proportion to the number of pixels."""
    return 32 / subject.x[0].size


def centred(images: Array) -> Array:
    """Rows of mean 0 and norm 1, whose products are correlations."""
    rows = images.reshape(len(images), -1).astype(float)
    rows = rows - rows.mean(1, keepdims=True)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(float).tiny))


def channels(subject: Subject, layer: str, seed: int) -> Maximization:
    """For each of the first channels of a layer, the image of norm 1 that activates the middle of its map most.

    A channel whose activation is 0 where the search starts, as a ReLU's may be, gives no gradient: its image stays empty.
    """
    shape = subject.x.shape[1:]
    size = output_size(subject, layer)
    count = range(min(CHANNELS, size[0]))
    what: dict[str, Any] = {"channel": count}
    if len(size) == 3:
        what = {"unit": [(k, size[1] // 2, size[2] // 2) for k in count]}
    with warnings.catch_warnings(action="ignore"):                  # silent channels are named below
        found = features.activation_maximization(subject.net, layer, shape=shape, norm=1.0, lr=0.5, rng=seed, **what)
    silent = found.activations == 0
    found.images[silent] = 0
    names = (f"{'unit' if len(size) == 1 else 'channel'} {k}{': silent' if silent[k] else ''}" for k in count)
    return replace(found, targets=tuple(names))


def output_size(subject: Subject, layer: str) -> tuple[Any, ...]:
    """The shape of a layer's output for one image: three numbers for maps, one for units."""
    return truncated(subject.net, layer).output_shape((1, *subject.x.shape[1:]))[1:]


def dream_layer(net: Module) -> str:
    """The layer to dream of: the activation after the last convolution, else the last activation, else the last layer."""
    leaves = {path: module for path, module in features.layers(net).items() if not features.layers(module)}
    paths = list(leaves)
    if not paths:
        raise ArgumentError(f"net must be a Sequential or a Graph, whose layers have names, got {net!r}")
    for k in reversed(range(len(paths))):
        if isinstance(leaves[paths[k]], Conv2d):
            after = next((path for path in paths[k + 1:] if not isinstance(leaves[path], BatchNorm)), paths[k])
            return after if is_activation(leaves[after]) else paths[k]
    return next((path for path in reversed(paths) if is_activation(leaves[path])), paths[-1])


def first_convolution(net: Module) -> str | None:
    return next((path for path, module in features.layers(net).items() if isinstance(module, Conv2d)), None)


def is_activation(module: Module) -> bool:
    return type(module) in ACTIVATIONS.values()


def check_image(subject: Subject, layer: str, image: Array) -> None:
    """Raise ShapeError if the network up to this layer does not take an image of this size."""
    part = truncated(subject.net, layer)
    try:
        size = part.output_shape((1, *image.shape))
    except ShapeError as error:
        raise ShapeError(f"image of {image.shape[1]} × {image.shape[2]} pixels does not fit the network up to layer {layer!r}, "
                         f"which takes images such as {subject.x.shape[2]} × {subject.x.shape[3]}: {error}") from error
    if several(size):
        raise ArgumentError(f"layer must have one output, got {len(size)}")


def mosaic(x: Array, rows: int, columns: int) -> Array:
    """The first images side by side as one image, with dark seams; if there are too few, they are repeated."""
    some = np.pad(x[np.arange(rows * columns) % len(x)], ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=x.min())
    _, channels, height, width = some.shape
    tiled = some.reshape(rows, columns, channels, height, width).transpose(2, 0, 3, 1, 4)
    return tiled.reshape(channels, rows * height, columns * width)


def dream_image(subject: Subject, layer: str) -> Array:
    """A landscape, (channels, height, width); the first test image if the layer takes images of one size only."""
    first, (low, high) = np.asarray(subject.x[0]), subject.bounds
    shape = (len(first), SIDE, SIDE * 4 // 3)
    try:
        truncated(subject.net, layer).output_shape((1, *shape))
    except ShapeError:
        return first
    grey = (low + (high - low) * landscape(*shape[1:])).clip(low, high).astype(first.dtype)
    return np.broadcast_to(grey, shape).copy()


def dream(subject: Subject, layer: str, image: Array, seed: int, progress: bool) -> Dream:
    """Dream of a layer, with steps in proportion to the range of pixels."""
    low, high = subject.bounds
    return features.dream(subject.net, image, layer, steps=STEPS, step_size=STEP_SIZE * (high - low), bounds=subject.bounds,
                          rng=seed, progress=progress)
