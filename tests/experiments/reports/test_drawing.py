"""Figures are drawn by the workers that made the numbers, and their bytes do not depend on where they are drawn."""


import matplotlib.pyplot as plt
import pytest

import retroprop as rp
from retroprop.experiments.reports.drawing import Drawing, draw
from retroprop.experiments.sweeps.workers import Workers


@pytest.fixture(scope="module", autouse=True)
def light_figures():
    """Draw whole figures here."""


def line(slope, title=None):
    _, ax = plt.subplots(layout="constrained")
    ax.plot([0, 1, 2], [0, slope, 2 * slope], label="a line")
    ax.legend()
    return rp.plots.canvas.axes(ax, title)


FIGURES = [Drawing("steep", line, (3,)), Drawing("flat", line, (0.1,), {"title": "Flat"})]


@pytest.fixture(scope="module")
def by_workers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workers")
    return draw(FIGURES, folder, Workers(2))


def test_paths_come_by_name_in_the_order_of_the_figures(by_workers):
    assert list(by_workers) == ["steep", "flat"]
    assert [path.name for pair in by_workers.values() for path in pair] == ["steep.png", "steep.svg", "flat.png", "flat.svg"]


def test_figures_of_this_process_and_of_workers_have_equal_bytes_whatever_the_user_has_set(by_workers, tmp_path):
    with plt.rc_context({"lines.linewidth": 7, "font.size": 20, "svg.fonttype": "none", "figure.autolayout": True}):
        here = draw(FIGURES, tmp_path, Workers(1))
    assert not plt.get_fignums()
    for name, pair in here.items():
        for ours, theirs in zip(pair, by_workers[name], strict=True):
            assert ours.read_bytes() == theirs.read_bytes()


def test_a_figure_that_cannot_be_drawn_is_an_error(tmp_path):
    with pytest.raises(TypeError):
        draw([Drawing("none", line)], tmp_path, Workers(1))
    assert not list(tmp_path.iterdir())


def test_the_layout_that_was_held_while_a_figure_was_saved_is_computed_anew(tmp_path):
    """Saving leaves the figure as it was: its resolution, its layout engine, and so the bytes of the next image.

    An empty label leaves a trace in the SVG of matplotlib 3.9.
    """
    figure = line(2).figure
    before = figure.dpi, figure.get_layout_engine()
    first = rp.plots.save(figure, tmp_path / "first", "line")
    assert (figure.dpi, figure.get_layout_engine()) == before
    figure.axes[0].set_ylabel("a label\nof two lines")
    rp.plots.save(figure, tmp_path / "second", "line")
    figure.axes[0].set_ylabel("")
    again = rp.plots.save(figure, tmp_path / "again", "line")
    plt.close(figure)
    assert first[0].read_bytes() == again[0].read_bytes()
