"""The figures of a comparison: names beside their lines, chance and intervals drawn, zeros and divergences on the axis."""

import pickle
from itertools import pairwise

import comparisons
import numpy as np
import pytest
from comparisons import at_rates, comparison, falling, spread
from matplotlib.figure import Figure

import retroprop as rp
from retroprop.experiments.compare import drawings, layer_figures
from retroprop.experiments.reports import panels
from retroprop.experiments.reports.drawing import Drawing

GLOROT, SLOW, NOTHING, DIVERGED = (
    falling(0.08, 0.04, 0.02), falling(0.5, 0.2, 0.05), falling(0.92, 0.92, 0.92, width=0), [[0.9, None]] * 5)
FEW = {"Glorot": GLOROT, "Standard": SLOW, "N(0, 0.01²)": NOTHING, "N(0, 1)": DIVERGED}
RATES = {"Glorot": {0.01: spread(0.05), 0.1: spread(0.02), 1.0: spread(0.9)},
         "N(0, 1)": {0.01: spread(0.8), 0.1: [0.7, 0.7, None, 0.7, 0.7], 1.0: [None] * 5}}


def drawn(made):
    """All figures of a comparison by name, as they would be drawn in another process."""
    groups = [*drawings.first_screen(made), *drawings.rates(made), *drawings.networks(made)]
    jobs = [pickle.loads(pickle.dumps(job)) for group in groups for job, _ in group.panels]
    assert all(isinstance(job, Drawing) for job in jobs)
    return {job.name: job.function(*job.arguments, **job.options) for job in jobs}


def texts(figure):
    return [one.get_text() for ax in figure.axes for one in ax.texts]


def dashed(ax):
    """The places of the dashed lines: chance."""
    return [float(line.get_xydata()[0, axis]) for line in ax.lines if line.get_linestyle() == "--"
            for axis in (0, 1) if np.ptp(line.get_xydata()[:, axis]) == 0]


@pytest.mark.parametrize("made", [
    comparison(FEW), comparison({"Glorot": GLOROT[:1]}), comparison({"Glorot": DIVERGED}), at_rates(RATES),
    at_rates({"A": {0.1: [None] * 3, 1.0: [None] * 3}}), comparisons.many(12, epochs=2),
    comparison({"Glorot": falling(100.0, 60.0), "He": falling(100.0, 101.0)}, kind="values", unit="mg", chance=100.0),
    pytest.param(comparison({f"{k} a long name of an initialization": GLOROT for k in range(10)}), marks=pytest.mark.long),
    pytest.param(at_rates({f"A{k}": RATES["Glorot"] for k in range(12)}), marks=pytest.mark.long),
], ids=["few", "one run", "diverged", "rates", "rates that diverge", "many", "values", "ten", "many at rates"])
def test_every_figure_is_drawn_at_the_width_of_a_phone_with_text_of_8_points_or_more(made):
    """Where a page shows a panel 352 pixels wide, on a phone, 8 points are 8.3 pixels high; 10 points, most text, 10.4."""
    for name, figure in drawn(made).items():
        assert isinstance(figure, Figure)
        assert figure.get_figwidth() == panels.WIDTH, name
        assert figure.get_tightbbox().width < 1.04 * panels.WIDTH, name        # files hold all that is drawn
        shown = [one for one in figure.findobj(lambda artist: hasattr(artist, "get_fontsize")) if one.get_text()]
        assert shown, name
        assert min(one.get_fontsize() for one in shown) >= 8, name


def test_the_names_at_the_lines_do_not_overlap():
    close = {f"A{k}": falling(0.3, 0.02 + k / 1e5) for k in range(10)}
    [figure] = [one for name, one in drawn(comparison(close)).items() if name == "learning-curves"]
    figure.canvas.draw()
    boxes = sorted((one.get_window_extent() for one in figure.axes[0].texts), key=lambda box: box.y0)
    assert len(boxes) == 11                                         # and chance
    assert all(low.y1 <= high.y0 + 1 for low, high in pairwise(boxes))


def test_places_are_spread_out_within_the_axes():
    assert panels.spread_out([0.5, 0.5, 0.5], 0.1) == pytest.approx([0.5, 0.6, 0.7])
    assert panels.spread_out([0.95, 1.0, 1.0], 0.1) == pytest.approx([0.8, 0.9, 1.0])


def test_curves_have_a_logarithmic_axis_chance_and_crosses_where_runs_diverge():
    ax = drawn(comparison(FEW))["learning-curves"].axes[0]
    assert ax.get_yscale() == "log"
    assert dashed(ax) == [90]
    assert [line.get_xydata().tolist() for line in ax.lines if line.get_marker() == "x"] == [[[1, 90]]] * 5
    assert {"Glorot", "Standard", "N(0, 0.01²)", "N(0, 1)", "chance"} == {one.get_text() for one in ax.texts}


def test_an_error_of_zero_stands_at_half_a_test_example():
    ax = drawn(comparison({"Glorot": falling(0.1, 0.0, width=0)}))["learning-curves"].axes[0]
    line = next(line for line in ax.lines if len(line.get_xydata()) == 2 and line.get_linestyle() == "-")
    assert line.get_ydata().tolist() == pytest.approx([10, 100 * 0.5 / 500])
    assert ax.get_ylim()[0] < 0.1


def test_a_ranking_has_means_intervals_and_runs():
    figure = drawn(comparison(FEW))["ranking"]
    ax = figure.axes[0]
    assert [one.get_text() for one in ax.get_yticklabels()] == ["1. Glorot", "2. Standard", "3. N(0, 0.01²)", "4. N(0, 1)"]
    assert texts(figure)[:4] == ["2.0 ± 0.2 %", "5.0 ± 0.2 %", "92.0 ± 0.0 %", "diverges"]
    assert dashed(ax) == [90]
    runs = next(line for line in ax.lines if line.get_marker() == "|")
    assert sorted(runs.get_xdata()) == pytest.approx([1.8, 1.9, 2.0, 2.1, 2.2])
    bar = next(line for line in ax.lines if line.get_alpha() == 0.5)
    half = 2.7764 * np.std([1.8, 1.9, 2.0, 2.1, 2.2], ddof=1) / 5**0.5
    assert bar.get_xdata().tolist() == pytest.approx([2 - half, 2 + half], rel=1e-4)


def test_rates_have_intervals_rings_at_the_chosen_rate_and_crosses_where_runs_diverge():
    ax = drawn(at_rates(RATES))["rates"].axes[0]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert [one.get_text() for one in ax.get_xticklabels()] == ["0.01", "0.1", "1"]
    assert dashed(ax) == [90]
    rings = [line.get_xydata().tolist() for line in ax.lines if line.get_markerfacecolor() == "none"]
    assert [point[0][0] for point in rings] == pytest.approx([0.1, 0.1], rel=0.03)
    crosses = [line.get_xdata() for line in ax.lines if line.get_marker() == "x"]
    assert [len(one) for one in crosses] == [0, 2]
    assert sum(line.get_alpha() == 0.4 for line in ax.lines) == 5   # an interval wherever not all runs diverged


def test_survival_marks_where_each_learns_and_says_where_all_diverge():
    figure = drawn(at_rates(RATES))["survival"]
    assert texts(figure) == ["5.0", "2.0", "90.0", "80.0", "74.0", "div."]
    assert [line.get_xdata()[0] for line in figure.axes[0].lines] == pytest.approx([-0.42, 0.58])
    assert [one.get_text() for one in figure.axes[0].texts if one.get_weight() == "bold"] == ["2.0", "74.0"]


def test_histograms_have_common_bins_standard_deviations_and_shares_of_zeros():
    found = comparisons.layers(arrays=True)
    edges, groups = layer_figures.histograms({"A": found, "B": found}, "gradient", log=True)
    assert len(edges) == layer_figures.BINS + 1
    assert [one.layer for one in groups["A"]] == [1, 2]
    gradient = found[1].gradient if found[1].kind == "Linear" else found[0].gradient
    assert any(one.std == pytest.approx(float(gradient.std(dtype=float))) for one in groups["A"])
    assert sum(groups["A"][0].heights) == pytest.approx(0.99 * 50 * 20, rel=0.02)
    zeros = layer_figures.histogram(1, np.array([0.0, 0.0, 1.0, 2.0]), np.array([0.5, 3.0]), log=True)
    assert (zeros.zeros, zeros.heights.tolist()) == (0.5, [2])


def test_of_many_layers_and_initializations_some_are_shown():
    assert layer_figures.evenly(30, 8) == [0, 4, 8, 12, 17, 21, 25, 29]
    shown = drawings.some(comparisons.many(51))
    assert shown == [f"U(-{k}, {k})" for k in (1, 13, 26, 39, 51)]
    assert drawings.some(comparison(FEW)) == list(FEW)


def test_saturation_leaves_out_runs_that_ended_early():
    made = comparison({"Glorot": [[0.5, 0.4, 0.3], [0.5, None]]}, saturated=0.4)
    assert drawings.typical_saturation(made["Glorot"]).shape == (2, 2)
    assert drawings.typical_saturation(made["Glorot"][:1]).shape == (4, 2)


def test_a_rate_that_was_not_tried_is_blank_and_one_at_which_all_runs_diverge_is_not():
    tried = {"Glorot": {0.1: spread(0.02), 1.0: spread(0.9), 3.0: [None] * 5}, "He": {0.1: spread(0.05), 1.0: spread(0.06)}}
    figure = drawn(at_rates(tried))["survival"]
    assert texts(figure) == ["2.0", "90.0", "div.", "5.0", "6.0"]
    printed = str(at_rates(tried))
    said = " ".join(printed.split())
    glorot, he = printed.split("test error at rate")[1].splitlines()[2:4]
    assert glorot.split()[6:] == ["diverged", "0.1"]
    assert he.split()[6:8] == ["–", "0.1"]
    assert "Star: the rate with the lowest validation error. Dash: not tried. An initialization survives a rate" in said


def test_intervals_at_one_rate_stand_beside_one_another_and_ticks_do_not_collide():
    ax = drawn(at_rates(RATES))["rates"].axes[0]
    places = [float(line.get_xdata()[0]) for line in ax.lines if line.get_alpha() == 0.4]
    assert len(set(places)) == len(places)
    figure = drawn(comparisons.many(51))["ranking-1"]
    figure.canvas.draw()
    boxes = [one.get_window_extent() for one in figure.axes[0].get_xticklabels() if one.get_text()]
    low, high = figure.axes[0].bbox.x0, figure.axes[0].bbox.x1
    shown = sorted((box for box in boxes if low <= (box.x0 + box.x1) / 2 <= high), key=lambda box: box.x0)
    assert len(shown) > 1
    assert all(a.x1 < b.x0 for a, b in pairwise(shown))


def test_the_figures_of_the_networks_say_what_they_show():
    said = [figure.finding for figure in drawings.networks(comparison(FEW, saturated=0.6))]
    assert said[0] == (
        "More than half of the units of Glorot, Standard, N(0, 0.01²) and N(0, 1) are saturated after 3 epochs.")
    assert said[1:] == [None, "Before training, no gradient vanishes or explodes on the way to the first hidden layer."]
    assert drawings.networks(comparison(FEW, saturated=0.3))[0].finding == (
        "At most 30 % of the units of any initialization are saturated after 3 epochs.")


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_figures_that_are_not_measured_hold_all_that_they_draw(activation):
    """Their files hold the figure and a frame: nothing may reach beyond it, from the longest names and numbers on."""
    found = rp.compare("moons", ["TensorFlow.js", "scikit-learn", "N(0, 0.01²)", "U(-1, 1)"], activation=activation, depth=9,
                       width=6, epochs=1, seeds=1, jobs=1, progress=False)
    panels = [panel for figure in drawings.networks(found) for panel, _ in figure.panels if panel.frame is not None]
    assert {panel.name for panel in panels} == {"saturation", "activations-before", "activations-after", "gradients-before",
                                                "gradients-after"}
    for panel in panels:
        figure = panel.function(*panel.arguments, **panel.options)
        outer, inner = figure.bbox_inches.padded(panel.frame), figure.get_tightbbox()
        assert outer.x0 <= inner.x0, panel.name
        assert outer.y0 <= inner.y0, panel.name
        assert inner.x1 <= outer.x1, panel.name
        assert inner.y1 <= outer.y1, panel.name
