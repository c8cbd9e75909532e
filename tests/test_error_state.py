"""``np.seterr``: underflow is no error in this library, and the user's settings are left as they are."""

import warnings

import numpy as np
import pytest
from cases import LOSSES, MODULES, numbers

import retroprop as rp
from retroprop.modules.core.values import each, several, shape_of
from retroprop.underflow import STATE, state_of_numpy

OPTIMIZERS = [lambda p: rp.SGD(p, 0.1), lambda p: rp.SGD(p, 0.1, 0.9, nesterov=True, weight_decay=0.1), rp.Adam, rp.AdamW,
              lambda p: rp.RMSprop(p, momentum=0.9), rp.Adagrad]


@pytest.mark.parametrize("scale", [1e-25, 40])
@pytest.mark.parametrize("case", MODULES, ids=str)
def test_no_phase_of_a_module_raises(case, scale):
    module = case.build()
    scales = [1 if integers else scale for integers in module.holds_integers(case.x)]
    with np.errstate(under="ignore"):
        x = each(lambda array, by: (array * by).astype(module.dtype or "float32"), case.x,
                 tuple(scales) if several(case.x) else scales[0])
    with np.errstate(all="raise"):
        user = np.geterr()
        y = module.forward(x)
        assert np.geterr() == user
        module.jvp(each(lambda array: np.full_like(array, 1e-30), x))
        module.backward(each(lambda array: np.full_like(array, 1e-30), y))
        module.update()
        module.predict(x)
        assert np.geterr() == user
    assert shape_of(y) == module.output_shape(shape_of(x))


@pytest.mark.parametrize("case", LOSSES, ids=str)
def test_no_phase_of_a_loss_raises(case):
    loss = case.build()
    x = np.asarray(case.x, "float32")
    if not isinstance(loss, rp.BCE):
        x = x * np.float32(30)
    with np.errstate(all="raise"):
        user, cost = np.geterr(), loss.forward(x, case.target)
        loss.backward(np.full(np.shape(cost), 1e-38))
        loss.jvp(np.full(x.shape, 1e-30, "float32"))
        assert np.geterr() == user


@pytest.mark.parametrize("build", OPTIMIZERS)
@pytest.mark.parametrize("size", [1e-25, 1e-38, 1.0])
def test_no_optimizer_raises(build, size):
    net, same = (rp.Linear(3, 4, rng=0) for _ in range(2))
    steps = []
    for layer, state in ((net, "raise"), (same, "ignore")):
        optimizer = build(layer.parameters())
        with np.errstate(all=state):
            for k in range(3):
                layer.weight.grad[...] = np.float32(size) / (1 + k)
                layer.bias.grad = np.zeros(4)
                optimizer.step()
        steps.append(layer.state_dict())
    for name in steps[0]:
        np.testing.assert_array_equal(steps[0][name], steps[1][name])


def test_masks_and_running_statistics_are_those_of_one_forward():
    def net():
        return rp.Sequential(rp.Linear(3, 4, rng=0), rp.BatchNorm(4), rp.Dropout(0.3, rng=1), rp.Sigmoid())

    results = []
    for state in ("raise", "ignore"):
        module = net()
        with np.errstate(all=state):
            y = [module.forward((200 * numbers(5, 3)).astype("float32")) for _ in range(3)]
        results.append([*y, *module.state_dict().values()])
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_training_evaluation_and_inspection_do_not_raise():
    x, y = rp.datasets.moons(60, noise=0.1, rng=0)
    net = rp.Sequential(rp.Linear(2, 8, rng=1), rp.SiLU(), rp.Linear(8, 1, rng=2))
    loss = rp.BCEWithLogits()
    with np.errstate(all="raise"):
        user = np.geterr()
        rp.fit(net, loss, rp.Adam(net.parameters(), lr=0.1), (300 * x, y), epochs=5, batch_size=16, rng=0, progress=False)
        rp.fit(net, loss, rp.SGD(net.parameters(), lr=0.1), (1e-50 * x, y), epochs=1, progress=False)
        rp.evaluate(net, loss, 300 * x, y)
        rp.diagnose(net, x, y, loss)
        rp.check_module(net, x)
        rp.saliency.gradient(net, x)
        rp.lsuv(net, x)
        rp.datasets.standardize(1e-200 * x)
        rp.clip_grad_norm(net.parameters(), 1e-45)
        for init in (rp.Normal(1e-37), rp.GlorotUniform(), rp.HeNormal(), rp.Orthogonal(), rp.Uniform(-1e-37, 1e-37)):
            init((20, 30), 0, "float32")
        assert np.geterr() == user


@pytest.mark.parametrize("kind", ["over", "divide", "invalid"])
def test_other_errors_are_reported_as_the_user_wishes(kind):
    x = {"over": 1e38, "divide": 0.0, "invalid": np.inf}[kind]
    f = {"over": lambda x: x * 10, "divide": lambda x: 1 / x, "invalid": lambda x: x - x}[kind]
    module = rp.Function(f, f)
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        module.forward(np.array([x], "float32"))
    with np.errstate(all="ignore", under="raise"):
        module.forward(np.array([x], "float32"))


def test_the_users_state_is_as_before_after_an_exception():
    net = rp.Sequential(rp.Linear(3, 2, rng=0), rp.Tanh())
    for state in ({"all": "raise"}, {"all": "warn"}, {"over": "ignore", "under": "warn"}):
        with np.errstate(**state):
            user = np.geterr()
            for call in (lambda: net.forward(np.ones((5, 4))), lambda: net.backward(np.ones(3)), lambda: rp.SGD([], 1).step(),
                         lambda: rp.MSE().forward(np.ones(3), np.ones(4)), lambda: rp.MSE().backward()):
                with pytest.raises(rp.RetropropError):
                    call()
                assert np.geterr() == user


def test_no_underflow_is_warned_of_either():
    with np.errstate(all="warn"), warnings.catch_warnings():
        warnings.simplefilter("error")
        rp.Sigmoid().forward(np.array([-100.0, 200.0], "float32"))


def test_numpys_state_is_read_where_numpy_keeps_it():
    """If a version of NumPy keeps it elsewhere, the library asks ``np.geterr`` each time: right, but slower."""
    assert state_of_numpy() is not None
    with np.errstate(under="raise"):
        assert STATE.reports_underflow()
    assert not STATE.reports_underflow()
    assert STATE.current is STATE.calm
