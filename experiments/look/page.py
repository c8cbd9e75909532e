"""The page that ``retroprop look`` writes: figures, numbers, and what they say."""

from __future__ import annotations

import json
import platform
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...arguments import Array
from ...inspection.adversarial import Robustness
from ...inspection.features import Maximization
from ..reports.page import Figures, Page
from ..reports.text import many, percent
from . import views
from .findings import Looked, defences
from .subjects import Subject


def write_page(looked: Looked, folder: Path) -> None:
    """Write report.html, figures (PNG and SVG), dream.png and numbers.json into ``folder``."""
    name = looked.config["model"] or f"the convolutional net, trained on {looked.images.title}"
    page = Page(f"What a network sees: {name}")
    page.text("Everything here but the training is made by two phases: forward, and backward, which carries a gradient on to "
              "the pixels. No weight changes.")
    figures = Figures(page, folder)
    for section in (of_net, of_saliency, of_attacks, of_features, of_dream):
        section(looked, page, figures)
    page.heading("What counts")
    page.table(looked.table())
    page.text(looked.verdict())
    page.heading("Run it again")
    page.code(command(looked.config, folder))
    if looked.trained:
        page.text("The network of the first seed was written too. This looks into it again, without training:")
        model = {"data": looked.config["data"], "model": folder / "net.safetensors"}
        page.code(command(model, folder.with_name(f"{folder.name}-again")))
    page.write(folder / "report.html")
    text = json.dumps(numbers(looked, folder), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "numbers.json").write_text(text + "\n", encoding="utf-8")


def of_net(looked: Looked, page: Page, figures: Figures) -> None:
    subject = looked.subject
    page.heading("The network")
    page.code(subject.net.summary((1, *subject.x.shape[1:])))
    page.text(performance(looked))
    if looked.trained and not looked.images.attacked:
        other = looked.kinds[1]
        page.text(f"A dense {other} net on the pixels, after as many steps of as many images, errs on "
                  f"{each([one.error for one in looked.of(other)])}: it must learn at each place anew what a convolution "
                  "learns once for all.")
    rows, columns = 3, 16 if subject.x.shape[-1] <= 16 else 8
    image = views.mosaic(subject.x, rows, columns)
    scale = max(1, 640 // image.shape[-1])
    figures.image(unit(image, subject).repeat(scale, 1).repeat(scale, 2), "examples", first(subject, rows * columns))


def performance(looked: Looked) -> str:
    """How much it errs, in a sentence or two."""
    subject = looked.subject
    if not subject.labelled:
        return (f"It was not trained here, and nobody says which classes its {many(len(subject.x), 'image')} are of: what it "
                "answers is taken as it is, and no error can be given.")
    if not looked.trained:
        return f"It was not trained here. Of {many(len(subject.x), 'image')} it errs on {percent(subject.error)}."
    nets = looked.of(looked.kinds[0])
    others = f"; over {len(nets)} seeds, on {each([one.error for one in nets])}" if len(nets) > 1 else ""
    return (f"Trained for {many(looked.config['epochs'], 'epoch')} in {nets[0].seconds:.1f} seconds, it errs on "
            f"{percent(subject.error)} of {len(subject.x)} test images{others}.")


def first(subject: Subject, count: int) -> str:
    """The caption of the first images."""
    answers = subject.net.predict(subject.x[:count]).argmax(1)
    said = f"The first {many(len(answers), 'image')}{'' if subject.origin.endswith('.py') else ' that it was not trained on'}"
    wrong = int((answers != subject.y[:len(answers)]).sum())
    return f"{said}; it is wrong about {wrong} of them." if subject.labelled else f"{said}."


def of_saliency(looked: Looked, page: Page, figures: Figures) -> None:
    from ... import plots
    found = looked.saliency[0]
    page.heading("Which pixels does an answer hang on?")
    page.text("Saliency: the score of the class that the network answers with is differentiated with respect to the pixels. "
              "Bright is where a small change of a pixel changes the score most. Occlusion, the control, takes no gradient: it "
              "covers a window and looks how far the score falls.")
    figures.add(plots.saliency(unit(found.x, looked.subject), found.maps, names=found.answers), "saliency",
                "Images, with the network's answer at the left, and what it hangs on by five methods, each map on a scale of "
                f"its own.{ink_caption(looked)}")
    drawn = found.randomization
    means, last = drawn.correlations.mean(1), len(drawn.layers)
    figures.add(plots.randomization(replace(drawn, x=unit(drawn.x, looked.subject))), "randomization",
                f"A test of the gradient itself: from left to right the network loses its {many(last, 'layer')}, the top one "
                "first, whose weights are drawn anew. A map that shows what was learned must change. The rank correlation with "
                f"the map of the trained network (mean of {many(len(drawn.x), 'image')}, and their deviation) falls to "
                f"{means[0]:.2f} after the top layer and to {means[-1]:.2f} after all of them.")


def ink_caption(looked: Looked) -> str:
    """Whether maps lie where something is drawn, and whether that says anything."""
    if looked.subject.foreground is None:
        return ""
    found = looked.saliency[0]
    shares = ", ".join(f"{share:.2f} ({name})" for name, share in found.shares.items())
    others = f" The gradient's is {looked.untrained[0]:.2f} before training too." if looked.untrained else ""
    if looked.hardened:
        others += f" Of the same network trained against attacks (below) it is {looked.hardened[0]:.2f}."
    black = "gradient × input and integrated gradients are" if looked.subject.bounds[0] == 0 else "integrated gradients are"
    return (f" What lies on the drawn pixels, as a multiple of their share of the area: {shares}; 1 is chance. Of these, "
            f"{black} 0 where an image is black, whatever the network learned.{others}")


def of_attacks(looked: Looked, page: Page, figures: Figures) -> None:
    subject, size = looked.subject, looked.single.eps[views.DEFENDED]
    low, high = subject.bounds
    page.heading("How small a change makes it err?" if subject.labelled else "How small a change changes its answer?")
    page.text(f"Adversarial examples: each pixel, from {low:g} (black) to {high:g} (white), moves by ε along the sign of the "
              "gradient of the cost (one step), or in ten smaller steps, each along the sign anew, within the same ε.")
    of_examples(looked, size, page, figures)
    defended = [one.attacked.single for one in (looked.of(looked.kinds[0], True) if looked.kinds else []) if one.attacked]
    of_curves(looked, defended, figures)
    if defended:
        eps = looked.single.eps
        page.table(defences(looked))
        page.text(f"Means over {many(len(defended), 'seed')}, of {looked.single.examples} test images: the error on them as "
                  f"they are (clean), under one step of size ε, under random signs as large, and under ten steps within "
                  f"{size:g}; “sure” is the mean probability that is given to a wrong class at ε = {eps[-1]:g}. “Against "
                  f"{size:g}”: half of each batch were adversarial examples of that size.")


def of_examples(looked: Looked, size: float, page: Page, figures: Figures) -> None:
    """Images before and after one step; there may be none that it knows."""
    from ... import plots
    subject, found, count = looked.subject, looked.examples, looked.single.examples
    if not found.known:
        page.text(f"It knows none of {many(count, 'image')}: there is nothing to attack.")
        return
    moved = int((subject.net.predict(found.moved).argmax(1) != subject.net.predict(found.x).argmax(1)).sum())
    share = percent(found.fooled / found.known)
    said = (f"Of {found.known} that it knew it errs on {found.fooled} ({share}) after that step; {count - found.known} more it "
            "misses anyway." if subject.labelled else f"Of {many(count, 'answer')}, {found.fooled} change ({share}).")
    figures.add(plots.adversarial(subject.net, found.x, found.moved), "adversarial",
                f"{'Images that the network knows' if subject.labelled else 'Images'} (above), what one step with "
                f"ε = {size:g} adds to them, and the sums, with its answer and how sure it is; orange where it is another: "
                f"{moved} of those shown.{numbered(subject.classes)} {said}")


def of_curves(looked: Looked, defended: list[Robustness], figures: Figures) -> None:
    """The error over ε; one step and ten have one control."""
    from ... import plots
    single, iterated, at = looked.single, looked.iterated, views.DEFENDED
    size, what = single.eps[at], "share that is wrong" if looked.subject.labelled else "share of answers that change"
    curves = {"one step": single, "ten steps": iterated} | ({"one step, defended": defended[0]} if defended else {})
    ax = plots.robustness(curves, ax=plots.canvas.axes(None, size=(9, 4)))
    for line in ax.lines:
        if str(line.get_label()) == "ten steps: random signs":
            line.remove()
    if not looked.subject.labelled:
        ax.set_ylabel("answers that change")
    plots.canvas.legend(ax)
    figures.add(ax, "robustness",
                f"The {what} as ε grows. Solid: attacks; at ε = {size:g} {percent(single.error[at])} in one step and "
                f"{percent(iterated.error[at])} in ten. Dashed: as large a change with random signs, "
                f"{percent(single.random_error[at])}"
                + (": it is the direction that does it." if single.error[at] > 2 * single.random_error[at] else ".")
                + (f" Defended: trained on half clean, half attacked images (ε = {size:g}), it is wrong about "
                   f"{percent(defended[0].error[at])} there." if defended else ""))


def numbered(classes: tuple[str, ...]) -> str:
    """What the numbers of classes stand for, where they are not the names themselves."""
    if classes == tuple(map(str, range(len(classes)))):
        return ""
    return f" Classes: {', '.join(f'{k} {name}' for k, name in enumerate(classes))}."


def of_features(looked: Looked, page: Page, figures: Figures) -> None:
    from ... import plots
    subject, models = looked.subject, looked.models[0]
    own = "its own class" if subject.labelled else "what the network takes for that class"
    page.heading("What does it look for?")
    page.text("Now the image itself is learned, by gradient ascent from an empty one.")
    figures.add(plots.class_models(models.found, subject.classes), "class-models",
                f"Of each class, the image x with the largest score less {views.penalty(subject):.2g} ‖x‖². "
                f"{colours(models.found)} Of {models.own} of {len(subject.classes)} classes the model is most like the mean "
                f"image of {own} (correlation, after the mean of all classes is taken off); that says something only where "
                "the images of a class have their parts at the same places.")
    if looked.channels is not None:
        layer, found = looked.channels
        figures.add(plots.class_models(found), "channels", channel_caption(looked, layer, found))


def channel_caption(looked: Looked, layer: str, found: Maximization) -> str:
    """A convolution has channels, whose middle is shown; a dense layer has units."""
    maps = len(views.output_size(looked.subject, layer)) == 3
    noun = found.targets[0].partition(" ")[0]
    said = f"What the first {many(len(found.images), noun)} of layer {layer} ({features_of(looked, layer)}) answer to most"
    return f"{said}{', in the middle of the image,' if maps else ''} among images of norm 1. {colours(found)}"


def colours(found: Maximization) -> str:
    """How ``plots.class_models`` draws them."""
    if found.images.shape[1] == 3:
        return "Each image is stretched over the range of colours."
    if found.images.min() >= 0:
        return "The brighter a pixel, the more it speaks for it."
    return "Red pixels speak for it, blue ones against it; white is 0."


def features_of(looked: Looked, layer: str) -> str:
    from ...inspection.features import layers
    return type(layers(looked.subject.net)[layer]).__name__


def of_dream(looked: Looked, page: Page, figures: Figures) -> None:
    from ... import plots
    dream, subject = looked.dream, looked.subject
    page.heading("A dream")
    ratios = ", ".join(f"{after / before:.2f}" if before else "–" for before, after in dream.objectives[:, [0, -1]])
    one = dream.before.shape == subject.x.shape[1:]
    source = looked.config["image"] or ("the first image of the data" if one else "images of the data, side by side")
    drawn = replace(dream, before=unit(dream.before, subject), image=unit(dream.image, subject))
    figures.add(plots.dream(drawn), "dream-steps",
                f"Left, {source}; in the middle, the same after a dream: in each of {many(len(dream.sizes), 'size')}, the "
                f"smallest first, {many(dream.objectives.shape[1] - 1, 'step')} made the answer of layer {dream.layer} "
                f"({features_of(looked, dream.layer)}) larger. Right: half its squared norm, which grows {ratios} times.")
    scale = max(1, 500 // dream.image.shape[-1])
    plots.write_image(drawn.image, figures.folder / "dream.png")
    figures.image(drawn.image.repeat(scale, -2).repeat(scale, -1), "dream-large",
                    f"The dream, {scale} times enlarged; dream.png has its own size, {dream.image.shape[-1]} × "
                    f"{dream.image.shape[-2]}.")


def unit(image: Array, subject: Subject) -> Array:
    """On a scale from 0, black, to 1, white."""
    low, high = subject.bounds
    return np.asarray(((image - low) / (high - low)).clip(0, 1))


def each(values: list[float]) -> str:
    mean = percent(sum(values) / len(values))
    return mean if len(values) == 1 else f"{mean} ({', '.join(map(percent, values))})"


def numbers(looked: Looked, folder: Path) -> dict[str, Any]:
    """All that repeats it, and what came out; None for what is not a number."""
    from ... import __version__
    return {"config": looked.config, "command": command(looked.config, folder), "numbers": looked.summary(),
            "defences": defences(looked) if looked.images.attacked and looked.trained else [],
            "versions": {"retroprop": __version__, "numpy": np.__version__, "python": platform.python_version()}}


def command(config: Mapping[str, Any], folder: Path) -> str:
    """The command line of a configuration."""
    words = ["retroprop", "look"]
    for name, value in {**config, "out": folder}.items():
        words += [] if value is None else [f"--{name}", str(value)]
    return shlex.join(words)
