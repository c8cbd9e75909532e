"""``retroprop check FILE`` tries the laws of the contract on the modules that the file defines, with and without a loss."""

import numpy as np
from cases import Wave, numbers

import retroprop as rp
from retroprop.experiments.scripts.check import check
from retroprop.experiments.scripts.script import Script

LAWS = len(rp.inspection.CHECKS)


class Clipping(Wave):
    def backward(self, g):
        return super().backward(np.clip(g, -3, 3))


def script(module, loss=None, y=None):
    net = rp.Sequential(rp.Linear(3, 3, rng=0), module, rp.Linear(3, 2, rng=1))
    return Script("mynet.py", net, numbers(5, 3), y, loss)


def test_a_net_without_a_loss_is_tried_as_a_whole():
    assert check(script(Wave())).text.startswith(f"passed: all {LAWS} laws of the contract")
    verdict = check(script(Clipping()))
    assert not verdict.passed
    assert "module 1 fails alone: Clipping(): backward update and jvp are linear: in training mode, for " in verdict.text


def test_beside_the_gradients_of_a_cost_the_users_modules_are_tried():
    """The cost's gradient is small, so that only the law finds what happens to large ones."""
    cost = rp.CrossEntropy(), np.array([0, 1, 1, 0, 1])
    verdict = check(script(Wave(), *cost))
    assert verdict.passed
    assert verdict.text.endswith(f"\npassed: module 1: all {LAWS} laws of the contract")
    verdict = check(script(Clipping(), *cost))
    assert not verdict.passed
    assert "\npassed: " in verdict.text
    assert "\nFAILED: module 1: Clipping(): backward update and jvp are linear: in training mode, for " in verdict.text


def test_a_net_of_the_library_alone_has_no_laws_of_its_own():
    verdict = check(script(rp.Tanh(), rp.CrossEntropy(), np.array([0, 1, 1, 0, 1])))
    assert verdict.passed
    assert "laws" not in verdict.text


def test_a_kink_at_the_data_is_no_broken_law():
    class Rectifier(rp.Module):
        def forward(self, x):
            self.point = x > 0
            return x * self.point

        def backward(self, g):
            return g * self.point

    x = np.maximum(numbers(5, 3), 0)
    verdict = check(Script("mynet.py", Rectifier(), x, np.ones((5, 3)), rp.MSE()))
    assert "FAILED: Rectifier" not in verdict.text
