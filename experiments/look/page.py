"""The page that ``retroprop look`` writes: figures, numbers, and captions made from the numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ...arguments import Array
from ...inspection.adversarial import Robustness
from ...inspection.features import Maximization
from ...training import save
from ..options import command_line
from ..reports.folder import files_of, read, remove_others
from ..reports.page import Figures, Page
from ..reports.panels import HEIGHT, NARROW, legend_below
from ..reports.text import many, percent
from . import analyses, checks
from .findings import Findings, defences
from .settings import DREAM, NET, command, numbers, write_json
from .subjects import Subject


def write_page(findings: Findings, folder: Path) -> None:
    """Write the settings, the network if it was trained here, figures (PNG and SVG), dream.png, numbers, and the pages."""
    repeat = findings.config | {key: numbers(findings, folder)[key] for key in ("command", "versions")}
    write_json(folder / "config.json", repeat | {"files": sorted(files_of(read(folder / "config.json")))})
    if findings.trained:                                            # else the folder may hold a net of the user's
        save(findings.trained[0].net, folder / NET)
    page = Page(title(findings))
    page.text(f"What the network sees: the changes that fool it, the pixels that decide, the images that it looks for. "
              f"{performance(findings)} Apart from the training, all results come from two phases: forward, and backward, "
              "which computes the gradient with respect to the pixels. No weight changes.")
    figures = Figures(page, folder)
    for section in (of_attacks, of_saliency, of_features, of_dream, of_net):
        section(findings, page, figures)
    page.heading("Run it again")
    page.code(command(findings, folder))
    if findings.trained:
        page.text("The network of the first seed is in net.safetensors. This command examines it again, without training:")
        page.code(command_line("look", {"data": findings.config["data"], "model": folder / "net.safetensors",
                                        "out": folder.with_name(f"{folder.name}-again")}))
    page.heading("Files")
    page.links({checks.NAME: "checks.html: all numbers, with the criteria of developers",
                checks.TABLE: f"{checks.TABLE}: all numbers, of each seed", "numbers.json": "numbers.json: the same",
                "dream.png": "dream.png: the dream at its own size",
                "config.json": "config.json: settings and versions"}
               | ({"net.safetensors": "net.safetensors: the network"} if findings.trained else {}))
    checks.write_checks(findings, folder)
    write_json(folder / "numbers.json", numbers(findings, folder))
    names = sorted([*figures.names, "report.html", checks.NAME, checks.TABLE, "numbers.json", DREAM, "config.json"])
    remove_others(folder, names)
    write_json(folder / "config.json", repeat | {"files": names})
    page.write(folder / "report.html")


def title(findings: Findings) -> str:
    """The finding: how much a small change does."""
    subject, single, at = findings.subject, findings.single, analyses.DEFENDED
    model, moved = findings.config["model"], f"after each pixel moves by {single.eps[at]:g}"
    name = f"The network of {Path(model).name}" if model else f"A convolutional network trained on {findings.images.title}"
    if not subject.labelled:
        return f"{name}: {percent(single.error[at])} of its answers change {moved}"
    return f"{name} misclassifies {percent(single.clean_error)} of the images, and {percent(single.error[at])} {moved}"


def of_net(findings: Findings, page: Page, figures: Figures) -> None:
    subject = findings.subject
    page.heading("The network")
    page.code(subject.net.summary((1, *subject.x.shape[1:])))
    if findings.trained and not findings.images.attacked:
        other = findings.kinds[1]
        page.text(f"The error of a dense {other} net on the pixels, trained for as many steps on as many images, is "
                  f"{mean_and_each([one.error for one in findings.of(other)])}: a dense net must learn separately at each "
                  "place what a convolution learns once for all places.")
    rows, columns = 3, 16 if subject.x.shape[-1] <= 16 else 8
    image = analyses.mosaic(subject.x, rows, columns)
    scale = max(1, 640 // image.shape[-1])
    figures.image(unit(image, subject).repeat(scale, 1).repeat(scale, 2), "examples", first_images(subject, rows * columns))


def performance(findings: Findings) -> str:
    """The network's error, in a sentence or two."""
    subject = findings.subject
    if not subject.labelled:
        return (f"The network was not trained here, and its {many(len(subject.x), 'image')} have no labels: its answers are "
                "taken as they are, and no error can be given.")
    if not findings.trained:
        return f"The network was not trained here. Its error on {many(len(subject.x), 'image')} is {percent(subject.error)}."
    nets = findings.of(findings.kinds[0])
    others = f"; the mean over {len(nets)} seeds is {mean_and_each([one.error for one in nets])}" if len(nets) > 1 else ""
    return (f"The network was trained for {many(findings.config['epochs'], 'epoch')} in {nets[0].seconds:.1f} seconds. Its "
            f"error on {len(subject.x)} test images is {percent(subject.error)}{others}.")


def first_images(subject: Subject, count: int) -> str:
    """The caption of the mosaic."""
    answers = subject.answers(subject.x[:count])
    which = f"The first {many(len(answers), 'image')}{'' if subject.origin.endswith('.py') else ' of the test part'}"
    wrong = int((answers != subject.y[:len(answers)]).sum())
    return f"{which}; the network misclassifies {wrong} of them." if subject.labelled else f"{which}."


def of_saliency(findings: Findings, page: Page, figures: Figures) -> None:
    from ... import plots
    found = findings.saliency[0]
    page.heading("Which pixels decide the answer?")
    page.text("Saliency: the derivative of a score with respect to each pixel, where the score is that of the class with which "
              "the network answers. A pixel is bright if a small change of it changes the score much. Occlusion is the control "
              "that needs no gradient: it covers a window of the image and measures how far the score falls.")
    figures.add(plots.saliency(unit(found.x, findings.subject), found.maps, names=found.answers), "saliency",
                "Images, with the network's answer at the left, and their saliency by five methods, each map on its own "
                f"scale.{foreground_caption(findings)}", finding=foreground_finding(findings))
    random = found.randomization
    means, last = random.correlations.mean(1), len(random.layers)
    figures.add(plots.randomization(replace(random, x=unit(random.x, findings.subject))), "randomization",
                f"A test of the gradient as a saliency method: from left to right, the weights of the {many(last, 'layer')} "
                "are replaced by random ones, the top layer first. A map that shows what the network has learned must change. "
                "Below: the rank correlation with the trained network's map, its mean and standard deviation over "
                f"{many(len(random.x), 'image')}.",
                finding=f"Random weights change the map: its rank correlation with the trained network's is {means[0]:.2f} "
                        f"after the top layer is randomized, and {means[-1]:.2f} after all layers are.")


def foreground_finding(findings: Findings) -> str | None:
    if findings.subject.foreground is None:
        return None
    return (f"The gradient lies on the drawn pixels {findings.saliency[0].shares['gradient']:.2f} times as much as a map "
            "without any structure.")


def foreground_caption(findings: Findings) -> str:
    """The shares of the maps on the drawn pixels, and which of them are informative."""
    if findings.subject.foreground is None:
        return ""
    shares = ", ".join(f"{share:.2f} ({name})" for name, share in findings.saliency[0].shares.items())
    others = f" The gradient's share is {findings.untrained[0]:.2f} before training." if findings.untrained else ""
    if findings.hardened:
        others += f" After adversarial training (see below) it is {findings.hardened[0]:.2f}."
    black = "gradient × input and integrated gradients are" if findings.subject.bounds[0] == 0 else "integrated gradients are"
    return (f" The share of each map that lies on the drawn pixels, divided by their share of the area, is {shares}; 1 is "
            f"chance. By construction, {black} 0 at black pixels, whatever the network has learned.{others}")


def of_attacks(findings: Findings, page: Page, figures: Figures) -> None:
    subject, size = findings.subject, findings.single.eps[analyses.DEFENDED]
    low, high = subject.bounds
    page.heading("How small a change makes it err?" if subject.labelled else "How small a change changes its answer?")
    page.text(f"Adversarial examples: each pixel, from {low:g} (black) to {high:g} (white), moves by ε along the sign of the "
              "gradient of the cost. The attack makes one step of size ε, or ten smaller steps that stay within ε and take the "
              "sign again each time.")
    of_examples(findings, size, page, figures)
    nets = findings.of(findings.kinds[0], defended=True) if findings.kinds else []
    defended = [one.attacked.single for one in nets if one.attacked]
    of_curves(findings, defended, figures)
    if defended:
        eps = findings.single.eps
        page.table(defences(findings))
        page.text(f"Errors on {findings.single.examples} test images, means over {many(len(defended), 'seed')}: without attack "
                  "(clean), after one step of each size ε, after random signs of two sizes, and after 10 steps within "
                  f"{size:g}. Confidence is the mean probability that the network gives to a wrong class at ε = {eps[-1]:g}. "
                  f"In adversarial training, half of each batch are adversarial examples with ε = {size:g}.")


def of_examples(findings: Findings, size: float, page: Page, figures: Figures) -> None:
    """Images before and after one step, if the network classifies any image correctly."""
    from ... import plots
    subject, found, count = findings.subject, findings.examples, findings.single.examples
    if not found.known:
        page.text(f"The network classifies none of {many(count, 'image')} correctly: there is nothing to attack.")
        return
    moved = int((subject.answers(found.moved) != subject.answers(found.x)).sum())
    share = percent(found.fooled / found.known)
    counts = (f"The network classifies {found.known} of {many(count, 'image')} correctly; after this step it misclassifies "
              f"{found.fooled} of them ({share})." if subject.labelled
              else f"Of {many(count, 'answer')}, {found.fooled} change ({share}).")
    figures.add(plots.adversarial(subject.net, found.x, found.moved, names=subject.classes), "adversarial",
                f"{'Images that the network classifies correctly' if subject.labelled else 'Images'} (top), the change of one "
                f"step with ε = {size:g} (middle), and their sums (bottom), with the network's answer and its probability; "
                f"{moved} of the answers shown change (orange). {counts}", alt=page.title)


def of_curves(findings: Findings, defended: list[Robustness], figures: Figures) -> None:
    """The error over ε; the control is the same for one step and for ten."""
    from ... import plots
    single, iterated, at = findings.single, findings.iterated, analyses.DEFENDED
    size, what = single.eps[at], "error" if findings.subject.labelled else "share of answers that change"
    curves = {"one step": single, "ten steps": iterated} | ({"one step, defended": defended[0]} if defended else {})
    ax = plots.robustness(curves, ax=plots.canvas.axes(None, size=(NARROW, HEIGHT)))
    for line in ax.lines:
        if str(line.get_label()) == "ten steps: random signs":
            line.remove()
    if not findings.subject.labelled:
        ax.set_ylabel("answers that change")
    legend_below([ax])
    direction = ": the direction matters, not the size" if single.error[at] > 2 * single.random_error[at] else ""
    figures.add(ax, "robustness",
                f"The {what} as ε grows. Solid: attacks. Dashed: a change of the same size with random signs."
                + (f" Defended: after adversarial training with ε = {size:g}, {percent(defended[0].error[at])} after one step."
                   if defended else ""),
                finding=f"At ε = {size:g} the {what} is {percent(single.error[at])} after one step and "
                        f"{percent(iterated.error[at])} after ten, but {percent(single.random_error[at])} after a change of "
                        f"the same size with random signs{direction}.")


def of_features(findings: Findings, page: Page, figures: Figures) -> None:
    from ... import plots
    subject, models = findings.subject, findings.models[0]
    own = "its own class" if subject.labelled else "the images that the network assigns to its class"
    page.heading("What does it look for?")
    page.text("Here gradient ascent changes the image instead of the weights, and starts from an empty image.")
    figures.add(plots.class_models(models.found, subject.classes), "class-models",
                f"For each class, the image x that maximizes the score minus {analyses.penalty(subject):.2g} ‖x‖². "
                f"{colours(models.found)} Similar means correlated, after the mean over all classes is subtracted. That is "
                "informative only if the images of a class have their parts at the same places.",
                finding=f"For {models.own} of {len(subject.classes)} classes the image that the network looks for is most "
                        f"similar to the mean image of {own}.")
    if findings.channels is not None:
        layer, found = findings.channels
        figures.add(plots.class_models(found), "channels", channel_caption(findings, layer, found))


def channel_caption(findings: Findings, layer: str, found: Maximization) -> str:
    """The caption for the channels of a convolution, or for the units of a dense layer."""
    maps = len(analyses.output_size(findings.subject, layer)) == 3
    noun = found.targets[0].partition(" ")[0]
    where = " in the middle of its map" if maps else ""
    return (f"For each of the first {many(len(found.images), noun)} of layer {layer} ({type_of(findings, layer)}): the image "
            f"of norm 1 that activates it most{where}. {colours(found)}")


def colours(found: Maximization) -> str:
    """The colours in which ``plots.class_models`` draws these images."""
    if found.images.shape[1] == 3:
        return "Each image is stretched over the range of colours."
    if found.images.min() >= 0:
        return "A pixel is the brighter the more it raises the score."
    return "Red pixels raise the score, blue ones lower it; white is 0."


def type_of(findings: Findings, layer: str) -> str:
    """The class name of a layer."""
    from ...inspection.features import layers
    return type(layers(findings.subject.net)[layer]).__name__


def of_dream(findings: Findings, page: Page, figures: Figures) -> None:
    from ... import plots
    dream, subject = findings.dream, findings.subject
    page.heading("A dream")
    ratios = ", ".join(f"{after / before:.2f}" if before else "–" for before, after in dream.objectives[:, [0, -1]])
    single = dream.before.shape == subject.x.shape[1:]
    source = findings.config["image"] or ("the first image of the data" if single else "a landscape made of noise")
    drawn = replace(dream, before=unit(dream.before, subject), image=unit(dream.image, subject))
    scale = max(1, 640 // dream.image.shape[-1])
    plots.write_image(drawn.image, figures.folder / DREAM)
    figures.image(drawn.image.repeat(scale, -2).repeat(scale, -1), "dream-large",
                  f"A dream of {source}: the image changes, step by step, so that layer {dream.layer} of the network answers "
                  f"more. Enlarged {scale} times; dream.png has the original size, {dream.image.shape[-1]} × "
                  f"{dream.image.shape[-2]}.",
                  alt=f"A dream of {source}: the patterns to which layer {dream.layer} responds now cover it.")
    figures.add(plots.dream(drawn), "dream-steps",
                f"Left: {source}. Middle: the same after the dream. At each of {many(len(dream.sizes), 'size')}, the smallest "
                f"first, {many(dream.objectives.shape[1] - 1, 'step')} increased the activations of layer {dream.layer} "
                f"({type_of(findings, dream.layer)}). Right: the objective, half the squared norm of these activations.",
                finding=f"The objective of the dream grows by a factor of {ratios}, from the smallest size to the largest.")


def unit(image: Array, subject: Subject) -> Array:
    """Pixels on a scale from 0, black, to 1, white."""
    low, high = subject.bounds
    return np.asarray(((image - low) / (high - low)).clip(0, 1))


def mean_and_each(values: list[float]) -> str:
    """The mean in percent, and the single values, if there are several."""
    mean = percent(sum(values) / len(values))
    return mean if len(values) == 1 else f"{mean} ({', '.join(map(percent, values))})"
