"""The report of a comparison: a page, figures, tables, and a configuration that repeats the comparison."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ... import files
from ...inspection.diagnosis.layers import LayerStatistics, hidden_activations, preactivations
from ..reports.page import Page
from ..reports.text import many, numbered, write_csv
from .findings import findings
from .results import Comparison, TrainingRun

READING = """Final cost: training cost of the last epoch. Test error: mean over seeds. Epochs to {goal}:
median number of epochs until the test error is at most {goal}. Gradient first/last: standard deviation of the gradient ∂C/∂s at
the first hidden layer, divided by that at the last, before training; 1 means that the gradient keeps its size. {inactive},
before → after training. Against {reference}: mean difference in test error, paired by seed, with the p value of a paired t test
after Holm's correction. The test accounts for the choice of seeds, not for the choice of training and test examples."""
INACTIVE = {"saturated": "Saturated: share of the hidden outputs where the derivative of the activation is below a twentieth "
                         "of its largest value",
            "dead": "Dead: share of the hidden units that are off, with a derivative near 0, for every example"}
CAPTIONS = {
    "learning-curves": """Training cost and test error after each epoch: median over the seeds, and the range from the best to
the worst seed. Always predicting the most frequent class has an error of {chance:.0f} %.""",
    "activations": """Activations of each hidden layer {when} training (seed 0, {watched} test examples). A good initialization
keeps their spread from layer to layer. A spike at 0 means that the layer passes on almost no signal. Spikes at both ends of a
squashing function are saturated units, whose derivative is near 0.""",
    "gradients": """Gradients ∂C/∂s at each hidden layer {when} training (magnitudes, logarithmic scale). Backward reaches layer
1 last: if its histogram lies to the left of the others, the gradient vanishes on the way; if it lies to the right, the
gradient explodes.""",
    "saturation": """Share of {inactive} units in each hidden layer after each epoch (mean over the seeds). Such units pass on
almost no gradient.""",
}


def write_report(comparison: Comparison, folder: Path) -> None:
    """Write report.html, figures (PNG and SVG), results.csv, summary.csv and config.json into ``folder``."""
    write_csv(folder / "results.csv", comparison.rows())
    write_csv(folder / "summary.csv", comparison.summary())
    repeat = json.dumps(configuration(comparison), indent=2, ensure_ascii=False)
    files.write(folder / "config.json", repeat + "\n")
    page = Page(f"One network, {many(len(comparison.config['init']), 'initialization')}")
    describe(page, comparison)
    page.heading("Results")
    page.table(comparison.table())
    page.text(READING.format(goal=comparison.metric.goal, reference=comparison.reference,
                             inactive=INACTIVE[comparison.inactive]).replace("\n", " "))
    page.heading("Findings")
    page.points(findings(comparison))
    page.heading("Figures")
    for name, caption in draw(comparison, folder).items():
        page.figure(folder / f"{name}.png", caption)
    page.heading("Run it again")
    page.code(comparison.command)
    page.text("The numbers do not depend on the number of processes. With the versions in config.json and a processor of the "
              "same kind, they are reproduced exactly.")
    page.write(folder / "report.html")


def describe(page: Page, comparison: Comparison) -> None:
    """Add the first paragraph: the network, the data and the training."""
    c = comparison.config
    extras = [*["batch normalization"] * c["batch_norm"], *[f"dropout {c['dropout']:g}"] * bool(c["dropout"])]
    page.text(f"A network {comparison.features}-{c['depth']}×{c['width']}-{comparison.outputs} of {c['activation']} units"
              f"{' with ' + ' and '.join(extras) if extras else ''} was trained on {c['data']} ({comparison.sizes.train} "
              f"training examples, {comparison.sizes.test} test examples) from {many(len(c['init']), 'initialization')}: "
              f"{', '.join(c['init'])}. For each initialization and each of {many(c['seeds'], 'seed')} it was trained for "
              f"{many(c['epochs'], 'epoch')} with {c['optimizer']}, learning rate {c['lr']}, batches of {c['batch_size']}, "
              f"on cross-entropy. For each seed, all initializations see the same examples in the same order."
              f"{numbered(comparison.names)}")


def draw(comparison: Comparison, folder: Path) -> dict[str, str]:
    """Draw and save the figures; return their captions by name."""
    import matplotlib.pyplot as plt

    from ... import plots

    captions = {}

    def keep(figure: Any, name: str, **facts: Any) -> None:
        plots.save(figure, folder, name)
        plt.close(figure)
        kind = name.removesuffix("-before").removesuffix("-after")
        captions[name] = CAPTIONS[kind].format(**facts).replace("\n", " ")

    inits = comparison.config["init"]
    figure = plt.figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    runs = {init: [curves(run) for run in comparison[init]] for init in inits}
    plots.learning_curves_by(runs, "training cost", ax=left).legend_ = None     # one legend, at the right, is enough
    plots.learning_curves_by(runs, "test error", ax=right).set_ylim(0, 1)
    figure.suptitle("The same network and data; only the initialization differs")
    keep(figure, "learning-curves", chance=100 * comparison.metric.chance)
    for when in ("before", "after"):
        layers = {init: getattr(comparison[init][0], when) for init in inits}
        layers = {init: found for init, found in layers.items() if all_finite(found)}
        for what, log in (("activation", False), ("gradient", True)):
            if layers:
                watched = len(layers[next(iter(layers))][0].activation)
                title = f"{what.capitalize()}s {when} training"
                keep(plots.layer_histograms(layers, what, log=log, title=title), f"{what}s-{when}", when=when, watched=watched)
    shares = {init: typical_saturation(comparison[init]) for init in inits}
    inactive = comparison.inactive
    keep(plots.saturation(shares, title=f"{inactive.capitalize()} units during training"), "saturation", inactive=inactive)
    return captions


def curves(run: TrainingRun) -> dict[str, list[float]]:
    """The learning curves of one run; a run that diverges within its first epoch has a single NaN."""
    return {"training cost": run.costs or [math.nan], "test error": run.errors or [math.nan]}


def all_finite(layers: Sequence[LayerStatistics]) -> bool:
    """Whether all activations and gradients are finite; those of a diverged run are not, and cannot be drawn."""
    shown = [layer.activation for layer in hidden_activations(layers)] + [layer.gradient for layer in preactivations(layers)]
    return all(array is not None and bool(np.isfinite(array).all()) for array in shown)


def typical_saturation(runs: Sequence[TrainingRun]) -> np.ndarray[Any, Any]:
    """Mean over the seeds, for the epochs that all of them reached: an array of shape (epochs + 1, layers)."""
    epochs = min(len(run.saturation) for run in runs)
    return np.mean([run.saturation[:epochs] for run in runs], axis=0)


def configuration(comparison: Comparison) -> dict[str, Any]:
    """The settings, seeds and versions that repeat the comparison exactly."""
    import scipy

    from ... import __version__
    config = comparison.config
    return config | {"command": comparison.command, "seed_values": list(range(config["seeds"])),
                     "classes": comparison.names,
                     "versions": {"retroprop": __version__, "numpy": np.__version__, "scipy": scipy.__version__,
                                  "python": platform.python_version()}}
