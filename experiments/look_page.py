"""The page that ``retroprop look`` writes: figures, numbers, and what they say."""

from __future__ import annotations

import json
import platform
import shlex
from pathlib import Path
from typing import Any

import numpy as np

from ..initializers.base import Array
from . import views
from .findings import Looked, defences, percent
from .page import Page
from .report import many


def write_page(looked: Looked, folder: Path) -> None:
    """Write report.html, figures (PNG and SVG), dream.png and numbers.json into ``folder``."""
    name = looked.config["model"] or f"the convolutional net, trained on {looked.pictures.title}"
    page = Page(f"What a network sees: {name}")
    page.text("Everything here but the training is made by two phases: forward, and backward, which carries a gradient on "
              "to the "
              "pixels. No weight changes.")
    figures = Figures(page, folder)
    for section in (of_net, of_saliency, of_attacks, of_features, of_dream):
        section(looked, page, figures)
    page.heading("What counts")
    page.table(looked.table())
    page.text(looked.verdict())
    page.heading("Run it again")
    page.code(command(looked.config))
    if looked.config["model"] is None:
        page.text("The network of the first seed is in net.safetensors: retroprop look --model net.safetensors"
                  f"{'' if looked.config['data'] == 'digits' else ' --data ' + looked.config['data']} looks into it again, "
                  "without training.")
    page.write(folder / "report.html")
    (folder / "numbers.json").write_text(json.dumps(numbers(looked), indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


class Figures:
    """Saves figures beside the page and puts them on it."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page, self.folder = page, folder

    def add(self, figure: Any, name: str, caption: str) -> None:
        import matplotlib.pyplot as plt
        from matplotlib.axes import Axes

        from .. import plots
        png, _ = plots.save(figure, self.folder, name)
        plt.close(figure.get_figure(root=True) if isinstance(figure, Axes) else figure)
        self.page.figure(png, caption)

    def picture(self, picture: Array, name: str, caption: str) -> None:
        from .. import plots
        self.page.figure(plots.write_picture(picture, self.folder / f"{name}.png"), caption)


def of_net(looked: Looked, page: Page, figures: Figures) -> None:
    subject = looked.subject
    page.heading("The network")
    page.code(subject.net.summary((1, *subject.x.shape[1:])))
    if looked.trained:
        first = looked.of(looked.kinds[0])
        said = (f"Trained for {many(looked.config['epochs'], 'epoch')} in {first[0].seconds:.1f} seconds, it errs on "
                f"{percent(subject.error)} of {len(subject.x)} test pictures")
        others = f"; over {len(first)} seeds, on {each([one.error for one in first])}" if len(first) > 1 else ""
        page.text(f"{said}{others}.")
    else:
        page.text(f"It was not trained here. Of {len(subject.x)} pictures it errs on {percent(subject.error)}.")
    if looked.trained and not looked.pictures.attacked:
        other = looked.kinds[1]
        page.text(f"A dense {other} net on the pixels, after as many steps of as many pictures, errs on "
                  f"{each([one.error for one in looked.of(other)])}: it must learn at each place anew what a convolution "
                  "learns "
                  "once for all.")
    rows, columns = 3, 16 if subject.x.shape[-1] <= 16 else 8
    answers = subject.net.predict(subject.x[:rows * columns]).argmax(1)
    wrong = int((answers != subject.y[:len(answers)]).sum())
    picture = views.mosaic(subject.x, rows, columns)
    scale = max(1, 640 // picture.shape[-1])
    figures.picture(unit(picture, subject.bounds).repeat(scale, 1).repeat(scale, 2), "examples",
                    f"The first {len(answers)} pictures that it was not trained on; it is wrong about {wrong} of them."
                    if not subject.origin.endswith(".py") else f"The pictures; it is wrong about {wrong} of the first "
                                                               f"{len(answers)}.")


def of_saliency(looked: Looked, page: Page, figures: Figures) -> None:
    from .. import plots
    found = looked.saliency[0]
    page.heading("Which pixels does an answer hang on?")
    page.text("Saliency: the score of the class that the network answers with is differentiated with respect to the pixels. "
              "Bright "
              "is where a small change of a pixel changes the score most. Occlusion, the control, takes no gradient: it "
              "covers a "
              "window and looks how far the score falls.")
    figures.add(plots.saliency(found.x, found.maps, names=found.answers), "saliency",
                "Pictures, with the network's answer at the left, and what it hangs on by five methods, each map on a scale "
                "of its "
                f"own.{ink_caption(looked)}")
    means, last = found.randomization.correlations.mean(1), len(found.randomization.layers)
    figures.add(plots.randomization(found.randomization), "randomization",
                f"A test of the gradient itself: from left to right the network loses its {many(last, 'layer')}, the top "
                "one first, "
                "whose weights are drawn anew. A map that shows what was learned must change. The rank correlation with the "
                f"map of the trained network (mean of {len(found.randomization.x)} pictures, and their deviation) falls to "
                f"{means[0]:.2f} after the top layer and to {means[-1]:.2f} after all of them.")


def ink_caption(looked: Looked) -> str:
    """Whether maps lie where something is drawn, and whether that says anything."""
    if looked.subject.ink is None:
        return ""
    found = looked.saliency[0]
    shares = ", ".join(f"{share:.2f} ({name})" for name, share in found.shares.items())
    others = f" The gradient's is {looked.untrained[0]:.2f} before training too." if looked.untrained else ""
    if looked.hardened:
        others += f" Of the same network trained against attacks (below) it is {looked.hardened[0]:.2f}."
    black = "gradient × input and integrated gradients are" if looked.subject.bounds[0] == 0 else "integrated gradients are"
    return (f" What lies on the drawn pixels, as a multiple of their share of the area: {shares}; 1 is chance. Of these, "
            f"{black} 0 where a picture is black, whatever the network learned.{others}")


def of_attacks(looked: Looked, page: Page, figures: Figures) -> None:
    from .. import plots
    subject, single, iterated = looked.subject, looked.single, looked.iterated
    size, at = single.eps[views.DEFENDED], views.DEFENDED
    low, high = subject.bounds
    page.heading("How small a change makes it err?")
    page.text(f"Adversarial examples: each pixel, from {low:g} (black) to {high:g} (white), moves by ε along the sign of "
              "the gradient "
              "of the cost (one step), or in ten smaller steps, each along the sign anew, within the same ε.")
    moved = subject.net.predict(looked.examples[1]).argmax(1) != subject.net.predict(looked.examples[0]).argmax(1)
    figures.add(plots.adversarial(subject.net, *looked.examples), "adversarial",
                f"Pictures that the network knows (above), what one step with ε = {size:g} adds to them, and the sums, with "
                "its "
                f"answer and how sure it is; orange where it is another.{numbered(subject.classes)} Shown are "
                f"{int(moved.sum())} of those that fool it: they "
                f"are {percent(single.error[at])} of {single.examples} (with {percent(single.clean_error)} that it misses "
                "anyway).")
    defended = [one.attacked.single for one in (looked.of(looked.kinds[0], True) if looked.kinds else []) if one.attacked]
    curves = {"one step": single, "ten steps": iterated} | ({"one step, defended": defended[0]} if defended else {})
    figures.add(plots.robustness(curves, ax=plots.canvas.axes(None, size=(9, 4))), "robustness",
                f"The share that is wrong as ε grows. Solid: attacks; at ε = {size:g} {percent(single.error[at])} in one "
                "step and "
                f"{percent(iterated.error[at])} in ten. Dashed: as large a change with random signs, "
                f"{percent(single.random_error[at])}"
                + (": it is the direction that does it." if single.error[at] > 2 * single.random_error[at] else ".")
                + (f" Defended: trained on half clean, half attacked pictures (ε = {size:g}), it is wrong about "
                   f"{percent(defended[0].error[at])} there." if defended else ""))
    if defended:
        page.table(defences(looked))
        page.text(f"Means over {many(len(defended), 'seed')}, of {single.examples} test pictures: the error on them as they "
                  "are (clean), "
                  f"under one step of size ε, under random signs as large, and under ten steps within {size:g}; “sure” is "
                  "the mean "
                  f"probability that is given to a wrong class at ε = {single.eps[-1]:g}. “Against {size:g}”: half of each "
                  "batch "
                  "were adversarial examples of that size.")


def numbered(classes: tuple[str, ...]) -> str:
    """What the numbers of classes stand for, where they are not the names themselves."""
    if classes == tuple(map(str, range(len(classes)))):
        return ""
    return f" Classes: {', '.join(f'{k} {name}' for k, name in enumerate(classes))}."


def of_features(looked: Looked, page: Page, figures: Figures) -> None:
    from .. import plots
    subject, models = looked.subject, looked.models[0]
    page.heading("What does it look for?")
    page.text("Now the picture itself is learned, by gradient ascent from an empty one.")
    figures.add(plots.class_models(models.found, subject.classes), "class-models",
                f"Of each class, the picture x with the largest score less {views.penalty(subject):.2g} ‖x‖². Red pixels "
                "speak for "
                f"the class, blue ones against it. Of {models.own} of {len(subject.classes)} classes the model is most like "
                "the "
                "mean picture of its own class (correlation, after the mean of all classes is taken off); that says something "
                "only where the pictures of a class have their parts at the same places.")
    if looked.channels is not None:
        layer, found = looked.channels
        figures.add(plots.class_models(found), "channels",
                    f"What the first {len(found.pictures)} channels of layer {layer} ({features_of(looked, layer)}) answer "
                    "to most, "
                    "in the middle of the picture, among pictures of norm 1. White is 0: what lies further out does not "
                    "reach that place.")


def features_of(looked: Looked, layer: str) -> str:
    from ..inspection.features import layers
    return type(layers(looked.subject.net)[layer]).__name__


def of_dream(looked: Looked, page: Page, figures: Figures) -> None:
    from .. import plots
    dream, bounds = looked.dream, looked.subject.bounds
    page.heading("A dream")
    ratios = ", ".join(f"{after / before:.2f}" if before else "–" for before, after in dream.objectives[:, [0, -1]])
    source = looked.config["image"] or "pictures of the data, side by side"
    figures.add(plots.dream(dream), "dream-steps",
                f"Left, {source}; in the middle, the same after a dream: in each of {many(len(dream.sizes), 'size')}, the "
                "smallest "
                f"first, {many(dream.objectives.shape[1] - 1, 'step')} made the answer of layer {dream.layer} "
                f"({features_of(looked, dream.layer)}) larger. Right: half its squared norm, which grows {ratios} times.")
    scale = max(1, 500 // dream.picture.shape[-1])
    plots.write_picture(unit(dream.picture, bounds), figures.folder / "dream.png")
    figures.picture(unit(dream.picture, bounds).repeat(scale, -2).repeat(scale, -1), "dream-large",
                    f"The dream, {scale} times enlarged; dream.png has its own size, {dream.picture.shape[-1]} × "
                    f"{dream.picture.shape[-2]}.")


def unit(picture: Array, bounds: tuple[float, float]) -> Array:
    """On a scale from 0, black, to 1, white."""
    low, high = bounds
    return np.asarray(((picture - low) / (high - low)).clip(0, 1))


def each(values: list[float]) -> str:
    mean = percent(sum(values) / len(values))
    return mean if len(values) == 1 else f"{mean} ({', '.join(map(percent, values))})"


def numbers(looked: Looked) -> dict[str, Any]:
    """All that repeats it, and what came out; None for what is not a number."""
    from .. import __version__
    rows = looked.summary()
    return {"config": looked.config, "command": command(looked.config), "numbers": rows, "defences": defences(looked)
            if looked.pictures.attacked and looked.trained else [],
            "versions": {"retroprop": __version__, "numpy": np.__version__, "python": platform.python_version()}}


def command(config: dict[str, Any]) -> str:
    """The command line of a configuration."""
    words = ["retroprop", "look"]
    for name, value in config.items():
        words += [] if value is None else [f"--{name}", str(value)]
    return shlex.join(words)
