"""fit that is resumed from a checkpoint goes on with the bits of a run that was never interrupted."""

import os
import signal
import sys

import numpy as np
import pytest
from saved_runs import HELD_OUT, RUNS, N, Noise, X, Y, network, trained

import retroprop as rp
from retroprop.training.saving.sealed import unsealed


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


class Killed(Exception):
    """Raised in place of a kill, which would end the test too."""


class Kill(rp.Callback):
    """End a run at a call of one of its methods, before the Checkpoints are called, or after."""

    before_batch = after_step = after_epoch = lambda self, run: None

    def __init__(self, method, count, last=False):
        self.left, self.saves = iter(range(count - 1)), last
        setattr(self, method, self.strike)

    def strike(self, run):
        if next(self.left, None) is None:
            raise Killed


def killed(name, path, method, count, last=False):
    try:
        trained(name, path, resume=True, callbacks=[Kill(method, count, last)])
    except Killed:
        return True
    return False


def numbers(history):
    return {name: column for name, column in history.items() if name != "seconds"}


@pytest.mark.parametrize("name", RUNS)
def test_a_run_that_is_killed_again_and_again_has_the_bits_of_one_that_was_not(name, tmp_path):
    whole, history = trained(name, tmp_path / "whole.safetensors")
    path = tmp_path / "run.safetensors"
    kills = [("after_step", 3), ("before_batch", 5), ("after_epoch", 1, True), ("after_step", 9, True), ("after_epoch", 2)]
    assert sum(killed(name, path, *kill) for kill in kills) >= 4
    again, resumed = trained(name, path, resume=True)
    assert numbers(resumed) == numbers(history)
    assert again == whole
    assert trained(name, path, resume=True)[0] == whole             # a run that has ended is not trained further
    best = [tmp_path / f"{run}.best.safetensors" for run in ("whole", "run")]
    if best[0].exists():
        (mine, notes), (its, its_notes) = map(unsealed, best)
        assert notes["progress"]["epoch"] == its_notes["progress"]["epoch"]
        assert all(np.array_equal(mine[part], its[part]) for part in its)


def test_the_file_of_the_best_epoch_is_that_epochs(tmp_path):
    net, seen = network(), []
    hooks = [rp.Checkpoint(tmp_path / "run.safetensors", every=2, best="validation_accuracy")]
    history = rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.3), (X, Y), epochs=6, validation=HELD_OUT, rng=1,
                     progress=False, callbacks=[*hooks, Keep(seen)])
    best = int(np.argmax(history["validation_accuracy"]))
    again = network()
    rp.load(again, tmp_path / "run.best.safetensors")
    np.testing.assert_array_equal(again[0].weight.data, seen[best])
    assert sorted(os.listdir(tmp_path)) == ["run.best.safetensors", "run.safetensors"]


def test_of_two_checkpoints_each_has_the_state_of_the_other_after_the_epoch(tmp_path):
    Run().fit(callbacks=[rp.Checkpoint(tmp_path / "a"), rp.Checkpoint(tmp_path / "b", every=9, best="cost")])
    held = unsealed(tmp_path / "a")[1]
    assert held["progress"]["history"]["cost"][2] == held["others"]["callback Checkpoint 2"]["value"]
    assert held["others"]["callback Checkpoint 2"]["best_epoch"] == 3


class Keep(rp.Callback):
    """Appends the first weight after each epoch; a list that is saved."""

    def __init__(self, seen):
        self.seen = seen

    def after_epoch(self, run):
        self.seen.append(run.net[0].weight.data.copy())

    def state_dict(self):
        return {"seen": self.seen}

    def load_state_dict(self, state):
        self.seen[:] = state["seen"]


class Run:
    """A run of ``fit``, resumed or not, with other arguments than usual."""

    def __init__(self, **others):
        self.net = others.pop("net", None) or network().eval()
        self.optimizer = others.pop("kind", rp.Adam)(self.net.parameters(), lr=0.05)
        self.noise = Noise()
        self.options = {"epochs": 3, "batch_size": 16, "rng": 0, "progress": False, "callbacks": [],
                        "validation": HELD_OUT} | others

    def fit(self, **others):
        options = self.options | others
        loss, data = options.pop("loss", rp.CrossEntropy()), options.pop("data", (X, Y))
        options["callbacks"] = [self.noise, *options["callbacks"]]
        return rp.fit(self.net, loss, self.optimizer, data, **options)

    def state(self):
        state = self.optimizer.state_dict()
        arrays = [array.tobytes() for array in (*self.net.state_dict().values(), *state["state"].values())]
        return arrays, repr([state["groups"], self.noise.state_dict(), [m.training for _, m in self.net.named_modules()],
                             self.net[3].rng.bit_generator.state])


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """The file of a run of three epochs."""
    path = tmp_path_factory.mktemp("run") / "run.safetensors"
    Run().fit(callbacks=[rp.Checkpoint(path)])
    return path


def test_epochs_is_the_number_of_all_epochs_and_the_modes_come_back(path):
    whole, again = Run(), Run()
    history, resumed = whole.fit(epochs=5), again.fit(epochs=5, resume=path)
    assert numbers(resumed) == numbers(history)
    assert resumed["epoch"] == [1, 2, 3, 4, 5]
    assert again.state() == whole.state()
    assert not any(module.training for _, module in again.net.named_modules())


OTHER = X + np.float32(1)


@pytest.mark.parametrize(("others", "kind", "text"), [
    ({"batch_size": 8}, rp.StateError, "batch_size must be as in the run that was saved: 16, got 8"),
    ({"data": (OTHER, Y)}, rp.StateError, "data must be as in the run that was saved: others"),
    ({"data": (X, Y[::-1].copy())}, rp.StateError, "data must be as in the run that was saved: others"),
    ({"validation": (OTHER, Y)}, rp.StateError, "validation must be as in the run that was saved: others"),
    ({"validation": None}, rp.StateError, "validation must be as in the run that was saved: .*, got None"),
    ({"metrics": ["f1_score"]}, rp.StateError, "the columns of the history must be as in the run that was saved"),
    ({"loss": rp.CrossEntropy(weight=[1, 2, 1])}, rp.StateError, "loss must be as in the run that was saved: CrossEntropy"),
    ({"clip": 1.0}, rp.StateError, "clip must be as in the run that was saved: None, got 1.0"),
    ({"kind": rp.AdamW}, rp.StateError, "optimizer must be the one that was saved, Adam, got AdamW"),
    ({"net": rp.Sequential(rp.Linear(6, 3, rng=0)).eval()}, rp.StateError, "net must be the network that was saved"),
    ({"rng": np.random.Generator(np.random.MT19937(1))}, rp.StateError, "rng: the saved state is not one of a MT19937"),
    ({"callbacks": [rp.EarlyStopping()]}, rp.StateError, "were saved, callback Noise, rng, got callback EarlyStopping"),
    ({"epochs": 2}, rp.ArgumentError, "epochs must be the number of all epochs, at least the 3 of .*, got 2"),
    ({"resume": "none.safetensors"}, FileNotFoundError, "none"),
    ({"resume": 3}, rp.ArgumentError, "resume must be the name of a file, or True for that of the Checkpoint, got 3"),
    ({"resume": True}, rp.ArgumentError, "resume must be the name of a file if there is no Checkpoint among the callbacks"),
], ids=lambda value: next(iter(value)) if isinstance(value, dict) else "")
def test_a_file_of_another_run_is_refused_and_changes_nothing(path, others, kind, text):
    run = Run(**{"resume": path} | others)
    if "net" in others:
        run.state = lambda: run.net.state_dict()["0.weight"].tobytes()
    before = run.state()
    with pytest.raises(kind, match=text):
        run.fit()
    assert run.state() == before


def test_a_checkpoint_of_another_loop_is_refused(tmp_path):
    run = Run()
    rp.Checkpoint(tmp_path / "run").save(3, run.net, run.optimizer)
    with pytest.raises(rp.StateError, match=r"resume must be a checkpoint of fit, got one that Checkpoint\.restore reads"):
        run.fit(resume=tmp_path / "run")


def test_a_run_that_ctrl_c_ended_goes_on_and_is_not_taken_for_one_that_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    whole, run, checkpoint = Run(), Run(), rp.Checkpoint(tmp_path / "run.safetensors", every="3 steps")
    history = whole.fit()
    stopped = run.fit(callbacks=[checkpoint, lambda run: run.epoch == 2 and signal.raise_signal(signal.SIGINT)])
    assert (stopped.stopped, stopped["epoch"]) == ("interrupted", [1, 2])
    again = run.fit(callbacks=[checkpoint], resume=True)            # the same objects, as in a notebook
    assert (again.stopped, again.interrupted, numbers(again)) == (None, False, numbers(history))
    assert run.state() == whole.state()


def test_a_run_that_has_stopped_stays_stopped(tmp_path):
    def stop(run):
        if run.epoch == 2:
            run.stop("enough")

    run, checkpoint = Run(), rp.Checkpoint(tmp_path / "run.safetensors")
    history = run.fit(callbacks=[checkpoint, stop])
    again = run.fit(callbacks=[checkpoint, stop], resume=True)
    assert (again.stopped, again) == ("enough", history)


def test_a_full_disk_costs_no_training_and_is_said_once(tmp_path, monkeypatch):
    whole, run, path = Run(), Run(), tmp_path / "run.safetensors"
    whole.fit()
    saved = []

    def full(descriptor):
        saved.append(descriptor)
        if len(saved) > 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(UserWarning, match=r"a checkpoint could not be saved, and training goes on: .*No space left on device"):
        run.fit(callbacks=[rp.Checkpoint(path, every="1 step")])
    assert run.state() == whole.state()
    assert len(saved) == 3 * 4                                      # each save is tried
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    assert unsealed(path)[1]["step"] == 2
    again = Run()
    again.fit(resume=path)
    assert again.state() == whole.state()


def test_a_folder_that_does_not_exist_is_refused_before_training(tmp_path):
    run = Run()
    before = run.net.state_dict()["0.weight"]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        run.fit(callbacks=[rp.Checkpoint(tmp_path / "nowhere" / "run.safetensors")])
    np.testing.assert_array_equal(run.net.state_dict()["0.weight"], before)


class Orders(rp.Callback):
    def __init__(self):
        self.seen, self.name = [], "orders"

    def before_batch(self, run):
        self.seen.append(run.batch)


def test_what_no_checkpoint_holds_is_named_in_one_warning_and_in_the_file(tmp_path):
    costs, rng, factor = [], np.random.default_rng(0), 2.0

    def note(run):
        costs.append(factor * run.cost + rng.random())

    path = tmp_path / "run.safetensors"
    with pytest.warns(UserWarning, match="does not hold the attribute seen of Orders, the variable costs of the function note, "
                                         "the variable rng of the function note, which changed in training") as caught:
        Run().fit(callbacks=[Orders(), note, rp.MaxNorm(3), lambda run: print(end=""), rp.Checkpoint(path)])
    assert len(caught) == 1
    assert len(unsealed(path)[1]["unsaved"]) == 3


def test_a_stream_or_an_augmentation_with_a_generator_of_its_own_is_named(tmp_path):
    rng = np.random.default_rng(0)
    with pytest.warns(UserWarning, match="does not hold the variable rng of a lambda, which changed in training"):
        Run().fit(data=lambda: ((X + rng.random(), Y) for _ in range(2)), callbacks=[rp.Checkpoint(tmp_path / "run")])
    with pytest.warns(UserWarning, match="does not hold the variable rng of a lambda, which changed in training"):
        Run().fit(augment=lambda x, _: x + np.float32(rng.random()), callbacks=[rp.Checkpoint(tmp_path / "b")])


def test_a_state_that_no_file_can_hold_is_refused_before_training(tmp_path):
    class Holds(Orders):
        def state_dict(self):
            return {"seen": self}

        def load_state_dict(self, state):
            pass

    orders = Holds()
    with pytest.raises(rp.StateError, match=r"the state of callback Holds must hold numbers, texts, .*, got a Holds"):
        Run().fit(callbacks=[orders, rp.Checkpoint(tmp_path / "run.safetensors")])
    assert orders.seen == []


@pytest.mark.parametrize("state", [{}, 3, {"best": 1.0, "best_epoch": 1, "state": [1]},
                                   {"best": 1.0, "best_epoch": 1, "state": {"0.weight": 3}}])
def test_early_stopping_refuses_a_state_that_is_not_one(state):
    stopping = rp.EarlyStopping()
    with pytest.raises(rp.StateError, match="state must hold best, best_epoch and state, a dict of arrays"):
        stopping.load_state_dict(state)
    assert stopping.best_epoch == 0


def test_a_stream_is_resumed_in_the_middle(tmp_path):
    def stream():
        return ((X[i:i + 10], Y[i:i + 10]) for i in range(0, N - 10, 10))

    whole, run, again = Run(), Run(), Run()
    whole.fit(data=stream)
    checkpoint = rp.Checkpoint(tmp_path / "run.safetensors", every="4 steps")
    with pytest.raises(Killed):
        run.fit(data=stream, callbacks=[checkpoint, Kill("before_batch", 11)])
    again.fit(data=stream, callbacks=[checkpoint], resume=True)
    assert again.state() == whole.state()
