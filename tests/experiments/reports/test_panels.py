"""Panels: a figure of one axes that a phone shows as a whole, with its legend below."""

import matplotlib.pyplot as plt
import pytest

from retroprop import plots
from retroprop.experiments.reports.panels import HEIGHT, NARROW, legend_below


def drawn(columns, labels, size=(NARROW, HEIGHT)):
    figure = plt.figure(figsize=size, layout="constrained")
    panels = list(figure.subplots(1, columns, squeeze=False).ravel())
    for ax in panels:
        for k, label in enumerate(labels):
            ax.plot([0, 1], [k, k], label=label)
        if labels:
            ax.legend()
    return figure, panels


@pytest.mark.parametrize("labels", [["a", "b"], [f"initialization {k}" for k in range(9)], ["a very long name of a line" * 2]])
@pytest.mark.parametrize("columns", [1, 3])
def test_the_legend_stands_below_all_panels_at_the_left_and_within_the_width_of_a_phone(labels, columns):
    figure, panels = drawn(columns, labels, (NARROW * columns, HEIGHT))
    before = figure.get_size_inches()[1]
    assert legend_below(panels) is figure
    figure.canvas.draw()
    [legend] = figure.legends
    box, scale = legend.get_window_extent(), figure.dpi
    assert [text.get_text() for text in legend.get_texts()] == labels          # each once
    assert all(ax.get_legend() is None for ax in panels)
    assert 0 <= box.x0 < 0.2 * scale
    assert box.x1 <= NARROW * scale
    assert box.y1 <= min(ax.get_tightbbox().y0 for ax in panels)
    assert figure.get_size_inches()[1] - before >= box.height / scale - 0.1     # the panels keep their height
    plt.close(figure)


def test_lines_without_names_have_no_legend():
    figure, panels = drawn(1, [])
    assert legend_below(panels).legends == []
    assert tuple(figure.get_size_inches()) == (NARROW, HEIGHT)
    plots.canvas.close(figure)
