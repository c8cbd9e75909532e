"""fit that is resumed from a checkpoint goes on with the bits of a run that was never interrupted."""

import pytest
from saved_runs import RUNS, trained

import retroprop as rp


class Killed(Exception):
    """Raised in place of a kill, which would end the test too."""


class Kill(rp.Callback):
    """End a run at a call of one of its methods, after Checkpoints have been called or before."""

    def __init__(self, method, count, last=False):
        self.left, self.saves = iter(range(count - 1)), last
        setattr(self, method, self.strike)

    before_batch = after_step = after_epoch = lambda self, run: None

    def strike(self, run):
        if next(self.left, None) is None:
            raise Killed


@pytest.mark.parametrize("name", RUNS)
def test_a_run_that_is_killed_again_and_again_has_the_bits_of_one_that_was_not(name, tmp_path):
    whole, history = trained(name, tmp_path / "whole.safetensors")
    path, killed = tmp_path / "run.safetensors", 0
    for method, count in [("after_step", 3), ("before_batch", 5), ("after_epoch", 1), ("after_step", 9), ("after_epoch", 2)]:
        try:
            trained(name, path, resume=True, callbacks=[Kill(method, count)])
        except Killed:
            killed += 1
    again, resumed = trained(name, path, resume=True)
    assert killed >= 4
    assert {**resumed, "seconds": []} == {**history, "seconds": []}
    assert again == whole
    assert trained(name, path, resume=True)[0] == whole             # and a run that has ended is not trained further
