"""What a comparison writes: a page, figures, tables, and a configuration that repeats it."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...inspection.diagnosis.layers import LayerStatistics, hidden_activations, preactivations
from ..reports.page import Page
from ..reports.text import many, write_csv
from .results import TARGET, Result, Trained, times

READING = """Final cost: training cost of the last epoch. Test error: mean ± standard deviation over seeds. Epochs: median.
Gradient: deviation of the back-propagated gradient ∂C/∂s at the first hidden layer over that at the last, before training; 1
would be a gradient that keeps its size. {flat}, before → after training. Against {reference}: mean difference in test error,
seed by seed, with the p value of a paired t test after Holm's correction: it speaks of seeds, on this one division of the
data."""
FLAT = {"saturated": "Saturated: share of the hidden outputs where the slope is under a twentieth of its largest value",
        "dead": "Dead: share of the hidden units that are off, with a slope next to 0, for every example"}
CAPTIONS = {
    "learning-curves": """Training cost and test error after each epoch: median over the seeds, and the range from the best to
the worst. Always naming the most frequent class errs on {chance:.0f} %.""",
    "activations": """Activations of each hidden layer {when} training (seed 0, {watched} test examples). A good start keeps
their spread from layer to layer; a spike at 0 carries nothing on; spikes at the two ends of a squashing function are saturated
units, whose slope is next to 0.""",
    "gradients": """Gradients ∂C/∂s that come back to each hidden layer {when} training (magnitudes, logarithmic scale). Layer 1
is the last that they reach: where its histogram lies to the left, the gradient vanishes on its way; to the right, it
explodes.""",
    "saturation": """Share of {flat} units of each hidden layer, epoch by epoch (mean over the seeds). Such a unit hardly
passes any gradient on.""",
}


def write_report(result: Result, folder: Path) -> None:
    """Write report.html, figures (PNG and SVG), results.csv, summary.csv and config.json into ``folder``."""
    write_csv(folder / "results.csv", result.rows())
    write_csv(folder / "summary.csv", result.summary())
    repeat = json.dumps(configuration(result), indent=2, ensure_ascii=False)
    (folder / "config.json").write_text(repeat + "\n", encoding="utf-8")
    page = Page(f"One network, {many(len(result.config['init']), 'start')}")
    describe(page, result)
    page.heading("The table")
    page.table(result.table())
    page.text(READING.format(reference=result.reference, flat=FLAT[result.flat]).replace("\n", " "))
    page.heading("What came out")
    page.points(findings(result))
    page.heading("The figures")
    for name, caption in draw(result, folder).items():
        page.figure(folder / f"{name}.png", caption)
    page.heading("Run it again")
    page.code(command(result.config))
    page.text("The numbers do not depend on the number of processes. On the same kind of processor, the versions in "
              "config.json give the same ones.")
    page.write(folder / "report.html")


def describe(page: Page, result: Result) -> None:
    """The first paragraph: what was compared."""
    c = result.config
    extras = [*["batch normalization"] * c["batch_norm"], *[f"dropout {c['dropout']:g}"] * bool(c["dropout"])]
    page.text(f"A network {result.features}-{c['depth']}×{c['width']}-{result.classes} of {c['activation']} units"
              f"{' with ' + ' and '.join(extras) if extras else ''} was trained on {c['data']} ({result.train_size} examples; "
              f"{result.test_size} for testing) from {many(len(c['init']), 'start')}: {', '.join(c['init'])}. Each was trained "
              f"{many(c['seeds'], 'time')} for {many(c['epochs'], 'epoch')} with {c['optimizer']}, learning rate {c['lr']:g}, "
              f"batches of {c['batch_size']}, on cross-entropy. For each seed, all starts see the same examples in the same "
              "order.")


def findings(result: Result) -> list[str]:
    """A sentence or two for each start, from its numbers."""
    rows = result.summary()
    reference = next(row for row in rows if row["init"] == result.reference)
    return [f"{row['init']}: {'; '.join([outcome(row, reference, result), *beginning(row, result.flat)])}." for row in rows]


def outcome(row: Mapping[str, Any], reference: Mapping[str, Any], result: Result) -> str:
    if row["diverged"] == row["runs"]:
        return "the cost is no longer finite after some steps, in every seed: it diverges"
    epochs, first, reached = row["epochs_to_10_percent"], reference["epochs_to_10_percent"], row["reached_10_percent"]
    error = f"{100 * row['test_error']:.1f} % of the test examples are wrong at the end"
    if row["diverged"]:
        error += f" of the {many(row['runs'] - row['diverged'], 'run')} that did not diverge, of {row['runs']}"
    if math.isfinite(epochs):
        slower = f", where {reference['init']} needs {first:g}" if first < epochs else ""
        return f"{error}; it is down to {100 * TARGET:.0f} % after {many(epochs, 'epoch')}{slower}"
    if reached:
        return f"{error}; {reached} of {many(row['runs'], 'seed')} got down to {100 * TARGET:.0f} %"
    if row["test_error"] >= result.chance - 0.02:
        return f"{error}, no better than always naming the most frequent class: it learns nothing"
    return f"{error}, and it never gets down to {100 * TARGET:.0f} %"


def beginning(row: Mapping[str, Any], flat: str) -> list[str]:
    """What the first look at the layers foretold."""
    ratio, share, said = row["gradient_ratio"], row["saturated_at_start"], []
    if ratio < 0.05 or ratio > 5:
        effect = "vanishes" if ratio < 1 else "explodes"
        said.append("before training, the gradient that reaches the first layer is "
                    f"{times(ratio)} times that at the last: it {effect}")
    if share > 0.3:
        parts = "outputs" if flat == "saturated" else "units"
        said.append(f"{100 * share:.0f} % of the hidden {parts} are {flat} before the first step")
    return said


def draw(result: Result, folder: Path) -> dict[str, str]:
    """Make and save the figures; returns captions by name."""
    import matplotlib.pyplot as plt

    from ... import plots

    captions = {}

    def keep(figure: Any, name: str, **facts: Any) -> None:
        plots.save(figure, folder, name)
        plt.close(figure)
        kind = name.removesuffix("-start").removesuffix("-end")
        captions[name] = CAPTIONS[kind].format(**facts).replace("\n", " ")

    inits = result.config["init"]
    figure = plt.figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    runs = {init: [curves(run) for run in result[init]] for init in inits}
    plots.learning_curves_by(runs, "training cost", ax=left).legend_ = None     # one legend, at the right, is enough
    plots.learning_curves_by(runs, "test error", ax=right).set_ylim(0, 1)
    figure.suptitle("The same network and data; only the start differs")
    keep(figure, "learning-curves", chance=100 * result.chance)
    for name, when in (("start", "before"), ("end", "after")):
        layers = {init: getattr(result[init][0], when) for init in inits if whole(getattr(result[init][0], when))}
        for what, log in (("activation", False), ("gradient", True)):
            if layers:
                watched = len(layers[next(iter(layers))][0].activation)
                title = f"{what.capitalize()}s {when} training"
                keep(plots.layer_histograms(layers, what, log=log, title=title), f"{what}s-{name}", when=when, watched=watched)
    shares = {init: typical_saturation(result[init]) for init in inits}
    keep(plots.saturation(shares, title=f"{result.flat.capitalize()} units during training"), "saturation", flat=result.flat)
    return captions


def curves(run: Trained) -> dict[str, list[float]]:
    """What the learning curves draw of one run; a run that diverges within its first epoch has a single NaN."""
    return {"training cost": run.costs or [math.nan], "test error": run.errors or [math.nan]}


def whole(layers: Sequence[LayerStatistics]) -> bool:
    """Whether all activations and gradients are finite: those of a diverged run cannot be drawn."""
    shown = [layer.activation for layer in hidden_activations(layers)] + [layer.gradient for layer in preactivations(layers)]
    return all(array is not None and bool(np.isfinite(array).all()) for array in shown)


def typical_saturation(runs: Sequence[Trained]) -> np.ndarray[Any, Any]:
    """Mean over the seeds, of the epochs that all of them reached; an array (epochs + 1, layers)."""
    epochs = min(len(run.saturation) for run in runs)
    return np.mean([run.saturation[:epochs] for run in runs], axis=0)


def configuration(result: Result) -> dict[str, Any]:
    """All that repeats the comparison exactly."""
    import scipy

    from ... import __version__
    return result.config | {"command": command(result.config), "seed_values": list(range(result.config["seeds"])),
                            "versions": {"retroprop": __version__, "numpy": np.__version__, "scipy": scipy.__version__,
                                         "python": platform.python_version()}}


def command(config: Mapping[str, Any]) -> str:
    """The command line of a configuration."""
    import shlex
    words = ["retroprop", "compare"]
    for name, value in config.items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            words += [option] if value else []
        elif isinstance(value, (tuple, list)):
            words += [option, *value]
        else:
            words += [option, str(value)]
    return shlex.join(words)
