"""Run the whole suite on all cores if pytest-xdist (extra test) is installed, and chosen tests in this process.

Tests marked ``long`` run only where ``-m`` or the test's own name asks for them. Figures are drawn without a window,
and closed after each test.
"""

import os
import signal
import sys
import threading

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)        # nohup and "&" leave it ignored, for children too


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.markexpr or any("::" in argument for argument in config.args):
        return
    asked = [item for item in items if item.get_closest_marker("long") is None]
    config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("long")])
    items[:] = asked


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    chosen = config.args_source is not pytest.Config.ArgsSource.TESTPATHS or config.option.keyword or config.option.markexpr
    if chosen or not config.pluginmanager.hasplugin("xdist") or config.option.usepdb or config.option.collectonly:
        return
    if config.option.numprocesses is None and not hasattr(config, "workerinput"):
        config.option.numprocesses, config.option.dist = "auto", "loadfile"     # a file's fixtures are made once
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")          # for the worker processes
