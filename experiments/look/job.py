"""``retroprop look``: what a trained network sees, by backward alone."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...arguments import Array, one_of, positive_int
from ...errors import DataError
from ...inspection.adversarial import AdversarialTraining
from ...inspection.features.truncation import truncated
from ...training import save
from . import views
from .findings import SEEDS, Looked, Trained
from .page import write_page
from .subjects import DATA, Images, Split, Subject, of_data, read_model

LARGEST = 1_000_000                                                 # pixels of an image that is dreamt on


@dataclass(frozen=True)
class Config:
    """All that decides the numbers; the arguments of ``look``."""

    data: str = "digits"
    model: str | None = None
    image: str | None = None
    layer: str | None = None
    epochs: int | None = None
    seed: int = 0
    seeds: int = SEEDS

    def __post_init__(self) -> None:
        one_of("data", self.data, DATA)
        positive_int("seed", self.seed, 0)
        positive_int("seeds", self.seeds)
        if self.epochs is None:
            object.__setattr__(self, "epochs", next(iter(DATA[self.data].recipes.values())).epochs)
        positive_int("epochs", self.epochs)


def look(data: str = "digits", *, model: str | Path | None = None, image: str | Path | None = None, layer: str | None = None,
         epochs: int | None = None, seed: int = 0, seeds: int = SEEDS, out: str | Path | None = None,
         progress: bool = True) -> Looked:
    """Train a small convolutional network, or take one, and look into it: saliency, attacks, class models, a dream.

    Parameters
    ----------
    data : {"digits", "shapes"}, default "digits"
        The embedded digits, or generated images of one shape each (``EASY_SHAPESET``).
    model : path, default None
        Look into this network, and train nothing: a ``net.safetensors`` that an earlier run wrote, or a Python script that
        defines ``net``, and perhaps ``x`` (images) and ``y`` (their classes).
    image : path, default None
        A PNG or JPEG that the dream starts from; by default test images side by side.
    layer : str, default None
        Path of the layer that is dreamt of, and whose channels are shown. By default the activation after the last
        convolution, and the first convolution.
    epochs : int, default None
        Of the convolutional network, by default 40 on the digits and 4 on the shapes; others are trained in proportion.
    seed, seeds : int, default 0 and 3
        The first seed, whose network is shown, and how many there are.
    out : path, default None
        Folder for ``report.html``, figures, the dream and, if it was trained here, the network; None: nothing is written.
    progress : bool, default True
        Whether to show bars; silent by themselves where standard error is not a terminal.

    Returns
    -------
    Looked
        ``print(looked)`` shows a table of what was found, beside what is wanted; only a full run is judged by it: of the
        default epochs and seeds, or more.
    """
    config = Config(data, None if model is None else str(model), None if image is None else str(image), layer, epochs, seed,
                    seeds)
    images = DATA[config.data]
    parts = images.read()
    recipe = next(iter(images.recipes.values()))
    first = of_data(recipe.build(seed), images, *parts) if config.model is None else read_model(config.model, images, parts)
    dreamt = views.dream_layer(first.net) if layer is None else layer
    truncated(first.net, dreamt)                                    # there is such a layer
    start = views.start_of_dream(first, dreamt) if config.image is None else image_of_user(config.image, first)
    views.accepted(first, dreamt, start)
    if out is not None:
        Path(out).mkdir(parents=True, exist_ok=True)                # before the work, not after it
    trained = [] if config.model is not None else train_all(config, images, parts, progress)
    subjects = [one.subject for one in trained if (one.kind, one.defended) == (next(iter(images.recipes)), False)] or [first]
    looked = inside(config, images, subjects, trained, (dreamt, start), progress)
    if out is not None:
        if trained:                                                 # what is not ours may lie there
            save(trained[0].net, Path(out) / "net.safetensors")
        write_page(looked, Path(out))
    return looked


def inside(config: Config, images: Images, subjects: list[Subject], trained: list[Trained], dreamt: tuple[str, Array],
           progress: bool) -> Looked:
    """Look into the networks of all seeds; figures show the first."""
    seeds = range(config.seed, config.seed + len(subjects))
    shown, build = subjects[0], next(iter(images.recipes.values())).build
    attacked = (trained[0].attacked if trained else None) or views.attacked(shown, config.seed, shown=True)
    channels = config.layer or views.first_convolution(shown.net)
    return Looked(
        dataclasses.asdict(config), images, shown, trained,
        single=attacked.single, iterated=attacked.iterated,
        examples=views.examples(shown),
        saliency=[views.looked_at(one, seed, shown=one is shown) for one, seed in zip(subjects, seeds, strict=True)],
        untrained=[views.gradient_on_ink(build(seed), one) for one, seed in zip(subjects, seeds, strict=True) if trained],
        hardened=[views.gradient_on_ink(one.net, one.subject) for one in trained
                  if one.kind == next(iter(images.recipes)) and one.defended],
        models=[views.class_models(one) for one in subjects],
        channels=None if channels is None else (channels, views.channels(shown, channels, config.seed)),
        dream=views.dream(shown, *dreamt, config.seed, progress))


def image_of_user(path: str, subject: Subject) -> Array:
    """An image of the user's, on the scale of the network's pixels."""
    from ...plots import read_image
    low, high = subject.bounds
    image = read_image(path, subject.x.shape[1])
    if image[0].size > LARGEST:                                     # a layer of 32 maps of it takes 32 times as much
        height, width = image.shape[1:]
        raise DataError(f"image must have at most {LARGEST:,} pixels, got {width} x {height}; make it smaller")
    return np.asarray(low + (high - low) * image, "float32").clip(low, high)


def train_all(config: Config, images: Images, parts: tuple[Split, Split], progress: bool) -> list[Trained]:
    """All networks of the data set, from each seed; where they are attacked, a second time against that."""
    from tqdm import tqdm
    first = next(iter(images.recipes.values()))
    factor = (config.epochs or first.epochs) / first.epochs
    plan = [(kind, recipe, max(1, round(factor * recipe.epochs)), defended, seed)
            for kind, recipe in images.recipes.items() for defended in ((False, True) if images.attacked else (False,))
            for seed in range(config.seed, config.seed + config.seeds)]
    found: list[Trained] = []
    with tqdm(total=sum(epochs for _, _, epochs, _, _ in plan), unit="epoch", disable=None if progress else True) as bar:
        for kind, recipe, epochs, defended, seed in plan:
            bar.set_description(f"{kind}{', against attacks' if defended else ''}, seed {seed}")
            hooks = [defence(parts[0])] if defended else []
            net, seconds = recipe.train(parts[0], seed, epochs, [*hooks, lambda run: bar.update()])
            subject = of_data(net, images, *parts)
            attacked = views.attacked(subject, seed, shown=not found) if images.attacked or recipe is first else None
            found.append(Trained(kind, seed, defended, net, subject, subject.error, seconds, attacked))
    return found


def defence(train: Split) -> AdversarialTraining:
    low, high = float(train[0].min()), float(train[0].max())
    return AdversarialTraining(views.EPS[views.DEFENDED] * (high - low), bounds=(low, high))
