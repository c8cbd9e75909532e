"""Checkpoint as an object: whole files, which hold all that the next steps of a loop depend on, or errors."""

import json
import os
from functools import partial

import numpy as np
import pytest
from interrupts import interrupted, lines_of
from threadpoolctl import threadpool_limits

import retroprop as rp
from retroprop.training.saving import run_state
from retroprop.training.saving.sealed import packed, sealed, unpacked, unsealed

X = np.random.default_rng(0).standard_normal((40, 5)).astype("float32")
Y = np.arange(40) % 3


class Loop:
    """A loop of one's own."""

    def __init__(self, seed=0, kind=rp.Adam, hidden=rp.ReLU, width=4, dtype="float32"):
        self.net = rp.Sequential(rp.Linear(5, width, rng=seed, dtype=dtype), rp.BatchNorm(width, dtype=dtype), hidden(),
                                 rp.Dropout(0.3, rng=seed), rp.Linear(width, 3, rng=seed + 1, dtype=dtype))
        self.optimizer = kind(self.net.parameters(), lr=0.05)
        self.schedule = rp.ExponentialLR(self.optimizer, 0.9)
        self.also = {"order": np.random.default_rng(seed), "schedule": self.schedule}

    def steps(self, start, end):
        for _ in range(start, end):
            chosen = self.also["order"].integers(40, size=8)
            rp.Step(self.net, rp.CrossEntropy(), self.optimizer)(X[chosen], Y[chosen])
            self.schedule.step()

    def save(self, path, step=3):
        checkpoint = rp.Checkpoint(path, overwrite=True)
        checkpoint.save(step, self.net, self.optimizer, also=self.also, progress={"costs": (1.5, None)})

    def restore(self, path):
        return rp.Checkpoint(path).restore(self.net, self.optimizer, also=self.also)

    def state(self):
        """All that a file can change, in a form that is quickly compared."""
        state = self.optimizer.state_dict()
        arrays = [array.tobytes() for array in (*self.net.state_dict().values(), *state["state"].values())]
        rest = [state["groups"], self.schedule.state_dict(), [p.frozen for p in self.net.parameters()],
                [module.training for _, module in self.net.named_modules()],
                [rng.bit_generator.state for rng in (self.net[3].rng, self.also["order"])]]
        return arrays, repr(rest)


@pytest.fixture
def path(tmp_path):
    """A file of a loop after three steps."""
    loop = Loop()
    loop.steps(0, 3)
    loop.save(tmp_path / "run.safetensors")
    return tmp_path / "run.safetensors"


def test_a_loop_goes_on_bit_for_bit(path):
    whole, again = Loop(), Loop(seed=5)
    whole.steps(0, 5)
    assert again.restore(path) == (3, {"costs": (1.5, None)})
    again.steps(3, 5)
    assert again.state() == whole.state()


def test_modes_and_frozen_parameters_come_back_before_the_optimizer(path):
    loop = Loop()
    loop.net[1].eval()
    loop.net[0].weight.frozen = True
    loop.steps(0, 3)
    loop.save(path)
    again = Loop(seed=1)
    again.net[4].eval()
    again.net[4].bias.frozen = True
    again.restore(path)
    assert again.state() == loop.state()
    again.steps(0, 2), loop.steps(0, 2)
    assert again.state() == loop.state()


def test_where_there_is_no_file_nothing_changes(tmp_path):
    loop = Loop()
    before = loop.state()
    assert loop.restore(tmp_path / "none") == (0, None)
    assert loop.state() == before


def test_load_reads_the_network_and_the_optimizer(path):
    whole, again = Loop(), Loop(seed=5)
    whole.restore(path)
    rp.load(again.net, path, again.optimizer)
    assert again.state()[0] == whole.state()[0]


def refused(loop, path, kind, text):
    before = loop.state()
    with pytest.raises(kind, match=text):
        loop.restore(path)
    assert loop.state() == before


def test_a_file_of_which_any_byte_has_changed_or_is_missing_is_refused_and_changes_nothing(path):
    content, rng, loop = path.read_bytes(), np.random.default_rng(0), Loop(seed=5)
    for k in (*range(0, 80, 8), *rng.integers(len(content), size=20)):
        for damaged in (content[:k] + bytes([content[k] ^ 1 << rng.integers(8)]) + content[k + 1:], content[:k]):
            path.write_bytes(damaged)
            refused(loop, path, rp.FileFormatError, "not a whole file of retroprop.Checkpoint")
    rp.save(loop.net, path)
    refused(loop, path, rp.FileFormatError, "not a whole file of retroprop.Checkpoint")


@pytest.mark.parametrize(("other", "text"), [
    ({"hidden": rp.Tanh}, "net must be the network that was saved, with ReLU at 2, got Tanh at 2"),
    ({"width": 6}, r"'0\.weight' must have shape \(6, 5\), got \(4, 5\)"),
    ({"dtype": "float64"}, r"net must have the dtype of the network that was saved, where '0\.weight' is float32, got float64"),
    ({"kind": rp.AdamW}, "optimizer must be the one that was saved, Adam, got AdamW")])
def test_a_file_of_another_loop_is_refused_and_changes_nothing(path, other, text):
    refused(Loop(seed=5, **other), path, rp.StateError, text)


def test_other_parts_than_those_saved_are_refused_and_change_nothing(path):
    loop = Loop(seed=5)
    del loop.also["schedule"]
    refused(loop, path, rp.StateError, "the run must have the parts that were saved, order, schedule, got order")
    loop.also |= {"schedule": np.random.default_rng(3)}
    refused(loop, path, rp.StateError, "schedule: the saved state is not one of a PCG64")


def test_a_part_that_refuses_its_state_leaves_all_as_it_was(path, monkeypatch):
    loop = Loop(seed=5)
    load, calls = loop.optimizer.load_state_dict, []
    monkeypatch.setattr(loop.optimizer, "load_state_dict", lambda state: [calls.append(load(state)), 1 / 0])
    refused(loop, path, ZeroDivisionError, "division")
    assert len(calls) == 1


def test_a_file_of_another_version_is_refused_and_says_which(path, monkeypatch):
    loop = Loop()
    monkeypatch.setattr(rp, "__version__", "9.0")
    refused(loop, path, rp.StateError, "by the version of retroprop that saved it, 0.1.0, got 9.0; retroprop.load reads")
    rp.load(loop.net, path)


def test_what_the_bits_depend_on_is_compared_and_differences_are_said(path, monkeypatch):
    now = run_state.surroundings()
    assert now["NumPy"] == np.__version__
    with threadpool_limits(1):
        assert run_state.surroundings() == now                      # the number of threads changes no bit
    monkeypatch.setattr(run_state, "surroundings", lambda: now | {"NumPy": "9.9", "BLAS": "another 1.0"})
    loop = Loop()
    loop.net[3].p = 0.4
    with pytest.warns(UserWarning, match=rf"saved with Dropout\(p=0\.3\) \(now Dropout\(p=0\.4\)\), NumPy {np.__version__} "
                                         r"\(now 9\.9\), BLAS .* \(now another 1\.0\); resumed, it may differ"):
        assert loop.restore(path)[0] == 3


def test_a_save_that_fails_leaves_the_old_file(path, monkeypatch):
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        Loop().save(path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_ctrl_c_in_a_save_leaves_the_old_file_or_the_new_one(path):
    old = path.read_bytes()
    loop = Loop(seed=1)
    for stop in range(0, lines_of(lambda: loop.save(path)), 70):
        path.write_bytes(old)
        interrupted(lambda: loop.save(path), stop)
        notes = unsealed(path)[1]
        assert (path.read_bytes() == old) or notes["others"]["order"] == loop.also["order"].bit_generator.state
        assert os.listdir(path.parent) == [path.name]


def test_ctrl_c_in_restore_leaves_all_as_it_was_or_restores_all(path):
    loop, after = Loop(seed=5), Loop(seed=5)
    states = [loop.state(), after.restore(path) and after.state()]
    for stop in range(0, lines_of(partial(loop.restore, path)) - 9, 397):
        loop = Loop(seed=5)
        place = interrupted(partial(loop.restore, path), stop)
        assert loop.state() in states, place


@pytest.mark.parametrize(("every", "found"), [
    (3, (3, "epoch")), ("1 epoch", (1, "epoch")), ("500 steps", (500, "step")), ("1.5 minutes", (1.5, "minute")),
    ("0 seconds", (0, "second")), (" 2  hours ", (2, "hour"))])
def test_every_is_a_number_of_epochs_or_a_text_with_a_unit(every, found):
    checkpoint = rp.Checkpoint("run", every)
    assert (checkpoint.every, checkpoint.unit) == found


@pytest.mark.parametrize("every", [0, -1, 1.5, True, None, "steps", "5", "x steps", "1.5 steps", "5 weeks", "-1 seconds"])
def test_any_other_every_is_refused(every):
    with pytest.raises(rp.ArgumentError, match="every must be"):
        rp.Checkpoint("run", every)


def test_the_last_files_are_kept_under_the_numbers_of_their_steps_and_others_are_left_alone(tmp_path):
    loop, checkpoint = Loop(), rp.Checkpoint(tmp_path / "run.safetensors", every="2 steps", keep=3)
    (tmp_path / "run.step-1.safetensors").write_text("of the user's")
    for step in range(1, 13):
        if checkpoint.due(step):
            checkpoint.save(step, loop.net)
        if step == 9:                                               # after step 8, in a new process
            checkpoint = rp.Checkpoint(tmp_path / "run.safetensors", every="2 steps", keep=3)
            checkpoint.restore(loop.net)
    assert sorted(os.listdir(tmp_path)) == ["run.safetensors", "run.step-1.safetensors", "run.step-10.safetensors",
                                            "run.step-8.safetensors"]
    assert [unsealed(tmp_path / f"run.{name}safetensors")[1]["step"] for name in ("", "step-10.", "step-8.")] == [12, 10, 8]


def test_a_state_comes_back_with_its_types():
    value = {"a": [1, 2.5, None, "ä", True, float("-inf")], "b": ((), (1, [np.float32(0.1)])), "scalar": np.array(2.5),
             "c": np.arange(6).reshape(2, 3).T, 3: {(1, 2): np.bool_(True)}, "__array__": "a name", "big": 2**127}
    arrays = {}
    content = sealed(arrays, {"value": packed(value, arrays, "who")} | {"after": 1})
    assert content == sealed(arrays, {"value": packed(value, {}, "who")} | {"after": 1})
    found = unpacked(json.loads(json.dumps(packed(value, {}, "who"))), arrays)
    np.testing.assert_equal(found, value)
    assert [type(part) for part in (found["b"], found["b"][1][1][0], found["c"], found["scalar"], found[3][1, 2])] == [
        tuple, np.float32, np.ndarray, np.ndarray, np.bool_]


@pytest.mark.parametrize("value", [object(), {"a": {1, 2}}, [np.array(["a"])], (1j,), b"bytes", np.array([None])])
def test_what_no_file_can_hold_is_refused_with_its_kind(value, tmp_path):
    with pytest.raises(rp.StateError, match="Checkpoint: progress must hold numbers, texts, None, arrays"):
        rp.Checkpoint(tmp_path / "run").save(1, rp.Linear(1, 1, rng=0), progress=value)
    assert os.listdir(tmp_path) == []
