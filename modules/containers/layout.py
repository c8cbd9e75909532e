"""The layout of a drawing of a computational graph: columns of boxes, and smooth edges between them, in inches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from ..core.diagram import Wiring

CHARACTER, LINE = 0.082, 0.17                                       # inches: width and height of text of 9 points
GAP, PITCH = 0.55, 0.32                                             # inches between columns, and between boxes of a column


class Box(NamedTuple):
    """The box of a node or an input; without lines, a place where an edge passes a column. In inches."""

    lines: list[tuple[str, str]]                                    # each with its colour
    width: float
    height: float


class Placed(NamedTuple):
    """A drawing: boxes and their centres, the route of each edge, by the node and the number of its source, and the size."""

    boxes: dict[Any, Box]
    places: dict[Any, tuple[float, float]]
    routes: dict[tuple[str, int], list[Any]]
    size: tuple[float, float]


def laid_out(wiring: Wiring[Any], boxes: Mapping[str, Box]) -> Placed:
    """Place the boxes of the inputs and nodes, so that each node is to the right of what it reads."""
    columns, routes = layered(wiring)
    boxes = {**boxes, **{place: Box([], 0, LINE) for column in columns for place in column if place not in boxes}}
    places, size = placed(columns, boxes)
    return Placed(boxes, places, routes, size)


def boxed(lines: Sequence[tuple[str, str]]) -> Box:
    """Return a box with these lines, each with its colour."""
    return Box(list(lines), CHARACTER * max(len(text) for text, _ in lines) + 0.2, LINE * len(lines) + 0.14)


def layered(wiring: Wiring[Any]) -> tuple[list[list[Any]], dict[tuple[str, int], list[Any]]]:
    """Return columns of names, each node after all that it reads; and the route of each edge, with a place in each column."""
    depth = dict.fromkeys(wiring.inputs, 0)
    for path, _, sources in wiring.nodes:
        depth[path] = 1 + max(depth[source] for source in sources)
    columns: list[list[Any]] = [[] for _ in range(1 + max(depth.values()))]
    for name, k in depth.items():
        columns[k].append(name)
    routes: dict[tuple[str, int], list[Any]] = {}
    for path, _, sources in wiring.nodes:
        for k, source in enumerate(sources):
            passing = [(source, path, k, column) for column in range(depth[source] + 1, depth[path])]
            for place in passing:
                columns[place[-1]].append(place)
            routes[path, k] = [source, *passing, path]
    untangle(columns, routes, {node.path: len(node.sources) for node in wiring.nodes})
    return columns, routes


def untangle(columns: list[list[Any]], routes: Mapping[tuple[str, int], list[Any]], sources: Mapping[str, int]) -> None:
    """Order each column by the mean place of its neighbours, back and forth, a few times (Sugiyama, Tagawa & Toda 1981)."""
    before: dict[Any, list[tuple[Any, float]]] = {}
    behind: dict[Any, list[tuple[Any, float]]] = {}
    for (path, k), route in routes.items():
        for a, b in pairwise(route):
            port = share(k, sources[path]) - 0.5 if b == path else 0.0        # where the edge arrives at b
            behind.setdefault(a, []).append((b, port))
            before.setdefault(b, []).append((a, 0.0))
    for sweep in range(8):
        forth = sweep % 2 == 0
        for column in columns[1:] if forth else columns[-2::-1]:
            neighbours = before if forth else behind
            place = {name: k - (len(other) - 1) / 2 for other in columns for k, name in enumerate(other)}
            here = {name: float(np.mean([place[other] + port for other, port in neighbours.get(name, [(name, 0.0)])]))
                    for name in column}
            column.sort(key=here.__getitem__)


def share(k: int, count: int) -> float:
    """Return where the edge of source k of ``count`` arrives, as a share of the height of the box from the top."""
    return (k + 1) / (count + 1)


def placed(columns: list[list[Any]], boxes: dict[Any, Box]) -> tuple[dict[Any, tuple[float, float]], tuple[float, float]]:
    """Return the centre of each box, with columns from left to right, each centred vertically; and the total size. In inches.

    A place that an edge passes gets the width of its column, so that the edge is level there.
    """
    places: dict[Any, tuple[float, float]] = {}
    left, tallest = 0.1, 0.0
    for column in columns:
        width = max(boxes[name].width for name in column)
        height = sum(boxes[name].height for name in column) + PITCH * (len(column) - 1)
        top, tallest = height / 2, max(tallest, height)
        for name in column:
            places[name] = (left + width / 2, top - boxes[name].height / 2)
            if not boxes[name].lines:
                boxes[name] = boxes[name]._replace(width=width)
            top -= boxes[name].height + PITCH
        left += width + GAP
    return places, (left - GAP + 0.1, tallest + 0.3)


def bends(route: list[Any], places: Mapping[Any, tuple[float, float]], boxes: Mapping[Any, Box],
          port: float) -> list[tuple[float, float]]:
    """Return the points of the Bézier curves, one after another, along a route.

    It leaves the first box in the middle of its right side, and arrives at the share ``port`` of the last one's height from the
    top. The first point is its start; each curve has three more.
    """
    sides = [((across - boxes[name].width / 2, up), (across + boxes[name].width / 2, up))
             for name, (across, up) in ((name, places[name]) for name in route)]
    (left, up), _ = sides[-1]
    ends = [sides[0][1], *(side for pair in sides[1:-1] for side in pair),
            (left, up + boxes[route[-1]].height * (0.5 - port))]
    points = [ends[0]]
    for a, b in pairwise(ends):
        bend = (b[0] - a[0]) / 2
        points += [(a[0] + bend, a[1]), (b[0] - bend, b[1]), b]
    return points
