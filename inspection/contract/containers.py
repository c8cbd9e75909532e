"""The laws of containers, which run the phases unchecked, in buffers of their own."""

from __future__ import annotations

from copy import deepcopy

from ...arguments import Array
from ...modules import Graph, Identity, Module, Sequential
from ...modules.core.values import copied, parts, several
from .assertions import close, require, same
from .differences import agree_beside_kinks, along_directions
from .sample import Sample, draws, float64, gradients, law


@law
def a_container_runs_it_as_it_runs_alone(s: Sample) -> None:
    """The module stands between modules that save nothing, so that the container may write in place."""
    module, net = s.new(), between(s, s.new()).train(s.module.training)
    for step in ("first", "second"):
        expected, given = s.run(module), {"x": copied(s.x), "g": copied(s.g)}
        same(f"the {step} step inside Sequential", named_as(expected, s.run(net)), expected)
        same(f"the {step} step inside Sequential wrote into an array of the caller", {"x": s.x, "g": s.g}, given)


@law
def update_does_without_the_input_gradient(s: Sample) -> None:
    """``backward(g, input_gradient=False)`` computes everything that update needs, alone and inside Sequential."""
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


@law
def images_may_lie_batch_last_in_memory(s: Sample) -> None:
    """Images with the batch as the last axis in memory, as containers pass them, have the results of C-contiguous ones."""
    images = s
    if any(array.ndim != 4 for array in parts(s.x)):                # a function of each element takes any numbers as images
        if s.module.layout == "rows" or any(array.ndim < 2 for array in parts(s.x)):
            return
        try:
            images = s.as_images()
        except Exception:                                           # it takes no images
            return
    module, x, g = images.double(), float64(images.x), float64(images.g)
    net = between(images, deepcopy(module), BatchLast).train(s.module.training)
    if draws(images, deepcopy(module)):                             # in the order of memory, perhaps
        agree_beside_kinks("between modules of this layout", along_directions(images.of(net)))
        return
    expected = images.run(module, x, g)
    close("between modules of this layout", named_as(expected, images.run(net, x, g)), expected)


class BatchLast(Identity):
    """An Identity whose output images have the batch as the contiguous axis."""

    layout = "batch last"                                           # type: ignore[assignment]


def between(s: Sample, module: Module, first: type[Module] = Identity) -> Module:
    """Return a container with a module ``first()`` before each input of the module, and an Identity behind its output."""
    last = [] if several(s.g) else [Identity()]
    if s.module.arity == 1:
        return Sequential(first(), module, *last)
    inputs = [f"x{k}" for k in range(len(s.x))]
    nodes = {f"i{name}": (first(), name) for name in inputs}
    return Graph(nodes | {"y": (Sequential(module, *last), *nodes)}, inputs=inputs, outputs="y")



def named_as(names: dict[str, Array], results: dict[str, Array]) -> dict[str, Array]:
    return dict(zip(names, results.values(), strict=True))
