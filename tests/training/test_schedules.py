"""Schedules: the rates of PyTorch 2.13's counterparts, in ``fit`` by epoch or by step, and in a loop of one's own."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

import retroprop as rp

# For a rate of 0.4, from torch.optim.lr_scheduler of PyTorch 2.13: the last step and those past it included.
PYTORCH = {
    "StepLR": (lambda o: rp.StepLR(o, 3, 0.5), [0.4] * 3 + [0.2] * 3 + [0.1] * 3 + [0.05] * 3 + [0.025]),
    "MultiStepLR": (lambda o: rp.MultiStepLR(o, [5, 2, 5], 0.3), [0.4] * 2 + [0.12] * 3 + [0.0108] * 8),
    "ExponentialLR": (lambda o: rp.ExponentialLR(o, 0.9), [
        0.4, 0.36, 0.324, 0.2916, 0.26244, 0.236196, 0.2125764, 0.19131876, 0.172186884, 0.1549681956, 0.13947137604,
        0.125524238436, 0.1129718145924]),
    "CosineLR": (lambda o: rp.CosineLR(o, 5, 0.01), [
        0.4, 0.36275831390311475, 0.2652583139031147, 0.14474168609688523, 0.047241686096885255, 0.01, 0.04724168609688525,
        0.1447416860968853, 0.2652583139031149, 0.36275831390311497, 0.4, 0.3627583139031151, 0.26525831390311494]),
    "WarmupLR": (lambda o: rp.WarmupLR(o, 4), [0.4 / 3, 0.2, 0.8 / 3, 1 / 3, *[0.4] * 9]),
    "OneCycleLR": (lambda o: rp.OneCycleLR(o, 1.0, 9), [
        0.04, 0.6513582352345999, 0.9944154354509117, 0.8985666593464469, 0.7056447289910996, 0.46263710266697505,
        0.22872995315964806, 0.060892969758032406, 4e-06, 0.06089296975803235]),
    "SequentialLR": (lambda o: rp.SequentialLR(
        o, [rp.WarmupLR(o, 4, 0.1), rp.CosineLR(o, 6), rp.ExponentialLR(o, 0.5)], [4, 9]), [
            0.04, 0.13, 0.22, 0.31, 0.4, 0.3732050807568878, 0.3, 0.2, 0.1, 0.4, 0.2, 0.1, 0.05]),
    "ChainedLR": (lambda o: rp.ChainedLR(o, [rp.WarmupLR(o, 4, 0.25), rp.CosineLR(o, 6), rp.StepLR(o, 2, 0.5)]), [
        0.1, 0.1632772228311384, 0.09375, 0.08125, 0.025, 0.006698729810778066, 0.0])}  # it then forgets the other factors
MOMENTA = [0.95, 0.8863168504963959, 0.8505584586887436, 0.8601433746388538, 0.8794356448434694, 0.9037365046793212,
           0.9271273131932879, 0.9439110786685114, 0.95, 0.9439110786685114]


def sgd(lr=0.4, **options):
    return rp.SGD(rp.Linear(2, 1, rng=0).parameters(), lr=lr, **options)


@pytest.mark.parametrize("name", PYTORCH)
def test_the_rates_are_pytorchs(name):
    make, rates = PYTORCH[name]
    optimizer = sgd()
    schedule, found = make(optimizer), []
    for _ in rates:
        found.append(optimizer.lr)
        if len(found) < len(rates):
            schedule.step()
    assert_allclose(found, rates, rtol=1e-9, atol=1e-15)
    assert schedule.count == len(rates) - 1


@pytest.mark.parametrize(("kind", "read"), [(rp.SGD, lambda o: o.momentum), (rp.Adam, lambda o: o.betas[0])])
def test_one_cycle_moves_the_momentum_the_other_way(kind, read):
    optimizer = kind(rp.Linear(2, 1).parameters(), lr=0.4)
    schedule, found = rp.OneCycleLR(optimizer, 1.0, 9), []
    for k in range(10):
        found.append(read(optimizer))
        if k < 9:
            schedule.step()
    assert_allclose(found, MOMENTA, rtol=1e-9)
    if kind is rp.Adam:
        assert optimizer.betas[1] == 0.999


def test_one_cycle_ends_where_it_was_told_to():
    optimizer = sgd()
    schedule = rp.OneCycleLR(optimizer, 1.0, 3)
    for _ in range(3):
        schedule.step()
    before = optimizer.lr, optimizer.momentum
    text = "OneCycleLR: total_steps must be the number of steps in training, got 3, and now step 4$"
    with pytest.raises(rp.ArgumentError, match=text):
        schedule.step()
    assert (optimizer.lr, optimizer.momentum, schedule.count) == (*before, 3)


def cycle(total, n=9, epochs=2, schedule=None, net=None, by="step", **options):
    """Train on n examples in batches of 4 along a cycle, and return the schedule."""
    net = rp.Linear(2, 1, rng=0) if net is None else net
    schedule = rp.OneCycleLR(rp.SGD(net.parameters(), lr=0.1), 0.1, total, by=by) if schedule is None else schedule
    x = np.ones((n, 2))
    rp.fit(net, rp.MSE(), schedule.optimizer, (x, x[:, :1]), epochs=epochs, batch_size=4, callbacks=[schedule], progress=False,
           **options)
    return schedule


@pytest.mark.parametrize(("options", "steps"), [({"n": 8}, 4), ({}, 4), ({"n": 10}, 6), ({"n": 10, "accumulate": 2}, 4),
                                                ({"by": "epoch", "epochs": 3}, 3)])
def test_fit_refuses_a_cycle_of_fewer_steps_before_the_first_and_warns_of_a_longer_one(options, steps):
    """Of 9 examples in batches of 4, the single last one joins the batch before it."""
    assert cycle(steps, **options).count == steps
    net = rp.Linear(2, 1, rng=0)
    before = net.weight.data.copy()
    with pytest.raises(rp.ArgumentError, match=f"OneCycleLR: total_steps must be .* {steps}, got {steps - 1}$"):
        cycle(steps - 1, net=net, **options)
    assert (net.weight.data == before).all()
    with pytest.warns(UserWarning, match=f"must be .* {steps}, got {steps + 1}: fit ends before the rate is low"):
        cycle(steps + 1, **options)


def test_a_cycle_may_go_on_in_a_second_fit():
    net = rp.Linear(2, 1, rng=0)
    with pytest.warns(UserWarning, match="ends before"):
        schedule = cycle(8, net=net)
    assert cycle(8, net=net, schedule=schedule).count == 8
    with pytest.raises(rp.ArgumentError, match=r"must be .* 12, 8 of them before this call of fit, got 8"):
        cycle(8, net=net, schedule=schedule)


@pytest.mark.parametrize(("total", "start"), [(10, 0.1), (2, 0.5)])
def test_a_cycle_may_begin_at_its_top(total, start):
    """PyTorch 2.13 divides by zero there."""
    optimizer = sgd()
    schedule = rp.OneCycleLR(optimizer, 1.0, total, start)
    assert optimizer.lr == 1
    for _ in range(total - 1):
        schedule.step()
    assert optimizer.lr == pytest.approx(1 / 25e4)


@pytest.mark.parametrize("name", PYTORCH)
def test_a_schedule_goes_on_after_a_restart(name, tmp_path):
    make, rates = PYTORCH[name]
    net = rp.Linear(2, 1, rng=0)
    optimizer = rp.SGD(net.parameters(), lr=0.4)
    schedule = make(optimizer)
    for _ in range(3):
        schedule.step()
    rp.save(net, tmp_path / "net.safetensors", optimizer)
    state = json.loads(json.dumps(schedule.state_dict()))
    again = rp.Linear(2, 1)
    optimizer = rp.SGD(again.parameters(), lr=7.0)
    rp.load(again, tmp_path / "net.safetensors", optimizer)
    schedule = make(optimizer)
    schedule.load_state_dict(state)
    assert_allclose(optimizer.lr, rates[3], rtol=1e-9)
    schedule.step()
    assert_allclose(optimizer.lr, rates[4], rtol=1e-9)


def test_a_plateau_goes_on_after_a_restart():
    optimizer, found = sgd(), []
    for k, value in enumerate(PLATEAU):
        again = rp.ReduceOnPlateau(optimizer, "score", 0.5, patience=1, cooldown=1, threshold=0.1, mode="min")
        if k:
            again.load_state_dict(json.loads(json.dumps(plateau.state_dict())))     # noqa: F821
        plateau = again
        plateau.step(value)
        found.append(optimizer.lr)
    assert_allclose(found, LOWERED, rtol=1e-12)


@pytest.mark.parametrize("state", [None, {}, {"count": 1}, {"count": 1, "initial": 0.4}, {"count": 1, "initial": [0.1, 0.2]}])
def test_a_wrong_state_is_refused(state):
    schedule = rp.StepLR(sgd(), 1)
    with pytest.raises(rp.StateError, match="state must hold"):
        schedule.load_state_dict(state)
    with pytest.raises(rp.StateError, match="state must hold"):
        rp.ReduceOnPlateau(sgd()).load_state_dict(state)
    assert schedule.count == 0


def test_each_group_has_the_schedule_of_its_own_rate():
    layer = rp.Linear(2, 1)
    optimizer = rp.SGD([{"params": [layer.weight], "lr": 1.0}, {"params": [layer.bias], "lr": 0.1}], lr=0.5)
    rp.ExponentialLR(optimizer, 0.5).step()
    assert [group["lr"] for group in optimizer.groups] == [0.5, 0.05]


def test_a_second_schedule_starts_from_the_rate_before_the_first():
    """As in PyTorch: else a warmup that is part of a chain would lower the rates of its neighbours."""
    optimizer = sgd(lr=0.3)
    rp.WarmupLR(optimizer, 10, 0.0)
    assert optimizer.lr == 0
    rp.CosineLR(optimizer, 10)
    assert optimizer.lr == 0.3


@pytest.mark.parametrize(("by", "rates"), [("epoch", [0.4, 0.2, 0.1]), ("step", [0.05, 0.4 / 2**6, 0.4 / 2**9])])
def test_fit_steps_by_epoch_or_by_step(by, rates):
    x, y = rp.datasets.xor(30, rng=0)
    net = rp.Linear(2, 2, rng=0)
    optimizer, seen = rp.SGD(net.parameters(), lr=0.4), []
    rp.fit(net, rp.CrossEntropy(), optimizer, (x, y), epochs=3, batch_size=10, rng=0,
           callbacks=[lambda run: seen.append(run.optimizer.lr), rp.ExponentialLR(optimizer, 0.5, by=by)])
    assert_allclose(seen, rates, rtol=1e-12)


def test_fit_with_a_schedule_is_the_loop_that_is_written_out():
    x, y = rp.datasets.moons(60, rng=0)
    weights = []
    for fitted in (True, False):
        net, loss = rp.Linear(2, 2, rng=0), rp.CrossEntropy()
        optimizer = rp.SGD(net.parameters(), lr=1.0, momentum=0.9)
        schedule, rng = rp.CosineLR(optimizer, 12, by="step"), np.random.default_rng(3)
        if fitted:
            rp.fit(net, loss, optimizer, (x, y), epochs=4, batch_size=20, rng=rng, callbacks=[schedule])
        else:
            for _ in range(4):
                for batch, target in rp.datasets.batches(x, y, batch_size=20, rng=rng):
                    loss.forward(net.forward(batch), target)
                    net.backward(loss.backward())
                    net.update()
                    optimizer.step()
                    schedule.step()
        weights.append(net.weight.data.copy())
    assert np.array_equal(*weights)


PLATEAU = [1, 0.95, 0.94, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.5, 0.49, 0.48, 0.47, 0.46]
LOWERED = [0.4] * 2 + [0.2] * 3 + [0.1] * 3 + [0.05] * 3 + [0.025] * 3                # of PyTorch 2.13's ReduceLROnPlateau


@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_plateau_lowers_the_rate_as_in_pytorch(mode):
    optimizer, found = sgd(), []
    plateau = rp.ReduceOnPlateau(optimizer, "score", 0.5, patience=1, cooldown=1, threshold=0.1, mode=mode)
    for value in PLATEAU:
        plateau.step(value if mode == "min" else 1 / value)
        found.append(optimizer.lr)
    assert_allclose(found, LOWERED, rtol=1e-12)


def test_a_rate_on_a_plateau_has_a_floor():
    optimizer = sgd(lr=0.1)
    plateau = rp.ReduceOnPlateau(optimizer, factor=0.5, patience=0, min_lr=0.04)
    for _ in range(6):
        plateau.step(1.0)
    assert optimizer.lr == 0.04


def test_fit_lowers_the_rate_when_the_validation_cost_rises():
    data = rp.datasets.moons(40, rng=0)
    net = rp.Linear(2, 2, rng=0)
    optimizer = rp.SGD(net.parameters(), lr=1e-9)                   # so that the cost hardly moves
    rp.fit(net, rp.CrossEntropy(), optimizer, data, epochs=6, validation=data, rng=0,
           callbacks=[rp.ReduceOnPlateau(optimizer, factor=0.5, patience=1, eps=0)])
    assert optimizer.lr == pytest.approx(1e-9 / 4)


WRONG = [
    (lambda o: rp.StepLR([], 3), "StepLR: optimizer must be an Optimizer, such as .*, got \\[\\]"),
    (lambda o: rp.StepLR(o, 0), "step_size must be an integer of at least 1, got 0"),
    (lambda o: rp.MultiStepLR(o, [0, 2]), "each of the milestones must be an integer of at least 1, got 0"),
    (lambda o: rp.MultiStepLR(o, 3), "milestones must be a list of integers of at least 1, got 3"),
    (lambda o: rp.ExponentialLR(o, 0), "gamma must be a number in \\(0, inf\\), got 0"),
    (lambda o: rp.CosineLR(o, 3, by="batch"), "by must be one of 'epoch', 'step', got 'batch'"),
    (lambda o: rp.WarmupLR(o, 3, 2), "start_factor must be a number in \\[0, 1\\], got 2"),
    (lambda o: rp.OneCycleLR(o, 1.0, 1), "total_steps must be an integer of at least 2, got 1"),
    (lambda o: rp.OneCycleLR(rp.Adagrad(rp.Linear(2, 2).parameters()), 1.0, 9),
     "OneCycleLR: cycle_momentum must be False for an optimizer without momentum"),
    (lambda o: rp.SequentialLR(o, [], []), "schedules must be a list of schedules, none of them OneCycleLR"),
    (lambda o: rp.SequentialLR(o, [rp.StepLR(o, 1)], [1]),
     "milestones must be different, one fewer than the 1 schedules, got \\[1\\]"),
    (lambda o: rp.ChainedLR(o, [rp.StepLR(sgd(), 1)]), "schedules must have been built for the same optimizer"),
    (lambda o: rp.ReduceOnPlateau(o, "f1"), "ReduceOnPlateau: mode must be 'min' or 'max' for monitor='f1', got None"),
    (lambda o: rp.ReduceOnPlateau(o, factor=1), "factor must be a number in \\(0, 1\\), got 1")]


@pytest.mark.parametrize(("make", "text"), WRONG)
def test_wrong_arguments_are_refused_before_a_rate_has_changed(make, text):
    optimizer = sgd()
    with pytest.raises(rp.ArgumentError, match=text):
        make(optimizer)
    assert (optimizer.lr, optimizer.momentum) == (0.4, 0)


@pytest.mark.parametrize("make", [lambda o: rp.StepLR(o, 1), lambda o: rp.ReduceOnPlateau(o, "cost")])
def test_a_schedule_of_another_optimizer_is_refused_by_fit(make):
    net = rp.Linear(2, 2)
    with pytest.raises(rp.ArgumentError, match=r"optimizer must be the one that fit is given, SGD.*, got another, SGD"):
        rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), rp.datasets.xor(20, rng=0), epochs=1,
               callbacks=[make(sgd())])


def test_the_figure_shows_the_rates_and_moves_nothing():
    optimizer = sgd()
    named = {"cosine": rp.CosineLR(optimizer, 10), "step": rp.StepLR(optimizer, 4, 0.5)}
    ax = rp.plots.schedule(named, 10)
    for line, one in zip(ax.get_lines(), named.values(), strict=True):
        assert_allclose(line.get_ydata(), [one.rate(k, 0.4) for k in range(11)])
    assert (optimizer.lr, named["cosine"].count) == (0.4, 0)
    with pytest.raises(rp.ArgumentError, match="schedule: schedules must be a Schedule or a dict of Schedules by label, got 3"):
        rp.plots.schedule(3, 10)
