"""What may change when a run goes on, what may not, and what is not replaced: files of other runs."""

import os
import warnings

import numpy as np
import pytest

import retroprop as rp
from retroprop.training.saving.sealed import beginning

X, Y = rp.datasets.moons(60, noise=0.1, rng=0)
X = X.astype("float32")
noted = []                                                          # of a function below: a global variable


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.chdir(tmp_path)


class Killed(Exception):
    pass


class Kill(rp.Callback):
    def __init__(self, step=0, epoch=0):
        self.left, self.epoch = iter(range(step - 1)), epoch

    def after_step(self, run):
        if not self.epoch and next(self.left, None) is None:
            raise Killed

    def after_epoch(self, run):
        if run.epoch == self.epoch:
            raise Killed


def run(*callbacks, epochs=3, data=(X, Y), rng=0, **options):
    """The weights of a run, or None if it was killed."""
    net = rp.Linear(2, 2, rng=0)
    try:
        rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), data, epochs=epochs, batch_size=20, rng=rng,
               progress=False, callbacks=callbacks, **options)
    except Killed:
        return None
    return net.weight.data.copy()


def epoch_of(path):
    return beginning(path)["progress"]["epoch"]


def test_another_unit_of_every_saves_on():
    run(rp.Checkpoint("run", every="3 steps"))
    run(rp.Checkpoint("run", every=1), epochs=5, resume=True)
    assert epoch_of("run") == 5
    run(rp.Checkpoint("run", every="2 steps"), epochs=7, resume=True)
    assert (epoch_of("run"), beginning("run")["step"]) == (7, 21)


def test_checkpoints_in_another_order_know_their_own_files():
    def hooks():
        return [rp.Checkpoint("a", best="cost", mode="max"), rp.Checkpoint("b", every="2 steps")]

    run(*hooks())
    run(*reversed(hooks()), epochs=6, resume="a")
    assert [epoch_of("a"), epoch_of("a.best"), beginning("b")["step"]] == [6, 1, 18]


@pytest.mark.parametrize("draws", ["an epoch", "a batch"])
@pytest.mark.parametrize(("every", "kill"), [(1, {"epoch": 2}), ("1 step", {"step": 2}), ("1 step", {"step": 8})])
def test_a_stream_that_draws_from_the_generator_of_fit_goes_on(draws, every, kill):
    def trained(*callbacks, resume=False):
        rng = np.random.default_rng(7)

        def stream():
            order = rng.permutation(len(Y)) if draws == "an epoch" else None
            for k in range(0, len(Y), 20):
                chosen = rng.integers(len(Y), size=20) if order is None else order[k:k + 20]
                yield X[chosen], Y[chosen]

        return run(*callbacks, data=stream, rng=rng, augment=[rp.datasets.Noise(0.1)], resume=resume)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert trained(Kill(**kill), rp.Checkpoint("run", every)) is None
        np.testing.assert_array_equal(trained(rp.Checkpoint("run", every), resume=True), trained())


class Own:
    """A stream, or an augmentation, with a generator of its own, and its state."""

    def __init__(self):
        self.rng = np.random.default_rng(3)

    def __iter__(self):
        for chosen in np.split(self.rng.permutation(len(Y)), 3):
            yield X[chosen], Y[chosen]

    def __call__(self, x, rng):
        return x + self.rng.normal(0, 0.1, x.shape).astype("float32")

    def state_dict(self):
        return {"rng": self.rng.bit_generator.state}

    def load_state_dict(self, state):
        self.rng.bit_generator.state = state["rng"]


@pytest.mark.parametrize(("every", "kill"), [(1, {"epoch": 2}), ("1 step", {"step": 2}), ("1 step", {"step": 8})])
def test_a_stream_and_an_augmentation_with_a_state_go_on(every, kill):
    def trained(*callbacks, resume=False):
        return run(*callbacks, data=Stream(), augment=Own(), resume=resume)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert trained(Kill(**kill), rp.Checkpoint("run", every)) is None
        np.testing.assert_array_equal(trained(rp.Checkpoint("run", every), resume=True), trained())


class Stream:
    """Own without a call: a stream is not called."""

    def __init__(self):
        self.own = Own()
        self.state_dict, self.load_state_dict = self.own.state_dict, self.own.load_state_dict

    def __iter__(self):
        return iter(self.own)


@pytest.mark.parametrize("log", [rp.CSVLog, rp.JSONLog])
def test_a_script_that_is_killed_before_its_first_checkpoint_starts_again_with_its_log(log):
    run(log("log"), Kill(epoch=2), rp.Checkpoint("run", every=3, best="cost"), resume=True)
    run(log("log"), rp.Checkpoint("run", every=3, best="cost"), resume=True)
    run(log("whole"))
    with open("log") as found, open("whole") as whole:
        assert [row.rpartition(",")[0] for row in found] == [row.rpartition(",")[0] for row in whole]


@pytest.mark.parametrize("stop", [4, 6])
def test_gradients_that_wait_for_a_step_are_saved_with_the_step(stop):
    def loop(first, last):
        net = rp.Linear(2, 2, rng=0)
        sgd = rp.SGD(net.parameters(), lr=0.1)
        step, checkpoint = rp.Step(net, rp.CrossEntropy(), sgd, accumulate=4), rp.Checkpoint("run")
        start, _ = checkpoint.restore(net, sgd, also={"step": step})
        assert start == first
        for k in range(start, last):
            step(X[5 * k:5 * k + 5], Y[5 * k:5 * k + 5], np.arange(5.0))
        checkpoint.save(last, net, sgd, also={"step": step})
        return net.weight.data

    loop(0, stop)
    again = loop(stop, 9)
    os.remove("run")
    np.testing.assert_array_equal(loop(0, 9), again)


@pytest.mark.parametrize("state", [3, {}, {"waiting": 4, "divisor": 1.0, "gradients": {}},
                                   {"waiting": 1, "divisor": 1.0, "gradients": {"weight": np.zeros(3)}}])
def test_a_step_refuses_a_state_that_is_not_one(state):
    net = rp.Linear(2, 2, rng=0)
    step = rp.Step(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), accumulate=4)
    with pytest.raises(rp.StateError, match="Step: "):
        step.load_state_dict(state)
    assert step.waiting == 0


def note(run):
    noted.append(run.cost)


def test_global_variables_and_defaults_that_no_checkpoint_holds_are_named():
    def helped(run, *, costs=[]):                                   # noqa: B006
        costs.append(run.cost)
        note(run)

    with pytest.warns(UserWarning, match="does not hold a default of the function helped, the variable noted of the function "
                                         "note, which changed"):
        run(helped, rp.EarlyStopping(2, "cost"), rp.Checkpoint("run"))


def test_the_function_of_a_callback_with_a_state_is_looked_into():
    rng = np.random.default_rng(3)

    def attack(net, loss, x, y, eps, bounds=None):
        return x + eps * rng.normal(size=x.shape).astype(x.dtype)

    with pytest.warns(UserWarning, match="does not hold the variable rng of the function attack, which changed"):
        run(rp.adversarial.AdversarialTraining(0.1, attack=attack), rp.Checkpoint("run"))


def test_a_callback_that_is_saved_and_used_by_a_function_is_not_named():
    stopping = rp.EarlyStopping(3, "cost")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(stopping, lambda run: stopping.best_epoch, rp.Checkpoint("run"))


@pytest.mark.parametrize(("saved", "other", "text"), [
    (lambda sgd: rp.EarlyStopping(2, "validation_accuracy"), lambda sgd: rp.EarlyStopping(2, "validation_cost"),
     r"EarlyStopping\(patience=2, monitor='validation_accuracy', .* got EarlyStopping\(patience=2, monitor='validation_cost'"),
    (lambda sgd: rp.ChainedLR(sgd, [rp.StepLR(sgd, 2)]), lambda sgd: rp.ChainedLR(sgd, [rp.StepLR(sgd, 3)]),
     r"step_size=2, gamma=0.1, by='epoch'\)\], by='epoch'\), got .*step_size=3"),
    (lambda sgd: rp.MaxNorm(2), lambda sgd: rp.MaxNorm(3), r"MaxNorm\(c=2.0\), got MaxNorm\(c=3.0\)"),
    (lambda sgd: rp.EMA(0.9), lambda sgd: rp.EMA(0.99), r"EMA\(decay=0.9\), got EMA\(decay=0.99\)")])
def test_callbacks_with_other_settings_are_refused(saved, other, text):
    def trained(callback, **options):
        net = rp.Linear(2, 2, rng=0)
        sgd = rp.SGD(net.parameters(), lr=0.1)
        rp.fit(net, rp.CrossEntropy(), sgd, (X, Y), validation=(X, Y), epochs=3, rng=0, progress=False,
               callbacks=[callback(sgd), rp.Checkpoint("run")], **options)

    trained(saved)
    trained(saved, resume=True)
    with pytest.raises(rp.StateError, match="callback .* must be as in the run that was saved: .*" + text):
        trained(other, resume=True)


def test_a_schedule_with_other_settings_is_refused_by_restore():
    net = rp.Linear(2, 2, rng=0)
    sgd = rp.SGD(net.parameters(), lr=0.1)
    rp.Checkpoint("run").save(1, net, sgd, also={"schedule": rp.StepLR(sgd, 2)})
    with pytest.raises(rp.StateError, match=r"schedule must be as in the run that was saved: StepLR\(step_size=2"):
        rp.Checkpoint("run").restore(net, sgd, also={"schedule": rp.StepLR(sgd, 3)})


def test_files_of_another_run_are_refused_and_replaced_on_request_with_the_older_ones(tmp_path):
    run(rp.Checkpoint("run", keep=3), epochs=4)
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(rp.ArgumentError, match=r"path must be a new file, or .* got 'run': run exists; overwrite=True"):
        run(rp.Checkpoint("run"))
    (tmp_path / "run").unlink()
    with pytest.raises(rp.ArgumentError, match=r"run\.epoch-2 exists"):
        run(rp.Checkpoint("run"))
    with pytest.raises(rp.ArgumentError, match=r"run\.epoch-2 exists"):
        rp.Checkpoint("run").save(1, rp.Linear(2, 2, rng=0))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} | {"run": kept["run"]} == kept
    run(rp.Checkpoint("run", keep=3, overwrite=True), epochs=2)
    assert sorted(os.listdir()) == ["run", "run.epoch-1"]
    run(rp.Checkpoint("run", keep=3), epochs=3, resume=True)
    assert sorted(os.listdir()) == ["run", "run.epoch-1", "run.epoch-2"]


def test_a_run_that_is_resumed_in_another_folder_leaves_the_files_there_alone(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    run(rp.Checkpoint("a/run", keep=2))
    run(rp.Checkpoint("b/run", keep=2), epochs=3)
    with pytest.raises(rp.ArgumentError, match="run exists"):
        run(rp.Checkpoint("b/run", keep=2), epochs=5, resume="a/run")
    (tmp_path / "b" / "run").unlink()
    (tmp_path / "b" / "run.epoch-2").write_text("of the user's")
    run(rp.Checkpoint("b/run", keep=2), epochs=5, resume="a/run")
    assert sorted(os.listdir("b")) == ["run", "run.epoch-2", "run.epoch-4"]
    assert (tmp_path / "b" / "run.epoch-2").read_text() == "of the user's"
