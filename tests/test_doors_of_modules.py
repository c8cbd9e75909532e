"""Every argument of a module or a loss that takes an array is a door: see ``doors.py``."""

import numpy as np
from doors import LARGE, LENGTHS, NUMBERS, QUIET, SCALAR, Door, table

import retroprop as rp
from retroprop.inspection.contract.cases import LOSSES, MODULES
from retroprop.modules.core.values import each, parts, several


def replaced(value, k, member):
    """Return a value of several arrays with one of them replaced; or the member, if there is only one array."""
    return tuple(member if i == k else part for i, part in enumerate(value)) if several(value) else member


def phases(case):
    """Yield the doors of a module, for each array of x, g and t."""
    kind, x = case.name, case.x
    y = case.build().forward(x)
    g, floats = each(lambda part: np.linspace(-1, 1, part.size).reshape(part.shape), y), parts(y)[0].dtype == np.float64
    large = LARGE if floats else frozenset()

    def after_forward(phase, value):
        module = case.build()
        module.forward(x)
        return getattr(module, phase)(value)

    integers = case.build().holds_integers(x)
    shown = QUIET if all(integers) else NUMBERS                     # the derivatives in integers are 0, whatever t and g are
    for k, part in enumerate(parts(x)):
        name = f"x[{k}]" if several(x) else "x"
        alone = LENGTHS if not several(x) else frozenset()          # the batch size of one array may not change alone
        takes = alone if integers[k] else NUMBERS | large | alone
        yield Door(f"{kind}.forward", name, part, lambda a, k=k: case.build().forward(replaced(x, k, a)), takes)
        yield Door(f"{kind}.predict", name, part, lambda a, k=k: case.build().predict(replaced(x, k, a), 2), takes)
        yield Door(f"{kind}.jvp", name.replace("x", "t"), part, lambda a, k=k: after_forward("jvp", replaced(x, k, a)),
                   shown | large)
    for k, part in enumerate(parts(g)):
        name = f"g[{k}]" if several(g) else "g"
        yield Door(f"{kind}.backward", name, part, lambda a, k=k: after_forward("backward", replaced(g, k, a)), shown | large)


def loss_phases(case):
    """Yield the doors of a loss."""
    kind, x, y = type(case.build()).__name__, case.x, case.target
    elementwise = case.build().costs_shape(x.shape) == x.shape
    bounded = "BCE" in kind or kind == "Hinge"

    def after_forward(phase, value, reduction="mean"):
        loss = case.build()
        loss.reduction = reduction
        loss.forward(x, y)
        return getattr(loss, phase)(value)

    takes = LARGE | NUMBERS
    yield Door(kind, "prediction", x, lambda a: case.build().forward(a, y), {"NaN"} if kind == "BCE" else takes)
    yield Door(kind, "target", y, lambda a: case.build().forward(x, a), LARGE if elementwise and not bounded else frozenset())
    yield Door(f"{kind}.backward", "g", np.ones(x.shape if elementwise else len(x)),
               lambda a: after_forward("backward", a, "none"), takes)
    yield Door(f"{kind}.jvp", "t", x, lambda a: after_forward("jvp", a), takes)


def parameter(name):
    def call(value):
        p = rp.Parameter(np.zeros((4, 3)), "p")
        setattr(p, name, value)
        return p.data, p.grad
    return call


DOORS = [
    *(door for case in MODULES for door in phases(case)),
    *(door for case in LOSSES for door in loss_phases(case)),
    Door("CrossEntropy", "weight", np.array([0.5, 2, 1.5]), lambda a: rp.CrossEntropy(a).weight, LENGTHS),
    Door("NLL", "weight", np.array([0.5, 2, 1.5]), lambda a: rp.NLL(a).weight, LENGTHS),
    Door("Parameter", "data", np.ones((4, 3)), lambda a: rp.Parameter(a, "p").data,
         NUMBERS | LENGTHS | SCALAR | {"empty"}),
    Door("Parameter", "data", np.ones((4, 3)), parameter("data"), NUMBERS),
    Door("Parameter", "grad", np.ones((4, 3)), parameter("grad"), NUMBERS),
    Door("Linear", "weight_init", np.ones((4, 3)),
         lambda a: rp.Linear(3, 4, weight_init=lambda shape, rng, dtype: a).weight.data, NUMBERS),
]
test_a_phase_takes_what_it_can_and_refuses_the_rest_in_one_sentence = table(DOORS)
