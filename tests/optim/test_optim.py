"""Optimizers: their rules, calculated by hand, and steps that do not depend on where parameters are in memory."""

import copy
import pickle
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop.errors import ArgumentError, PhaseError

ALL = {
    "SGD": lambda parameters: rp.SGD(parameters, lr=0.1),
    "SGD with all": lambda parameters: rp.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda parameters: rp.Adam(parameters, lr=0.01, weight_decay=0.01),
    "AdamW": lambda parameters: rp.AdamW(parameters, lr=0.01),
    "RMSprop": lambda parameters: rp.RMSprop(parameters, lr=0.01, momentum=0.5, weight_decay=0.01),
    "Adagrad": lambda parameters: rp.Adagrad(parameters, lr=0.1, lr_decay=0.1, weight_decay=0.01),
}
every_rule = pytest.mark.parametrize("build", ALL.values(), ids=ALL)


def refuses(error, text):
    """``pytest.raises`` for an error of this type and exactly this text."""
    return pytest.raises(error, match=f"^{re.escape(text)}$")


def network(dtype="float32", seed=1):
    return rp.Sequential(rp.Linear(3, 4, dtype=dtype, rng=seed), rp.Tanh(), rp.Linear(4, 2, dtype=dtype, rng=seed + 1))


def gradients(net, k):
    """Compute the gradients of the k-th batch."""
    rng, loss = np.random.default_rng(k), rp.MSE()
    loss.forward(net.forward(rng.standard_normal((5, 3))), rng.standard_normal((5, 2)))
    net.backward(loss.backward())
    net.update()


def train(net, *optimizers, batches=range(6)):
    for k in batches:
        gradients(net, k)
        for optimizer in optimizers:
            optimizer.step()


def numbers(net):
    return np.concatenate([array.reshape(-1) for array in net.state_dict().values()])


def assert_same_state(a, b):
    assert a["groups"] == b["groups"]
    assert list(a["state"]) == list(b["state"])
    for name, array in a["state"].items():
        assert_array_equal(array, b["state"][name], err_msg=name)


# The rules


@pytest.mark.parametrize(("build", "options", "first", "second"), [
    (rp.SGD, {}, 1 - 0.1 * 1, 0.9 - 0.1 * 2),
    (rp.SGD, {"weight_decay": 0.2}, 1 - 0.1 * (1 + 0.2), 0.88 - 0.1 * (2 + 0.2 * 0.88)),
    (rp.SGD, {"momentum": 0.5}, 1 - 0.1 * 1, 0.9 - 0.1 * (0.5 * 1 + 2)),
    (rp.SGD, {"momentum": 0.5, "nesterov": True}, 1 - 0.1 * (1 + 0.5 * 1), 0.85 - 0.1 * (2 + 0.5 * 2.5)),
    (rp.Adam, {"betas": (0.5, 0.75), "eps": 0}, 1 - 0.1, 0.9 - 0.1 * (1.25 / 0.75) / (1.1875 / 0.4375) ** 0.5),
    (rp.Adam, {"betas": (0, 0), "eps": 1}, 1 - 0.1 * 1 / (1 + 1), 0.95 - 0.1 * 2 / (2 + 1)),
    (rp.Adam, {"betas": (0, 0), "eps": 1, "weight_decay": 1}, 1 - 0.1 * 2 / (2 + 1), 14 / 15 - 0.1 * 44 / (44 + 15)),
    (rp.AdamW, {"betas": (0, 0), "eps": 1, "weight_decay": 1}, 0.9 - 0.1 / 2, 0.9 * 0.85 - 0.1 * 2 / 3),
    (rp.RMSprop, {"alpha": 0.75, "eps": 1}, 1 - 0.1 / (0.5 + 1), 14 / 15 - 0.1 * 2 / (1.1875**0.5 + 1)),
    (rp.RMSprop, {"alpha": 0.75, "eps": 0, "momentum": 0.5}, 1 - 0.1 * 2, 0.8 - 0.1 * (0.5 * 2 + 2 / 1.1875**0.5)),
    (rp.Adagrad, {"eps": 1}, 1 - 0.1 / (1 + 1), 0.95 - 0.1 * 2 / (5**0.5 + 1)),
    (rp.Adagrad, {"eps": 0, "lr_decay": 0.25}, 1 - 0.1, 0.9 - 0.1 / 1.25 * 2 / 5**0.5),
])
def test_two_steps_by_hand(build, options, first, second):
    """From p = 1 with lr = 0.1 and the gradients 1 and 2."""
    p = rp.Parameter([1], "p", "float64")
    optimizer = build([p], lr=0.1, **options)
    for gradient, expected in ((1, first), (2, second)):
        p.grad = [gradient]
        optimizer.step()
        assert_allclose(p.data, expected, rtol=1e-14)


@every_rule
def test_steps_only_read_gradients_and_keep_the_dtype(build):
    net = network()
    optimizer = build(net.parameters())
    gradients(net, 0)
    before, start = [parameter.grad.copy() for parameter in net.parameters()], numbers(net)
    optimizer.step()
    for parameter, grad in zip(net.parameters(), before, strict=True):
        assert_array_equal(parameter.grad, grad)
        assert parameter.dtype == parameter.grad.dtype == np.float32
    for name, array in optimizer.state_dict()["state"].items():
        assert array.dtype == (np.int64 if name.endswith("steps") else np.float32)
    assert (numbers(net) != start).all()


@every_rule
def test_no_step_before_there_are_gradients(build):
    net, other = network(), network()
    optimizer = build(net.parameters())
    start = numbers(net)
    missing = refuses(PhaseError, f"{optimizer!r}: there are no gradients yet: call forward, backward and update first")
    with missing:
        optimizer.step()
    trained = build(other.parameters())
    train(other, trained)
    optimizer.load_state_dict(trained.state_dict())
    with missing:
        optimizer.step()
    assert_array_equal(numbers(net), start)
    assert_same_state(optimizer.state_dict(), trained.state_dict())


# Segments: parameters that lie side by side in memory move together


@every_rule
def test_segments_equal_updates_of_single_parameters(build, monkeypatch):
    flat, cut = network(), network()
    alone = [rp.Parameter(parameter.data, parameter.name) for parameter in flat.parameters()]
    optimizers = [build(parameters) for parameters in (flat.parameters(), alone)]
    for k in range(6):
        gradients(flat, k)
        for parameter, other in zip(flat.parameters(), alone, strict=True):
            other.grad = parameter.grad
        for optimizer in optimizers:
            optimizer.step()
    assert [len(optimizer.segments) for optimizer in optimizers] == [1, 4]
    for parameter, other in zip(flat.parameters(), alone, strict=True):
        assert_array_equal(parameter.data, other.data)

    monkeypatch.setattr("retroprop.optim.segments.PIECE", 7)
    monkeypatch.setattr("retroprop.optim.segments.SEVERAL", 7)
    in_pieces = build(cut.parameters())
    train(cut, in_pieces)
    assert [len(segment.whole) for segment in in_pieces.segments] == [4]       # 26 numbers
    assert_array_equal(numbers(cut), numbers(flat))


@every_rule
def test_two_optimizers_over_parts_equal_one_over_all(build):
    net, parted, grouped, shuffled = (network() for _ in range(4))
    train(net, build(net.parameters()))
    train(parted, build(parted[0].parameters()), build(parted[2].parameters()))
    train(grouped, build([{"params": grouped[2].parameters()}, {"params": grouped[0].parameters()}]))
    train(shuffled, build(shuffled.parameters()[::-1]))
    for other in (parted, grouped, shuffled):
        assert_array_equal(numbers(other), numbers(net))


def freeze_and_thaw(net, optimizer):
    for frozen in (True, False):
        for parameter in net.parameters():
            parameter.frozen = frozen
        optimizer.state_dict()                                      # divides the parameters into segments again


DISTURBANCES = {
    "an outer container": lambda net, optimizer: rp.Sequential(net, rp.Linear(2, 2, dtype="float64")),
    "astype": lambda net, optimizer: net.astype("float64"),
    "load_state_dict": lambda net, optimizer: net.load_state_dict(net.state_dict()),
    "another optimizer": lambda net, optimizer: rp.SGD(net.parameters(), lr=3),
    "its own state": lambda net, optimizer: optimizer.load_state_dict(optimizer.state_dict()),
    "a copy": lambda net, optimizer: copy.deepcopy((net, optimizer)),
    "freezing and thawing": freeze_and_thaw,
}


@every_rule
@pytest.mark.parametrize("disturb", DISTURBANCES.values(), ids=DISTURBANCES)
def test_momentum_is_kept(build, disturb):
    """Moving parameters in memory, or reading the optimizer's state, does not change the next steps."""
    net, undisturbed = network("float64"), network("float64")
    optimizer = build(net.parameters())
    train(net, optimizer, batches=range(4))
    alive = disturb(net, optimizer)
    train(net, optimizer, batches=range(4, 8))
    train(undisturbed, build(undisturbed.parameters()), batches=range(8))
    assert_array_equal(numbers(net), numbers(undisturbed))
    del alive


@every_rule
def test_states_follow_astype(build):
    net, undisturbed = network("float64"), network("float64")
    optimizer, other = build(net.parameters()), build(undisturbed.parameters())
    train(net, optimizer)
    train(undisturbed, other)
    net.astype("float32")
    for name, array in optimizer.state_dict()["state"].items():
        assert_array_equal(array, other.state_dict()["state"][name].astype(array.dtype))
        assert array.dtype == (np.int64 if name.endswith("steps") else np.float32)
    train(net, optimizer)
    train(undisturbed, other)
    assert_allclose(numbers(net), numbers(undisturbed), rtol=1e-3, atol=1e-4)


@every_rule
def test_an_optimizer_trains_what_was_loaded(build):
    net, fresh = network(), network(seed=7)
    optimizer = build(net.parameters())
    net.load_state_dict(fresh.state_dict())
    train(net, optimizer)
    train(fresh, build(fresh.parameters()))
    assert_array_equal(numbers(net), numbers(fresh))


@every_rule
def test_built_again_on_the_same_network_it_starts_afresh(build):
    """As when a notebook cell is run twice."""
    net = network()
    train(net, build(net.parameters()))
    twin = copy.deepcopy(net)
    for same in (net, twin):
        train(same, build(same.parameters()))
    assert_array_equal(numbers(net), numbers(twin))


@every_rule
def test_a_frozen_parameter_stays_and_goes_on_where_it_was(build):
    net = network()
    optimizer, frozen = build(net.parameters()), net[0].weight
    train(net, optimizer, batches=range(3))
    frozen.frozen = True
    start, before = frozen.data.copy(), optimizer.state_dict()["state"]
    train(net, optimizer, batches=range(3, 5))
    assert_array_equal(frozen.data, start)
    after = optimizer.state_dict()["state"]
    for name, array in before.items():
        assert np.array_equal(after[name], array) == (name.startswith("0.") or not after[name].any())
    frozen.frozen = False
    train(net, optimizer, batches=range(5, 6))
    state = optimizer.state_dict()["state"]
    assert [int(state[f"{k}.steps"]) for k in range(4)] == [4, 6, 6, 6]


def test_a_shared_parameter_moves_once():
    a, b = rp.Linear(3, 3, rng=0), rp.Linear(3, 3, rng=1)
    b.weight = a.weight
    net = rp.Sequential(a, b)
    sgd, start = rp.SGD(net.parameters(), lr=0.5), a.weight.data.copy()
    assert len(sgd.parameters()) == 3
    net.backward(np.ones_like(net.forward(np.ones((5, 3)))))
    net.update()
    sgd.step()
    assert_array_equal(a.weight.data, start - np.float32(0.5) * a.weight.grad)


# Resuming


@every_rule
@pytest.mark.parametrize("clone", [copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))], ids=["copy", "pickle"])
def test_a_copy_of_network_and_optimizer_goes_on_bit_for_bit(build, clone):
    net = network()
    optimizer = build(net.parameters())
    train(net, optimizer)
    twin, its = clone((net, optimizer))
    assert [id(parameter) for parameter in its.parameters()] == [id(parameter) for parameter in twin.parameters()]
    start = numbers(net)
    train(twin, its, batches=range(6, 9))
    assert_array_equal(numbers(net), start)
    train(net, optimizer, batches=range(6, 9))
    assert_array_equal(numbers(twin), numbers(net))
    assert_same_state(its.state_dict(), optimizer.state_dict())


@every_rule
def test_a_resumed_run_equals_the_uninterrupted_one_bit_for_bit(build):
    net, resumed = network(), network(seed=9)
    optimizer, other = build(net.parameters()), build(resumed.parameters())
    optimizer.groups[0]["lr"] = 0.003
    train(net, optimizer, batches=range(3))
    net[2].bias.frozen = True                                       # so that the numbers of steps differ
    train(net, optimizer)
    net[2].bias.frozen = False
    parameters, state = net.state_dict(), optimizer.state_dict()
    train(net, optimizer, batches=range(6, 9))
    train(resumed, other, batches=range(2))                         # whose states must go
    resumed.load_state_dict(parameters)
    other.load_state_dict(state)
    assert other.lr == 0.003
    train(resumed, other, batches=range(6, 9))
    assert_array_equal(numbers(resumed), numbers(net))
    assert_same_state(other.state_dict(), optimizer.state_dict())


def test_a_state_before_the_first_step_is_empty_and_takes_the_steps_back():
    net, twin = network(), network()
    adam, other = rp.Adam(net.parameters()), rp.Adam(twin.parameters())
    state = adam.state_dict()
    assert state == {"state": {}, "groups": [{"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0,
                                              "decay_biases": True}]}
    train(net, adam)
    adam.load_state_dict(state)
    net.load_state_dict(twin.state_dict())
    train(net, adam)
    train(twin, other)
    assert_array_equal(numbers(net), numbers(twin))


# Hyper-parameters


def test_lr_is_that_of_the_first_group_and_sets_all():
    net = network()
    sgd = rp.SGD([{"params": net[0].parameters(), "lr": 0.3}, {"params": net[2].parameters()}], lr=0.1)
    assert (sgd.lr, [group["lr"] for group in sgd.groups]) == (0.3, [0.3, 0.1])
    sgd.lr = 0.2
    assert [group["lr"] for group in sgd.groups] == [0.2, 0.2]


@pytest.mark.parametrize("change", [
    lambda sgd: setattr(sgd, "lr", 0),
    lambda sgd: sgd.groups[0].__setitem__("lr", 0),
    lambda sgd: sgd.groups[0].update(lr=0),
    lambda sgd: sgd.groups[0].update({"lr": 0}),
])
def test_a_changed_option_takes_effect_at_the_next_step(change):
    net = network()
    sgd = rp.SGD(net.parameters(), lr=0.1)
    train(net, sgd)
    start = numbers(net)
    change(sgd)
    train(net, sgd)
    assert_array_equal(numbers(net), start)


ALTERATIONS = {
    "item": lambda group, name, value: group.__setitem__(name, value),
    "keyword of update": lambda group, name, value: group.update(**{name: value}),
    "dict to update": lambda group, name, value: group.update({name: value}),
    "pairs to update": lambda group, name, value: group.update([(name, value)]),
    "|=": lambda group, name, value: group.__ior__({name: value}),
}
altered = pytest.mark.parametrize("alter", ALTERATIONS.values(), ids=ALTERATIONS)


@altered
@pytest.mark.parametrize(("build", "name", "value", "text"), [
    (lambda p: rp.SGD(p, lr=0.1), "nesterov", True, "SGD: nesterov needs a momentum above 0"),
    (lambda p: rp.SGD(p, lr=0.1, momentum=0.9, nesterov=True), "momentum", 0, "SGD: nesterov needs a momentum above 0"),
    (rp.Adam, "betas", (0.9, 1), "betas must be a number in [0, 1), got 1"),
    (rp.AdamW, "betas", 0.9, "betas must be a pair of numbers, got 0.9"),
    (rp.RMSprop, "alpha", 1, "alpha must be a number in [0, 1), got 1"),
    (rp.Adagrad, "lr_decay", -1, "lr_decay must be a number in [0, inf), got -1"),
    (rp.Adagrad, "momentum", 0.9, "Adagrad has no option 'momentum'; it has lr, lr_decay, weight_decay, eps, decay_biases"),
    (rp.RMSprop, "params", [], 'RMSprop: "params" of a group cannot be replaced: make a new optimizer'),
])
def test_a_group_refuses_later_what_the_constructor_refuses(alter, build, name, value, text):
    optimizer = build(network().parameters())
    group, before = optimizer.groups[0], dict(optimizer.groups[0])
    with refuses(ArgumentError, text):
        alter(group, name, value)
    with refuses(ArgumentError, text):
        group.update({"lr": 0.7, name: value})
    assert dict(group) == before


@altered
def test_options_that_need_each_other_may_come_one_by_one_or_together(alter):
    one_by_one, together, built = network(), network(), network()
    changed, updated = rp.SGD(one_by_one.parameters(), lr=0.1), rp.SGD(together.parameters(), lr=0.1)
    alter(changed.groups[0], "momentum", 0.9)
    alter(changed.groups[0], "nesterov", True)
    updated.groups[0].update(nesterov=True, momentum=0.9)
    for net, sgd in ((one_by_one, changed), (together, updated), (built, rp.SGD(built.parameters(), 0.1, 0.9, True))):
        train(net, sgd)
        assert_array_equal(numbers(net), numbers(one_by_one))


def test_a_state_whose_options_do_not_go_together_is_refused_and_changes_nothing():
    net = network()
    sgd = rp.SGD([{"params": net[0].parameters()}, {"params": net[2].parameters()}], lr=0.1, momentum=0.9)
    train(net, sgd)
    state, before = sgd.state_dict(), sgd.state_dict()
    state["groups"][0]["lr"] = 0.5
    state["groups"][1] |= {"nesterov": True, "momentum": 0}
    with refuses(ArgumentError, "SGD: nesterov needs a momentum above 0"):
        sgd.load_state_dict(state)
    assert_same_state(sgd.state_dict(), before)


def test_weight_decay_of_a_group_is_its_own():
    net = network("float64")
    weights, biases = ([p for name, p in net.named_parameters() if name.endswith(end)] for end in ("weight", "bias"))
    sgd = rp.SGD([{"params": weights, "weight_decay": 0.5}, {"params": biases}], lr=0.1)
    gradients(net, 0)
    expected = [p.data - 0.1 * (p.grad + (0.5 if p in weights else 0) * p.data) for p in net.parameters()]
    sgd.step()
    for parameter, data in zip(net.parameters(), expected, strict=True):
        assert_allclose(parameter.data, data, rtol=1e-13, atol=1e-16)


# Clipping


def test_clip_grad_norm():
    a, b, frozen = (rp.Parameter(np.zeros(shape), "p") for shape in ((1, 2), (1,), (1,)))
    frozen.frozen = True

    def clip(bound, of_a=(3, 4), of_b=(12,)):
        a.grad, b.grad, frozen.grad = [of_a], of_b, [100]
        norm = rp.clip_grad_norm(iter([a, b, frozen]), bound)
        assert type(norm) is float
        assert frozen.grad == 100
        return norm, [*a.grad[0], *b.grad]

    assert clip(13.5) == (13, [3, 4, 12])                           # inside: not a bit changes
    norm, clipped = clip(6.5)
    assert norm == 13
    assert_allclose(clipped, np.array([3, 4, 12]) * 6.5 / (13 + 1e-6), rtol=1e-7)
    norm, clipped = clip(1, of_a=(3e30, 4e30), of_b=(0,))           # whose squares a float32 does not hold
    assert_allclose([norm, *clipped], [5e30, 0.6, 0.8, 0], rtol=1e-6)
    assert clip(1, of_a=(np.inf, 4)) == (np.inf, [np.inf, 4, 12])
    norm, clipped = clip(1, of_a=(np.nan, 4))
    assert_array_equal([norm, *clipped], [np.nan, np.nan, 4, 12])


def test_a_copied_group_is_a_plain_dict():
    """Schedulers of a user's keep copies of groups."""
    sgd = rp.SGD(rp.Linear(2, 1, rng=0).parameters(), lr=0.1)
    for kept in (copy.copy(sgd.groups[0]), copy.deepcopy(sgd.groups)[0]):
        kept["lr"], kept["params"] = "any", []
        assert type(kept) is dict
    assert sgd.groups[0]["lr"] == 0.1
    assert copy.deepcopy(sgd).groups[0]["lr"] == 0.1
