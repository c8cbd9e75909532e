"""LiveView: a table that grows, rows on a terminal, and curves in a notebook, in a tenth of the time."""

import base64
import io
import math
import sys

import pages
import pytest

import retroprop as rp
from retroprop.plots import training
from retroprop.training.watching.live import Budget


class Display:
    """Stands for IPython's display: what is shown at each place, and how often each was drawn."""

    def __init__(self):
        self.places = []

    def __call__(self, content, raw, metadata, display_id):
        assert raw
        assert display_id
        self.places.append(Shown(content, metadata))
        return self.places[-1]


class Shown:
    def __init__(self, content, metadata):
        self.content, self.metadata, self.count = content, metadata, 1

    def update(self, content, raw, metadata):
        self.content, self.metadata, self.count = content, metadata, self.count + 1


@pytest.fixture
def notebook(monkeypatch):
    display = Display()
    monkeypatch.setattr(training, "notebook", lambda: display)
    return display


def trained(*callbacks, epochs=5, lr=0.1):
    net = rp.Sequential(rp.Linear(2, 2, rng=0))
    return rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=lr), rp.datasets.moons(40, rng=0), epochs=epochs, rng=0,
                  callbacks=callbacks, progress=False)


def table(shown):
    return [[cell.text for cell in row.inside] for row in pages.parsed(shown.content["text/html"]).all("tr")]


def test_a_terminal_gets_rows_and_headings_where_columns_are_new(capsys):
    def late(run):
        if run.epoch == 4:
            run.history["rate"] = [0.25]

    history = trained(late, rp.LiveView(every=2))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == ["epoch", "2", "epoch", "4", "5"]
    assert lines[2] == ["epoch", "cost", "seconds", "rate"]
    assert lines[4][1] == f"{history['cost'][-1]:.4g}"


@pytest.mark.parametrize("stream", [None, "closed"])
def test_without_standard_output_nothing_is_shown(monkeypatch, stream):
    if stream == "closed":
        stream = io.StringIO()
        stream.close()
    monkeypatch.setattr(sys, "stdout", stream)
    assert len(trained(rp.LiveView(curves=True))["cost"]) == 5


def test_a_notebook_gets_the_whole_table_and_curves_at_the_end(notebook):
    """However short the run."""
    history = trained(rp.LiveView(curves=True))
    shown, curves = notebook.places
    assert [row[0] for row in table(shown)] == ["epoch", "1", "2", "3", "4", "5"]
    assert table(shown)[-1][1] == f"{history['cost'][-1]:.4g}"
    image = base64.b64decode(curves.content["image/png"])
    assert image.startswith(b"\x89PNG")
    assert 2 * curves.metadata["image/png"]["width"] <= int.from_bytes(image[16:20], "big") + 1


def test_curves_are_drawn_of_columns_that_have_all_epochs(notebook):
    for first, images in ((3, 0), (1, 1)):
        def rate(run, first=first):
            if run.epoch >= first:
                run.history.setdefault("rate", []).append(0.1)

        notebook.places.clear()
        trained(rate, rp.LiveView(["rate", "none"]))
        assert ["image/png" in place.content for place in notebook.places] == [False] + [True] * images


def test_redrawing_waits_until_there_is_time(notebook, monkeypatch):
    """An epoch of a second and a drawing of half a second: the time of nine epochs to one drawing, and the last one."""
    now, drawn = 0.0, []

    def draw(history, *others):
        nonlocal now
        now += 0.5
        drawn.append(len(history["epoch"]))

    def epoch(run):
        nonlocal now
        now += 1

    monkeypatch.setattr(training, "Budget", lambda: Budget(clock=lambda: now))
    monkeypatch.setattr(training, "draw", draw)
    trained(epoch, rp.LiveView(curves=True), epochs=32)
    assert drawn == [1, 10, 14, 19, 23, 28, 32]


def test_a_run_that_is_interrupted_or_diverges_shows_its_last_epoch(notebook):
    def crash(run):
        if run.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(crash, rp.LiveView())
    assert "stopped: interrupted" in notebook.places[0].content["text/html"]
    assert table(notebook.places[0])[-1][0] == "3"

    def diverge(run):
        run.net[0].weight.data *= math.nan if run.epoch == 2 else 1

    with pytest.raises(rp.NonFiniteError):
        trained(rp.LiveView(), diverge)
    assert table(notebook.places[1])[-1][0] == "2"


CELL = """
import retroprop as rp
net = rp.Sequential(rp.Linear(2, 2, rng=0))
rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), rp.datasets.moons(40, rng=0), epochs=3, progress=False,
       callbacks=[rp.LiveView(curves=True)]);
"""


@pytest.mark.long
def test_a_kernel_shows_one_table_and_one_image():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    nbclient.NotebookClient(book, timeout=60, kernel_name="python3").execute()
    shown, curves = book.cells[0].outputs
    assert "<table>" in shown["data"]["text/html"]
    assert "image/png" in curves["data"]


def test_wrong_arguments_are_refused():
    for every in (0, 1.5, "2"):
        with pytest.raises(rp.ArgumentError, match="every must be an integer of at least 1, got "):
            rp.LiveView(every=every)
    for curves in ("cost", None, [1]):
        with pytest.raises(rp.ArgumentError, match="LiveView: curves must be True, False or a list of columns, got "):
            rp.LiveView(curves)
