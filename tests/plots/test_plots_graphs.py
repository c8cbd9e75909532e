"""Drawings of graphs, and figures of products by path."""

import re
from copy import deepcopy

import matplotlib.pyplot as plt
import numpy as np
import pytest
from cases import chain, diamond, nested, numbers, two_by_two
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.transforms import Bbox

import retroprop as rp
from retroprop import plots
from retroprop.errors import ArgumentError, ShapeError
from retroprop.plots.canvas import COLORS


def texts(ax):
    return [text.get_text() for text in ax.texts]


def frames(ax):
    return [patch for patch in ax.patches if isinstance(patch, FancyBboxPatch)]


def arrows(ax):
    return [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]


def small():
    """Return a graph of w = x sin x + x."""
    return rp.Graph({"s": (rp.Function(np.sin, np.cos), "x"), "p": (rp.Multiply(), "x", "s"), "w": (rp.Add(), "p", "x")},
                    inputs="x", outputs="w")


def line():
    """Return a graph whose drawing is so flat that a title must not take any of its height."""
    return rp.Graph({"y": (rp.Function(np.sin, np.cos), "x"), "z": (rp.Function(np.exp, np.exp), "y")}, inputs="x", outputs="z")


def crossing():
    """Return a graph whose edges would all cross if nodes were drawn in the order of definition."""
    nodes = {f"a{k}": (rp.Tanh(), "x") for k in range(4)}
    nodes |= {f"b{k}": (rp.Tanh(), f"a{3 - k}") for k in range(4)}
    return rp.Graph(nodes | {"y": (rp.Add(), "b0", "b1", "b2", "b3")}, inputs="x", outputs="y")


@pytest.mark.parametrize("net", [diamond, two_by_two, nested, chain, small, crossing])
def test_a_box_for_each_node_and_input_and_an_arrow_for_each_source(net):
    wiring = net().wiring()
    ax = plots.graph(net())
    names = [*wiring.inputs, *(node.path for node in wiring.nodes)]
    assert {name for name in texts(ax) if name in names} == set(names)
    assert len(frames(ax)) == len(names)
    assert len(arrows(ax)) == sum(len(node.sources) for node in wiring.nodes)
    assert sum(frame.get_linewidth() > 2 for frame in frames(ax)) == len(wiring.outputs)


@pytest.mark.parametrize("title", [None, "a message", "a message\nof two lines"])
@pytest.mark.parametrize("net", [diamond, two_by_two, nested, chain, small, line])
def test_texts_are_inside_boxes_that_do_not_overlap(net, title):
    ax = plots.graph(net(), title=title)
    ax.figure.canvas.draw()
    boxes = [frame.get_window_extent() for frame in frames(ax)]
    for k, box in enumerate(boxes):
        assert not any(Bbox.intersection(box, other) for other in boxes[:k])
    for text in ax.texts:
        extent = text.get_window_extent()
        assert any(box.x0 <= extent.x0 and extent.x1 <= box.x1 and box.y0 <= extent.y0 and extent.y1 <= box.y1 for box in boxes)


def test_every_node_is_to_the_right_of_the_nodes_that_it_reads():
    ax = plots.graph(diamond())
    across = {text.get_text(): text.get_position()[0] for text in ax.texts}
    for path, _, sources in diamond().wiring().nodes:
        assert all(across[source] < across[path] for source in sources)


def test_arrows_begin_at_the_right_edge_of_their_source():
    net = diamond()
    ax = plots.graph(net)
    ends = {(round(box.get_x() + box.get_width(), 6), round(box.get_y() + box.get_height() / 2, 6)) for box in frames(ax)}
    starts = [tuple(arrow.get_path().vertices[0].round(6)) for arrow in arrows(ax)]
    assert len(ends - set(starts)) == 1                             # that of y, which no node reads
    assert set(starts) <= ends
    assert sorted(map(starts.count, set(starts))) == sorted(
        len([source for node in net.wiring().nodes for source in node.sources if source == name])
        for name in ("x", "left", "right.0", "right.1", "right.2", "sum", "gate"))


def test_columns_are_ordered_so_that_edges_do_not_cross():
    ax = plots.graph(crossing())
    up = {text.get_text(): text.get_position()[1] for text in ax.texts}
    order = [sorted(range(4), key=lambda k, row=row: up[f"{row}{k if row == 'a' else 3 - k}"]) for row in "ab"]
    assert order[0] == order[1]


def test_values_and_gradients_are_those_of_forward_and_backward():
    net = small()
    ax = plots.graph(net, [2.0], [1.0])
    s = np.sin(2.0)
    expected = ["x", "= 2", f"∂ {s + 2 * np.cos(2.0) + 1:.3g}", "s", "Function(sin, cos)", f"= {s:.3g}", "∂ 2", "p",
                "Multiply()", f"= {2 * s:.3g}", "∂ 1", "w", "Add()", f"= {2 * s + 2:.3g}", "∂ 1"]
    assert sorted(texts(ax)) == sorted(expected)
    assert {text.get_color() for text in ax.texts if text.get_text().startswith("∂")} == {COLORS[1]}
    assert net.point is None


def test_many_numbers_are_shown_as_their_shape():
    shown = texts(plots.graph(two_by_two(), (numbers(5, 3), numbers(5, 2))))
    assert shown.count("= (5, 2)") == 3
    assert "= (5, 4)" in shown
    assert not any(text.startswith("∂") for text in shown)


def test_values_and_gradients_use_the_same_mask():
    net = rp.Sequential(rp.Dropout(0.5, rng=0), rp.Tanh())
    x = np.full((1, 4), 0.5)
    twin = deepcopy(net)
    y = twin.forward(x)
    gx = twin.backward(np.ones((1, 4)))
    shown = texts(plots.graph(net, x, np.ones((1, 4))))
    assert ", ".join(f"{v:.3g}" for v in y.flat) in " ".join(shown)
    assert f"∂ {', '.join(f'{v:.3g}' for v in gx.flat)}" in shown


def test_axes_are_drawn_on_and_returned():
    figure, ax = plt.subplots()
    assert plots.graph(small(), title="a message", ax=ax) is ax
    assert plots.products({1: rp.count_paths(small())}, title="a message", ax=ax) is ax
    assert plt.get_fignums() == [figure.number]
    assert ax.get_title() == "a message"


def test_products_draws_both_counts_by_size_on_a_logarithmic_scale():
    counts = {size: rp.inspection.PathCounts(2**size, size * 2**size, 2 * size) for size in (3, 1, 2)}
    ax = plots.products(counts, xlabel="diamonds")
    assert [list(line.get_xdata()) for line in ax.lines] == [[1, 2, 3]] * 2
    assert [list(line.get_ydata()) for line in ax.lines] == [[2, 8, 24], [2, 4, 6]]
    assert (ax.get_yscale(), ax.get_xlabel()) == ("log", "diamonds")
    assert all(tick == round(tick) for tick in ax.get_xticks())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["sum over paths", "backward"]


@pytest.mark.parametrize(("error", "text", "draw"), [
    (ArgumentError, "graph: net must be a Graph or a Sequential, got Tanh()", lambda: plots.graph(rp.Tanh())),
    (ArgumentError, "graph: x must be given if g is, since backward needs a forward", lambda: plots.graph(small(), g=[1.0])),
    (ShapeError, "g must have the shape of the output, (1,), got (2,)", lambda: plots.graph(small(), [1.0], [1.0, 1.0])),
    (ArgumentError, "products: counts must be a dict of PathCounts by size, got {}", lambda: plots.products({})),
    (ArgumentError, "products: counts must be a dict of PathCounts by size, got {1: 2}", lambda: plots.products({1: 2})),
    (ArgumentError, "products: counts must be a dict of PathCounts by size, got [3]", lambda: plots.products([3])),
    (ArgumentError, "products: counts must be at most 2e+308 to be drawn, got more at depth 2",
     lambda: plots.products({1: rp.count_paths(small()), 2: rp.inspection.PathCounts(1, 10**400, 1)})),
])
def test_bad_arguments_are_refused(error, text, draw):
    with pytest.raises(error, match=re.escape(text) + "$"):
        draw()


def test_an_edge_that_passes_a_column_is_level_beside_its_boxes():
    """It arrives from the side of its port: no edge crosses a box, or another edge without need."""
    net = rp.Graph({"h": (rp.Linear(2, 3, rng=0), "x"), "s": (rp.Sigmoid(), "h"), "z": (rp.Multiply(), "h", "s")}, inputs="x",
                   outputs="z")
    ax = plots.graph(net, np.ones((1, 2)), np.ones((1, 3)))
    middle = {text.get_text(): text.get_position() for text in ax.texts}["s"]
    box = next(frame for frame in frames(ax) if frame.get_x() < middle[0] < frame.get_x() + frame.get_width())
    passing = max((arrow.get_path().vertices for arrow in arrows(ax)), key=lambda points: points[:, 1].max())
    inside = passing[(passing[:, 0] >= box.get_x() - 1e-9) & (passing[:, 0] <= box.get_x() + box.get_width() + 1e-9)]
    assert len(inside) >= 2
    assert (inside[:, 1] > box.get_y() + box.get_height()).all()
