"""Run the whole suite on all cores if pytest-xdist (extra test) is installed, and chosen tests in this process.

Figures are drawn without a window, and closed after each test.
"""

import os
import sys

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    chosen = config.args_source is not pytest.Config.ArgsSource.TESTPATHS or config.option.keyword or config.option.markexpr
    if chosen or not config.pluginmanager.hasplugin("xdist") or config.option.usepdb or config.option.collectonly:
        return
    if config.option.numprocesses is None and not hasattr(config, "workerinput"):
        config.option.numprocesses, config.option.dist = "auto", "loadfile"     # a file's fixtures are made once
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")          # for the worker processes
