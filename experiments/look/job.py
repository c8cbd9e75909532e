"""``retroprop look``: examine a trained network by its input gradients: saliency, attacks, class models, a dream."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arguments import Array, one_of, positive_int
from ...errors import DataError
from ...inspection.adversarial import AdversarialTraining
from ...inspection.features.truncation import truncated
from ...modules import Module
from ...printing import show
from ...progress import progress_bar
from ..options import add_settings, from_arguments, new_command, option, path
from ..reports import drawing, folder
from ..reports.text import as_json as json_text
from ..sweeps.threads import limit_of_tasks
from ..sweeps.workers import Workers
from . import analyses
from .analyses import Attacked
from .findings import SEEDS, Findings, TrainedNetwork
from .page import write_page
from .settings import FILES, NET
from .subjects import DATA, Images, Split, Subject, of_data, read_model

if TYPE_CHECKING:
    from ..options import Commands

LARGEST = 1_000_000                                                 # pixels of an image to dream on
QUICK = {"epochs": 1, "seeds": 1}                                   # enough to see the shape of the page
EPOCHS = {name: next(iter(images.recipes.values())).epochs for name, images in DATA.items()}


@dataclass(frozen=True)
class Config:
    """The settings that decide the numbers: arguments of ``look`` and options of the command, with their defaults."""

    data: str = option("digits", "the images: digits, or shapes (triangles, parallelograms and ellipses)", choices=DATA)
    model: str | None = option(
        None, "examine this network instead of training one: the net.safetensors of an earlier run on the same data, or a "
        "Python script that defines net, and perhaps x (images) and y (their classes)", metavar="FILE")
    image: str | None = option(
        None, "a PNG or JPEG of at most a million pixels to dream on (default: a landscape made of noise)", metavar="FILE")
    layer: str | None = option(
        None, "the layer whose activations the dream increases and whose channels are shown (default: the activation after the "
        "last convolution, and the first convolution); an unknown name lists the layers", metavar="NAME")
    epochs: int | None = option(
        None, "epochs of the convolutional network; those of the other networks change in proportion "
        f"(default: {', '.join(f'{epochs} on the {name}' for name, epochs in EPOCHS.items())})")
    seed: int = option(0, "the first seed, whose network the figures show")
    seeds: int = option(SEEDS, "number of seeds to average over")

    def __post_init__(self) -> None:
        one_of("data", self.data, DATA)
        positive_int("seed", self.seed, 0)
        positive_int("seeds", self.seeds)
        if self.epochs is None:
            object.__setattr__(self, "epochs", EPOCHS[self.data])
        positive_int("epochs", self.epochs)
        for name in ("model", "image"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, path(name, getattr(self, name)))


def add_command(commands: Commands) -> None:
    command = new_command(
        commands, "look", "look into a network: saliency, attacks, class models, a dream",
        "Train a small convolutional network, or take one, and examine it by gradients with respect to its input: which pixels "
        "decide its answer, how small a change makes it err, which image is typical of each class for it, and a dream. Print a "
        "table and write a page with figures. It takes about half a minute on two idle cores.", "--image cat.jpg --quick")
    add_settings(command, Config)
    add = command.add_argument
    add("--out", default="results/look", help="folder for the page (default: results/look)")
    add("--quick", action="store_true", help=f"{QUICK['epochs']} epoch and {QUICK['seeds']} seed, unless given: enough to see "
        "the page; its numbers are not judged")
    add("--force", action="store_true", help="replace the page of other settings in --out")
    add("--json", action="store_true", dest="as_json", help="print the table as JSON")
    command.set_defaults(run=run)


def run(*, out: str, as_json: bool, quick: bool, force: bool, **options: Any) -> int:
    looked(from_arguments(Config, (QUICK if quick else {}) | options), out, force,
           lambda findings: show(json_text(findings.summary()) if as_json else findings))
    print(f"\nThe page is in {out}/report.html", file=sys.stderr)
    return 0


def look(data: str = Config.data, *, model: str | Path | None = Config.model, image: str | Path | None = Config.image,
         layer: str | None = Config.layer, epochs: int | None = Config.epochs, seed: int = Config.seed,
         seeds: int = Config.seeds, out: str | Path | None = None, force: bool = False, progress: bool = True) -> Findings:
    """Train a small convolutional network, or take one, and examine it: saliency, attacks, class models, a dream.

    Parameters
    ----------
    data : {"digits", "shapes"}
        The embedded digits, or generated images of one shape each (``EASY_SHAPESET``).
    model : path, optional
        Examine this network instead of training one: a ``net.safetensors`` that an earlier run wrote, or a Python script
        that defines ``net``, and perhaps ``x`` (images) and ``y`` (their classes).
    image : path, optional
        A PNG or JPEG that the dream starts from, in place of a landscape made of noise.
    layer : str, optional
        Path of the layer whose activations the dream increases and whose channels are shown. By default these are the
        activation after the last convolution, and the first convolution.
    epochs : int, optional
        Epochs of the convolutional network; those of the other networks change in proportion.
    seed, seeds : int
        The first seed, whose network the figures show, and the number of seeds.
    out : path, default None
        Folder for ``report.html``, figures, the dream and, if it was trained here, the network; None writes nothing.
    force : bool, default False
        Whether to replace a page in ``out`` that has other settings.
    progress : bool, default True
        Whether to show progress bars: on a terminal, or as widgets in a notebook; there are none elsewhere.

    Returns
    -------
    Findings
        ``print(findings)`` shows a table of the numbers and the criteria. Only a full run is judged: one with at least the
        default epochs and seeds.
    """
    return looked(from_arguments(Config, locals()), out, force, progress=progress)


def looked(config: Config, out: str | Path | None, force: bool = False, results: Callable[[Findings], None] | None = None,
           progress: bool = True) -> Findings:
    """Train and examine; ``results`` is called before the page is drawn, since an error there must not cost the numbers."""
    images = DATA[config.data]
    parts = images.read()
    recipe = next(iter(images.recipes.values()))
    first = (of_data(recipe.build(config.seed), images, *parts) if config.model is None else
             read_model(config.model, images, parts))
    dream_layer = config.layer or analyses.dream_layer(first.net)
    truncated(first.net, dream_layer)                               # an error if there is no such layer
    pixels = analyses.dream_image(first, dream_layer) if config.image is None else image_of_user(config.image, first)
    analyses.check_image(first, dream_layer, pixels)
    if out is not None:
        names = FILES if config.model is None else set(FILES) - {NET}
        folder.prepare(Path(out), asdict(config), names, {"model": config.model, "image": config.image}, force=force)
    trained = [] if config.model is not None else train_all(config, images, parts, progress)
    subjects = [one.subject for one in trained if (one.kind, one.defended) == (next(iter(images.recipes)), False)] or [first]
    with (limit_of_tasks() or nullcontext)():                       # as for the training: the products here are small
        findings = examine(config, images, subjects, trained, (dream_layer, pixels), progress)
    if results is not None:
        results(findings)
    if out is not None:
        with folder.at_hand(findings):
            write_page(findings, Path(out))
    return findings


def examine(config: Config, images: Images, subjects: list[Subject], trained: list[TrainedNetwork], dream: tuple[str, Array],
            progress: bool) -> Findings:
    """Examine the networks of all seeds; the figures show the first."""
    seeds = range(config.seed, config.seed + len(subjects))
    shown, build = subjects[0], next(iter(images.recipes.values())).build
    attacked = (trained[0].attacked if trained else None) or analyses.attacked(shown, config.seed, shown=True)
    channels = config.layer or analyses.first_convolution(shown.net)
    saliency = dict(Workers().run(analyses.saliency_of, [(one, seed, one is shown)
                                                         for one, seed in zip(subjects, seeds, strict=True)]))
    return Findings(
        asdict(config), images, shown, trained,
        single=attacked.single, iterated=attacked.iterated,
        examples=analyses.examples(shown),
        saliency=[saliency[k] for k in range(len(subjects))],
        untrained=[analyses.gradient_on_foreground(build(seed), one)
                   for one, seed in zip(subjects, seeds, strict=True) if trained],
        hardened=[analyses.gradient_on_foreground(one.net, one.subject) for one in trained
                  if one.kind == next(iter(images.recipes)) and one.defended],
        models=[analyses.class_models(one) for one in subjects],
        channels=None if channels is None else (channels, analyses.channels(shown, channels, config.seed)),
        dream=analyses.dream(shown, *dream, config.seed, progress))


def image_of_user(path: str, subject: Subject) -> Array:
    """The user's image, on the scale of the network's pixels."""
    from ...plots import read_image
    low, high = subject.bounds
    image = read_image(path, subject.x.shape[1])
    if image[0].size > LARGEST:                                     # a layer with 32 maps takes 32 times the memory
        height, width = image.shape[1:]
        raise DataError(f"image must have at most {LARGEST:,} pixels, got {width} x {height}; make it smaller")
    return np.asarray(low + (high - low) * image, "float32").clip(low, high)


def train_all(config: Config, images: Images, parts: tuple[Split, Split], progress: bool) -> list[TrainedNetwork]:
    """Train all kinds of networks from each seed; if they are attacked, train them a second time on adversarial examples."""
    plan = [(kind, defended, seed) for kind in images.recipes for defended in ((False, True) if images.attacked else (False,))
            for seed in range(config.seed, config.seed + config.seeds)]
    tasks = [(config, parts, *one, one == plan[0]) for one in plan]
    found: dict[int, tuple[Module, float, Attacked | None]] = {}
    with progress_bar(len(plan), "network", progress) as bar:
        for k, result in Workers().run(train_one, tasks, ahead=drawing.load):
            found[k] = result
            bar.update()
    trained = []
    for k, (kind, defended, seed) in enumerate(plan):
        net, seconds, attacked = found[k]
        subject = of_data(net, images, *parts)
        trained.append(TrainedNetwork(kind, seed, defended, net, subject, subject.error, seconds, attacked))
    return trained


def train_one(config: Config, parts: tuple[Split, Split], kind: str, defended: bool, seed: int,
              shown: bool) -> tuple[Module, float, Attacked | None]:
    """Train one network and attack it, if its kind is attacked; return it, the seconds of its training, and the attacks."""
    images = DATA[config.data]
    first, recipe = next(iter(images.recipes.values())), images.recipes[kind]
    factor = (config.epochs or first.epochs) / first.epochs
    net, seconds = recipe.train(parts[0], seed, max(1, round(factor * recipe.epochs)), [defence(parts[0])] if defended else [])
    if not (images.attacked or recipe is first):
        return net, seconds, None
    return net, seconds, analyses.attacked(of_data(net, images, *parts), seed, shown)


def defence(train: Split) -> AdversarialTraining:
    """Adversarial training at the size of attack that the table of defences shows."""
    low, high = float(train[0].min()), float(train[0].max())
    return AdversarialTraining(analyses.EPS[analyses.DEFENDED] * (high - low), bounds=(low, high))
