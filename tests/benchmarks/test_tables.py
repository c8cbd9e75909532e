"""The tables of the page say what the numbers say."""

import pytest
from given import BUSY, GROWTH, JVP, PREDICT, RESULTS, STEPS

from benchmarks.losses import losses
from benchmarks.parts import PARTS
from benchmarks.parts.growth import exponent


def test_steps_are_times_multiples_and_memory():
    made = PARTS["steps"].blocks(STEPS)
    assert made["steps"] == [
        "| Microseconds a step | retroprop | NumPy by hand | its products alone | JAX, jit |", "|---|---|---|---|---|",
        "| W1, 1 thread | 20 | 12 | 4 | 16 |", "| W1, 2 threads | 20 | 12 | 4 | 32 |"]
    assert made["multiples"][2] == "| W1, 1 thread | 0.60 (0.50–0.80) | 0.20 (0.10–0.40) | 0.80 (0.70–1.00) |"
    assert made["memory of steps"][2:] == ["| W1, 1 thread | 10 | 6 | 2 | 8 |"]


def test_the_figure_says_its_finding():
    assert PARTS["steps"].finding(STEPS) == (
        "Of the libraries that return after each step, retroprop is the fastest at W1 on 2 threads; another is faster at W1 on "
        "1 thread (JAX, jit takes 0.80 of its time)")
    assert PARTS["growth"].finding(GROWTH[:8]) == ("Faster than retroprop: JAX, jit from 32 units in each of 2 layers on, "
                                                   "1 thread")


def test_a_peer_that_cannot_do_a_workload_has_a_dash():
    rows = [*STEPS, *({**row, "workload": "W5"} for row in STEPS if row["peer"] != "jax")]
    assert PARTS["steps"].blocks(rows)["multiples"][-1] == "| W5, 2 threads | 0.60 (0.50–0.80) | 0.20 (0.10–0.40) | - |"


@pytest.mark.parametrize("power", [0.5, 1, 2])
def test_an_exponent_is_that_of_a_power_law_in_the_upper_half(power):
    points = [(size, 1000.0) for size in (1, 2, 4)] + [(size, 3 * size**power) for size in (8, 16, 32)]
    assert exponent(points) == pytest.approx(power)


def test_growth_gives_exponents_of_time_and_memory_and_where_others_are_faster():
    made = PARTS["growth"].blocks(GROWTH)
    assert made["growth of time"][2] == "| units in each of 2 layers | 1 | 0.85 | 1.00 |"
    assert made["growth of memory"][2] == "| units in each of 2 layers | 0.85 (36) | 1.00 (32) |"
    assert made["crossovers"][2] == "| units in each of 2 layers | JAX, jit | 32 |"


def test_a_peer_that_is_slower_again_at_the_largest_size_has_no_crossover():
    slower = [{**row, "ratio": {"median": 2.0, "low": 2.0, "high": 2.0}} if row["size"] == 64 else row for row in GROWTH]
    assert PARTS["growth"].blocks(slower)["crossovers"][2] == "| units in each of 2 layers | JAX, jit | - |"


def test_a_busy_machine_shows_the_time_relative_to_the_better_number_of_threads():
    assert PARTS["busy"].blocks(BUSY)["busy"][2:] == [
        "| W3, idle | 130 | 240 | 100 | 65 | 1.25 (1.15–1.45) |",
        "| W3, beside 2 busy processes | 130 | 240 | 1900 | 65 | 1.25 (1.15–1.45) |"]


def test_predictions_are_beside_the_forward_and_beside_other_libraries():
    made = PARTS["predict"].blocks(PREDICT)
    assert made["predictions"] == [
        "| Microseconds | predict | evaluation forward | predict / forward | JAX, jit | JAX, jit / predict |",
        "|---|---|---|---|---|---|",
        "| W2, 1 example | 75 | 50 | 1.50 (1.40–1.70) | 60 | 0.75 (0.65–0.95) |"]
    assert made["evaluations"][2] == "| W2, 1 example | 100 | 50 | 2.00 (1.90–2.20) | 150 | 1.50 (1.40–1.70) |"


def test_forward_mode_is_beside_backward_mode():
    made = PARTS["jvp"].blocks(JVP)
    assert made["sweep"] == [
        "| Microseconds | forward and backward | forward and jvp | JAX, jit of jvp | forward and jvp / forward and backward | "
        "JAX, jit of jvp / forward and jvp |", "|---|---|---|---|---|---|",
        "| W1: 2-16-tanh-16-tanh-1, batch 32 | 10 | 20 | 15 | 2.00 (1.43–2.50) | 0.75 (0.65–0.95) |"]
    assert made["jacobian"][2].split(" | ")[1:5] == ["30", "20", "60", "40"]


def test_losses_are_all_ways_of_others_that_take_less_time():
    assert losses(RESULTS) == [
        "- *NumPy by hand*: W1 on 1 thread: 0.60 (0.50–0.80); W1 on 2 threads: 0.60 (0.50–0.80).",
        "- *JAX, jit*: W1 on 1 thread: 0.80 (0.70–1.00); "
        + "; ".join(f"{size} {name} on 1 thread: {found}" for name, size, found in (
            (name, size, found) for name in ("units in each of 2 layers", "layers of 32 units",
                                             "examples in a batch (2 layers of 64)", "inputs of 2 layers of 64")
            for size, found in ((32, "0.80 (0.70–1.00)"), (64, "0.89 (0.79–1.09)"))))
        + "; predict 1 of W2: 0.75 (0.65–0.95).",
        "- *JAX, jit of jvp*: sweep of W1: 0.75 (0.65–0.95).",
        "- *PyTorch*: W3 beside 2 busy processes: 0.50 (0.40–0.70)."]


def test_no_losses_are_said_too():
    assert losses({"steps": [row for row in STEPS if row["peer"] in ("retroprop", "floor")]}) == ["Nowhere in this run."]
