"""The page of Saxe et al. 2014."""

from __future__ import annotations

from ....plots.canvas import axes
from ...reports.panels import HEIGHT, NARROW, legend_below
from ...reproduce.figures import median_and_range
from ...reproduce.paper import Report, Results, filled
from ...reproduce.series import Series, rows
from .claims import best_decoupled, growth, learning_time, unlearned, values
from .plan import CHAINS, COUNTED, DEPTHS, GAINS, LAYERS, STARTS, setting
from .runs import activity, products, scalar

FIRST = "times"


def finding(results: Results) -> str:
    first, *_, last = COUNTED[results.scale.name]
    uniform, orthogonal = (Series.single(growth(results, init).median) for init in STARTS)
    return filled(__file__, uniform=uniform, orthogonal=orthogonal, first=str(first - 2), last=str(last - 2),
                  least="at least " * bool(unlearned(results, "Glorot")))


def draw(results: Results, report: Report) -> None:
    seeds = results.scale.seeds
    spectra, descent, times, best, gains = (axes(None, size=(NARROW, HEIGHT)) for _ in range(5))
    for k, depth in enumerate(DEPTHS):
        found = [values(one.result, depth).tolist() for one in results.of(products, init="Glorot normal")]
        median_and_range(spectra, list(range(1, len(found[0]) + 1)) if found else [], found, k, f"Gaussian, {depth}")
    spectra.axhline(1, color="black", ls="--", label="orthogonal, any depth")
    spectra.set(yscale="log", ylim=(1e-10, 30), xlabel="rank", ylabel="singular value")

    for k, one in enumerate(results.of(scalar)):
        median_and_range(descent, one.result["t"], [one.result["u"]], k, f"descent, s = {one.trial.settings['s']:g}")
        descent.plot(one.result["t"], one.result["exact"], ":", color="black", lw=1, label=None if k else "exact")
    descent.set(xlabel="t / tau", ylabel="u")

    for k, init in enumerate(STARTS):
        steps = {layers: reached for layers in COUNTED[results.scale.name]
                 if len(reached := learning_time(results, init, layers))}
        median_and_range(times, list(steps), rows(*steps.values()), k, "scaled uniform" if init == "Glorot" else "orthogonal")
    times.set(xlabel="layers of neurons, N_l", ylabel="steps", ylim=(0, None))

    fastest = {layers: reached for layers in CHAINS if len(reached := best_decoupled(results, layers))}
    median_and_range(best, list(fastest), rows(*fastest.values()), 0, "decoupled start")
    if fastest:
        height = best_decoupled(results, CHAINS[-1]).mean
        best.plot(CHAINS, [height * CHAINS[-1] / layers for layers in CHAINS], ":", color="black", lw=1, label="1 / N_l")
    best.set(xscale="log", yscale="log", xlabel="layers of neurons, N_l", ylabel="best step size")

    for k, gain in enumerate(GAINS):
        signals = [one.result["rms"] for one in results.of(activity, init="Orthogonal", gain=gain)]
        median_and_range(gains, list(range(1, LAYERS + 1)), signals, k, f"g = {gain:g}")
    gains.set(yscale="log", xlabel="layer", ylabel="rms of the output")

    for name, ax in (("products", spectra), ("scalar", descent), ("times", times), ("best", best), ("gains", gains)):
        legend_below([ax])
        report.add(name, ax, seeds=seeds, steps=setting(results.scale)["steps"])
