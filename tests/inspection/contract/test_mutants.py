"""Each law catches its mutants, in every module of the library: a check that cannot fail is worth nothing."""

import later_changes as later
import numpy as np
import pytest
from cases import LOSSES, REAL
from changes import (
    add_before,
    add_to_out,
    by_example,
    double,
    forget_a_name,
    forget_first,
    forget_last,
    fresh,
    go_on_when_frozen,
    in_float64,
    keep_only,
    lose_point,
    mask_last_example,
    mean_term,
    move_buffers,
    never_none,
    noisy,
    own_buffer,
    pass_over_out,
    predict_and_forget,
    predict_and_stay,
    prepare_once,
    read_in_memory_order,
    run_backward,
    scale_gradients,
    scale_tangent,
    scaled,
    shallow_copy,
    the_first_ever,
    to_other_examples,
    touch_gradients,
    train_always,
    update_from_result,
    view_of_given,
    view_of_tangent,
    views,
    without,
    without_term,
    write_into_given,
    write_out_first,
)
from facts import Facts
from mutants import (
    Mutant,
    at_the_first_point,
    attributes,
    backward,
    before_checks,
    behind_checks,
    derivative,
    either,
    forward,
    jvp,
    jvp_of,
    needs,
    of_its_diagonal,
    of_the_jacobian,
    of_the_mode_now,
    only,
    spared,
    update,
    update_with,
)

import retroprop as rp
from retroprop.errors import CheckError
from retroprop.inspection import CHECKS
from retroprop.modules.core.base import Module

CASES = [case for case in REAL + LOSSES if not isinstance(case.x, tuple)     # the others: test_mutants_of_several_inputs
         and not isinstance(case.build().forward(*case.inputs), tuple)
         and case.name not in ("Sequential of images", "Graph of images")]  # large; their modules are cases of their own

HAS_PARAMETERS = needs("parameters", "there is no parameter")
HAS_STATE = needs("state", "there is no state")
OWN_UPDATE = either(HAS_PARAMETERS, spared("parts", "the gradients are computed by its modules, which are right"))
NO_LOSS = spared("loss", "a loss makes no such promise")
SQUARE = needs("square", "the product does not fit")
COPIED = spared("keeps_output", "the checked forward returns a copy")


# Reasons why a mutant is equivalent to the original


def scratch_is_idle(facts):
    """Return why a workspace of the wrong shape does no harm."""
    module = facts.module
    if isinstance(module, rp.Linear) and module.bias is None:
        return "the workspace serves the bias"
    if isinstance(module, rp.Upsample2d):
        return "which pixels a window has is the same for any batch"
    if isinstance(module, rp.Sequential) and len(module) == 1:
        return "the plan of one module has no buffers"
    return None


def in_its_own_container(facts):
    return "the container that it is put into is spoilt alike" if isinstance(facts.module, rp.Sequential) else None


def in_itself(facts):
    kinds = [type(inner) for _, inner in facts.module.named_modules()]
    return "its buffers are always the same: it is wrong in new arrays too" if kinds.count(kinds[0]) > 1 else None


def has_none_of_its_own(facts):
    kind = type(facts.module)
    return None if kind.example_gradients is not Module.example_gradients else "there are none of its own"


def lets_children_refuse(facts):
    return "its update asks its modules, which refuse" if facts.parts and type(facts.module).update is Module.update else None


MUTANTS = {
    "every_parameter_and_module_is_found": [
        Mutant("parameters are hidden", attributes(parameters=lambda self: []), HAS_PARAMETERS)],
    "output_shape_is_that_of_forward": [
        Mutant("output_shape is wrong", attributes(output_shape=lambda self, shape: (*shape, 1)),
               either(NO_LOSS, spared("obeys", "forward does what output_shape says")))],
    "backward_has_the_shape_of_x": [
        Mutant("backward adds an axis", backward(lambda self, g, gx, out: gx[..., None]))],
    "float32_and_float64_stay": [
        Mutant("forward in float64", forward(in_float64)),
        Mutant("backward in float64", backward(in_float64)),
        Mutant("jvp in float64", jvp(in_float64), spared("cost", "a float is a float64"))],
    "the_phases_write_into_no_array_of_the_caller": [
        Mutant("forward writes into x", forward(write_into_given)),
        Mutant("backward writes into g", backward(write_into_given))],
    "a_copy_computes_the_same": [
        Mutant("not reproducible", forward(noisy)),
        Mutant("the copy is the module itself", attributes(__deepcopy__=lambda self, memo: self))],
    "only_buffers_and_generators_carry_over": [
        Mutant("the calls are counted", forward(later.count_calls()))],
    "an_array_may_be_filled_with_other_numbers": [
        Mutant("x is known by its identity", behind_checks("forward", later.remember_by_identity()), in_itself)],
    "parameters_are_read_at_every_forward": [
        Mutant("at the first", behind_checks("forward", later.keep_first_parameters()), HAS_PARAMETERS)],
    "backward_is_the_transposed_jacobian": [
        Mutant("zero", backward(scaled(0))),
        Mutant("doubled", backward(scaled(2))),
        Mutant("wrong sign", backward(scaled(-1)), spared("even", "it is two containers deep, and the signs cancel")),
        Mutant("without the last example", backward(without(-1))),
        Mutant("without the first feature", backward(without((..., 0)))),
        Mutant("not transposed", derivative(of_the_jacobian), either(SQUARE, spared("symmetric", "no difference"))),
        Mutant("the diagonal only", derivative(of_its_diagonal), either(SQUARE, spared("diagonal", "there is no more"))),
        *(Mutant(f"{kind.__name__} without the mean of g{' x' * weighed}", backward(without_term(mean_term(weighed))),
                 only(kind)) for kind in (rp.BatchNorm, rp.LayerNorm) for weighed in (False, True))],
    "update_is_the_gradient_of_each_parameter": [
        Mutant("zero", update(scale_gradients(0)), HAS_PARAMETERS),
        Mutant("doubled", update(scale_gradients(2)), HAS_PARAMETERS),
        Mutant("wrong sign", update(scale_gradients(-1)), either(HAS_PARAMETERS, spared("even", "the signs cancel"))),
        Mutant("mean over the batch", update(scale_gradients(lambda self: 1 / len(self.gradient))), HAS_PARAMETERS),
        Mutant("without the last parameter", update(forget_last), HAS_PARAMETERS),
        Mutant("without the last example", update_with(mask_last_example), OWN_UPDATE)],
    "jvp_is_the_transpose_of_backward": [
        Mutant("zero", jvp(scaled(0))),
        Mutant("doubled", jvp(scaled(2))),
        Mutant("wrong sign", jvp(scaled(-1)), spared("even", "it is two containers deep, and the signs cancel")),
        Mutant("without the last example", jvp_of(mask_last_example)),
        Mutant("another axis", jvp(lambda self, t, y, out: np.asarray(y)[..., None])),
        Mutant("backward itself", attributes(jvp=Module.jvp, symmetric=True),
               either(SQUARE, spared("symmetric", "no difference"), NO_LOSS))],
    "jvp_changes_nothing": [
        Mutant("runs a backward", before_checks("jvp", run_backward)),
        Mutant("takes the point away", jvp(lose_point)),
        Mutant("writes into t", before_checks("jvp", scale_tangent)),
        Mutant("J t is a view of t", before_checks("jvp", view_of_tangent), needs("copies_g", "J t has other numbers than t")),
        Mutant("moves a buffer", jvp(move_buffers), needs("buffers", "it has none of its own")),
        Mutant("adds to the parameter gradients", jvp(touch_gradients), HAS_PARAMETERS)],
    "float32_computes_what_float64_does": [
        Mutant("backward doubled", backward(later.double_in_float32)),
        Mutant("jvp doubled", jvp(later.double_in_float32), spared("cost", "a float has one dtype"))],
    "backward_update_and_jvp_are_linear": [
        Mutant("backward clips", backward(later.clip_at_three)),
        Mutant("jvp clips", jvp(later.clip_at_three))],
    "gradients_are_right_for_every_batch_size": [
        Mutant("backward grows with the batch", backward(later.scale_by_size))],
    "examples_are_independent_unless_batch_dependent": [
        Mutant("it does not say so", attributes(batch_dependent=False), only(rp.BatchNorm)),
        Mutant("gradients go to other examples", backward(to_other_examples),
               either(NO_LOSS, spared("even", "the second container turns them round again")))],
    "example_gradients_are_those_of_update": [
        *(Mutant(name, by_example("example_gradients", change), has_none_of_its_own) for name, change in (
            ("doubled", lambda each: 2 * each), ("of another example", lambda each: each[::-1]),
            ("their sum, once", lambda each: np.concatenate([each.sum(0)[None], 0 * each[1:]])))),
        Mutant("the squares doubled", by_example("example_squared_norms", lambda each: 2 * each), has_none_of_its_own)],
    "a_phase_that_comes_too_early_is_refused": [
        Mutant("the gradient outlives its point", attributes(begin_forward=lambda self: None), lets_children_refuse)],
    "backward_leaves_the_parameter_gradients_alone": [
        Mutant("backward adds to them", backward(touch_gradients), HAS_PARAMETERS)],
    "backward_and_update_can_be_repeated": [
        Mutant("backward lets the point go", backward(lose_point)),
        Mutant("update accumulates", update(add_before), HAS_PARAMETERS)],
    "backward_and_update_are_at_the_last_forward": [
        Mutant("at the first", at_the_first_point, needs("pointed", "its gradients are the same at all points"))],
    "update_is_of_the_last_backward": [
        Mutant("of the first", update_with(the_first_ever()), OWN_UPDATE)],
    "update_overwrites_and_accumulate_adds": [
        Mutant("update accumulates", update(add_before), HAS_PARAMETERS),
        Mutant("accumulate overwrites", attributes(accumulate=lambda self, among=None: self.update()), HAS_PARAMETERS)],
    "frozen_parameters_change_no_other_gradient": [
        Mutant("backward doubles", backward(later.double_if_frozen), HAS_PARAMETERS)],
    "a_frozen_module_keeps_its_gradients": [
        Mutant("update goes on", before_checks("update", go_on_when_frozen), OWN_UPDATE)],
    "another_batch_size_leaves_nothing_behind": [
        Mutant("prepared once", prepare_once, either(needs("prepared", "it prepares nothing"), scratch_is_idle))],
    "bad_input_is_refused_before_anything_changes": [
        Mutant("forgets first", before_checks("forward", forget_first))],
    "returned_arrays_are_fresh_and_never_written_again": [
        Mutant("y is always the same array", forward(own_buffer()), either(spared("cost", "the cost is no array"), COPIED)),
        Mutant("dC/dx is always the same array", backward(own_buffer())),
        Mutant("y is a view of x", forward(view_of_given), needs("copies_x", "y has other numbers than x")),
        Mutant("dC/dx is a view of g", backward(view_of_given), needs("copies_g", "dC/dx has other numbers than g"))],
    "the_gradient_that_was_returned_may_be_written": [
        Mutant("update reads it", update_from_result, HAS_PARAMETERS)],
    "out_receives_the_result": [
        Mutant("forward ignores it", forward(fresh), either(NO_LOSS, COPIED)),
        Mutant("backward ignores it", backward(fresh)),
        Mutant("backward adds to it", behind_checks("backward", add_to_out), spared("even", "both containers add"))],
    "an_out_that_does_not_fit_is_refused": [
        Mutant("passed over", before_checks("backward", pass_over_out))],
    "the_point_holds_no_more_than_saved_says": [
        Mutant("saves neither", attributes(saved="neither"), needs("holds", "its points hold neither x nor y")),
        Mutant("saves all", attributes(saved="all"))],
    "forward_may_write_over_an_input_that_is_not_saved": [
        Mutant("written before it is read", behind_checks("forward", write_out_first),
               needs("in_place", "no container runs it in place"))],
    "memory_order_does_not_matter": [
        Mutant("read in memory order", behind_checks("forward", read_in_memory_order), spared("column", "there is one order"))],
    "the_mode_of_forward_decides": [
        Mutant("the mode of backward does", derivative(of_the_mode_now), needs("moded", "both modes do the same"))],
    "predict_is_forward_in_evaluation_mode": [
        Mutant("in training mode", behind_checks("forward", train_always), needs("moded", "both modes do the same"))],
    "predict_leaves_no_trace": [
        Mutant("stays in evaluation mode", attributes(predict=predict_and_stay), NO_LOSS),
        Mutant("takes the point away", attributes(predict=predict_and_forget), NO_LOSS)],
    "state_dict_is_a_copy_of_all_that_predict_depends_on": [
        Mutant("a buffer is not declared", attributes(buffers=()), needs("buffers", "it has none of its own")),
        Mutant("views", attributes(state_dict=views), HAS_STATE),
        Mutant("a name is missing", forget_a_name, HAS_STATE),
        Mutant("nothing is loaded", attributes(load_state_dict=lambda self, state, strict=True: None), HAS_STATE)],
    "a_copy_is_independent": [
        Mutant("parameters are shared", attributes(__deepcopy__=shallow_copy), HAS_STATE)],
    "a_container_runs_it_as_it_runs_alone": [
        Mutant("the checked phase computes", before_checks("backward", double), either(NO_LOSS, in_its_own_container))],
    "images_may_lie_batch_last_in_memory": [
        Mutant("out is flattened", behind_checks("forward", later.flatten_out), needs("batch_last", "its output is in rows"))],
    "update_does_without_the_input_gradient": [
        Mutant("update does without backward", before_checks("backward", keep_only),
               either(HAS_PARAMETERS, needs("parts", "update takes the gradient itself"))),
        Mutant("something comes back", before_checks("backward", never_none), NO_LOSS)],
    "repr_names_the_class": [
        Mutant("the default", attributes(__repr__=object.__repr__))],
}
UNCHANGED = (forward(lambda self, x, y, out: y), backward(lambda self, g, gx, out: gx), update(lambda self, before: None))


@pytest.fixture(scope="module")
def facts():
    return [(case, Facts(case)) for case in CASES]


def test_every_law_has_mutants():
    assert MUTANTS.keys() == {check.__name__ for check in CHECKS}


@pytest.mark.parametrize("step", [pytest.param(6, id="every sixth"), pytest.param(1, id="all", marks=pytest.mark.long)])
@pytest.mark.parametrize(("law", "mutant"), [pytest.param(law, mutant, id=f"{law}: {mutant.name}")
                                             for law, mutants in MUTANTS.items() for mutant in mutants])
def test_the_law_catches_the_mutant_of_every_module(law, mutant, step, facts):
    check = next(check for check in CHECKS if check.__name__ == law)
    wrong = [(case, fact) for case, fact in facts if mutant.equivalent(fact) is None]
    assert wrong
    survivors = []
    for case, fact in wrong[len(law + mutant.name) % min(step, len(wrong))::step]:      # others for each mutant
        module = case.build()
        with mutant.applied(type(fact.module)):
            try:
                check(module, *case.inputs)
                survivors.append(case.name)
            except CheckError:
                pass
    assert not survivors


def test_phases_that_are_replaced_by_themselves_are_not_caught(facts):
    """The laws catch what a mutant computes, not that a phase was replaced."""
    unchanged = Mutant("none", lambda kind: {name: phase for change in UNCHANGED for name, phase in change(kind).items()})
    for case, fact in facts[::12]:
        with unchanged.applied(type(fact.module)):
            rp.check_module(case.build(), *case.inputs)
