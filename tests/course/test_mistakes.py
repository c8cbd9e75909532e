"""Each mistake that students make costs the points that it should, and the law that it breaks says so."""

import re

import numpy as np
import pytest

from retroprop.course.bugs import given_names
from retroprop.course.exercises import EXERCISES, graded
from retroprop.course.source import cells, solution, solved
from retroprop.errors import CheckError

BY_NAME = {exercise.name: exercise for exercise in EXERCISES}


def verdicts(exercise, *changes, seed=0):
    """Grade the solution of an exercise after (old, new) changes of its code; return the sentence of each part."""
    code = solution(exercise)
    for old, new in changes:
        assert code.count(old) == 1, (old, code)
        code = code.replace(old, new)
    names = given_names()
    exec(code, names)
    return {verdict.part: verdict.sentence for verdict in graded(BY_NAME[exercise], names, seed)}


MISTAKES = {
    "the slope of a sigmoid without 1 - y": (
        "sigmoid", [("y * (1 - y) * g", "y * g")], {"backward", "other laws"},
        "Sigmoid(): backward is the transposed jacobian: in training mode, dC/dx"),
    "a sigmoid of base 2": (
        "sigmoid", [("np.exp(-x)", "2.0 ** -x"), ("y * (1 - y) * g", "0.6931471805599453 * y * (1 - y) * g")], {"forward"},
        "Sigmoid(): forward computes what is computed by the library's Sigmoid: for x of shape"),
    "the weight is not transposed": (
        "linear", [("x @ self.weight.data.T", "x @ self.weight.data")], {"forward", "backward", "update", "other laws"},
        "Linear(): forward computes what is computed by the library's Linear: ValueError: matmul"),
    "the gradient of the weight is transposed": (
        "linear", [("g.T @ x", "x.T @ g")], {"update", "other laws"},
        "Linear(): update is the gradient of each parameter: in training mode, ShapeError"),
    "the mean over the batch in place of the sum": (
        "linear", [("g.T @ x", "g.T @ x / len(x)")], {"update", "other laws"},
        "Linear(): update is the gradient of each parameter: in training mode, dC/dweight"),
    "update accumulates": (
        "linear", [("self.weight.grad =", "self.weight.grad +=")], {"update", "other laws"},
        "Linear(): update overwrites and accumulate adds: in training mode, update over old gradients"),
    "BatchNorm without the path through the mean": (
        "batchnorm", [("g - g.mean(axis=0) - normal", "g - normal")], {"backward", "other laws"},
        "BatchNorm(): backward is the transposed jacobian: in training mode, dC/dx"),
    "BatchNorm without the paths through mean and variance": (
        "batchnorm", [("(g - g.mean(axis=0) - normal * (g * normal).mean(axis=0))", "g")], {"backward", "other laws"},
        "BatchNorm(): backward is the transposed jacobian: in training mode, dC/dx"),
    "BatchNorm that asks for the mode in backward": (
        "batchnorm", [("if not of_batch", "if not self.training")], {"other laws"},
        "BatchNorm(): the mode of forward decides: in training mode"),
    "running statistics that forget the past": (
        "batchnorm", [("self.running_mean *= 0.9", "self.running_mean *= 0.1")], {"running statistics"},
        "BatchNorm(): the running statistics and predict are those of the library's BatchNorm: for x of shape"),
    "dropout without 1 / (1 - p)": (
        "dropout", [("kept / (1 - self.p)", "kept")], {"forward"},
        "Dropout(0.2): forward drops numbers in training: expected x / (1 - p), so that the mean of y is x"),
    "dropout that keeps with probability p": (
        "dropout", [(">= self.p", "< self.p")], {"forward"},
        "Dropout(0.2): forward drops numbers in training: expected a share of 0.2 to be 0, got 0.8"),
    "the mask is drawn again in backward": (
        "dropout", [("mask = self.point", "mask = (self.rng.random(g.shape) >= self.p) / (1 - self.p)")],
        {"backward", "other laws"}, "Dropout(0.2): backward is the transposed jacobian: in training mode, dC/dx"),
    "dropout drops in evaluation": (
        "dropout", [("if self.training:", "if True:")], {"evaluation", "other laws"},
        "Dropout(0.2): in evaluation mode the output is x: predict"),
    "the number of outputs where inputs are summed": (
        "variance", [("return n_out * std**2", "return n_in * std**2")], {"a gradient"},
        "of_a_gradient: for n_in = 2000, n_out ="),
    "the deviation in place of the variance": (
        "variance", [("return n_in * std**2", "return n_in * std")], {"a sum"}, "was predicted"),
    "Glorot's deviation before a ReLU": (
        "variance", [("np.sqrt(2 / n_in)", "np.sqrt(1 / n_in)")], {"ReLU"},
        "four layers with a ReLU multiply the mean square by 0.06"),
}


TYPICAL = ("the weight is not transposed", "the mean over the batch in place of the sum", "update accumulates",
           "BatchNorm without the paths through mean and variance", "dropout without 1 / (1 - p)",
           "the mask is drawn again in backward", "the number of outputs where inputs are summed")


@pytest.mark.parametrize("mistake", [
    pytest.param(name, marks=() if name in TYPICAL else pytest.mark.long) for name in MISTAKES])
def test_a_mistake_costs_its_parts_and_the_law_says_why(mistake):
    exercise, changes, parts, sentence = MISTAKES[mistake]
    found = {part: said for part, said in verdicts(exercise, *changes).items() if said}
    assert found.keys() == parts
    assert sentence in next(iter(found.values()))


@pytest.mark.parametrize("exercise", ["sigmoid", "linear", "batchnorm", "dropout", "variance"])
@pytest.mark.parametrize("seed", range(40))
@pytest.mark.long
def test_the_solutions_get_all_points_for_any_seed(exercise, seed):
    assert not any(verdicts(exercise, seed=seed).values())


def test_numbers_that_fit_one_seed_do_not_fit_another():
    names = {"of_a_sum": lambda n_in, std, mean_square: 0.21}       # right for the sizes that the notebook shows
    for seed in range(3):
        assert "0.21 was predicted" in graded(BY_NAME["variance"], names, seed)[0].sentence


WRONG = {
    "a layer less": ("through_layers", lambda width, std, depth: (width * std**2) ** (depth - 1)),
    "a layer more": ("through_layers", lambda width, std, depth: (width * std**2) ** (depth + 1)),
    "nothing changes": ("through_layers", lambda width, std, depth: 1),
    "factors are added": ("through_layers", lambda width, std, depth: width * std**2 * depth),
    "the std that fits 200 inputs": ("std_for_relu", lambda n_in: 0.1),
    "Glorot's std": ("std_for_relu", lambda n_in: n_in**-0.5),
    "too large a std": ("std_for_relu", lambda n_in: (3 / n_in) ** 0.5),
    "a sum without the inputs": ("of_a_sum", lambda n_in, std, mean_square: n_in * std**2),
    "a gradient without dC/dy": ("of_a_gradient", lambda n_in, n_out, std, mean_square: n_out * std**2),
}


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 40))])
@pytest.mark.parametrize("answer", WRONG)
def test_a_wrong_prediction_gets_no_points_for_any_seed(answer, seed):
    name, function = WRONG[answer]
    part = next(part for part in BY_NAME["variance"].parts if part.name == name)
    with pytest.raises(CheckError, match=r"<lambda>: .*(measured|near 1)"):
        part.test(function, seed)


def test_a_function_without_a_name_is_told_what_is_wrong():
    from functools import partial
    from operator import pow
    names = {"std_for_relu": partial(pow, 0.1), "of_a_sum": partial(lambda *sizes: 7)}
    assert [verdict.sentence[:12] for verdict in graded(BY_NAME["variance"], names, 0)][::3] == ["the function"] * 2


DELEGATING = """
class Linear(rp.Linear):
    pass

class Sigmoid(rp.Module):
    def forward(self, x):
        self.point = 1 / (1 + np.exp(-x))
        return self.point

    def backward(self, g):
        inner = rp.Sigmoid()
        inner.forward(np.log(self.point / (1 - self.point)))
        return inner.backward(g)

class BatchNorm(rp.Module):
    def __init__(self, features):
        self.inner = rp.Sequential(rp.BatchNorm(features, unbiased=False))

    def forward(self, x):
        return self.inner.forward(x)
"""


def test_a_class_of_the_library_is_no_answer():
    names = given_names()
    exec(DELEGATING, names)
    names["Dropout"] = names["rp"].Dropout
    alone = "the class must compute by itself, and calls"
    own = "a class of your own that derives from rp.Module is expected, got <class '"
    for name, sentence in (("linear", f"{own}__main__.Linear'>"), ("dropout", f"{own}retroprop.modules.dropout.Dropout'>"),
                           ("batchnorm", f"{alone} forward of the library's BatchNorm")):
        assert sentence in graded(BY_NAME[name], names, 0)[0].sentence
    forward, *others = graded(BY_NAME["sigmoid"], names, 0)
    assert forward.points == 2
    assert all(f"{alone} forward of the library's Sigmoid" in verdict.sentence for verdict in others)
    sigmoid = names["rp"].Sigmoid()                                 # and the library computes as before
    for module in (sigmoid, names["rp"].Sequential(sigmoid)):
        assert module.forward(np.zeros((1, 1))) == 0.5


def test_the_points_of_the_instructors_page_are_those_of_the_exercises():
    from retroprop.course.source import TEXTS
    page = (TEXTS / "instructor.md").read_text(encoding="utf-8")
    for exercise in EXERCISES[:4]:
        parts = ", ".join(f"{part.title} {part.points}" for part in exercise.parts)
        assert f"| {exercise.title} | {exercise.points} | {parts} |" in page
    headings = re.findall(r"^## .*\((\d+) points\)|^## .*\((3) × (4) points\)", "\n".join(cell.source for cell in cells()),
                          re.MULTILINE)
    assert sum(int(one or 0) or int(a) * int(b) for one, a, b in headings) == 60 == sum(each.points for each in EXERCISES)


def test_the_gaps_are_where_the_solutions_were():
    from retroprop.course.source import cleared
    answers = [cell.source for cell in cells() if cell.kind == "answer"]
    for source in answers:
        compile(cleared(source), "cell", "exec")
        assert cleared(source).count("raise NotImplementedError()") == source.count("BEGIN SOLUTION") > 0
        assert "SOLUTION" not in cleared(source) + solved(source)
