"""The laws of copies, modes, state and containers: what a module is when nobody runs its phases."""

from __future__ import annotations

import pickle
import sys
from copy import deepcopy

from ...arguments import Array
from ...errors import PhaseError, StateError
from ...modules import Graph, Identity, Module, Sequential
from ...modules.core.values import several
from .case import Subject, close, float64, gradients, law, refuses, require, same


@law
def repr_names_the_class(s: Subject) -> None:
    text = repr(s.module)
    require(type(text) is str and text.startswith(type(s.module).__name__),
            f"expected {type(s.module).__name__}(…), got {text!r}")


@law
def a_copy_computes_the_same(s: Subject) -> None:
    """Parameters, buffers and the state of a generator go along; the point does not."""
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
def a_copy_is_independent(s: Subject) -> None:
    module, twin = s.new(), s.new()
    expected = s.run(twin) | twin.state_dict()
    y = s.forward(module, s.x)
    copy = deepcopy(module)
    s.run(s.jitter(copy), s.other, s.h)
    same("after a copy was changed and run", {"y": y} | s.retrace(module, s.g) | module.state_dict(), expected)


@law
def the_mode_of_forward_decides(s: Subject) -> None:
    """A change of mode between the phases changes neither of the later two."""
    module, expected = s.new(), s.run(s.new())
    y = s.forward(module, s.x)
    module.train(not module.training)
    same("after a change of mode behind forward", {"y": y} | s.retrace(module, s.g), expected)


@law
def predict_is_forward_in_evaluation_mode(s: Subject) -> None:
    predicted, expected = s.new().predict(s.x), s.forward(s.new().eval(), s.x)
    same("predict", {"y": predicted}, {"y": expected})
    module, x = s.double().eval(), float64(s.x)
    close("predict by single examples", {"y": module.predict(x, batch_size=1)}, {"y": module.predict(x)})


@law
def predict_leaves_no_trace(s: Subject) -> None:
    """Neither in modes, points, gradients and buffers, nor in what a generator draws next."""
    module, twin = s.new(), s.new()
    for each in (module, twin):
        each.named_modules()[-1][1].train(not s.module.training)    # a tree of two modes, where it has two modules
        s.run(each)
    point, gradient, modes = module.point, module.gradient, [inner.training for _, inner in module.named_modules()]
    module.predict(s.other)
    require([inner.training for _, inner in module.named_modules()] == modes, "predict did not restore the modes")
    require(module.point is point and module.gradient is gradient, "predict did not restore point and gradient")
    same("update after predict", s.retrace(module, s.g), s.retrace(twin, s.g))
    same("the next steps after predict", s.run(module) | module.state_dict(), s.run(twin) | twin.state_dict())


@law
def state_dict_is_a_copy_of_all_that_predict_depends_on(s: Subject) -> None:
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


@law
def a_container_runs_it_as_it_runs_alone(s: Subject) -> None:
    """Between modules that save nothing, where the container may write in place."""
    module, net = s.new(), between(s).train(s.module.training)
    for step in ("first", "second"):
        expected = s.run(module)
        same(f"the {step} step inside Sequential", named_as(expected, s.run(net)), expected)


@law
def update_does_without_the_input_gradient(s: Subject) -> None:
    """``backward(g, input_gradient=False)`` leaves nothing out that update needs, alone and inside Sequential."""
    module = s.new()
    net = Sequential(s.new()).train(s.module.training)
    expected = s.run(s.new())
    del expected["dC/dx"]
    for what, runner in (("", module), ("inside Sequential: ", net)):
        y = s.forward(runner, s.x)
        gx = runner.backward(s.g, input_gradient=False)
        require(gx is None, f"{what}backward(g, input_gradient=False): expected None, got {gx!r}")
        runner.update()
        same(f"{what}without input gradient", named_as(expected, {"y": y} | gradients(runner)), expected)


def between(s: Subject) -> Module:
    """A container in which each input and the output of the module is that of an Identity."""
    last = [] if several(s.g) else [Identity()]
    if s.module.arity == 1:
        return Sequential(Identity(), s.new(), *last)
    inputs = [f"x{k}" for k in range(len(s.x))]
    nodes = {f"i{name}": (Identity(), name) for name in inputs}
    return Graph(nodes | {"y": (Sequential(s.new(), *last), *nodes)}, inputs=inputs, outputs="y")


def pickled(module: Module) -> dict[str, Module]:
    """A copy by way of pickle, where the functions that the module holds can be pickled: not those written in another."""
    try:
        return {"pickle": pickle.loads(pickle.dumps(module))}
    except (AttributeError, pickle.PicklingError) as error:
        if any(word in str(error) for word in ("<lambda>", "<locals>")):
            return {}
        raise


def named_as(names: dict[str, Array], results: dict[str, Array]) -> dict[str, Array]:
    return dict(zip(names, results.values(), strict=True))


def importable(kind: type) -> bool:
    """Whether pickle can find the class: not if it was written inside a function or in a docstring."""
    return getattr(sys.modules.get(kind.__module__), kind.__qualname__, None) is kind
