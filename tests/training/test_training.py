"""fit, evaluate, accuracy and callbacks: the loop gives the same bits as the phases written out, and explains errors."""

import tracemalloc

import numpy as np
import pytest

import retroprop as rp


@pytest.fixture
def digits():
    x, y = rp.datasets.digits()
    return rp.datasets.split(x, y, test=500, rng=0)


def classifier(seed=0, **options):
    a, b = np.random.default_rng(seed).spawn(2)
    return rp.Sequential(rp.Linear(64, 32, rng=a, **options), rp.Tanh(), rp.Linear(32, 10, rng=b, **options))


def test_fit_is_the_loop_written_out(digits):
    """The loop of phases, written out with the same batches, gives the same bits."""
    (x, y), _ = digits
    by_hand, by_fit, loss = classifier(), classifier(), rp.CrossEntropy()
    sgd = rp.SGD(by_hand.parameters(), lr=0.1, momentum=0.9)
    rng = np.random.default_rng(7)
    for _ in range(2):
        for xb, yb in rp.datasets.batches(x, y, batch_size=25, rng=rng):
            loss.forward(by_hand.forward(xb), yb)
            by_hand.backward(loss.backward())
            by_hand.update()
            sgd.step()
    history = rp.fit(by_fit, loss, rp.SGD(by_fit.parameters(), lr=0.1, momentum=0.9), (x, y), epochs=2, batch_size=25, rng=7)
    for (name, a), (_, b) in zip(by_hand.named_parameters(), by_fit.named_parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data, err_msg=name)
    assert history["epoch"] == [1, 2]
    assert history["cost"][1] < history["cost"][0]


def test_history_holds_validation_and_prints_its_last_epoch(digits):
    train, test = digits
    net, loss = classifier(), rp.CrossEntropy()
    history = rp.fit(net, loss, rp.SGD(net.parameters(), lr=0.1), train, epochs=3, validation=test, rng=0)
    assert set(history) == {"epoch", "cost", "validation_cost", "validation_accuracy", "seconds"}
    assert all(len(column) == 3 for column in history.values())
    evaluation = rp.evaluate(net, loss, *test)
    assert history["validation_cost"][-1] == pytest.approx(evaluation.cost)
    assert history["validation_accuracy"][-1] == evaluation.accuracy > 0.8
    assert str(history).startswith("epoch 3: cost ")


@pytest.mark.parametrize(("loss", "prediction", "y", "expected"), [
    (rp.CrossEntropy(), [[2.0, 1.0], [0.0, 3.0], [1.0, 0.0]], [0, 1, 1], 2 / 3),
    (rp.BCE(), [[0.4], [0.6], [0.7]], [0, 1, 0], 2 / 3),
    (rp.BCEWithLogits(), [[0.4], [-0.6], [0.7]], [0, 0, 1], 2 / 3),                  # a logit of 0.4 says class 1
    (rp.Hinge(), [0.4, -0.6, 0.7], [1, 0, 1], 1.0),
    (rp.MSE(), [0.4, -0.6, 0.7], [1, 0, 1], None),
    (rp.BCE(), [0.4, 0.6, 0.7], [0.1, 0.5, 0.9], None),                              # targets that are no classes
])
def test_evaluate_knows_where_the_loss_draws_the_line(loss, prediction, y, expected):
    net = rp.Identity()
    found = rp.evaluate(net, loss, np.array(prediction), np.array(y))
    assert found.accuracy == (expected if expected is None else pytest.approx(expected))


def test_evaluate_in_parts_is_evaluate_at_once(digits):
    _, (x, y) = digits
    net, loss = classifier(), rp.CrossEntropy()
    assert rp.evaluate(net, loss, x, y, batch_size=64).cost == pytest.approx(rp.evaluate(net, loss, x, y).cost, rel=1e-6)


def test_evaluate_between_forward_and_backward_changes_nothing(digits):
    (x, y), test = digits
    net, loss = classifier(), rp.CrossEntropy()
    loss.forward(net.forward(x[:20]), y[:20])
    rp.evaluate(net, loss, *test)
    g = loss.backward()
    assert g.shape == (20, 10)
    assert np.abs(g.sum(1)).max() < 1e-6
    assert net.backward(g).shape == (20, 64)


@pytest.mark.parametrize(("prediction", "y"), [([0.1, 0.9], [0, 1]), ([[0.1], [0.9]], [0, 1]), ([[3, 1], [1, 3]], [[0], [1]])])
def test_accuracy_takes_columns_and_vectors(prediction, y):
    assert rp.accuracy(prediction, y) == 1.0
    assert rp.accuracy(prediction, [1 - int(np.ravel(label)[0]) for label in y]) == 0.0


def test_callbacks_see_every_phase_in_order_and_may_change_the_batch():
    seen = []

    class Spy(rp.Callback):
        def before_training(self, run):
            seen.append("training")

        def before_batch(self, run):
            seen.append(f"batch {run.epoch}.{run.batch}")
            run.x = np.zeros_like(run.x)

        def after_step(self, run):
            seen.append(f"step {run.cost:.4f}")

        def after_epoch(self, run):
            seen.append(f"epoch {run.history['epoch'][-1]:.0f}")

        def after_training(self, run):
            seen.append("done")

    net = rp.Sequential(rp.Linear(2, 1, bias=False, rng=0))
    rp.fit(net, rp.MSE(), rp.SGD(net.parameters(), lr=0.1), (np.ones((4, 2)), np.full((4, 1), 2.0)), epochs=1, batch_size=2,
           callbacks=[Spy()])
    assert seen == ["training", "batch 1.1", "step 4.0000", "batch 1.2", "step 4.0000", "epoch 1", "done"]


def test_modules_that_are_to_keep_their_statistics_do(digits):
    net = rp.Sequential(rp.Linear(64, 8, rng=0), rp.BatchNorm(8), rp.Dropout(rng=1), rp.Linear(8, 10, rng=2))
    net[1].eval()
    rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), digits[0], epochs=1, rng=0)
    np.testing.assert_array_equal(net[1].running_mean, np.zeros(8))
    assert [module.training for module in net] == [True, False, True, True]


def test_the_cost_of_an_epoch_is_that_of_all_its_examples(digits):
    """Also if classes have weights, so that batches have unequal weights."""
    (x, y), _ = digits
    loss, net = rp.CrossEntropy(weight=np.linspace(0.01, 1, 10)), classifier()
    history = rp.fit(net, loss, rp.SGD(net.parameters(), lr=0), (x, y), epochs=1, batch_size=7, rng=0)
    assert history["cost"][0] == pytest.approx(rp.evaluate(net, loss, x, y).cost, rel=1e-5)


def test_a_validation_cost_that_is_not_finite_stops_too(digits):
    train, test = digits
    net = classifier()
    with pytest.raises(rp.NonFiniteError, match=r"the validation cost of epoch 1 is (nan|inf): training has diverged"):
        rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=1e38), train, epochs=1, batch_size=1297, validation=test)


def test_a_cost_that_is_not_finite_names_epoch_batch_and_module(digits):
    (x, y), _ = digits
    net = rp.Sequential(*(m for k in range(8) for m in (
        rp.Linear(64, 64, weight_init=rp.Normal(std=3e4), rng=k), rp.ReLU())), rp.Linear(64, 10, rng=9))
    before = net.state_dict()
    text = r"epoch 1, batch 1 is (nan|inf); the first output that is not finite is that of module 14, Linear\(64, 64"
    with pytest.raises(rp.NonFiniteError, match=text):
        rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), (x, y), epochs=1, rng=0)
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name], err_msg="the step of that batch must not be made")


def test_a_single_last_example_joins_the_batch_before_it():
    """17 examples in batches of 8 leave one, which BatchNorm refuses in training."""
    x, y = rp.datasets.blobs(17, rng=0)
    net = rp.Sequential(rp.Linear(2, 4, rng=0), rp.BatchNorm(4), rp.Linear(4, 3, rng=1))
    sizes = []

    class Sizes(rp.Callback):
        def before_batch(self, run):
            sizes.append(len(run.x))

    rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), (x, y), epochs=1, batch_size=8, callbacks=[Sizes()])
    assert sizes == [8, 9]


def test_progress_is_silent_where_standard_error_is_no_terminal(digits, capfd):
    net = classifier()
    rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), digits[0], epochs=1)
    assert capfd.readouterr().err == ""


def test_a_regression_learns_a_sine():
    x, y = rp.datasets.sine(200, noise=0.05, rng=0)
    net = rp.Sequential(rp.Linear(1, 32, rng=1), rp.Tanh(), rp.Linear(32, 1, rng=2))
    history = rp.fit(net, rp.MSE(), rp.Adam(net.parameters(), lr=0.02), (x, y), epochs=100, rng=0)
    assert history["cost"][-1] < 0.05 < history["cost"][0]


X, Y = np.ones((6, 3), "float32"), np.zeros(6, int)
SPOILT = np.where(np.arange(18).reshape(6, 3) == 7, np.nan, 1.0)


@pytest.mark.parametrize(("change", "kind", "text"), [
    ({"epochs": 0}, rp.ArgumentError, "epochs must be an integer of at least 1, got 0"),
    ({"batch_size": -1}, rp.ArgumentError, "batch_size must be an integer of at least 1, got -1"),
    ({"data": (SPOILT, Y)}, rp.DataError, r"data\[0\] must be finite, got 1 NaN or infinite of 18 values, first at \(2, 1\)"),
    ({"data": (X, Y[:5])}, rp.ShapeError, r"data\[1\] must have as many examples as data\[0\], 6, got 5"),
    ({"data": (X[:0], Y[:0])}, rp.DataError, r"data\[0\] must not be empty"),
    ({"data": (X, Y + 4)}, rp.DataError, r"classes must be in 0\.\.3, got values from 4 to 4"),
    ({"data": (X, Y + 0.5)}, rp.DtypeError, "target must be integer classes"),
    ({"data": (X.astype(complex), Y)}, rp.DtypeError, r"data\[0\] must hold real numbers"),
    ({"data": (X[:, :2], Y)}, rp.ShapeError, r"x must have shape \(\.\.\., 3\), got \(6, 2\)"),
    ({"data": X}, rp.ArgumentError, r"data must be a pair \(x, y\), got ndarray"),
    ({"data": (X,)}, rp.ArgumentError, r"data must be a pair \(x, y\), got a tuple of 1$"),
    ({"data": (X, Y, Y)}, rp.ArgumentError, r"must be a pair \(x, y\), got a tuple of 3; weights of the examples are sample_w"),
    ({"validation": [X, Y, Y, Y]}, rp.ArgumentError, r"validation must be a pair \(x, y\), got a list of 4"),
    ({"callbacks": [3]}, rp.ArgumentError, "callbacks must hold Callbacks or functions, got 3"),
    ({"loss": "mse"}, rp.ArgumentError, "loss must be a Loss, such as CrossEntropy"),
    ({"optimizer": 0.1}, rp.ArgumentError, "optimizer must be an Optimizer, such as SGD"),
    ({"optimizer": rp.SGD(rp.Linear(3, 4, rng=1).parameters(), lr=0.1)}, rp.ArgumentError,
     "optimizer must hold parameters of net, got one that was built for another network"),
    ({"callbacks": rp.EarlyStopping()}, rp.ArgumentError, "callbacks must be a list of Callbacks or functions"),
    ({"rng": "0"}, rp.ArgumentError, "rng must be None, an integer"),
    ({"validation": (SPOILT, Y)}, rp.DataError, r"validation\[0\] must be finite"),
    ({"validation": (X, Y - 1)}, rp.DataError, r"classes must be in 0\.\.3, got values from -1"),
    ({"loss": rp.CrossEntropy(reduction="none")}, rp.ArgumentError, 'loss must have reduction "mean" or "sum"'),
])
def test_fit_refuses_before_anything_changes(change, kind, text):
    net = rp.Sequential(rp.Linear(3, 4, rng=0))
    before = net.state_dict()
    arguments = {"loss": rp.CrossEntropy(), "data": (X, Y), "epochs": 1} | change
    loss, data, optimizer = arguments.pop("loss"), arguments.pop("data"), arguments.pop("optimizer", None)
    with pytest.raises(kind, match=text):
        rp.fit(net, loss, optimizer or rp.SGD(net.parameters(), lr=0.1), data, **arguments)
    np.testing.assert_array_equal(net.state_dict()["0.weight"], before["0.weight"])


def test_labels_that_are_no_numbers_have_no_accuracy():
    with pytest.raises(rp.DtypeError, match="y must hold real numbers"):
        rp.accuracy([[0.2, 0.8]], ["a"])


@pytest.mark.parametrize("build", [lambda p: rp.SGD(p, lr=0.1, momentum=0.9), rp.Adam], ids=["SGD", "Adam"])
def test_a_step_makes_no_array_of_a_hidden_layers_size(build):
    """The peak of memory is measured in the second step, from forward to the optimizer."""
    net = rp.Sequential(rp.Linear(8, 256, rng=0), rp.BatchNorm(256), rp.ReLU(), rp.Dropout(rng=1), rp.Linear(256, 3, rng=2))
    loss, optimizer, x, y = rp.CrossEntropy(), build(net.parameters()), np.ones((64, 8), "float32"), np.zeros(64, int)

    def step():
        loss.forward(net.forward(x), y)
        net.backward(loss.backward(), input_gradient=False)
        net.update()
        optimizer.step()

    step()
    tracemalloc.start()
    step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 256 * 4
