"""The laws of repr, copies, modes and ``state_dict``."""

from __future__ import annotations

import pickle
import sys
from copy import deepcopy

from ...errors import PhaseError, StateError
from ...modules import Module
from ...modules.core.rewinding import rewound
from .assertions import close, refuses, require, same
from .sample import Sample, coupled, float64, law


@law
def repr_names_the_class(s: Sample) -> None:
    text = repr(s.module)
    kind = type(s.module)
    require(type(text) is str and text.startswith((kind.__name__, kind.__qualname__)),      # a dataclass gives the second
            f"expected {kind.__name__}(…), got {text!r}")


@law
def a_copy_computes_the_same(s: Sample) -> None:
    """A copy has the parameters, the buffers and the state of the generator, but not the point."""
    used = s.new()
    same("the first of two copies against the second", s.run(used), s.run(s.new()))
    copies = {"copy.deepcopy": deepcopy(used)}
    if all(importable(type(module)) for _, module in used.named_modules()):
        copies |= pickled(used)
    expected = s.run(used)
    for way, copy in copies.items():
        refuses(PhaseError, f"backward of a {way} copy that has not run", copy.backward, s.g)
        same(f"a {way} copy", s.run(copy), expected)


@law
def only_buffers_and_generators_carry_over(s: Sample) -> None:
    """A step changes nothing else that the next step depends on: this is what is saved, and put back after an inspection."""
    module = s.new()
    rewind = rewound(module)
    expected = s.run(module)
    rewind.restore()
    same("the same step again, after buffers and generators were put back (state must be an array in buffers, and random "
         "numbers come from a numpy.random.Generator that is an attribute)", s.run(module), expected)


@law
def a_copy_is_independent(s: Sample) -> None:
    module, twin = s.new(), s.new()
    expected = s.run(twin) | twin.state_dict()
    y = s.forward(module, s.x)
    copy = deepcopy(module)
    s.run(s.jitter(copy), s.other, s.h)
    same("after a copy was changed and run", {"y": y} | s.go_back(module, s.g) | module.state_dict(), expected)


@law
def the_mode_of_forward_decides(s: Sample) -> None:
    """A change of mode after forward changes neither backward nor update."""
    module, expected = s.new(), s.run(s.new())
    y = s.forward(module, s.x)
    module.train(not module.training)
    same("after a change of mode between forward and backward", {"y": y} | s.go_back(module, s.g), expected)


@law
def predict_is_forward_in_evaluation_mode(s: Sample) -> None:
    predicted, expected = s.new().predict(s.x), s.forward(s.new().eval(), s.x)
    same("predict", {"y": predicted}, {"y": expected})
    module, x = s.double().eval(), float64(s.x)
    if not coupled(module):
        close("predict by single examples", {"y": module.predict(x, batch_size=1)}, {"y": module.predict(x)})


@law
def predict_leaves_no_trace(s: Sample) -> None:
    """It changes no mode, point, gradient or buffer, and not what a generator draws next."""
    module, twin = s.new(), s.new()
    for one in (module, twin):
        one.named_modules()[-1][1].train(not s.module.training)     # two modes in one tree, if it has two modules
        s.run(one)
    point, gradient, modes = module.point, module.gradient, [inner.training for _, inner in module.named_modules()]
    module.predict(s.other)
    require([inner.training for _, inner in module.named_modules()] == modes, "predict did not restore the modes")
    require(module.point is point and module.gradient is gradient, "predict did not restore point and gradient")
    same("update after predict", s.go_back(module, s.g), s.go_back(twin, s.g))
    same("the next steps after predict", s.run(module) | module.state_dict(), s.run(twin) | twin.state_dict())


@law
def state_dict_is_a_copy_of_all_that_predict_depends_on(s: Sample) -> None:
    trained, fresh = s.jitter(s.new()).train(), s.new()
    s.forward(trained, s.other)
    s.forward(trained, s.x)
    state, expected = trained.state_dict(), {"y": trained.predict(s.x)}
    if state:
        refuses(StateError, "a state without its first name", fresh.load_state_dict, dict(list(state.items())[1:]))
    fresh.load_state_dict(state)
    same("predict of a module into which the state was loaded", {"y": fresh.predict(s.x)}, expected)
    for array in state.values():
        array += 1
    same("predict after the arrays of state_dict were written", {"y": trained.predict(s.x)}, expected)
    same("predict after the arrays that were loaded were written", {"y": fresh.predict(s.x)}, expected)


def pickled(module: Module) -> dict[str, Module]:
    """Return a copy by pickle; none if the module holds what pickle refuses: a function written inside another, a lock."""
    try:
        return {"pickle": pickle.loads(pickle.dumps(module))}
    except (AttributeError, TypeError, pickle.PicklingError) as error:
        if any(word in str(error) for word in ("<lambda>", "<locals>", "cannot pickle")):
            return {}
        raise


def importable(kind: type) -> bool:
    """Return whether pickle can find the class: not if it was written inside a function or in a docstring."""
    return getattr(sys.modules.get(kind.__module__), kind.__qualname__, None) is kind
