"""The ways in which ``retroprop look`` looks into a network, each with the numbers of what it sees."""

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
from .subjects import Subject

EPS = (0.05, 0.1, 0.15, 0.25)                                       # sizes of attacks, as shares of the range of pixels
DEFENDED = 1                                                        # index of the size that is trained against and iterated
ATTACKED, RANDOMIZED, SHOWN = 500, 200, 5                           # images that are looked at
CHANNELS = 10                                                       # of a layer, at most
SIDE = 128                                                          # of the image that a dream starts from, about
STEPS, STEP_SIZE = 20, 0.02                                         # of a dream at each size, in the range of pixels


class Attacked(NamedTuple):
    """The errors of one network under attack: in one step, at all sizes, and in ten steps at the one trained against."""

    single: Robustness
    iterated: Robustness

    @property
    def in_ten_steps(self) -> float:
        """The error at the size that is trained against."""
        return self.iterated.error[self.iterated.eps.index(self.single.eps[DEFENDED])]


class Fooled(NamedTuple):
    """A few images that the network knows, what one step makes of them, and of all how many it knew, and now errs on."""

    x: Array
    moved: Array
    known: int
    fooled: int


class Saliency(NamedTuple):
    """Maps of a few images by method; of more, the share that lies on the foreground over chance (NaN: unknown)."""

    x: Array
    answers: tuple[str, ...]
    maps: Mapping[str, Array]
    shares: Mapping[str, float]
    randomization: Randomization


class Models(NamedTuple):
    """Class models, and of how many classes the model is most like the mean image of that class itself."""

    found: Maximization
    own: int


def sizes(subject: Subject) -> tuple[float, ...]:
    """Of attacks, in units of the pixels."""
    low, high = subject.bounds
    return tuple(round(eps * (high - low), 6) for eps in EPS)


def attacked(subject: Subject, seed: int, shown: bool) -> Attacked:
    """In ten steps at all sizes, where the curve is shown."""
    x, y, loss = subject.x[:ATTACKED], subject.y[:ATTACKED], CrossEntropy()
    look = partial(adversarial.robustness, subject.net, loss, x, y, bounds=subject.bounds, rng=seed)
    eps = sizes(subject)
    return Attacked(look(eps), look(eps if shown else eps[DEFENDED:DEFENDED + 1], attack=adversarial.pgd))


def examples(subject: Subject, count: int = 8) -> Fooled:
    """Those first that are then misclassified; none that it errs on before."""
    x, y = subject.x[:ATTACKED], subject.y[:ATTACKED]
    moved = adversarial.fgsm(subject.net, CrossEntropy(), x, y, sizes(subject)[DEFENDED], bounds=subject.bounds)
    before, after = (subject.net.predict(a).argmax(1) == y for a in (x, moved))
    known = np.flatnonzero(before)
    order = known[np.argsort(after[known], kind="stable")[:count]]
    return Fooled(x[order], moved[order], len(known), int((before & ~after).sum()))


def methods(subject: Subject, seed: int) -> dict[str, Callable[..., Any]]:
    """Of saliency, by name; the darkest pixel stands for nothing, the window of occlusion is a quarter of the shorter side."""
    low, window = subject.bounds[0], max(1, min(subject.x.shape[2:]) // 4)
    return {"gradient": saliency.gradient, "gradient × input": saliency.gradient_times_input,
            "SmoothGrad": partial(saliency.smooth_grad, samples=20, rng=seed),
            "integrated": partial(saliency.integrated_gradients, baseline=low),
            "occlusion": partial(saliency.occlusion, window=window, stride=max(1, window // 2), value=low)}


def looked_at(subject: Subject, seed: int, shown: bool) -> Saliency:
    """By all methods where the maps are shown, by the gradient alone where its share is all that counts."""
    x = subject.x[:ATTACKED]
    chosen = methods(subject, seed) if shown else {"gradient": saliency.gradient}
    maps = {name: np.asarray(method(subject.net, x)) for name, method in chosen.items()}
    answers = subject.net.predict(x).argmax(1)
    few = first_of_each(answers)
    return Saliency(x[few], tuple(subject.classes[k] for k in answers[few]),
                    {name: found[few] for name, found in maps.items()},
                    {name: on_ink(found, subject) for name, found in maps.items()},
                    saliency.randomization(subject.net, x[:RANDOMIZED], rng=seed))


def gradient_on_ink(net: Module, subject: Subject) -> float:
    return on_ink(np.asarray(saliency.gradient(net, subject.x[:ATTACKED])), subject)


def on_ink(maps: Array, subject: Subject) -> float:
    """How many times more of a map lies where something is drawn than of a map that knows nothing."""
    if subject.foreground is None:
        return float("nan")
    foreground = saliency.as_images(subject.foreground[:len(maps)].astype("float32")) > 0
    shares = saliency.share(maps, foreground)
    return float(shares[np.isfinite(shares)].mean() / foreground.mean()) if np.isfinite(shares).any() else float("nan")


def first_of_each(classes: Array) -> Array:
    """Indices of the first image of each class, then of others, in order."""
    _, first = np.unique(classes, return_index=True)
    others = np.setdiff1d(np.arange(len(classes)), first)
    return np.sort(np.concatenate([first, others])[:SHOWN])


def class_models(subject: Subject) -> Models:
    found = features.class_model(subject.net, shape=subject.x.shape[1:], l2=penalty(subject))
    means = centred(subject.means - subject.means.mean(0))
    likeness = centred(found.images) @ means.T
    return Models(found, int((likeness.argmax(1) == np.arange(len(means))).sum()))


def penalty(subject: Subject) -> float:
    """λ of the class models: 0.5 for the 64 pixels of a digit, less for more, so that a grey costs the same."""
    return 32 / subject.x[0].size


def centred(images: Array) -> Array:
    """Rows of mean 0 and norm 1, so that products are correlations."""
    rows = images.reshape(len(images), -1).astype(float)
    rows = rows - rows.mean(1, keepdims=True)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(float).tiny))


def channels(subject: Subject, layer: str, seed: int) -> Maximization:
    """The image of norm 1 that each of the first channels of a layer answers to most, at the middle of its map.

    Of one that is silent where the search starts, as a ReLU may be, nothing is found: an empty image.
    """
    shape = subject.x.shape[1:]
    size = output_size(subject, layer)
    count = range(min(CHANNELS, size[0]))
    what: dict[str, Any] = {"channel": count}
    if len(size) == 3:
        what = {"unit": [(k, size[1] // 2, size[2] // 2) for k in count]}
    with warnings.catch_warnings(action="ignore"):                  # of those that are silent: they are named below
        found = features.activation_maximization(subject.net, layer, shape=shape, norm=1.0, lr=0.5, rng=seed, **what)
    silent = found.activations == 0
    found.images[silent] = 0
    names = (f"{'unit' if len(size) == 1 else 'channel'} {k}{': silent' if silent[k] else ''}" for k in count)
    return replace(found, targets=tuple(names))


def output_size(subject: Subject, layer: str) -> tuple[Any, ...]:
    """Of a layer, for one image: three numbers, if it has maps."""
    return truncated(subject.net, layer).output_shape((1, *subject.x.shape[1:]))[1:]


def dream_layer(net: Module) -> str:
    """What is dreamt of: the activation after the last convolution; without one the last activation, or the last layer."""
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


def accepted(subject: Subject, layer: str, image: Array) -> None:
    """ShapeError where the layer does not take an image of this size; ArgumentError where there is no such layer."""
    part = truncated(subject.net, layer)
    try:
        size = part.output_shape((1, *image.shape))
    except ShapeError as error:
        raise ShapeError(f"image of {image.shape[1]} × {image.shape[2]} pixels does not fit what leads to layer {layer!r}, "
                         f"which takes images such as {subject.x.shape[2]} × {subject.x.shape[3]}: {error}") from error
    if several(size):
        raise ArgumentError(f"layer must have one output, got {len(size)}")


def mosaic(x: Array, rows: int, columns: int) -> Array:
    """The first images side by side as one, with dark seams; they come again where there are too few."""
    some = np.pad(x[np.arange(rows * columns) % len(x)], ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=x.min())
    _, channels, height, width = some.shape
    tiled = some.reshape(rows, columns, channels, height, width).transpose(2, 0, 3, 1, 4)
    return tiled.reshape(channels, rows * height, columns * width)


def start_of_dream(subject: Subject, layer: str) -> Array:
    """A mosaic of test images, or, where they are large or the layer takes one size only, the first of them."""
    rows, columns = (max(1, SIDE // (length + 2)) for length in subject.x.shape[2:])
    if rows * columns == 1:
        return np.asarray(subject.x[0])
    image = mosaic(subject.x, rows, columns)
    try:
        truncated(subject.net, layer).output_shape((1, *image.shape))
    except ShapeError:
        return np.asarray(subject.x[0])
    return image


def dream(subject: Subject, layer: str, image: Array, seed: int, progress: bool) -> Dream:
    low, high = subject.bounds
    return features.dream(subject.net, image, layer, steps=STEPS, step_size=STEP_SIZE * (high - low), bounds=subject.bounds,
                          rng=seed, progress=progress)
