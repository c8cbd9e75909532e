"""Ctrl-C at random moments, by a signal, as the issue's trial did: between any two instructions, not only between lines."""

import gc
import signal
import time

import numpy as np
import pytest
from test_interrupts import NETS, Run, X, check_steps, on_tape, train

import retroprop as rp

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer that sends signals")
ACTS = {"predict": lambda run: run.net.predict(X), "train": train, "tape": on_tape, "jvp": lambda run: rp.jvp(run.net, X, X)}


@pytest.fixture
def ctrl_c():
    """Return a function that runs an act again and again until a signal comes after some microseconds."""
    before, callbacks = signal.signal(signal.SIGALRM, signal.default_int_handler), gc.callbacks[:]
    gc.callbacks.clear()                                            # those of other tests' tools would lose the signal,
    gc.collect()                                                    # and so would the ends of other tests' objects
    gc.disable()

    def run(act, microseconds):
        try:
            signal.setitimer(signal.ITIMER_REAL, microseconds * 1e-6)
            end = time.monotonic() + 0.2
            while time.monotonic() < end:                           # Python loses a signal that comes in __del__
                act()
        except KeyboardInterrupt:
            pass

    yield run
    gc.enable()
    gc.callbacks.extend(callbacks)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("times", [12, pytest.param(3000, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", ACTS)
def test_a_signal_at_any_moment_leaves_modes_and_steps_right(ctrl_c, name, times):
    rng, run = np.random.default_rng(0), Run(NETS["sequential"])
    modes = run.modes()
    for _ in range(times):
        ctrl_c(lambda: ACTS[name](run), rng.uniform(20, 2000))
        assert run.modes() == modes
        check_steps(run)
