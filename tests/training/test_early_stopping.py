"""EarlyStopping knows in which direction a column improves, or asks; whatever ends training, the best state comes back."""

import numpy as np
import pytest

import retroprop as rp


@pytest.fixture(scope="module")
def digits():
    x, y = rp.datasets.digits()
    return rp.datasets.split(x, y, test=500, rng=0)


def classifier():
    a, b = np.random.default_rng(0).spawn(2)
    return rp.Sequential(rp.Linear(64, 32, rng=a), rp.Tanh(), rp.Linear(32, 10, rng=b))


def fit(net, data, callbacks, lr=0.1, epochs=30, **options):
    return rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=lr), data, epochs=epochs, rng=0, progress=False,
                  callbacks=callbacks, **options)


def same_state(net, state):
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, state[name], err_msg=name)


@pytest.mark.parametrize(("name", "meant"), [
    ("val_loss", "validation_cost"), ("val_accuracy", "validation_accuracy"), ("loss", "cost"), ("acc", "accuracy"),
    ("validation_f1", "validation_f1_score"), ("val_acc", "validation_accuracy")])
def test_the_name_of_a_column_in_another_library_is_understood(name, meant):
    for call in (lambda: rp.EarlyStopping(monitor=name), lambda: rp.Checkpoint("a", best=name)):
        with pytest.raises(rp.ArgumentError, match=f"got None; did you mean '{meant}'\\?: only cost, "):
            call()
    net = rp.Linear(2, 2, rng=0)
    data = rp.datasets.moons(20, rng=0)
    with pytest.raises(rp.ArgumentError, match=r"got 'val_loss'; did you mean 'validation_cost'\?$"):
        fit(net, data, [rp.EarlyStopping(monitor="val_loss", mode="min")], validation=data)


def test_early_stopping_goes_back_to_the_best_epoch(digits):
    """The learning rate grows until training diverges; the network of the best epoch is restored."""
    train, test = digits
    net, loss = classifier(), rp.CrossEntropy()
    sgd = rp.SGD(net.parameters(), lr=0.1)
    best = {}

    def spoil(run):
        if run.epoch == 4:
            run.optimizer.lr = 30
        if run.history["validation_cost"][-1] == min(run.history["validation_cost"]):
            best.update(run.net.state_dict())

    history = rp.fit(net, loss, sgd, train, epochs=30, validation=test, rng=0, callbacks=[spoil, rp.EarlyStopping(patience=3)])
    assert len(history["epoch"]) == 7
    assert history.stopped == "validation_cost did not improve for 3 epochs after epoch 4"
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, best[name])


@pytest.mark.parametrize(("mode", "best"), [("max", 2), ("min", 3)])
def test_a_column_of_a_callback_improves_in_the_direction_that_was_given(mode, best, digits):
    """The scores of the epochs are .84, .96, .8 and .9."""
    net, states = classifier(), []

    def score(run):
        states.append(run.net.state_dict())
        run.history.append({"validation_f1": [0.84, 0.96, 0.8, 0.9][run.epoch - 1]})

    fit(net, digits[0], [score, rp.EarlyStopping(monitor="validation_f1", mode=mode)], epochs=4)
    same_state(net, states[best - 1])


@pytest.mark.parametrize(("monitor", "mode"), [("cost", "min"), ("validation_cost", "min"), ("validation_accuracy", "max")])
def test_the_direction_of_the_columns_of_fit_is_known(monitor, mode):
    assert rp.EarlyStopping(monitor=monitor).mode == mode


@pytest.mark.parametrize("monitor", ["validation_f1", "test_accuracy", "my_cost", "seconds", "epoch", "", None, ["cost"]])
def test_a_direction_is_not_guessed_from_a_name(monitor):
    text = "EarlyStopping: mode must be 'min' or 'max' for monitor=.*, got None.*: only cost, mean_absolute_error, "
    with pytest.raises(rp.ArgumentError, match=text):
        rp.EarlyStopping(monitor=monitor)


def test_a_direction_must_be_one_of_two():
    with pytest.raises(rp.ArgumentError, match="mode must be one of 'min', 'max', got 'maximum'"):
        rp.EarlyStopping(monitor="f1", mode="maximum")


def test_a_column_that_nobody_will_write_is_refused_before_training(digits):
    net, (x, y) = classifier(), digits[0]
    before = net.state_dict()
    text = "EarlyStopping: monitor must be one of epoch, cost, seconds, got 'validation_cost'; give fit validation data$"
    with pytest.raises(rp.ArgumentError, match=text):
        fit(net, digits[0], [rp.MaxNorm(3), rp.EarlyStopping()], epochs=2)
    same_state(net, before)
    text, soft = "one of epoch, cost, validation_cost, seconds, got 'validation_accuracy'$", np.full((len(y), 10), 0.1)
    with pytest.raises(rp.ArgumentError, match=text):
        fit(net, (x, soft), [rp.EarlyStopping(monitor="validation_accuracy")], validation=(x, soft))
    same_state(net, before)


def test_a_column_that_a_callback_might_have_written_is_refused_after_the_first_epoch(digits):
    with pytest.raises(rp.ArgumentError, match=r"monitor must be one of epoch, cost, seconds, got 'f1'$"):
        fit(classifier(), digits[0], [lambda run: None, rp.EarlyStopping(monitor="f1", mode="max")])


def test_a_callback_may_write_a_validation_cost_of_its_own(digits):
    net = classifier()

    def validate(run):
        run.history.append({"validation_cost": float(run.epoch)})

    history = fit(net, digits[0], [validate, rp.EarlyStopping(patience=2)])
    assert history.stopped == "validation_cost did not improve for 2 epochs after epoch 1"


@pytest.mark.parametrize("validation", [False, True])
def test_the_best_state_is_restored_when_training_diverges_and_the_error_says_so(validation, digits):
    train, test = digits
    net, states = classifier(), []

    def spoil(run):
        states.append(run.net.state_dict())
        if run.epoch == 3:
            run.optimizer.lr = 1e38

    monitor = "validation_cost" if validation else "cost"
    text = f"^fit: the .*cost of epoch 4.*; EarlyStopping has restored the state of epoch 3, the best by {monitor}$"
    with pytest.raises(rp.NonFiniteError, match=text):
        fit(net, train, [spoil, rp.EarlyStopping(monitor=monitor)], validation=test if validation else None,
            batch_size=len(train[1]) if validation else 32)
    same_state(net, states[2])


def test_without_a_best_state_the_error_of_divergence_says_nothing_of_it(digits):
    net = classifier()
    with pytest.raises(rp.NonFiniteError) as caught:
        fit(net, digits[0], [rp.EarlyStopping(monitor="cost"), rp.EarlyStopping(monitor="cost", restore=False)], lr=1e38)
    assert "EarlyStopping" not in str(caught.value)


@pytest.mark.parametrize("reason", ["", "enough"])
def test_a_callback_stops_training_with_any_reason(reason, digits):
    history = fit(classifier(), digits[0], [lambda run: run.stop(reason)])
    assert history["epoch"] == [1]
    assert history.stopped == reason
    assert str(history).endswith(f"; stopped: {reason}")
    assert not history.interrupted


@pytest.mark.parametrize("wrong", [float("nan"), "a", None, [1, 2]])
def test_a_column_that_holds_no_number_is_refused(wrong, digits):
    def write(run):
        run.history.setdefault("f1", []).append(wrong)

    with pytest.raises(rp.ArgumentError, match=r"EarlyStopping: history\['f1'\] of epoch 1 must be a number"):
        fit(classifier(), digits[0], [write, rp.EarlyStopping(monitor="f1", mode="max")])


def test_callbacks_that_had_not_begun_are_not_ended(digits):
    """One that is used again would put back the best state of the run before."""
    stopping, net = rp.EarlyStopping(monitor="cost"), classifier()
    fit(net, digits[0], [stopping], epochs=2)

    class Interrupts(rp.training.Callback):
        def before_training(self, run):
            raise KeyboardInterrupt

    other = classifier()
    before = other.state_dict()
    with pytest.raises(KeyboardInterrupt):
        fit(other, digits[0], [Interrupts(), stopping])
    same_state(other, before)


def test_the_best_state_comes_back_whatever_its_numbers_are():
    """load_state_dict would refuse an infinite weight, and the history would be lost."""
    net = rp.Sequential(rp.Linear(2, 2, rng=0))
    x, y = np.ones((4, 2), "float32"), np.array([0, 1, 0, 1])

    def spoil(run):
        run.net[0].bias.data[...] = np.inf

    history = rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), (x, y), epochs=1, progress=False,
                     callbacks=[spoil, rp.EarlyStopping(monitor="cost")])
    assert len(history["cost"]) == 1
    assert np.isinf(net[0].bias.data).all()


def test_a_class_is_no_callback(digits):
    with pytest.raises(rp.ArgumentError, match="callbacks must hold Callbacks or functions, got <class"):
        fit(classifier(), digits[0], [rp.EarlyStopping])
