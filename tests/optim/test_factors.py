"""The gradient of a large weight may stay two factors until somebody looks: the numbers are those of the written gradient."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import retroprop as rp

X = np.random.default_rng(0).normal(size=(80, 300)).astype("float32")
Y = np.arange(80) % 10
OPTIMIZERS = {
    "plain": lambda parameters: rp.SGD(parameters, lr=0.1),
    "momentum": lambda parameters: rp.SGD(parameters, lr=0.1, momentum=0.9),
    "nesterov": lambda parameters: rp.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01,
                                          decay_biases=False),
    "Adam": rp.Adam}


def network(dtype="float32"):
    """Its first weight is large for a batch of ten, and the second too; the last is small."""
    return rp.Sequential(rp.Linear(300, 513, rng=1, dtype=dtype), rp.Tanh(), rp.Linear(513, 200, rng=2, dtype=dtype), rp.Tanh(),
                         rp.Linear(200, 10, rng=3, dtype=dtype))


def train(net, optimizer, look=lambda step: None, batch=10, steps=4):
    loss = rp.CrossEntropy()
    for step in range(steps):
        rows = np.arange(step * batch, (step + 1) * batch) % len(X)
        loss.forward(net.forward(X[rows]), Y[rows])
        net.backward(loss.backward(), input_gradient=False)
        net.update()
        look(step)
        optimizer.step()
    return net


def numbers(net):
    return np.concatenate([parameter.data.ravel() for parameter in net.parameters()])


def after_one_update(net):
    loss = rp.CrossEntropy()
    loss.forward(net.forward(X[:10]), Y[:10])
    net.backward(loss.backward(), input_gradient=False)
    net.update()
    return net


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_have_the_same_bits_whether_anybody_looks_at_the_gradient_or_not(name, dtype):
    unseen, seen = network(dtype), network(dtype)
    train(unseen, OPTIMIZERS[name](unseen.parameters()))
    assert unseen[0].weight.factors is not None
    train(seen, OPTIMIZERS[name](seen.parameters()), lambda step: [parameter.grad for parameter in seen.parameters()])
    assert seen[0].weight.factors is None
    assert_array_equal(numbers(unseen), numbers(seen))


def test_the_gradient_is_the_sum_of_the_outer_products():
    net = after_one_update(network())
    x, g = net[0].point.astype(float), net[0].gradient.astype(float)
    assert net[0].weight.factors is not None
    np.testing.assert_allclose(net[0].weight.grad, g.T @ x, rtol=0, atol=1e-6)
    assert_array_equal(net[0].weight.grad_T, net[0].weight.grad.T)


@pytest.mark.parametrize("rows", [1, 10, 80])
def test_a_small_weight_or_a_large_batch_has_its_gradient_written_at_once(rows):
    net = network()
    loss = rp.CrossEntropy()
    loss.forward(net.forward(X[:rows]), Y[:rows])
    net.backward(loss.backward(), input_gradient=False)
    net.update()
    assert (net[0].weight.factors is not None) == (rows <= 10)
    assert net[4].weight.factors is None


def test_an_array_that_somebody_holds_gets_later_gradients():
    net = after_one_update(network())
    held = net[0].weight.grad
    first = held.copy()
    optimizer = rp.SGD(net.parameters(), lr=0.1)
    optimizer.step()
    after_one_update(net)
    assert held is net[0].weight.grad
    assert not np.array_equal(held, first)
    assert_array_equal(held, after_one_update(copy.deepcopy(net))[0].weight.grad)


def test_a_gradient_can_still_be_read_after_the_step_and_after_x_and_the_buffers_have_changed():
    seen, net = after_one_update(network()), network()
    expected = [parameter.grad.copy() for parameter in seen.parameters()]
    x = X[:10].copy()
    loss = rp.CrossEntropy()
    loss.forward(net.forward(x), Y[:10])
    net.backward(loss.backward(), input_gradient=False)
    net.update()
    rp.SGD(net.parameters(), lr=0.1).step()
    x[...] = 7
    net.forward(X[10:20])
    net.backward(np.ones((10, 10)))
    for parameter, gradient in zip(net.parameters(), expected, strict=True):
        assert_array_equal(parameter.grad, gradient)


def test_a_changed_gradient_is_the_one_that_the_step_takes():
    net, twice = network(), network()
    train(net, rp.SGD(net.parameters(), lr=0.2), steps=1)

    def double(step):
        twice[0].weight.grad *= 2
        twice[2].weight.grad = twice[2].weight.grad * 2
        for parameter in (twice[0].bias, twice[2].bias, twice[4].weight, twice[4].bias):
            parameter.grad *= 2

    train(twice, rp.SGD(twice.parameters(), lr=0.1), double, steps=1)
    assert_array_equal(numbers(net), numbers(twice))


def test_clipping_and_accumulated_batches_take_all_of_the_gradient():
    net = network()
    step = rp.Step(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), clip=1e-3, accumulate=2)
    before = numbers(net)
    step(X[:10], Y[:10])
    step(X[10:20], Y[10:20])
    assert np.linalg.norm(numbers(net).astype(float) - before) == pytest.approx(1e-4, rel=1e-2)


def test_a_batch_of_another_size_replaces_the_factors_of_the_last():
    net, alone = network(), network()
    after_one_update(net)
    loss = rp.CrossEntropy()
    for each in (net, alone):
        loss.forward(each.forward(X), Y)
        each.backward(loss.backward(), input_gradient=False)
        each.update()
    assert net[0].weight.factors is None
    assert_array_equal(net[0].weight.grad, alone[0].weight.grad)


def test_batches_of_any_sizes_may_follow_each_other():
    """Few rows leave factors, more are written; narrow inputs could be joined with ones; many rows are summed in parts."""
    sizes = (1, 7, 8, 40, 300, 600)
    x = np.random.default_rng(1).normal(size=(600, 32)).astype("float32")
    for first in sizes:
        for second in sizes:
            net, alone = (rp.Sequential(rp.Linear(32, 2048, rng=1), rp.Tanh(), rp.Linear(2048, 2, rng=2)) for _ in range(2))
            for each, batches in ((net, (first, second)), (alone, (second,))):
                for rows in batches:
                    each.forward(x[:rows])
                    each.backward(np.ones((rows, 2)), input_gradient=False)
                    each.update()
            for parameter, expected in zip(net.parameters(), alone.parameters(), strict=True):
                assert_array_equal(parameter.grad, expected.grad)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=["deepcopy", "pickle"])
def test_a_copy_has_the_gradient(copied):
    net = after_one_update(network())
    other = copied(net)
    assert other[0].weight.factors is None
    assert_array_equal(other[0].weight.grad, net[0].weight.grad)


def test_a_module_that_moves_into_a_container_brings_its_gradient():
    linear, alone = rp.Linear(300, 300, rng=1), rp.Linear(300, 300, rng=1)
    for each in (linear, alone):
        each.forward(X[:10])
        each.backward(np.ones((10, 300)))
        each.update()
    expected = alone.weight.grad
    net = rp.Sequential(linear, rp.ReLU())
    assert_array_equal(net[0].weight.grad, expected)


def test_shared_weights_add_up():
    first, second = rp.Linear(300, 300, rng=1), rp.Linear(300, 300, rng=2)
    second.weight = first.weight
    net = rp.Sequential(first, rp.Tanh(), second)
    for _ in range(2):
        net.forward(X[:10])
        net.backward(np.ones((10, 300)), input_gradient=False)
        net.update()
    x, g, hidden, of_output = (array.astype(float) for array in (first.point, first.gradient, second.point, second.gradient))
    np.testing.assert_allclose(first.weight.grad, g.T @ x + of_output.T @ hidden, rtol=0, atol=1e-4)


def test_a_long_segment_moves_alike_on_any_number_of_threads():
    from threadpoolctl import threadpool_limits
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            net = rp.Sequential(rp.Linear(600, 600, rng=1), rp.Tanh(), rp.Linear(600, 10, rng=2))
            optimizer, loss = rp.Adam(net.parameters()), rp.CrossEntropy()
            x = np.tile(X[:, :300], (1, 2))
            for batch in (80, 10):
                loss.forward(net.forward(x[:batch]), Y[:batch])
                net.backward(loss.backward(), input_gradient=False)
                net.update()
                optimizer.step()
            found.append(numbers(net))
    assert_array_equal(*found)
