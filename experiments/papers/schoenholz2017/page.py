"""The page of Schoenholz et al. 2017, with Pennington et al. 2017."""

from __future__ import annotations

import numpy as np

from ....plots.canvas import axes
from ...reports.panels import HEIGHT, NARROW, legend_below
from ...reproduce.figures import band, median_and_range
from ...reproduce.paper import Report, Results, filled
from ...reproduce.series import rows
from .claims import best_arrivals, depths
from .plan import BIASES, CRITICAL, INITS, LAYERS, SIZES
from .runs import propagated, spectra
from .theory import correlations, critical, depth_scale

FIRST = "depths"
SHOWN = (1, CRITICAL, 4)                                            # σ_w² of order, of the critical point, of chaos
MULTIPLE = 6                                                        # of the depth scale, in the figure of depths


def finding(results: Results) -> str:
    found = depths(results)
    first, *_, last = found
    return filled(__file__, critical=found[CRITICAL], ordered=found[first], chaotic=found[last], first=f"{first:g}",
                  last=f"{last:g}")


def draw(results: Results, report: Report) -> None:
    sizes, seeds = SIZES[results.scale.name], results.scale.seeds
    report.add("depths", draw_depths(results), seeds=seeds, depths=", ".join(map(str, sizes.depths)))

    signals, spectrum, learning = (axes(None, size=(NARROW, HEIGHT)) for _ in range(3))
    layers = list(range(1, LAYERS + 1))
    for k, variance in enumerate(SHOWN):
        found = [one.result["correlation"] for one in results.of(propagated, weight_variance=variance)]
        median_and_range(signals, layers, found, k, rf"$\sigma_w^2$ = {variance:g}")
        if found:
            expected = correlations(variance, BIASES, float(np.median([row[0] for row in found])), LAYERS)
            signals.plot(layers, expected, ":", color="black", lw=1.5, label=None if k else "theory")
    signals.set(xlabel="layer", ylabel="correlation of two examples", ylim=(None, 1.02))

    for k, (init, name) in enumerate(INITS.items()):
        found = [one.result["values"][str(sizes.deep[-1])] for one in results.of(spectra, init=name)]
        median_and_range(spectrum, list(range(1, sizes.width + 1)), found, k, f"{init}, depth {sizes.deep[-1]}")
        steps = {depth: reached for depth in sizes.deep if len(reached := best_arrivals(results, init, depth))}
        median_and_range(learning, list(steps), rows(*steps.values()), k, init)
    spectrum.set(yscale="log", ylim=(1e-12, 30), xlabel="rank", ylabel="singular value")
    learning.set(xscale="log", yscale="log", xlabel="tanh layers", ylabel="steps", xticks=sizes.deep, xticklabels=sizes.deep)
    learning.minorticks_off()

    for name, ax in (("signals", signals), ("spectra", spectrum), ("arrivals", learning)):
        ax.grid(alpha=0.25)
        legend_below([ax])
        report.add(name, ax, seeds=seeds, width=sizes.wide if name == "signals" else sizes.width, depth=sizes.deep[-1],
                   steps=results.scale.steps or sizes.budget)
    report.add("chosen")


def draw_depths(results: Results) -> object:
    """The deepest network that learns, beside the depth scale, over σ_w²."""
    sizes, ax = SIZES[results.scale.name], axes(None, size=(NARROW, HEIGHT))
    found = {variance: series for variance, series in depths(results).items() if len(series)}
    band(ax, list(found), rows(*found.values()), "#0072B2", "deepest network that learns", np.median, marker="o", ms=5)
    fine = np.linspace(sizes.variances[0], sizes.variances[-1], 121)
    ax.plot(fine, [MULTIPLE * depth_scale(variance, BIASES) for variance in fine], color="0.45", ls="--", lw=1.5,
            label=rf"{MULTIPLE} $\xi_c$, theory")
    ax.axvline(critical(BIASES), color="black", ls=":", lw=1.2, label=rf"critical point, $\sigma_w^2$ = {critical(BIASES):.3f}")
    ax.set(xlabel=r"$\sigma_w^2$", ylabel="tanh layers",
           ylim=(0, 1.15 * sizes.depths[-1]))
    ax.grid(alpha=0.25)
    return legend_below([ax])
