"""The page of Saxe et al. 2014."""

from __future__ import annotations

from ....plots.canvas import axes
from ...reports.panels import HEIGHT, NARROW, legend_below
from ...reproduce.figures import median_and_range
from ...reproduce.paper import Report, Results, filled
from ...reproduce.series import rows
from .claims import shortest, values
from .plan import DEPTHS, GAINS, HIDDEN, INITS, LAYERS
from .runs import activity, products, scalar

FIRST = "times"


def finding(results: Results) -> str:
    first, *_, last = HIDDEN[results.scale.name]
    gaussian, orthogonal = (shortest(results, init, last) / shortest(results, init, first) for init in INITS)
    return filled(__file__, gaussian=gaussian, orthogonal=orthogonal, first=str(first), last=str(last))


def draw(results: Results, report: Report) -> None:
    seeds = results.scale.seeds
    spectra, descent, times, gains = (axes(None, size=(NARROW, HEIGHT)) for _ in range(4))
    for k, depth in enumerate(DEPTHS):
        found = [values(one.result, depth).tolist() for one in results.of(products, init="Glorot normal")]
        median_and_range(spectra, list(range(1, len(found[0]) + 1)) if found else [], found, k, f"Gaussian, {depth}")
    spectra.axhline(1, color="black", ls="--", label="orthogonal, any depth")
    spectra.set(yscale="log", ylim=(1e-10, 30), xlabel="rank", ylabel="singular value")

    for k, one in enumerate(results.of(scalar)):
        median_and_range(descent, one.result["t"], [one.result["u"]], k, f"descent, s = {one.trial.settings['s']:g}")
        descent.plot(one.result["t"], one.result["exact"], ":", color="black", lw=1, label=None if k else "exact")
    descent.set(xlabel="t / tau", ylabel="u")

    for k, init in enumerate(INITS):
        steps = {depth: reached for depth in HIDDEN[results.scale.name] if len(reached := shortest(results, init, depth))}
        median_and_range(times, list(steps), rows(*steps.values()), k, init)
    times.set(xlabel="hidden layers", ylabel="steps", ylim=(0, None))

    for k, gain in enumerate(GAINS):
        signals = [one.result["rms"] for one in results.of(activity, init="Orthogonal", gain=gain)]
        median_and_range(gains, list(range(1, LAYERS + 1)), signals, k, f"g = {gain:g}")
    gains.set(yscale="log", xlabel="layer", ylabel="rms of the output")

    for name, ax in (("products", spectra), ("scalar", descent), ("times", times), ("gains", gains)):
        legend_below([ax])
        report.add(name, ax, seeds=seeds)
