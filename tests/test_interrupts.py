"""Ctrl-C before any line of the library: networks are as before the call or as after it, and the next step is right."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from cases import numbers
from interrupts import interrupted, lines_of
from numpy.testing import assert_array_equal
from steps import assert_same, step

import retroprop as rp

X, G, Y = numbers(6, 3).astype("float32"), numbers(6, 2, seed=1).astype("float32"), np.array([0, 1, 1, 0, 1, 0])
EVERY = 10**9
# How many lines of an act are interrupted, at most.
AMOUNTS = [7, pytest.param(EVERY, marks=pytest.mark.long)]


def sequential():
    """Modules whose mode matters, a container inside."""
    return rp.Sequential(rp.Linear(3, 4, rng=1), rp.BatchNorm(4), rp.Sequential(rp.Tanh(), rp.Dropout(0.5, rng=0)),
                         rp.Linear(4, 2, rng=2))


def graph():
    return rp.Graph({"h": (rp.Linear(3, 2, rng=1), "x"), "s": (rp.Sigmoid(), "h"), "z": (rp.Multiply(), "h", "s")},
                    inputs="x", outputs="z")


def tied():
    net = rp.Sequential(rp.Linear(3, 3, rng=1), rp.ReLU(), rp.Linear(3, 3, rng=2), rp.Linear(3, 2, rng=3))
    net[2].weight = net[0].weight
    return net


class Run:
    """A network between backward and update, with one module in another mode than the rest."""

    def __init__(self, build):
        self.build, self.net, self.loss = build, build(), rp.CrossEntropy()
        self.optimizer = rp.SGD(self.net.parameters(), lr=0.1, momentum=0.9)
        self.net.named_modules()[2][1].eval()
        step(self.net, X, G)
        self.optimizer.step()
        self.loss.forward(self.net.forward(X), Y)
        self.net.backward(G)

    def modules(self):
        return [module for _, module in self.net.named_modules()]

    def modes(self):
        return [module.training for module in self.modules()]

    def twin(self):
        """Return a new network in the same state and the same modes."""
        twin = self.build()
        if self.net.dtype == "float64":
            twin.astype("float64")
        twin.load_state_dict(self.net.state_dict())
        for mine, other in zip(self.modules(), [module for _, module in twin.named_modules()], strict=True):
            other.training = mine.training
        for (_, mine), (_, other) in zip(self.net.named_generators(), twin.named_generators(), strict=True):
            other.bit_generator.state = mine.bit_generator.state
        for mine, other in zip(self.net.parameters(), twin.parameters(), strict=True):
            other.frozen = mine.frozen
        return twin


def train(run):
    run.loss.forward(run.net.forward(X), Y)
    run.net.backward(run.loss.backward(), input_gradient=False)
    run.net.update()
    run.optimizer.step()


def on_tape(run):
    with rp.tape(run.net, run.loss):
        train(run)


def freeze(run):
    run.net.parameters()[0].frozen = True


def tie(run):
    layers = [module for module in run.modules() if isinstance(module, rp.Linear)]
    for a, b in pairwise(layers):
        if a.weight.shape == b.weight.shape:
            b.weight = a.weight


def fit(run):
    rp.fit(run.net, run.loss, run.optimizer, (X, Y), epochs=1, batch_size=6, rng=0, validation=(X, Y), progress=False)


def load(run):
    run.net.load_state_dict({name: array + 1 for name, array in run.net.state_dict().items()})


# What may change: the parameters and buffers (all of them together, or "parts": one after the other), the modes.
CHANGING = {
    "train": (train, "parts"), "fit": (fit, "parts"), "tape": (on_tape, "parts"), "load_state_dict": (load, "all"),
    "update": (lambda run: run.net.update(), "nothing"), "accumulate": (lambda run: run.net.accumulate(), "nothing"),
    "astype": (lambda run: run.net.astype("float64"), "all"), "freeze": (freeze, "nothing"), "tie": (tie, "all"),
    "load_state_dict of the optimizer": (lambda run: run.optimizer.load_state_dict(run.optimizer.state_dict()), "nothing"),
    "lsuv": (lambda run: rp.lsuv(run.net, X, rng=0, tol=3), "all"),
}
# These leave the network as it was: update can follow.
READING = {
    "predict": lambda run: run.net.predict(X, batch_size=4),
    "evaluate": lambda run: rp.evaluate(run.net, run.loss, X, Y),
    "diagnose": lambda run: rp.diagnose(run.net, X, Y, run.loss),
    "layer_statistics": lambda run: rp.layer_statistics(run.net, X, run.loss, Y),
    "jacobian": lambda run: rp.jacobian(run.net, X[:2]),
    "jvp": lambda run: rp.jvp(run.net, X, X),
    "vjp": lambda run: rp.vjp(run.net, X, G),
    "net.jvp": lambda run: run.net.jvp(X),
    "check_gradients": lambda run: rp.check_gradients(run.net, run.loss, X[:2], Y[:2]),
    "perturb": lambda run: rp.perturb(run.net, run.loss, X, Y, run.net.named_parameters()[0][0], (0, 0), [0.1]),
    "state_dict of the optimizer": lambda run: run.optimizer.state_dict(),
}
NETS = {"sequential": sequential, "graph": graph, "tied": tied}


def same_state(net, state):
    now = net.state_dict()
    return [np.array_equal(now[name], state[name]) and now[name].dtype == state[name].dtype for name in state]


def check_state(run, before, after, change):
    """Each array is as before or as after; if they change together, all are."""
    assert all(np.isfinite(array).all() for array in run.net.state_dict().values())
    old, new = same_state(run.net, before), same_state(run.net, after)
    assert all(old) or (change == "all" and all(new)) or (change == "parts" and np.logical_or(old, new).all())


def check_steps(run):
    """The next steps are those of a new network in the same state, and the optimizer moves each parameter."""
    assert not any(module._taped for module in run.modules())
    twin = run.twin()
    for _ in range(2):
        assert_same(step(run.net, X, G), step(twin, X, G))
    run.optimizer.step()
    assert all(np.isfinite(parameter.data).all() for parameter in run.net.parameters())


def stops(act, most):
    """Return the numbers of lines before which to interrupt: all, or ``most`` that are spread over them."""
    count = lines_of(act)
    assert count > 7
    return range(0, count, -(-count // min(most, count)))


def changing(build, name, most):
    act, change = CHANGING[name]
    first = Run(build)
    before = first.net.state_dict()
    act(first)                                                      # imports on demand come now
    second = Run(build)
    lines = stops(partial(act, second), most)
    after = second.net.state_dict()
    for stop in lines:
        run = Run(build)
        modes = run.modes()
        place = interrupted(partial(act, run), stop)
        try:
            assert run.modes() == modes
            check_state(run, before, after, change)
            check_steps(run)
        except Exception as error:
            raise AssertionError(f"{name}, interrupted at {place}, line number {stop}") from error


def reading(build, name, most):
    act = READING[name]
    act(Run(build))
    expected = Run(build)
    expected.net.update()
    for stop in stops(partial(act, Run(build)), most):
        run = Run(build)
        modes, points = run.modes(), [module.point for module in run.modules()]
        place = interrupted(partial(act, run), stop)
        try:
            assert run.modes() == modes
            assert all(module.point is point for module, point in zip(run.modules(), points, strict=True))
            run.net.update()
            assert_same([p.grad for p in run.net.parameters()], [p.grad for p in expected.net.parameters()])
            check_steps(run)
        except Exception as error:
            raise AssertionError(f"{name}, interrupted at {place}, line number {stop}") from error


@pytest.mark.parametrize("most", AMOUNTS)
@pytest.mark.parametrize("name", CHANGING)
@pytest.mark.parametrize("net", NETS)
def test_an_interrupt_leaves_the_state_before_or_after(net, name, most):
    changing(NETS[net], name, most)


@pytest.mark.parametrize("most", AMOUNTS)
@pytest.mark.parametrize("name", READING)
@pytest.mark.parametrize("net", NETS)
def test_an_interrupt_of_what_only_reads_leaves_everything(net, name, most):
    reading(NETS[net], name, most)


@pytest.mark.parametrize("optimizer", [rp.SGD, rp.Adam, rp.AdamW, rp.RMSprop, rp.Adagrad], ids=lambda kind: kind.__name__)
def test_an_interrupted_step_leaves_each_parameter_before_or_after(optimizer):
    options = {"lr": 0.1, "weight_decay": 0.1}

    def new():
        net = graph()
        step(net, X, G)
        return net, optimizer(net.parameters(), **options)

    (first, moving), (_, counted) = new(), new()
    before = first.state_dict()
    moving.step()
    for stop in range(lines_of(counted.step)):
        net, moving = new()
        place = interrupted(moving.step, stop)
        old, after = same_state(net, before), same_state(net, first.state_dict())
        assert np.logical_or(old, after).all(), place
        moving.step()
        assert all(np.isfinite(array).all() for array in net.state_dict().values()), place


@pytest.mark.parametrize("stride", [53, pytest.param(1, marks=pytest.mark.long)])
def test_after_an_interrupted_constructor_the_modules_are_free(stride):
    """They belong to no container, hold their numbers, and another container takes them."""
    def make():
        return rp.Linear(3, 3, rng=0), rp.Tanh(), rp.Linear(3, 2, rng=1)

    expected, layers = rp.Sequential(*make()).forward(X), make()
    for stop in range(0, lines_of(partial(rp.Sequential, *layers)), stride):
        layers = make()
        interrupted(partial(rp.Sequential, *layers), stop)
        assert all(not list(layer.owners()) for layer in layers)
        assert_array_equal(rp.Sequential(*layers).forward(X), expected)


def test_an_array_that_numerical_gradient_moves_comes_back():
    a, kept = np.array([1.0, 2.0]), np.array([1.0, 2.0])
    act = partial(rp.numerical_gradient, lambda a: float((a**2).sum()), a)
    for stop in range(lines_of(act)):
        interrupted(act, stop)
        assert_array_equal(a, kept)
