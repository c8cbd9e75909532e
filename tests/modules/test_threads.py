"""One network in two threads at once: an error, or right numbers."""

import sys
import threading

import numpy as np
import pytest
from steps import SMALL_G, SMALL_X, refuses, small_net

import retroprop as rp
from retroprop.modules.core import evaluation


class Waits(rp.Module):
    """The identity, which waits in the phases of the other thread until it is told to go on."""

    def __init__(self):
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.main = threading.get_ident()

    def wait(self):
        if threading.get_ident() != self.main:
            self.entered.set()
            assert self.go_on.wait(10)

    def forward(self, x):
        self.wait()
        self.point = x
        return x * 1

    def backward(self, g):
        self.wait()
        return g * 1


TEXT = (": another thread is running this module, and its point and gradient are those of one thread; give each thread a copy "
        "(copy.deepcopy), or let them take turns with a lock")
RUNS = {
    "forward": lambda net: net.forward(SMALL_X),
    "backward": lambda net: net.backward(SMALL_G),
    "predict": lambda net: net.predict(SMALL_X),
}
CALLS = RUNS | {
    "update": lambda net: net.update(), "jvp": lambda net: net.jvp(SMALL_X),
    "forward inside": lambda net: net[0].forward(SMALL_X), "predict inside": lambda net: net[0].predict(SMALL_X),
    "vjp": lambda net: rp.vjp(net, SMALL_X, SMALL_G),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("running", RUNS)
def test_a_phase_is_refused_while_another_thread_runs_one(running, call):
    """The other thread is not disturbed, and afterwards the network works for all."""
    waits = Waits()
    net = rp.Sequential(rp.Linear(3, 2, rng=0), waits)
    expected = net.forward(SMALL_X)
    gx = net.backward(SMALL_G)
    found = []
    thread = threading.Thread(target=lambda: found.append(RUNS[running](net)))
    thread.start()
    assert waits.entered.wait(10)
    try:
        with refuses(rp.PhaseError, f"{net!r}{TEXT}"):
            CALLS[call](net)
    finally:
        waits.go_on.set()
        thread.join()
    np.testing.assert_array_equal(found[0], gx if running == "backward" else expected)
    np.testing.assert_array_equal(net.forward(SMALL_X), expected)
    np.testing.assert_array_equal(net.backward(SMALL_G), gx)
    net.update()


def test_threads_may_use_a_network_in_turn():
    """Also phase by phase."""
    net, results = small_net(), []
    expected = [net.forward(SMALL_X), net.backward(SMALL_G)]
    for phase, given in ((net.forward, SMALL_X), (net.backward, SMALL_G)):
        thread = threading.Thread(target=lambda phase=phase, given=given: results.append(phase(given)))
        thread.start()
        thread.join()
    net.update()
    for a, b in zip(results, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_module_may_run_its_own_phases_in_a_phase():
    class Again(rp.Linear):
        def update(self):
            self.backward(self.gradient)
            super().update()

    module, twin = Again(3, 2, rng=0), rp.Linear(3, 2, rng=0)
    for each in (module, twin):
        each.forward(SMALL_X), each.backward(SMALL_G), each.update()
    np.testing.assert_array_equal(module.weight.grad, twin.weight.grad)


def test_a_phase_that_failed_leaves_the_module_to_other_threads():
    class Fails(rp.Module):
        def forward(self, x):
            raise KeyboardInterrupt

    module = Fails()
    with pytest.raises(KeyboardInterrupt):
        module.forward(SMALL_X)
    module._busy = True                                             # as an interrupt may leave it
    for phase in (module.forward, rp.Sequential(module).predict):
        with pytest.raises(KeyboardInterrupt):
            phase(SMALL_X)


def test_two_threads_at_once_get_the_right_prediction_or_an_error():
    net, x = small_net(), [SMALL_X, SMALL_X[::-1].copy()]
    expected = [net.predict(each) for each in x]
    wrong, refused = [], []

    def predict(k):
        for _ in range(300):
            try:
                if not np.array_equal(net.predict(x[k]), expected[k]):
                    wrong.append(k)
            except rp.PhaseError:
                refused.append(k)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=predict, args=(k,)) for k in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not wrong
    np.testing.assert_array_equal(net.predict(x[0]), expected[0])


def test_the_file_of_the_phases_is_known_wherever_the_package_lies():
    assert rp.Linear.forward.__code__.co_filename in evaluation.RUNNING
