"""EMA and Norms: callbacks that follow the parameters and change nothing."""

import json

import numpy as np
import pytest

import retroprop as rp

X, Y = rp.datasets.blobs(40, rng=0)


def build():
    return rp.Sequential(rp.Linear(2, 5, dtype="float64", rng=0), rp.BatchNorm(5, dtype="float64"), rp.ReLU(),
                         rp.Linear(5, 3, dtype="float64", rng=1))


class Recorded(rp.Callback):
    """The state after each step, and the gradients before it."""

    def __init__(self):
        self.states, self.gradients, self.epochs = [], [], []

    def before_step(self, run):
        self.gradients.append({name: parameter.grad.copy() for name, parameter in run.net.named_parameters()})

    def after_step(self, run):
        self.states.append(run.net.state_dict())

    def after_epoch(self, run):
        self.epochs.append(len(self.states))


def fit(net, *callbacks, epochs=2, **options):
    return rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.2, momentum=0.9), (X, Y), epochs=epochs, batch_size=10,
                  rng=0, progress=False, callbacks=callbacks, **options)


def averaged(states, decay):
    """The average by its formula; buffers are those of the last step."""
    average = dict(states[0])
    for state in states[1:]:
        average = {name: array if "running" in name else decay * average[name] + (1 - decay) * array
                   for name, array in state.items()}
    return average


def test_the_average_is_that_of_the_formula_and_training_is_the_same():
    net, plain, ema, seen = build(), build(), rp.EMA(0.9), Recorded()
    fit(net, ema, seen)
    fit(plain)
    before = net.state_dict()
    for name, array in plain.state_dict().items():
        np.testing.assert_array_equal(before[name], array)
    expected = averaged(seen.states, 0.9)
    with ema.average(net):
        for name, array in net.state_dict().items():
            np.testing.assert_allclose(array, expected[name], rtol=1e-12, err_msg=name)
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    with pytest.raises(ZeroDivisionError), ema.average(net):
        raise ZeroDivisionError
    np.testing.assert_array_equal(net[0].weight.data, before["0.weight"])
    ema.apply(net)
    np.testing.assert_allclose(net[0].weight.data, expected["0.weight"], rtol=1e-12)


def test_the_average_is_that_of_pytorch():
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    swa = pytest.importorskip("torch.optim.swa_utils")
    parameters = np.random.default_rng(0).standard_normal((5, 3))
    theirs = torch.nn.Linear(3, 1, bias=False, dtype=torch.float64)
    net, ema = rp.Linear(3, 1, False, dtype="float64"), rp.EMA(0.8)
    model = swa.AveragedModel(theirs, multi_avg_fn=swa.get_ema_multi_avg_fn(0.8))
    for numbers in parameters:
        with torch.no_grad():
            theirs.weight[...] = torch.from_numpy(numbers)
        net.weight.data = numbers[None]
        model.update_parameters(theirs)
        ema.update(net)
    np.testing.assert_allclose(ema.state_dict()["average"]["weight"], model.module.weight.detach().numpy(), rtol=1e-12)


def test_an_average_goes_on_from_its_state():
    whole, first, second = rp.EMA(0.9), rp.EMA(0.9), rp.EMA(0.9)
    net, seen = build(), Recorded()
    fit(net, whole, seen)
    for part, ema in ((seen.states[:3], first), (seen.states[3:], second)):
        if ema is second:
            second.load_state_dict(first.state_dict())
        for state in part:
            net.load_state_dict(state)
            ema.update(net)
    for name, array in whole.state_dict()["average"].items():
        np.testing.assert_array_equal(second.state_dict()["average"][name], array)
    assert second.count == len(seen.states) == 8


@pytest.mark.parametrize("state", [
    3, {}, {"count": 1, "average": 3}, {"count": -1, "average": {}}, {"count": 1, "average": {}},
    {"count": 0, "average": {"a": [1.0]}}, {"count": 1, "average": {"a": [np.nan]}}, {"count": 1, "average": {"a": "b"}}],
    ids=str)
def test_a_wrong_state_is_refused(state):
    ema = rp.EMA()
    with pytest.raises(rp.errors.RetropropError):
        ema.load_state_dict(state)
    assert ema.state_dict() == {"count": 0, "average": {}}


def test_the_average_belongs_to_one_network():
    ema = rp.EMA()
    with pytest.raises(rp.ArgumentError, match="EMA: there is no average yet: give ema to fit as a callback"):
        ema.apply(build())
    ema.update(build())
    with pytest.raises(rp.ArgumentError, match="EMA: net must be the network whose parameters were averaged, got Linear"):
        ema.average(rp.Linear(2, 3))
    with pytest.raises(rp.ArgumentError, match=r"decay must be a number in \[0, 1\), got 1"):
        rp.EMA(1)


def test_norms_are_columns_of_the_history():
    net, seen = build(), Recorded()
    net[0].bias.frozen = True
    history = fit(net, rp.Norms(each=True), seen, clip=1e-3)
    names = [name for name, parameter in net.named_parameters() if not parameter.frozen]
    for epoch, steps in enumerate((slice(4), slice(4, 8))):
        each = [[np.linalg.norm(gradient[name]) for name in names] for gradient in seen.gradients[steps]]
        assert history["gradient_norm"][epoch] == pytest.approx(np.mean(np.linalg.norm(each, axis=1)), rel=1e-12)
        for k, name in enumerate(names):
            assert history[f"gradient_norm of {name}"][epoch] == pytest.approx(np.mean(each, axis=0)[k], rel=1e-12)
        state = seen.states[steps][-1]
        assert history["parameter_norm"][epoch] == pytest.approx(
            np.sqrt(sum((state[name]**2).sum() for name in names)), rel=1e-12)
    assert "gradient_norm of 0.bias" not in history
    assert set(fit(build(), rp.Norms())) == {"epoch", "cost", "seconds", "gradient_norm", "parameter_norm"}


def test_a_parameter_that_is_frozen_for_some_epochs_has_norms_of_its_own_epochs():
    def freeze(run):
        run.net[0].weight.frozen = run.epoch == 2
    net = build()
    history = rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), rp.datasets.blobs(12, rng=0), epochs=4, rng=0,
                     callbacks=[rp.Norms(each=True), freeze], progress=False)
    for name in ("gradient_norm of 0.weight", "parameter_norm of 0.weight"):
        assert np.isnan(history[name]).tolist() == [False, False, True, False]


def test_a_column_without_entries_in_some_epochs_keeps_its_epochs():
    history, seen = rp.History(), []
    for epoch in range(1, 6):
        history.append({"epoch": float(epoch)})
        if epoch in (2, 5):
            history.append({"rate": epoch / 10})
        seen.append(history.last.get("rate"))
    assert seen[0] is None
    assert seen[1:] == pytest.approx([0.2, np.nan, np.nan, 0.5], nan_ok=True)
    assert history["rate"] == pytest.approx([0.2, np.nan, np.nan, 0.5], nan_ok=True)
    assert [row[1] for row in history._rows()] == ["rate", "", "0.2", "nan", "nan", "0.5"]


def test_norms_go_on_in_the_middle_of_an_epoch():
    norms, later, net = rp.Norms(), rp.Norms(), build()
    run = rp.Run(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), rp.History())
    norms.before_step(run)
    net[0].weight.grad = np.ones((5, 2))
    later.load_state_dict(json.loads(json.dumps(norms.state_dict())))
    later.before_step(run)
    later.after_epoch(run)
    assert run.history["gradient_norm"] == pytest.approx([np.sqrt(10) / 2])
    for state in (None, {"steps": 1}, {"steps": -1, "sums": {}}, {"steps": 1, "sums": {"gradient_norm": "a"}}):
        with pytest.raises(rp.errors.RetropropError):
            norms.load_state_dict(state)
