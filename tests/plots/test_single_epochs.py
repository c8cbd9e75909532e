"""Learning curves of one epoch: a line through one point is nothing, so it has a marker."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from retroprop import plots
from retroprop.plots.canvas import COLORS


@pytest.mark.parametrize("draw", [
    lambda: plots.learning_curves({"cost": [2.0]}),
    lambda: plots.learning_curves({"cost": [np.nan, 2.0, np.inf]}),
    lambda: plots.learning_curves_by({"a": [{"cost": [2.0]}]}, "cost"),
    lambda: plots.learning_curves_by({"a": [{"cost": [1.0]}, {"cost": [3.0]}, {"cost": [2.0]}]}, "cost")])
def test_a_single_epoch_can_be_seen(draw):
    ax = draw()
    if ax.legend_:
        ax.legend_.remove()                                         # it has the colour of the line too
    ax.figure.set_size_inches(3, 2)
    ax.figure.canvas.draw()
    pixels, color = np.asarray(ax.figure.canvas.buffer_rgba())[..., :3], np.round(255 * np.array(to_rgb(COLORS[0])))
    assert (np.abs(pixels - color).max(-1) < 3).sum() > 5
    (line,) = ax.lines
    assert line.get_ydata()[line.get_markevery()] == [2.0]


def test_the_range_of_one_epoch_can_be_seen():
    ax = plots.learning_curves_by({"a": [{"cost": [1.0]}, {"cost": [3.0]}]}, "cost")
    (band,) = ax.collections
    assert band.get_linewidth()[0] > 0


def test_points_that_a_line_reaches_have_no_marker():
    for values in ([2.0, 1.0], [2.0, 1.0, np.nan], [np.nan, 3.0, 2.0]):
        (line,) = plots.learning_curves({"cost": values}).lines
        assert line.get_marker() == "None"
