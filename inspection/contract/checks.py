"""All laws of the contract, and ``check_module``, which tries them on a module."""

from __future__ import annotations

from copy import deepcopy

from numpy.typing import ArrayLike

from ...arguments import Seed, in_a_line
from ...datasets.checks import Inputs
from ...errors import ArgumentError, CheckError
from ...losses import Loss
from ...modules import Module
from ...modules.core.values import Value, as_values, copied, each
from . import batches as batches
from . import containers as containers
from . import memory as memory
from . import parameters as parameters
from . import phases as phases
from . import precision as precision
from . import state as state
from . import values as values
from .differences import AtKink
from .sample import Samples, seed

EXAMPLES = 5                                                        # on which a user's modules inside a network are checked

CHECKS = (
    parameters.every_parameter_and_module_is_found,
    values.output_shape_is_that_of_forward,
    values.backward_has_the_shape_of_x,
    precision.float32_and_float64_stay,
    memory.the_phases_write_into_no_array_of_the_caller,
    state.a_copy_computes_the_same,
    state.only_buffers_and_generators_carry_over,
    phases.an_array_may_be_filled_with_other_numbers,
    parameters.parameters_are_read_at_every_forward,
    values.backward_is_the_transposed_jacobian,
    values.update_is_the_gradient_of_each_parameter,
    values.jvp_is_the_transpose_of_backward,
    values.jvp_changes_nothing,
    precision.float32_computes_what_float64_does,
    phases.backward_update_and_jvp_are_linear,
    batches.examples_are_independent_unless_batch_dependent,
    batches.gradients_are_right_for_every_batch_size,
    batches.another_batch_size_leaves_nothing_behind,
    batches.example_gradients_are_those_of_update,
    phases.a_phase_that_comes_too_early_is_refused,
    phases.backward_leaves_the_parameter_gradients_alone,
    phases.backward_and_update_can_be_repeated,
    phases.backward_and_update_are_at_the_last_forward,
    phases.update_is_of_the_last_backward,
    phases.update_overwrites_and_accumulate_adds,
    parameters.frozen_parameters_change_no_other_gradient,
    parameters.a_frozen_module_keeps_its_gradients,
    phases.bad_input_is_refused_before_anything_changes,
    memory.returned_arrays_are_fresh_and_never_written_again,
    memory.the_gradient_that_was_returned_may_be_written,
    memory.out_receives_the_result,
    memory.an_out_that_does_not_fit_is_refused,
    memory.the_point_holds_no_more_than_saved_says,
    memory.forward_may_write_over_an_input_that_is_not_saved,
    memory.memory_order_does_not_matter,
    state.the_mode_of_forward_decides,
    state.predict_is_forward_in_evaluation_mode,
    state.predict_leaves_no_trace,
    state.state_dict_is_a_copy_of_all_that_predict_depends_on,
    state.a_copy_is_independent,
    containers.images_may_lie_batch_last_in_memory,
    containers.a_container_runs_it_as_it_runs_alone,
    containers.update_does_without_the_input_gradient,
    state.repr_names_the_class,
)
"""All laws, the most informative first: ``check(module, x)`` raises CheckError if the module breaks the law."""

NOT_OF_LOSSES = {                                                   # a loss is in no container and has no predict
    values.output_shape_is_that_of_forward,
    batches.examples_are_independent_unless_batch_dependent,
    batches.example_gradients_are_those_of_update,
    state.predict_is_forward_in_evaluation_mode,
    state.predict_leaves_no_trace,
    state.state_dict_is_a_copy_of_all_that_predict_depends_on,
    containers.images_may_lie_batch_last_in_memory,
    containers.a_container_runs_it_as_it_runs_alone,
    containers.update_does_without_the_input_gradient,
    memory.forward_may_write_over_an_input_that_is_not_saved,
}
LOSS_CHECKS = tuple(check for check in CHECKS if check not in NOT_OF_LOSSES)


def check_module(module: Module, x: Inputs, target: ArrayLike | None = None, *, rng: Seed = 0) -> None:
    """Try all laws of the contract on a module; the first that it breaks raises CheckError.

    Parameters
    ----------
    module : Module
        Left as it is: copies run, in training and in evaluation mode. It may draw random numbers.
    x : array_like, or a tuple of them
        A small batch of at least two different examples (each number takes two evaluations). No input may be at a kink,
        where no derivative exists to compare with.
    target : array_like, default None
        The second argument of a loss.
    rng : None, int or numpy.random.Generator, default 0
        Source of the random gradients of the output.

    Raises
    ------
    CheckError
        Names the module, the law, the mode, the expected result and the actual one. For a container, a note names the
        first module inside it that fails alone.

    Notes
    -----
    Gradients are compared in float64, by the margins of ``check_gradients``, with random gradients of the output, after
    all parameters were changed by up to a tenth. For one test per law: ``@pytest.mark.parametrize("check",
    rp.inspection.CHECKS)``, then ``check(module, x)`` (``LOSS_CHECKS`` and ``check(loss, prediction, target)`` for a loss).

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> class Square(rp.Module):
    ...     def forward(self, x):
    ...         self.point = x
    ...         return x * x
    ...     def backward(self, g):
    ...         return self.point * g
    >>> rp.check_module(Square(), [[1.0, 2.0], [3.0, 4.0]])
    Traceback (most recent call last):
    retroprop.errors.CheckError: Square(): backward is the transposed jacobian: in training mode, dC/dx[1, 0]: finite \
differences give 3.8425359, the module 1.92126795
    """
    if not isinstance(module, Module):
        raise ArgumentError(f"check_module: module must be a Module, got {in_a_line(module)}")
    if isinstance(module, Loss) != (target is not None):
        raise ArgumentError("check_module: target must be given for a loss and for nothing else, got "
                            f"{'none' if target is None else 'one'} for {module!r}")
    try:
        rng, samples = seed(rng), Samples()
        for check in LOSS_CHECKS if isinstance(module, Loss) else CHECKS:
            check(module, x, target, rng=rng, samples=samples)
    except CheckError as error:
        for note in blame(module, x):
            error.add_note(note)
        raise


def blame(module: Module, x: Inputs) -> list[str]:
    """Return a note on the first module in a container that breaks a law alone, on the input that it has there."""
    try:
        found = leaves_and_inputs(module, x)
    except Exception:                                               # the container does not run: the error says so already
        return []
    for path, leaf, read in found:
        if path:
            try:
                check_module(leaf, read)
            except CheckError as error:
                return [f"module {path} fails alone: {error}"]
    return []


def leaves_and_inputs(module: Module, x: Inputs) -> list[tuple[str, Module, Value]]:
    """Return copies of the modules that are no containers, with their paths and what they read if the module reads x."""
    ran, reads = deepcopy(module), list[Value]()

    def step(leaf: Module, read: Value) -> Value:
        reads.append(copied(read))
        return leaf.forward(read)

    ran.flow(as_values(x, ran.dtype, "x", ran, ran.arity), step)
    return [(path, leaf, read) for (path, leaf), read in zip(deepcopy(module).leaves(), reads, strict=True)]


def check_own_modules(net: Module, x: Inputs) -> list[tuple[str, Module, CheckError | None]]:
    """Try all laws on each module of a network whose class is not the library's, on the first examples that it reads there.

    Returns path, module and the broken law (None: no law is broken). A kink at these examples breaks none.
    """
    found = []
    for path, leaf, read in leaves_and_inputs(net, x):
        if not type(leaf).__module__.startswith(f"{__package__.partition('.')[0]}."):
            broken = None
            try:
                check_module(leaf, each(lambda a: a[:EXAMPLES], read))
            except CheckError as error:
                broken = None if isinstance(error.__cause__, AtKink) else error
            found.append((path, leaf, broken))
    return found
