"""Progress bars: on a terminal, as a widget in a notebook, and none where there is no place for them."""

import io
import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

import retroprop as rp
from retroprop.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Stream:
    """An object of another program's that takes text."""

    def write(self, text):
        pass


def dreamt():
    net = rp.Sequential(rp.Flatten(), rp.Linear(4, 3, rng=0), rp.Tanh())
    return rp.features.dream(net, [[0.1, 0.2], [0.3, 0.4]], "2", steps=1, rng=0)


def trained(epochs=2, progress=True):
    net = rp.Sequential(rp.Linear(2, 2, rng=0))
    return rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), rp.datasets.xor(20, rng=0), epochs=epochs,
                  progress=progress)


@pytest.fixture
def notebook(monkeypatch):
    """Makes this process look like a Jupyter kernel; returns the widgets that are displayed."""
    def kernel(ipywidgets=True):
        shown = []
        pytest.importorskip("ipywidgets")
        monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(config={"IPKernelApp": {}}))
        monkeypatch.setattr("IPython.display.display", shown.append)
        monkeypatch.setitem(sys.modules, "ipykernel.zmqshell", SimpleNamespace())
        for name in [name for name in sys.modules if name.startswith("tqdm.") and ("auto" in name or "notebook" in name)]:
            monkeypatch.delitem(sys.modules, name)
        if not ipywidgets:
            monkeypatch.setitem(sys.modules, "ipywidgets", None)
        return shown

    yield kernel
    for name in ("tqdm.auto", "tqdm.autonotebook", "tqdm.notebook"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("stream", [None, Stream(), io.StringIO(), pytest.param("closed", id="closed")])
def test_without_a_terminal_there_is_no_bar_and_no_error(stream, monkeypatch):
    if stream == "closed":
        stream = io.StringIO()
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    assert len(trained()["cost"]) == 2
    assert dreamt().objectives.shape == (1, 2)
    assert not isinstance(stream, io.StringIO) or stream.closed or stream.getvalue() == ""


def test_a_terminal_shows_the_bar_and_the_numbers_of_the_epoch(monkeypatch):
    for progress in (True, False):
        monkeypatch.setattr(sys, "stderr", Terminal())
        trained(progress=progress)
        assert ("2/2" in sys.stderr.getvalue()) == ("cost" in sys.stderr.getvalue()) == progress


def test_a_notebook_shows_a_widget(notebook):
    shown = notebook()
    with progress_bar(7, "step", shown=True) as bar:
        bar.update(3)
        bar.refresh()
        _, widget, text = bar.container.children
        assert (widget.value, widget.max) == (3, 7)
        assert "3/7" in text.value
    assert [type(one).__name__ for one in shown] == ["TqdmHBox"]
    trained()
    assert len(shown) == 2
    trained(progress=False)
    assert len(shown) == 2


def test_a_notebook_without_ipywidgets_is_quiet(notebook, capsys):
    """tqdm.auto warns where ipywidgets is missing; the warning would be an error here."""
    shown = notebook(ipywidgets=False)
    assert len(trained()["cost"]) == 2
    assert (shown, capsys.readouterr().err) == ([], "")


CLOSED = """
import os
import sys
if sys.argv[1:]:
    assert os.open(__file__, os.O_RDONLY) == 2          # a file of the program's takes the free descriptor
from retroprop.__main__ import main
from retroprop.experiments.sweeps.workers import Workers

if __name__ == "__main__":
    assert sys.stderr is None
    assert dict(Workers(1).run(abs, [(-3,)])) == {0: 3}
    sys.exit(main(["tape", "--json"]) or main(["compare", "--data", "none"]) - 2)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="closes descriptors")
@pytest.mark.parametrize("taken", ["", "taken"])
def test_without_standard_error_workers_and_commands_work(tmp_path, taken):
    """As with ``2>&-``: workers, which inherit the lack, and commands, whose notes do not end in their results."""
    (tmp_path / "closed.py").write_text(CLOSED, encoding="utf-8")
    command = f"exec '{sys.executable}' '{tmp_path / 'closed.py'}' {taken} 2>&-"
    done = subprocess.run(["/bin/sh", "-c", command], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0
    assert len(json.loads(done.stdout)) == 10


CELL = """
import retroprop as rp
net = rp.Sequential(rp.Linear(2, 2, rng=0))
rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), rp.datasets.xor(20, rng=0), epochs=2);
"""


@pytest.mark.long
def test_a_kernel_shows_a_widget():
    pytest.importorskip("ipywidgets")
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    [output] = notebook.cells[0].outputs
    assert "application/vnd.jupyter.widget-view+json" in output["data"]
    assert "2/2" in str(notebook.metadata["widgets"])


def test_a_bar_that_is_not_shown_takes_no_semaphore_and_starts_no_thread(monkeypatch):
    monkeypatch.setattr("multiprocessing.RLock", lambda: pytest.fail("a semaphore was taken"))
    monkeypatch.setattr("tqdm.std.TMonitor", lambda *_: pytest.fail("a thread was started"))
    for name, of in (("_lock", "tqdm.std.tqdm"), ("mp_lock", "tqdm.std.TqdmDefaultWriteLock")):
        monkeypatch.delattr(f"{of}.{name}", raising=False)
    with progress_bar(2, "run", True) as bar:
        bar.update()
