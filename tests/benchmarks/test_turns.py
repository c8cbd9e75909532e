"""Times are compared within a round."""

import pytest

from benchmarks.turns import Spread, in_turns, ratio, timed


def test_a_ratio_does_not_depend_on_how_fast_the_machine_is_in_a_round():
    """In each round the machine has another speed: the times swing by 8, their ratio is 3 in every round."""
    speeds = {"a": iter([9, 1, 8, 2, 4]), "b": iter([9, 1, 8, 2, 4])}
    times = in_turns({"a": lambda: 3.0 * next(speeds["a"]), "b": lambda: 1.0 * next(speeds["b"])}, 4)
    assert times == {"a": [3, 24, 6, 12], "b": [1, 8, 2, 4]}        # the first round is not counted
    assert ratio(times, "a", "b") == (3, 3, 3)


def test_rounds_begin_with_different_functions():
    order = []
    in_turns({name: lambda name=name: order.append(name) or 1.0 for name in "abc"}, 2)
    assert "".join(order) == "cababcbca"


def test_no_round_begins_after_the_time_is_over_but_there_are_the_least():
    assert in_turns({"a": lambda: 1.0}, 100, seconds=0, least=2) == {"a": [1, 1]}


def test_a_spread_is_the_median_and_the_middle_80_percent():
    assert Spread.of(range(101)) == (50, 10, 90)
    assert Spread.of([7.0]) == (7, 7, 7)


def test_timed_gives_microseconds(monkeypatch):
    clock = iter([1.0, 1.5])
    monkeypatch.setattr("benchmarks.turns.time.perf_counter", lambda: next(clock))
    assert timed(dict)() == pytest.approx(5e5)
