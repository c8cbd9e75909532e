"""μP: table 3 of Tensor Programs V, and its purpose: pre-activations whose size and first change do not depend on the width."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp

X, Y = (a[np.random.default_rng(0).permutation(len(a))[:64]] for a in rp.datasets.digits())
WIDTHS = (64, 256)
BASE, SEEDS = 64, 4
HE = rp.HeNormal()


def network(width, depth=2, init=HE, **options):
    sizes = [64, *[width] * depth]
    hidden = [module for k in range(depth) for module in
              (rp.Linear(sizes[k], width, weight_init=init, rng=k, **options), rp.ReLU())]
    return rp.Sequential(*hidden, rp.Linear(width, 10, weight_init=init, rng=depth, **options))


def train_step(net, optimizer):
    loss = rp.CrossEntropy()
    loss.forward(net.forward(X), Y)
    net.backward(loss.backward())
    net.update()
    optimizer.step()


def sums(net):
    """The outputs of the linear layers."""
    found, z = [], X
    for module in net:
        z = module.predict(z)
        found += [z.astype(float)] if isinstance(module, rp.Linear) else []
    return found


def optimizer_of(kind, scales):
    return rp.Adam(scales.adam(2**-7)) if kind == "adam" else rp.SGD(scales.sgd(0.1), momentum=0.9)


def powers(kind, base):
    """The powers of the width with which the rms of each layer's outputs, and of their first change, grow."""
    sizes, changes = [], []
    for width in WIDTHS:
        size, change = [], []
        for seed in range(SEEDS):
            net = network(width)
            optimizer = optimizer_of(kind, rp.mup(net, base or width, rng=seed))
            before = sums(net)
            train_step(net, optimizer)
            size.append([np.sqrt(np.mean(s**2)) for s in before])
            change.append([np.sqrt(np.mean((t - s)**2)) for s, t in zip(before, sums(net), strict=True)])
        sizes.append(np.mean(size, 0))
        changes.append(np.mean(change, 0))
    return [np.polyfit(np.log(WIDTHS), np.log(np.array(rows)), 1)[0] for rows in (sizes, changes)]


@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_sizes_and_first_changes_do_not_depend_on_the_width(kind):
    """The coordinate check. (The size of the output alone, which nothing reads, starts as 1/√width.)"""
    sizes, changes = powers(kind, BASE)
    assert_allclose(sizes[:2], 0, atol=0.1)
    assert_allclose(changes, 0, atol=0.3)


@pytest.mark.parametrize(("kind", "least"), [("adam", [-0.1, 0.6, 0.8]), ("sgd", [-1.0, 0.1, 0.6])])
def test_in_the_standard_parametrization_they_grow_with_it(kind, least):
    sizes, changes = powers(kind, None)
    assert_allclose(sizes[:2], 0, atol=0.1)
    assert (changes > least).all()


def test_table_3():
    """Width 256 over a base of 64: m = 4."""
    net = rp.Sequential(rp.Linear(5, 256), rp.BatchNorm(256), rp.ReLU(), rp.Linear(256, 256, bias=False), rp.Linear(256, 3))
    found = {name: (kind, sgd, adam) for name, _, kind, _, sgd, adam in rp.mup(net, 64, rng=0)}
    assert found == {"0.weight": ("input", 4, 1), "0.bias": ("vector", 4, 1), "1.weight": ("vector", 4, 1),
                     "1.bias": ("vector", 4, 1), "3.weight": ("hidden", 1, 0.25), "4.weight": ("output", 0.25, 0.25),
                     "4.bias": ("vector", 1, 1)}


@pytest.mark.parametrize("init", [rp.HeNormal(), rp.GlorotUniform(), rp.Normal(0.1), rp.Standard(), rp.Orthogonal()])
def test_weights_start_with_the_variances_of_the_base_network_over_1_m_and_m_squared(init):
    net, m = network(512, init=init, dtype="float64"), 8
    rp.mup(net, BASE, rng=0)
    base = [init.variance(shape) for shape in ((BASE, 64), (BASE, BASE), (10, BASE))]
    assert_allclose([net[k].weight.data.var() for k in (0, 2, 4)], np.array(base) / [1, m, m * m], rtol=0.06)


@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_at_the_base_width_it_is_the_standard_parametrization_to_the_bit(kind):
    mine, standard = network(BASE), network(BASE)
    groups = rp.mup(mine, BASE, rng=7)
    streams = np.random.default_rng(7).spawn(6)
    for k, layer in enumerate(standard[j] for j in (0, 2, 4)):
        layer.weight.data = layer.weight_init(layer.weight.shape, streams[2 * k])
    options = {"lr": 2**-7} if kind == "adam" else {"lr": 0.1, "momentum": 0.9}
    optimizers = optimizer_of(kind, groups), (rp.Adam if kind == "adam" else rp.SGD)(standard.parameters(), **options)
    for _ in range(3):
        train_step(mine, optimizers[0])
        train_step(standard, optimizers[1])
    for p, q in zip(mine.parameters(), standard.parameters(), strict=True):
        assert_array_equal(p.data, q.data)


def test_the_same_seed_gives_the_same_start_and_a_frozen_weight_stays():
    a, b = network(128), network(128)
    b[2].weight.frozen = True
    old = b[2].weight.data.copy()
    rp.mup(a, 64, rng=1)
    rp.mup(b, 64, rng=np.random.default_rng(1))
    assert_array_equal(a[4].weight.data, b[4].weight.data)
    assert_array_equal(b[2].weight.data, old)


def test_a_convolution_counts_channels_and_a_list_gives_each_layers_base():
    net = rp.Sequential(rp.Reshape(1, 8, 8), rp.Conv2d(1, 16, 3, padding=1), rp.ReLU(), rp.MaxPool2d(2),
                        rp.Conv2d(16, 24, 3, padding=1), rp.ReLU(), rp.Flatten(), rp.Linear(24 * 16, 10))
    found = {name: (sgd, adam) for name, _, _, _, sgd, adam in rp.mup(net, [8, 6], rng=0)}
    assert found["1.weight"] == (2, 1)
    assert found["4.weight"] == (2, 0.5)
    assert found["7.weight"] == (0.25, 0.25)
    rp.Adam(rp.mup(net, [8, 6], rng=0).adam(0.01))
    assert net.predict(X).shape == (64, 10)


def test_branches_of_a_residual_network_grow_alike():
    net = rp.Sequential(rp.Linear(64, 128), rp.Residual(rp.Linear(128, 128), rp.ReLU()), rp.Linear(128, 10))
    assert {scale.kind for scale in rp.mup(net, 32, rng=0)} == {"input", "hidden", "output", "vector"}


def test_a_run_goes_on_from_a_checkpoint_with_the_rates_of_its_groups(tmp_path):
    def run(epochs, resume=False):
        net = network(128)
        optimizer = rp.Adam(rp.mup(net, 64, rng=0).adam(0.01))
        callbacks = [rp.Checkpoint(tmp_path / f"{'whole' if epochs == 4 and not resume else 'run'}.safetensors"),
                     rp.StepLR(optimizer, 2, 0.1)]
        rp.fit(net, rp.CrossEntropy(), optimizer, (X, Y), epochs=epochs, rng=0, callbacks=callbacks, resume=resume,
               progress=False)
        return net, [group["lr"] for group in optimizer.groups]

    whole, rates = run(4)
    run(2)
    again, rates_again = run(4, resume=True)
    assert rates == rates_again
    assert rates[0] == 2 * rates[1]
    for p, q in zip(whole.parameters(), again.parameters(), strict=True):
        assert_array_equal(p.data, q.data)


def test_groups_may_bring_their_own_rate():
    net = network(128)
    sgd = rp.SGD(rp.mup(net, 64, rng=0).sgd(lr=0.1))
    assert [group["lr"] for group in sgd.groups] == [0.2, 0.1, 0.05]
    with pytest.raises(rp.ArgumentError, match="lr must be a number in"):
        rp.SGD(net.parameters())


class Scaled(rp.Module):
    """A module with a parameter that μP knows nothing of."""

    def __init__(self):
        self.weight = rp.Parameter(np.ones(128, np.float32), "weight")


@pytest.mark.parametrize(("net", "base", "error"), [
    (lambda: 3, 64, "mup: net must be a Module, got 3"),
    (lambda: rp.Sequential(rp.Linear(64, 10)), 64, "mup: net must have a hidden layer, Linear or Conv2d, and an output layer"),
    (lambda: network(128), 0, "base_width must be an integer of at least 1, got 0"),
    (lambda: network(128), "wide", "base_width must be an integer of at least 1, got 'wide'"),
    (lambda: network(128), [64, 32, 10], r"base_width must be an integer, or one for each of the 2 hidden layers, got \[64"),
    (lambda: network(128), [64, 1.5], r"base_width\[1\] must be an integer of at least 1, got 1.5"),
    (lambda: rp.Sequential(rp.Linear(64, 128), Scaled(), rp.Linear(128, 10)), 64,
     r"mup: module 1, Scaled\(\), must be a Linear, a Conv2d, a BatchNorm, a LayerNorm or a module without parameters"),
    (lambda: rp.Sequential(rp.Linear(64, 128, weight_init=rp.Constant(1)), rp.Linear(128, 10)), 64,
     r"mup: weight_init of module 0, .*, must have a variance, as HeNormal\(\) has, got Constant\(value=1\)"),
    (lambda: rp.Sequential(rp.Linear(64, 64), rp.Residual(rp.Linear(64, 64)), rp.Residual(rp.Linear(64, 64)),
                           rp.Linear(64, 10)), [32, 16, 32], "must read values that all grow with the width alike")])
def test_what_it_does_not_know_is_refused_and_nothing_is_changed(net, base, error):
    net = net()
    before = [p.data.copy() for p in net.parameters()] if isinstance(net, rp.Module) else []
    with pytest.raises(rp.ArgumentError, match=error):
        rp.mup(net, base, rng=0)
    for old, p in zip(before, net.parameters() if before else [], strict=True):
        assert_array_equal(old, p.data)


def test_a_weight_that_is_hidden_and_output_at_once_is_refused():
    net = rp.Sequential(rp.Linear(64, 64), rp.Tanh(), rp.Linear(64, 64), rp.Tanh(), rp.Linear(64, 64))
    net[4].weight = net[2].weight
    with pytest.raises(rp.ArgumentError, match=r"mup: module 4, .* must share no parameter that μP scales in another way"):
        rp.mup(net, 32, rng=0)
