"""What the figures of a comparison show: the numbers that each is drawn from, its caption, and what it says."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...arguments import Array
from ...inspection.diagnosis.layers import LayerStatistics, hidden_activations, preactivations
from ..reports.drawing import Drawing
from ..reports.statistics import number
from ..reports.text import joined, many
from . import figures, layer_figures
from .comparison import Comparison, several_rates
from .findings import EXPLODED, FEWEST, VANISHED, error_text, named_inits, ranked
from .results import TrainingRun

COLOURED = 10                                                       # initializations that colours tell apart
SHOWN = 6                                                           # initializations whose layers are shown
FRAME = 0.05                                                        # inches around figures whose texts have known widths


class Drawn(NamedTuple):
    """A figure of the page: its panels, with what each says, a caption, and what the figure says as a whole."""

    panels: list[tuple[Drawing, str]]
    caption: str
    finding: str | None = None


def first_screen(comparison: Comparison) -> list[Drawn]:
    """The figure that answers: learning curves, or errors by rate, beside the ranking; of many, the ranking alone."""
    inits, metric, epochs = comparison.inits, comparison.metric, comparison.config["epochs"]
    scale, places = scale_of(comparison), places_of(comparison)
    title = f"Test {metric.name} after {many(epochs, 'epoch')}"
    limits = [float(error) for place in places for error in place.runs if math.isfinite(error)]
    lowest = min(limits, default=0.0) / 4
    limits += [end for place in places for end in (place.error - place.half, place.error + place.half)
               if end > lowest]                                     # an interval down to 0 ends at the edge
    marks = (f"Dashed: chance on the test part, {metric.text(metric.chance)}. Dotted: {metric.goal}, at which a network has "
             "learned. ")
    intervals = "Bars: 95 % intervals of the mean; strokes: single runs."
    if any(run.errors and max(run.errors) > figures.FAR * metric.chance for run in comparison.runs):
        intervals += f" Errors beyond {figures.FAR} times chance stand at the edge."
    if len(inits) > COLOURED:
        half = -(-len(places) // 2)
        panels = []
        for k, (first, part) in enumerate(((1, places[:half]), (half + 1, places[half:])), 1):
            arguments = (part, scale, metric.target, title, limits)
            panels.append((Drawing(f"ranking-{k}", figures.ranking, arguments, {"first": first}), told(part, comparison)))
        return [Drawn(panels, marks + intervals + f" Colours: {colours(places)}.")]
    ranking = Drawing("ranking", figures.ranking, (places, scale, metric.target, title, limits, color_of(comparison)))
    if several_rates(comparison):
        main, says = by_rate(comparison, scale), best_rates(comparison)
        caption = (f"By learning rate: the mean test {metric.name} and its 95 % interval; a ring is the rate with the lowest "
                   "validation error, a cross at the top one at which runs diverge. After the last epoch: each at its own best "
                   "rate. ")
    else:
        main, says = curves(comparison, inits, scale), told_curves(comparison)
        caption = f"By epoch: median over the runs, and the range from the best to the worst. {diverging(comparison)}"
    return [Drawn([(main, says), (ranking, told(places, comparison))], caption + marks + intervals)]


def rates(comparison: Comparison) -> list[Drawn]:
    """Which initialization learns at which rate, and the learning curves at the chosen ones; none for a single rate."""
    if not several_rates(comparison):
        return []
    groups, scale = grid(comparison), scale_of(comparison)
    order = [place.init for place in places_of(comparison)]
    survives = {init: comparison.survives(init) for init in order}
    half = len(order) if len(order) <= COLOURED else -(-len(order) // 2)
    lowest = min((row.error for rows in groups.values() for row in rows if math.isfinite(row.error)), default=math.inf)
    panels = []
    for k, names in enumerate((order[:half], order[half:]), 1):
        if names:
            table = Drawing("survival" + f"-{k}" * (half < len(order)), figures.survival,
                            ({init: groups[init] for init in names}, survives, comparison.chosen, scale,
                             f"Test {comparison.metric.name} by learning rate", lowest), {"first": 1 + half * (k - 1)})
            panels.append((table, told_survival({init: survives[init] for init in names})))
    if half == len(order):
        panels.append((curves(comparison, comparison.inits, scale), told_curves(comparison)))
    caption = ("A stroke at the left of a number: the initialization survives this rate, at which no run diverges and the mean "
               "validation error is at most halfway between the lowest of all and chance. Bold: the chosen rate; div.: all "
               "runs diverge; blank: not tried. A run that diverges counts as a constant prediction.")
    return [Drawn(panels, caption, told_survival(survives) if len(order) <= COLOURED else None)]


def networks(comparison: Comparison) -> list[Drawn]:
    """Costs, inactive units, activations and gradients; of many initializations, some from the best to the worst."""
    shown = some(comparison)
    which = f" Shown: {joined(shown)}, from the lowest test error to the highest." if len(shown) < len(comparison.inits) else ""
    colors = color_of(comparison) if len(comparison.inits) <= COLOURED else {init: k for k, init in enumerate(shown)}
    epochs, inactive = comparison.config["epochs"], comparison.inactive
    runs = {init: [run.costs for run in comparison[init]] for init in shown}
    cost = Drawing("costs", figures.costs, (runs, "Training cost by epoch", colors))
    shares = {init: typical_saturation(comparison[init]) for init in shown}
    share = Drawing("saturation", layer_figures.saturation, (shares, f"{inactive.capitalize()} units by epoch"), frame=FRAME)
    rows = {row["init"]: row for row in comparison.summary()}
    ends = {init: f"{100 * rows[init]['saturated_after']:.0f} %" for init in shown}
    said = f"{inactive.capitalize()} units after {many(epochs, 'epoch')}, mean over the runs: {listed(ends)}."
    measured = "mean over the runs" if len({run.rate for run in comparison.runs}) == 1 else "of seed 0"
    found = [Drawn([(cost, f"Training cost after {many(epochs, 'epoch')}: {listed(costs_at_end(comparison, shown))}."),
                    (share, said)],
                   f"Cost: median over the runs and their range. {inactive.capitalize()} units: share in each hidden layer, "
                   f"{measured}; such units pass on almost no gradient.{which}", inactivity(comparison))]
    for what, of, words in (("activation", hidden_activations, ACTIVATIONS), ("gradient", preactivations, GRADIENTS)):
        panels = []
        for when in ("before", "after"):
            layers = {init: getattr(comparison[init][0], when) for init in shown}
            layers = {init: found for init, found in layers.items() if all_finite(found)}
            if layers:
                log = what == "gradient"
                edges, groups = layer_figures.histograms(layers, what, log)
                title = f"{what.capitalize()}s {when} training"
                label = "magnitude of gradient dC/ds" if log else "activation z"
                says = f"{title}, standard deviation in the first and the last hidden layer: {listed(deviations(groups))}."
                drawing = Drawing(f"{what}s-{when}", layer_figures.layers, (edges, groups, label, title, log), frame=FRAME)
                panels.append((drawing, says))
                examples = len(getattr(of(layers[next(iter(layers))])[0], what))
        if panels:
            found.append(Drawn(panels, words.format(examples=examples), flow(comparison) if what == "gradient" else None))
    return found


ACTIVATIONS = (
    "Activations of each hidden layer, 1 the first (first run, {examples} test examples; every histogram is scaled to its own "
    "highest bin). A good initialization keeps their spread from layer to layer. A spike at 0 means that the layer passes on "
    "almost no signal. Spikes at both ends of a squashing function are saturated units, whose derivative is near 0.")
GRADIENTS = (
    "Gradients ∂C/∂s at each hidden layer (magnitudes, logarithmic axis). Backward reaches layer 1 last: if its histogram lies "
    "to the left of the others, the gradient vanishes on the way; if it lies to the right, the gradient explodes.")


# ------------------------------------------------------------------ the numbers


def scale_of(comparison: Comparison) -> figures.Scale:
    metric = comparison.metric
    least = 0.5 / comparison.sizes.test if metric.unit == "%" else 1e-6 * metric.chance
    return figures.Scale(metric.name, metric.unit, metric.chance, least)


def places_of(comparison: Comparison) -> list[figures.Place]:
    """The initializations by their test error, those that diverge last."""
    found = []
    for row, verdict in ranked(comparison):
        text = error_text(comparison, row)
        if verdict.kind == "diverges":
            text = "diverges" if verdict.diverged == row["runs"] else f"{verdict.diverged} of {row['runs']} diverge"
        found.append(figures.Place(row["init"], "first" if verdict.at_once else verdict.kind, row["error"],
                                   row["error_half"] if row["runs"] - row["diverged"] >= FEWEST else math.nan,
                                   [run.error for run in comparison[row["init"]]], text))
    return found


def color_of(comparison: Comparison) -> dict[str, int]:
    return {init: k for k, init in enumerate(comparison.inits)}


def curves(comparison: Comparison, inits: Sequence[str], scale: figures.Scale) -> Drawing:
    groups = {init: [run.errors for run in comparison[init]] for init in inits}
    return Drawing("learning-curves", figures.curves,
                   (groups, scale, comparison.metric.target, f"Test {comparison.metric.name} by epoch", color_of(comparison)))


def grid(comparison: Comparison) -> dict[str, list[figures.Rate]]:
    """The rates of each initialization; the error is NaN where all runs diverged."""
    groups: dict[str, list[figures.Rate]] = {init: [] for init in comparison.inits}
    for row in comparison.rates():
        lost = row.diverged == row.runs
        groups[row.init].append(figures.Rate(row.rate, math.nan if lost else row.error.mean,
                                             row.error.half if row.runs >= FEWEST else 0.0, row.diverged))
    return groups


def by_rate(comparison: Comparison, scale: figures.Scale) -> Drawing:
    return Drawing("rates", figures.by_rate, (grid(comparison), comparison.chosen, scale,
                                              f"Test {comparison.metric.name} by learning rate", color_of(comparison)))


def some(comparison: Comparison) -> list[str]:
    """The initializations whose layers are shown: all in their order, or of many some by rank, with the reference."""
    if len(comparison.inits) <= SHOWN:
        return list(comparison.inits)
    order = [place.init for place in places_of(comparison)]
    chosen = {order[k] for k in layer_figures.evenly(len(order), SHOWN - 1)} | {comparison.reference}
    return [init for init in order if init in chosen]


def typical_saturation(runs: Sequence[TrainingRun]) -> Array:
    """Mean over the runs that were measured most often, for the epochs that all of them reached: (epochs + 1, layers)."""
    whole = [run.saturation for run in runs if len(run.saturation) > len(run.errors)] or [run.saturation for run in runs]
    epochs = min(len(one) for one in whole)
    return np.mean([one[:epochs] for one in whole], axis=0)


def all_finite(layers: Sequence[LayerStatistics]) -> bool:
    """Whether all activations and gradients are finite; those of a diverged run are not, and cannot be drawn."""
    shown = [layer.activation for layer in hidden_activations(layers)] + [layer.gradient for layer in preactivations(layers)]
    return bool(shown) and all(array is not None and bool(np.isfinite(array).all()) for array in shown)


# ------------------------------------------------------------------ what they say


def listed(found: Mapping[str, str], most: int = COLOURED) -> str:
    """Initializations with a number each; of many, the first."""
    texts = [f"{init} {text}" for init, text in found.items()]
    return "; ".join(texts[:most]) + f"; and {len(texts) - most} more" * (len(texts) > most)


def told(places: Sequence[figures.Place], comparison: Comparison) -> str:
    return (f"Test {comparison.metric.name} after {many(comparison.config['epochs'], 'epoch')}, the lowest first: "
            f"{listed({place.init: place.text for place in places}, 30)}.")


def told_curves(comparison: Comparison) -> str:
    """From where to where the median test error of each goes."""
    metric, found = comparison.metric, {}
    for init in comparison.inits:
        ended = [run.errors for run in comparison[init] if not run.diverged]
        found[init] = (f"from {metric.figures(float(np.median([one[0] for one in ended])))} to "
                       f"{metric.text(float(np.median([one[-1] for one in ended])))}" if ended else "diverges")
    return f"Median test {metric.name} from the first epoch to the last: {listed(found)}."


def best_rates(comparison: Comparison) -> str:
    rows = {row["init"]: row for row in comparison.summary()}
    found = {init: "diverges" if math.isnan(rows[init]["error"]) else
             f"at {rate:g}, where the test {comparison.metric.name} is {comparison.metric.text(rows[init]['error'])}"
             for init, rate in comparison.chosen.items()}
    return f"Best learning rates: {listed(found)}."


def told_survival(survives: Mapping[str, Sequence[float]]) -> str:
    return "Survives learning rates: " + listed({
        init: f"{found[0]:g} to {found[-1]:g}" if len(found) > 1 else f"{found[0]:g}" if found else "none"
        for init, found in survives.items()}) + "."


def inactivity(comparison: Comparison) -> str:
    """Which initializations leave most units saturated or dead."""
    shares = {row["init"]: row["saturated_after"] for row in comparison.summary()}
    when, word = f"after {many(comparison.config['epochs'], 'epoch')}", comparison.inactive
    if most := [init for init, value in shares.items() if value > 0.5]:
        return f"More than half of the units of {named_inits(most)} are {word} {when}."
    return f"At most {100 * max(shares.values()):.0f} % of the units of any initialization are {word} {when}."


def flow(comparison: Comparison) -> str | None:
    """From which initializations the gradient vanishes or explodes on its way to the first layer."""
    ratios = {row["init"]: row["gradient_ratio"] for row in comparison.summary()}
    found = {"vanishes": [init for init, ratio in ratios.items() if ratio < VANISHED],
             "explodes": [init for init, ratio in ratios.items() if ratio > EXPLODED]}
    said = [f"{verb} from {named_inits(inits)}" for verb, inits in found.items() if inits]
    if not said and any(map(math.isnan, ratios.values())):
        return None
    told = f"the gradient {joined(said)}" if said else "no gradient vanishes or explodes"
    return f"Before training, {told} on the way to the first hidden layer."


def costs_at_end(comparison: Comparison, inits: Iterable[str]) -> dict[str, str]:
    ends = {init: [run.final_cost for run in comparison[init] if not run.diverged] for init in inits}
    lost = {init: f" ({len(comparison[init]) - len(found)} of {len(comparison[init])} diverge)" for init, found in ends.items()}
    return {init: (number(float(np.median(found))) + lost[init] * (len(found) < len(comparison[init])) if found else "diverges")
            for init, found in ends.items()}


def deviations(groups: Mapping[str, Sequence[layer_figures.Histogram]]) -> dict[str, str]:
    return {init: f"{found[0].std:.2g} and {found[-1].std:.2g}" for init, found in groups.items()}


def diverging(comparison: Comparison) -> str:
    return ("A cross: the run diverges, and is missing from the median after it, which may fall for that. "
            if any(run.diverged for run in comparison.runs) else "")


def colours(places: Sequence[Any]) -> str:
    """The legend of a ranking by verdict."""
    words = {"first": "dark blue circle, learns in 1 epoch", "learns": "light blue circle, learns later",
             "some": "yellow square, in some runs", "never": "orange triangle, not within the epochs",
             "nothing": "purple triangle, learns nothing", "explodes": "black plus, explodes",
             "diverges": "black cross, diverges"}
    return "; ".join(words[kind] for kind in words if any(place.kind == kind for place in places))
