"""Building networks of many layers: the cost is that of the layers, and there is at most one warning."""

import warnings

import numpy as np
import pytest
from counting import function_calls

import retroprop as rp


def test_the_cost_of_building_grows_with_the_number_of_layers():
    def calls(n):
        layers = [rp.Linear(8, 8, rng=k) for k in range(n)]
        return sum(function_calls(lambda: rp.Sequential(*layers)))

    assert calls(400) < 2.2 * calls(200)


def block(k, init=rp.Zeros()):  # noqa: B008
    return rp.Sequential(rp.Linear(8, 6, rng=k), rp.ReLU(), rp.Linear(6, 8, weight_init=init))


@pytest.mark.parametrize("init", [rp.Zeros(), rp.Constant(0.5)], ids=repr)
def test_blocks_that_start_with_constant_weights_are_no_mistake(init):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rp.Sequential(*(block(k, init) for k in range(50)))
        rp.Sequential(*(rp.Linear(1, 1, rng=0) for _ in range(3)))


@pytest.mark.parametrize(("seeds", "text"), [
    ([1, 1], "0.weight and 1.weight"),
    ([1, 2, 1, 3, 1], "0.weight, 2.weight and 4.weight"),
    ([1, 2, 2, 1], "0.weight and 3.weight; 1.weight and 2.weight"),
    ([1] * 50, "0.weight, 1.weight, 2.weight and 47 others"),
    ([k // 2 for k in range(10)], "0.weight and 1.weight; 2.weight and 3.weight; 4.weight and 5.weight (and 2 other groups of "
                                  "layers)"),
])
def test_one_warning_names_all_layers_that_start_equal(seeds, text):
    with pytest.warns(UserWarning, match="start with the same numbers") as caught:
        rp.Sequential(*(rp.Linear(3, 3, rng=seed) for seed in seeds))
    assert [str(w.message) for w in caught] == [
        f"Sequential: {text} start with the same numbers; give each layer an rng of its own"]
    assert caught[0].filename == __file__


def test_an_inner_container_has_had_its_warning():
    def inner():
        return rp.Sequential(rp.Linear(3, 3, rng=1), rp.Tanh(), rp.Linear(3, 3, rng=1))

    with pytest.warns(UserWarning, match="start with the same numbers") as caught:
        rp.Sequential(inner(), rp.Linear(3, 2, rng=2))
    assert len(caught) == 1
    with pytest.warns(UserWarning, match="start with the same numbers") as caught:
        rp.Sequential(inner(), rp.Linear(3, 3, rng=1))
    assert [str(w.message).split(" start")[0] for w in caught] == [
        "Sequential: 0.weight and 2.weight", "Sequential: 0.0.weight, 0.2.weight and 1.weight"]


def test_weights_that_agree_only_at_their_ends_are_not_equal():
    first, second = rp.Linear(4, 4, rng=1), rp.Linear(4, 4, rng=1)
    second.weight.data[2, 2] += 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rp.Sequential(first, second)
    assert not np.array_equal(first.weight.data, second.weight.data)
