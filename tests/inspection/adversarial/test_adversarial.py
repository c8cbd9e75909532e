"""Adversarial examples: their distance, their effect, and the state that attacks must not change."""

from copy import deepcopy
from functools import partial

import numpy as np
import pytest
from cases import Centre, numbers
from numpy.testing import assert_allclose, assert_array_equal
from steps import refuses

import retroprop as rp
from retroprop.errors import ArgumentError, DataError, NonFiniteError, ShapeError
from retroprop.inspection.adversarial import AdversarialTraining, Robustness, fgsm, pgd, robustness
from retroprop.inspection.adversarial.ball import Ball

X, Y = numbers(7, 3).astype("float32"), np.array([0, 2, 1, 1, 0, 2, 2])
BINARY = np.array([0, 1, 1, 0, 1, 0, 1])
SEVERAL = np.stack([BINARY, BINARY[::-1], 1 - BINARY], 1)
LOSSES = [rp.CrossEntropy(), rp.CrossEntropy([0.1, 3, 40]), rp.NLL(), rp.BCE(), rp.BCEWithLogits(), rp.Hinge(), rp.MSE(),
          rp.L1(), rp.Huber()]
ATTACKS = [partial(fgsm), partial(pgd, steps=3), partial(pgd, norm=2, steps=3, restarts=2, rng=0),
           partial(pgd, restarts=2, step_size=0.2, rng=0)]


def named(attack):
    """Return ids that are the same in every process."""
    return ", ".join([attack.func.__name__, *(f"{name}={value}" for name, value in attack.keywords.items())])




def layers(*end, outputs=3):
    return rp.Sequential(rp.Linear(3, 5, rng=1), rp.Tanh(), rp.Linear(5, outputs, rng=2), *end)


def noisy():
    """Return a net that computes something else in training mode."""
    net = rp.Sequential(rp.Linear(3, 6, rng=1), rp.BatchNorm(6), rp.Tanh(), rp.Dropout(0.4, rng=3), rp.Linear(6, 3, rng=2))
    for k in range(4):
        net.forward(numbers(9, 3, seed=k))
    return net


def attackable(loss):
    """Return a network and targets that fit the loss: with one output, (N, 1), for losses of two classes."""
    if isinstance(loss, (rp.CrossEntropy, rp.NLL)):
        return layers(*[rp.LogSoftmax()] * isinstance(loss, rp.NLL)), Y
    if isinstance(loss, (rp.BCE, rp.BCEWithLogits, rp.Hinge)):
        return layers(*[rp.Sigmoid()] * isinstance(loss, rp.BCE), outputs=1), BINARY
    return layers(), SEVERAL


def gradients(net, loss, x, y):
    """Return dC/dx of each example alone, in evaluation mode."""
    net, loss, found = deepcopy(net).eval(), deepcopy(loss), []
    for k in range(len(x)):
        loss.forward(net.forward(x[k:k + 1]), y[k:k + 1])
        found.append(net.backward(loss.backward()))
    return np.concatenate(found)


def wrong(net, x, y):
    return net.predict(x).argmax(1) != y


# The fast gradient sign


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_a_step_goes_along_the_sign_of_each_examples_gradient(loss):
    net, y = attackable(loss)
    found = fgsm(net, loss, X, y, 0.25)
    assert_allclose(found, X + 0.25 * np.sign(gradients(net, loss, X, y)), rtol=1e-6)
    assert_allclose(fgsm(net, loss, X, y, 0.25, targeted=True) - X, X - found, atol=1e-6)


@pytest.mark.parametrize("attack", ATTACKS, ids=named)
@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_neither_the_reduction_nor_the_other_examples_matter(attack, loss):
    net, y = attackable(loss)
    found = attack(net, loss, X, y, 0.25)
    for reduction in ("sum", "none"):
        other = deepcopy(loss)
        other.reduction = reduction
        assert_array_equal(attack(net, other, X, y, 0.25), found)
    if "restarts" not in str(attack):
        assert_allclose(np.concatenate([attack(net, loss, X[k:k + 1], y[k:k + 1], 0.25) for k in range(7)]), found, atol=1e-5)


def test_for_logistic_regression_the_sign_is_that_of_the_weights():
    """Goodfellow et al., section 5: the sign is -y sign(w), y in {-1, 1}, whatever the example."""
    net = rp.Linear(64, 1, rng=0)
    x, y = numbers(40, 64).astype("float32"), np.arange(40) % 2
    for target in (y, y[:, None]):
        moved = fgsm(net, rp.BCEWithLogits(), x, target, 0.25)
        assert_array_equal(np.sign(moved - x), -(2 * y - 1)[:, None] * np.sign(net.weight.data))
    two = rp.Linear(64, 2, rng=0)                                   # a softmax of two classes is a logistic regression
    difference = two.weight.data[1] - two.weight.data[0]
    assert_array_equal(np.sign(fgsm(two, rp.CrossEntropy(), x, y, 0.25) - x), -(2 * y - 1)[:, None] * np.sign(difference))


@pytest.mark.parametrize("attack", ATTACKS, ids=named)
def test_a_number_whose_derivative_is_0_does_not_change(attack):
    net = rp.Sequential(rp.Linear(3, 4, rng=1), rp.ReLU(), rp.Linear(4, 3, rng=2))
    net[0].weight.data[:, 1] = 0
    moved = attack(net, rp.CrossEntropy(), X, Y, 0.25)
    if "restarts" not in str(attack):
        assert_array_equal(moved[:, 1], X[:, 1])
        assert (moved[:, [0, 2]] != X[:, [0, 2]]).any()
    net[0].weight.data[...], net[0].bias.data[...] = 0, -1
    assert_array_equal(attack(net, rp.CrossEntropy(), X, Y, 0.25), X)


# Distances


@pytest.mark.parametrize("bounds", [None, (0, 1)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("attack", ATTACKS, ids=named)
def test_no_example_leaves_its_ball_or_the_bounds(attack, dtype, bounds):
    """Exactly, when measured in float64: a sum that is rounded up would be outside."""
    rng = np.random.default_rng(0)
    x, y = rng.random((50, 64)).astype(dtype), rng.integers(10, size=50)
    x[:, :20] = np.round(x[:, :20])
    net = rp.Linear(64, 10, rng=0, dtype=dtype)
    for eps in (0.1, 0.3, 1e-3, 0.0):
        moved = attack(net, rp.CrossEntropy(), x, y, eps, bounds=bounds)
        change = np.subtract(moved, x, dtype=float)
        size = np.linalg.norm(change, axis=1) if "norm" in str(attack) else np.abs(change)
        assert size.max() <= eps
        assert size.max() >= 0.9 * eps
        assert np.linalg.norm(moved - x, axis=1).max() <= eps or "norm" not in str(attack)  # in the dtype of x too
        assert bounds is None or ((moved >= 0) & (moved <= 1)).all()
        assert (moved.shape, moved.dtype) == (x.shape, dtype)
    assert_array_equal(moved, x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_offset_without_rounding_is_in_the_ball(dtype):
    """Around 0 the sum x + offset is exact, and the measured norm must not exceed eps."""
    ball = Ball(np.zeros((500, 37), dtype), 0.7, 2, None)
    point = ball.point(ball.project(9 * ball.direction(numbers(500, 37))))
    for a in (point, point.astype(float)):
        assert np.linalg.norm(a, axis=1).max() <= 0.7
        assert np.sqrt((a**2).sum(1)).max() <= 0.7


def test_bounds_may_differ_between_channels():
    x = np.array([[0.5, 10.0, -1.0]], "float32")
    net = rp.Linear(3, 1, weight_init=rp.Constant(-1.0))
    moved = fgsm(net, rp.BCEWithLogits(), x, [1], 1, bounds=([0, 0, -np.inf], [1, 10.5, np.inf]))
    assert_array_equal(moved, [[1, 10.5, 0]])


@pytest.mark.parametrize("attack", ATTACKS, ids=named)
def test_neither_the_axes_nor_the_order_in_memory_matter(attack):
    net, x, y = rp.Linear(12, 3, rng=0), numbers(5, 12).astype("float32"), np.array([0, 1, 2, 0, 1])
    images = rp.Sequential(rp.Flatten(), deepcopy(net))
    flat, square = attack(net, rp.CrossEntropy(), x, y, 0.3), x.reshape(5, 3, 2, 2)
    last = np.ascontiguousarray(np.moveaxis(square, 0, -1))
    for same in (square, np.moveaxis(last, -1, 0)):
        assert_array_equal(attack(images, rp.CrossEntropy(), same, y, 0.3), flat.reshape(5, 3, 2, 2))


def test_integers_become_float32():
    moved = fgsm(layers(), rp.CrossEntropy(), np.arange(21, dtype="uint8").reshape(7, 3), Y, 0.5)
    assert moved.dtype == "float32"


# Projected gradient ascent


@pytest.mark.parametrize("norm", [np.inf, 2])
def test_many_steps_find_the_corner_of_a_linear_model(norm):
    """For linear logits the worst point is known: along -y sign(w), or -y w/|w|."""
    net, x, sign = rp.Linear(3, 1, rng=0), X, -(2 * BINARY - 1)[:, None]
    w = net.weight.data
    worst = x + 0.5 * sign * (np.sign(w) if norm != 2 else w / np.linalg.norm(w))
    for options in ({}, {"steps": 1}, {"steps": 40, "step_size": 0.05}):
        assert_allclose(pgd(net, rp.BCEWithLogits(), x, BINARY, 0.5, norm=norm, **options), worst, atol=1e-5)


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e-200, 5e-324])
def test_a_vanishing_gradient_has_a_direction(scale):
    """Although its squares underflow to 0; only a gradient of 0 has no direction."""
    g = np.array([[3.0, -4.0], [0.0, 0.0], [1.0, 0.0]]) * scale
    ball = Ball(np.zeros((3, 2)), 1, 2, None)
    assert_allclose(ball.direction(g), [[0.6, -0.8], [0, 0], [1, 0]], rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("step_size", [None, 0.7])
def test_examples_that_fgsm_fools_pgd_fools_too(seed, step_size):
    """Also with steps that are too long, and if the cost is higher at points that are classified correctly."""
    net = rp.Sequential(rp.Linear(3, 20, weight_init=rp.Normal(2), rng=seed), rp.Tanh(), rp.Linear(20, 5, rng=seed + 9))
    x, y = numbers(300, 3, seed=seed), net.predict(numbers(300, 3, seed=seed)).argmax(1)
    loss = rp.CrossEntropy()
    single = wrong(net, fgsm(net, loss, x, y, 0.3), y)
    many = pgd(net, loss, x, y, 0.3, steps=4, step_size=step_size)
    assert 0.1 < single.mean() < wrong(net, many, y).mean()
    assert not (single & ~wrong(net, many, y)).any()
    more = wrong(net, pgd(net, loss, x, y, 0.3, steps=4, step_size=step_size, restarts=2, rng=0), y)
    assert not (wrong(net, many, y) & ~more).any()


def test_a_misclassified_example_stays_misclassified():
    net, loss = layers(), rp.CrossEntropy()
    y = (net.predict(X).argmax(1) + 1) % 3
    for attack in ATTACKS[1:]:
        assert wrong(net, attack(net, loss, X, y, 1.0), y).all()


def test_without_classes_only_the_cost_counts():
    net, loss = layers(), rp.MSE("none")
    cost = [loss.forward(net.predict(x), SEVERAL).sum(1) for x in (
        X, fgsm(net, loss, X, SEVERAL, 0.5), pgd(net, loss, X, SEVERAL, 0.5),
        pgd(net, loss, X, SEVERAL, 0.5, restarts=3, rng=0), pgd(net, loss, X, SEVERAL, 0.5, targeted=True))]
    assert (cost[2] >= np.maximum(cost[0], cost[1])).all()
    assert (cost[3] >= cost[2]).all()
    assert (cost[4] < cost[0]).all()


def test_a_targeted_attack_reaches_its_class():
    net, loss, wanted = layers(), rp.CrossEntropy(), np.full(7, 1)
    before, after = (net.predict(x) for x in (X, pgd(net, loss, X, wanted, 3, targeted=True)))
    assert (after.argmax(1) == 1).sum() > (before.argmax(1) == 1).sum() + 2
    loss.reduction = "none"
    assert (loss.forward(after, wanted) <= loss.forward(before, wanted)).all()


def test_restarts_are_drawn_from_rng():
    net, y = layers(), np.full((7, 3), 0.5)
    found = [pgd(net, rp.MSE(), X, y, 0.5, steps=1, step_size=1e-3, restarts=3, rng=seed) for seed in (0, 0, 1)]
    assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).any()


@pytest.mark.parametrize("norm", [np.inf, 2])
def test_random_points_fill_the_ball(norm):
    ball = Ball(np.zeros((4000, 2)), 0.5, norm, None)
    offsets = ball.draw(np.random.default_rng(0))
    inner = np.abs(offsets).max(1) if norm != 2 else np.linalg.norm(offsets, axis=1)
    assert_allclose([np.mean(inner < 0.25), np.mean(offsets[:, 0] < 0)], [0.25, 0.5], atol=0.03)


# What attacks must not change


@pytest.mark.parametrize("attack", [*ATTACKS, partial(robustness, rng=0)], ids=named)
def test_the_network_is_attacked_in_evaluation_mode_and_left_as_it_was(attack):
    """An attack between forward and backward does not change the results of later phases."""
    net, loss = noisy(), rp.CrossEntropy()
    net[4].eval()
    eps = [0.3] if attack.func is robustness else 0.3
    loss.forward(net.forward(X), Y)
    g = loss.backward()
    gx, state, drawn = net.backward(g), net.state_dict(), str(net[3].rng.bit_generator.state)
    net.update()
    grads = [parameter.grad.copy() for parameter in net.parameters()]

    found = attack(net, loss, X, Y, eps)
    assert_array_equal(net[1].gradient.shape, (7, 6))
    assert [module.training for module in net] == [True] * 4 + [False]
    for (name, a), b in zip(net.state_dict().items(), state.values(), strict=True):
        assert_array_equal(a, b, err_msg=name)
    for a, b in zip((parameter.grad for parameter in net.parameters()), grads, strict=True):
        assert_array_equal(a, b)
    assert str(net[3].rng.bit_generator.state) == drawn
    assert_array_equal(loss.backward(), g)
    assert_array_equal(net.backward(g), gx)
    assert loss.reduction == "mean"
    quiet = attack(net.eval(), loss, X, Y, eps)
    assert_array_equal(*(getattr(one, "error", one) for one in (quiet, found)))


# Robustness


def test_robustness_counts_the_errors():
    net, loss = layers(), rp.CrossEntropy()
    found = robustness(net, loss, X, Y, (0.5, 0.1), rng=5)
    rng = np.random.default_rng(5)
    for k, eps in enumerate((0.5, 0.1)):
        moved = fgsm(net, loss, X, Y, eps)
        out = net.predict(moved).astype(float)
        p = np.exp(out) / np.exp(out).sum(1, keepdims=True)
        assert found.error[k] == wrong(net, moved, Y).mean()
        assert_allclose(found.confidence[k], p.max(1)[wrong(net, moved, Y)].mean(), rtol=1e-6)
        assert found.random_error[k] == wrong(net, X + eps * (2 * rng.integers(2, size=X.shape) - 1), Y).mean()
    assert (found.eps, found.clean_error, found.examples) == ((0.5, 0.1), wrong(net, X, Y).mean(), 7)


@pytest.mark.parametrize(("loss", "probability"), [
    (rp.BCEWithLogits(), lambda s: 1 / (1 + np.exp(-np.abs(s)))), (rp.BCE(), lambda p: np.maximum(p, 1 - p)),
    (rp.Hinge(), lambda s: s * np.nan), (rp.NLL(), lambda s: np.exp(s.max(1)))], ids=["BCEWithLogits", "BCE", "Hinge", "NLL"])
def test_the_confidence_is_the_probability_of_the_wrong_class(loss, probability):
    net, y = attackable(loss)
    out = net.predict(X)
    y = 1 - (out.reshape(-1) > (0.5 if isinstance(loss, rp.BCE) else 0)) if out.shape[1] == 1 else (out.argmax(1) + 1) % 3
    found = robustness(net, loss, X, y, [0])
    assert found.error == (1,)
    assert_allclose(found.confidence, [probability(out).mean()], rtol=1e-6)


def test_random_changes_have_the_size_of_the_attack_in_either_norm(monkeypatch):
    seen = []
    net = rp.Linear(3, 3, rng=0)
    monkeypatch.setattr(rp.Linear, "predict", lambda self, x, rows: seen.append(x) or np.eye(3)[Y])
    found = robustness(net, rp.CrossEntropy(), X, Y, [0.3], attack=lambda net, loss, x, y, eps, bounds: x, norm=2, rng=0)
    assert_allclose(np.linalg.norm(seen[2] - X, axis=1), 0.3, rtol=1e-4)
    assert_allclose(np.abs(seen[2] - X), 0.3 / 3**0.5, rtol=1e-4)
    assert found.norm == 2


def test_robustness_prints_as_a_table():
    text = str(Robustness((0.05, 0.25), (0.0, 0.996), (np.nan, 0.85), (0.0, 0.09), np.inf, 0.02, 500, "fgsm"))
    assert text.splitlines() == ["fgsm of 500 examples, error without attack 0.020", " eps  error  confidence  random signs",
                                 "-" * 37, "0.05  0.000           -         0.000", "0.25  0.996        0.85         0.090"]
    found = robustness(layers(), rp.CrossEntropy(), X, Y, [0.1], attack=partial(pgd, steps=2))
    assert str(found).startswith("pgd(steps=2) of 7 examples, error ")


# Training


def test_part_of_a_batch_is_replaced_by_adversarial_examples_of_the_current_network():
    """fit with the callback equals an explicit loop."""
    made, by_hand, loss = noisy(), noisy(), rp.CrossEntropy()
    x, y = numbers(12, 3).astype("float32"), np.arange(12) % 3
    sgd, rng, bounds = rp.SGD(by_hand.parameters(), lr=0.1), np.random.default_rng(7), (float(x.min()), float(x.max()))
    for _ in range(2):
        for xb, yb in rp.datasets.batches(x, y, batch_size=6, rng=rng):
            mixed = np.concatenate([fgsm(by_hand, loss, xb[:3], yb[:3], 0.5, bounds=bounds), xb[3:]])
            loss.forward(by_hand.forward(mixed), yb)
            by_hand.backward(loss.backward())
            by_hand.update()
            sgd.step()
    rp.fit(made, loss, rp.SGD(made.parameters(), lr=0.1), (x, y), epochs=2, batch_size=6, rng=7,
           callbacks=[AdversarialTraining(0.5, bounds=bounds)])
    for (name, a), (_, b) in zip(made.state_dict().items(), by_hand.state_dict().items(), strict=True):
        assert_array_equal(a, b, err_msg=name)
    assert str(made[3].rng.bit_generator.state) == str(by_hand[3].rng.bit_generator.state)


@pytest.mark.parametrize(("share", "size", "total"), [(0.5, 1, 10), (0.5, 5, 10), (0.3, 2, 6), (1, 3, 20), (0.01, 5, 0)])
def test_fractions_of_an_example_are_carried_over(share, size, total):
    replaced = []

    def attack(net, loss, x, y, eps, bounds):
        replaced.append(len(x))
        return x + eps

    net, x = layers(), np.zeros((20, 3), "float32")
    sizes = []

    class Look(rp.Callback):
        def before_batch(self, run):
            sizes.append(int((run.x == 0.5).all(1).sum()))
            assert len(run.x) == len(run.y)

    callback = AdversarialTraining(0.5, share, attack)
    for _ in range(2):                                              # a second training carries nothing over
        replaced.clear(), sizes.clear()
        rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), (x, np.arange(20) % 3), epochs=1, batch_size=size,
               callbacks=[callback, Look()])
        assert sum(replaced) == sum(sizes) == total
    assert max(replaced, default=0) <= size + 1                     # fit appends a single last example to the batch before


def test_the_repr_of_the_callback():
    assert repr(AdversarialTraining(0.1)) == "AdversarialTraining(0.1, share=0.5, attack=fgsm)"
    assert repr(AdversarialTraining(0.1, 1, partial(pgd, steps=3), (0, 1))) == (
        "AdversarialTraining(0.1, share=1, attack=pgd(steps=3), bounds=(0, 1))")


# On the digits, after Goodfellow et al.


@pytest.fixture(scope="module")
def digits():
    return rp.datasets.split(*rp.datasets.digits(), test=500, rng=0)


def trained(net, lr, data, epochs, **options):
    rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=lr), data, epochs=epochs, rng=0, **options)
    return net


def deep():
    return rp.Sequential(rp.Linear(64, 100, rng=0), rp.Tanh(), rp.Linear(100, 100, rng=1), rp.Tanh(), rp.Linear(100, 10, rng=2))


@pytest.mark.parametrize(("build", "lr"), [(lambda: rp.Linear(64, 10, rng=0), 0.5), (deep, 0.1)], ids=["softmax", "tanh"])
def test_small_adversarial_changes_fool_a_network_and_random_ones_do_not(digits, build, lr):
    train, test = digits
    net, loss = trained(build(), lr, train, 70), rp.CrossEntropy()
    found = robustness(net, loss, *test, bounds=(0, 1), rng=0)
    assert found.clean_error < 0.04
    assert found.error[3] >= 0.95
    assert found.confidence[3] > 0.75
    assert found.error[1] >= 8 * found.random_error[1]
    assert (np.diff([found.clean_error, *found.error]) >= 0).all()
    many = robustness(net, loss, *test, bounds=(0, 1), rng=0, attack=pgd)
    assert all(a >= b for a, b in zip(many.error, found.error, strict=True))
    assert many.error[1] > found.error[1]


@pytest.mark.long
def test_adversarial_training_halves_the_error(digits):
    train, test = digits
    plain = trained(deep(), 0.1, train, 40)
    hardened = trained(deep(), 0.1, train, 40, callbacks=[AdversarialTraining(0.1, bounds=(0, 1))])
    before, after = (robustness(net, rp.CrossEntropy(), *test, [0.1], bounds=(0, 1), rng=0) for net in (plain, hardened))
    assert after.error[0] <= before.error[0] / 2
    assert after.clean_error <= before.clean_error + 0.02


# What is refused


def two_inputs():
    return rp.Graph({"s": (rp.Add(), "a", "b"), "y": (rp.Linear(3, 3, rng=1), "s")}, inputs=("a", "b"), outputs="y")


@pytest.mark.parametrize(("change", "kind", "text"), [
    ({"net": "net"}, ArgumentError, "net must be a Module, got 'net'"),
    ({"loss": "loss"}, ArgumentError, "loss must be a Loss, got 'loss'"),
    ({"net": two_inputs(), "x": (X, X)}, ShapeError,
     "net must have one input, which the attack changes, got 2 inputs"),
    ({"net": rp.Add(), "x": (X, X)}, ShapeError,
     "net must have one input, which the attack changes, got several inputs"),
    ({"net": rp.Sequential(Centre(), rp.Linear(3, 3, rng=0))}, ArgumentError,
     "net must compute each example independently in evaluation mode, got a batch-dependent module, Centre()"),
    ({"y": Y[:5]}, ShapeError, "y must have as many examples as x, 7, got 5"),
    ({"x": X * np.nan}, DataError, "x must be finite, got 21 NaN or infinite of 21 values, first at (0, 0)"),
    ({"eps": -1}, ArgumentError, "eps must be a number in [0, inf), got -1"),
    ({"eps": "1"}, ArgumentError, "eps must be a number in [0, inf), got '1'"),
    ({"bounds": 1}, ArgumentError, "bounds must be a pair (low, high), got 1"),
    ({"bounds": ([0, 1], 2)}, ShapeError,
     "bounds must be numbers, or arrays that broadcast with x of shape (7, 3), got shapes (2,) and ()"),
    ({"x": X * 0 + 2, "bounds": (0, 1)}, DataError,
     "x must be within bounds, got 21 of 21 values outside, from 2 to 2, with bounds (0, 1)"),
    ({"x": X * 0, "bounds": (1, -1)}, DataError,
     "x must be within bounds, got 21 of 21 values outside, from 0 to 0, with bounds (1, -1)")])
@pytest.mark.parametrize("attack", [fgsm, pgd])
def test_attacks_refuse(attack, change, kind, text):
    arguments = {"net": layers(), "loss": rp.CrossEntropy(), "x": X, "y": Y, "eps": 0.1} | change
    with refuses(kind, text):
        attack(**arguments)


@pytest.mark.parametrize(("options", "text"), [
    ({"norm": 1}, "norm must be 2 or numpy.inf, got 1"), ({"norm": "inf"}, "norm must be 2 or numpy.inf, got 'inf'"),
    ({"steps": 0}, "steps must be an integer of at least 1, got 0"),
    ({"restarts": -1}, "restarts must be an integer of at least 0, got -1"),
    ({"step_size": 0}, "step_size must be a number in (0, inf), got 0"),
    ({"rng": -1}, "rng must be None, an integer of at least 0 or a numpy.random.Generator, got -1")])
def test_pgd_refuses(options, text):
    with refuses(ArgumentError, text):
        pgd(layers(), rp.CrossEntropy(), X, Y, 0.1, **options)


def test_a_cost_or_a_gradient_that_is_not_finite_is_refused():
    net = layers()
    net[2].bias.data[0] = np.nan
    with pytest.raises(NonFiniteError, match="the cost of this batch is"):
        fgsm(net, rp.CrossEntropy(), X, Y, 0.1)
    root = rp.Function(np.sqrt, lambda x: 0.5 / np.sqrt(x))
    with np.errstate(divide="ignore"), refuses(NonFiniteError, "the gradient of the cost with respect to x must be finite, got "
                                                                 "NaN or infinity"):
        fgsm(root, rp.MSE(), np.zeros((7, 3)), np.ones((7, 3)), 0.1)


@pytest.mark.parametrize(("change", "kind", "text"), [
    ({"loss": rp.MSE(), "y": X}, ArgumentError,
     "robustness: loss must be one for classes (BCE, BCEWithLogits, CrossEntropy, Hinge, NLL), and y must hold classes, of "
     "shape (7,), or one-hot rows, got MSE() and y of shape (7, 3)"),
    ({"eps": []}, ArgumentError, "robustness: eps must hold at least one number, got []"),
    ({"eps": 0.1}, ArgumentError, "robustness: eps must hold at least one number, got 0.1"),
    ({"eps": [0.1, -2]}, ArgumentError, "eps must be a number in [0, inf), got -2"),
    ({"norm": 3}, ArgumentError, "norm must be 2 or numpy.inf, got 3"),
    ({"attack": "fgsm"}, ArgumentError, "attack must be a function, such as adversarial.fgsm, got 'fgsm'"),
    ({"attack": lambda net, loss, x, y, eps, bounds: x[:2]}, ShapeError,
     "attack must return an array of the shape of x, (7, 3), got (2, 3)")])
def test_robustness_refuses(change, kind, text):
    with refuses(kind, text):
        robustness(**{"net": layers(), "loss": rp.CrossEntropy(), "x": X, "y": Y} | change)


@pytest.mark.parametrize(("arguments", "text"), [
    ((-0.1,), "eps must be a number in [0, inf), got -0.1"), ((0.1, 0), "share must be a number in (0, 1], got 0"),
    ((0.1, 1, None), "attack must be a function, such as adversarial.fgsm, got None")])
def test_adversarial_training_refuses(arguments, text):
    with refuses(ArgumentError, text):
        AdversarialTraining(*arguments)


def test_attacks_take_many_examples_in_parts(monkeypatch):
    """With bounds per pixel; the result is that of each part alone."""
    net, loss, x = rp.Sequential(rp.Linear(3, 5, rng=0), rp.Tanh(), rp.Linear(5, 3, rng=1)), rp.CrossEntropy(), numbers(13, 3)
    y, bounds = np.arange(13) % 3, (x - 0.2, x + np.linspace(0, 0.2, 39).reshape(13, 3))
    whole = [attack(net, loss, x, y, 0.3, bounds=bounds) for attack in (fgsm, pgd)]
    monkeypatch.setattr("retroprop.inspection.adversarial.attacks.ROWS", 4)
    for attack, expected in zip((fgsm, pgd), whole, strict=True):
        assert_allclose(attack(net, loss, x, y, 0.3, bounds=bounds), expected, rtol=1e-12)


def test_robustness_measures_in_the_norm_of_its_attack():
    with pytest.raises(rp.ArgumentError, match="robustness: norm must be that of the attack, 2, got inf"):
        robustness(rp.Linear(3, 3, rng=0), rp.CrossEntropy(), X, Y, attack=partial(pgd, norm=2))


def test_adversarial_training_checks_the_bounds_of_all_examples_before_the_first_step():
    x, y = np.zeros((8, 3)), np.arange(8) % 3
    x[7] = 2
    net, two = rp.Linear(3, 3, rng=0), rp.Sequential(rp.Add(), rp.Linear(3, 3, rng=1))
    before = net.weight.data.copy()
    for seed in range(4):
        with pytest.raises(rp.DataError, match="x must be within bounds, got 3 of 24 values outside"):
            rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), (x, y), epochs=1, batch_size=1, rng=seed,
                   callbacks=[AdversarialTraining(0.1, bounds=(0, 1))], progress=False)
        assert_array_equal(net.weight.data, before)
    with pytest.raises(ShapeError, match="net must have one input, which the attack changes, got several inputs"):
        rp.fit(two, rp.CrossEntropy(), rp.SGD(two.parameters(), lr=0.1), ((x, x), y), epochs=1, progress=False,
               callbacks=[AdversarialTraining(0.1, bounds=(0, 3))])


def test_attacks_know_the_classes_of_one_hot_rows():
    net, one_hot = layers(), np.eye(3)[Y]
    net.eval()
    for attack in (fgsm, pgd):
        moved, same = (attack(net, rp.CrossEntropy(), X, y, 0.3) for y in (one_hot, Y))
        assert_allclose(moved, same, atol=1e-6)
    for loss in (rp.CrossEntropy(), rp.BCEWithLogits()):
        found = robustness(net, loss, X, one_hot, [0.3], rng=0)
        assert found.clean_error == (net.predict(X).argmax(1) != Y).mean()
    assert found.confidence[0] >= 0.5 or np.isnan(found.confidence[0])
