"""The whole suite runs on all cores, where pytest-xdist (of the extra test) is there; chosen tests run in this process."""

import os

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    chosen = config.args_source is not pytest.Config.ArgsSource.TESTPATHS or config.option.keyword or config.option.markexpr
    if chosen or not config.pluginmanager.hasplugin("xdist") or config.option.usepdb or config.option.collectonly:
        return
    if config.option.numprocesses is None and not hasattr(config, "workerinput"):
        config.option.numprocesses, config.option.dist = "auto", "loadfile"     # what a file shares is made once
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")          # in the processes that start now
