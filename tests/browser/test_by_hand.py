"""One batch by hand: what the page shows of each phase is what the tape records."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop.browser import Session, Settings
from retroprop.browser.by_hand import PHASES
from retroprop.browser.session import Desk
from retroprop.errors import ArgumentError


@pytest.fixture
def session():
    session = Session(Settings(depth=2, width=5))
    session.take("a")
    return session


def numbers(told, path, kind, name):
    [record] = [record for record in told["records"] if record["path"] == path]
    return np.array(next(tensor["numbers"] for tensor in record[kind] if tensor["name"] == name))


def test_the_phases_come_in_their_order_again_and_again(session):
    assert [session.phase()["phase"] for _ in range(9)] == [*PHASES, *PHASES, "forward"]


def test_every_number_is_that_of_the_tape(session):
    told = {name: session.phase() for name in PHASES}
    net, loss = session.nets["a"], rp.CrossEntropy()
    with rp.tape(net, loss, limit=1000) as tape:
        cost = loss.forward(net.forward(session.x[:4]), session.y[:4])
        net.backward(loss.backward())
        net.update()
    assert told["forward"]["cost"] == cost
    recorded = [record for record in tape.records if record.root == 1 or record.path]
    assert [len(told[phase]["records"]) for phase in PHASES] == [6, 6, 3, 0]
    for phase in PHASES[:3]:
        for shown, record in zip(told[phase]["records"], [one for one in recorded if one.phase == phase], strict=True):
            assert shown["path"] == ("loss" if record.root else record.path)
            for kind in ("outputs", "stored"):
                assert shown[kind] == record.as_dict()[kind]
    assert numbers(told["update"], "2", "stored", "weight.grad").shape == (5, 5)


def test_the_step_moves_each_weight_by_lr_times_its_gradient(session):
    told = [session.phase() for _ in PHASES]
    gradient = numbers(told[2], "0", "stored", "weight.grad")
    change = next(change for change in told[3]["changes"] if change["name"] == "0.weight")
    assert_allclose(change["change"], -0.1 * gradient, rtol=1e-4, atol=1e-8)
    assert session.phase()["cost"] < told[0]["cost"]                # of the same batch


def test_the_networks_of_the_page_do_not_change(session):
    before = [parameter.data.copy() for parameter in session.nets["a"].parameters()]
    for _ in range(6):
        session.phase()
    session.nudge("0.weight", [0, 0], 1.0)
    for parameter, old in zip(session.nets["a"].parameters(), before, strict=True):
        assert_array_equal(parameter.data, old)
    session.train(2)                                                # and training goes on in the middle of a phase
    assert session.phase()["phase"] == "update"


def test_a_small_change_of_a_weight_comes_as_its_gradient_predicts(session):
    """The error of the prediction is of second order: a tenth of the change has a hundredth of the error."""
    large, small = (session.nudge("2.weight", [3, 1], delta) for delta in (0.1, 0.01))
    assert large["name"] == "2.weight[3, 1]"
    assert large["predicted"] == pytest.approx(0.1 * large["gradient"])
    errors = [abs(found["came"] - found["predicted"]) for found in (large, small)]
    assert 50 < errors[0] / errors[1] < 200
    assert large["costs"][20] == pytest.approx(large["cost"])       # in the middle nothing has changed
    assert (large["deltas"][0], large["deltas"][-1]) == (-1, 1)


def test_the_gradient_of_a_nudge_is_that_of_update(session):
    told = [session.phase() for _ in PHASES[:3]]
    session.nudge("0.bias", [2], 0.3)                               # between the phases, which it leaves as they are
    assert session.nudge("0.bias", [2], 0.3)["gradient"] == pytest.approx(
        numbers(told[2], "0", "stored", "bias.grad")[2], rel=1e-5)
    assert session.phase()["phase"] == "step"


def test_a_phase_needs_a_batch():
    with pytest.raises(ArgumentError, match="take a batch first"):
        Session(Settings(depth=0)).phase()
    with pytest.raises(ArgumentError, match="side must be one of 'a', 'b', got 'c'"):
        Session(Settings(depth=0)).take("c")


def test_large_arrays_have_shapes_and_no_numbers():
    session = Session(Settings(depth=2, width=40))
    session.take("b")
    told = [session.phase() for _ in PHASES]
    weight = next(record for record in told[2]["records"] if record["path"] == "2")["stored"][0]
    assert (weight["shape"], weight["numbers"]) == ([40, 40], None)
    assert next(change for change in told[3]["changes"] if change["name"] == "2.weight")["change"] is None


def test_the_phases_of_a_network_that_has_diverged_are_told_with_none_for_what_is_not_finite():
    desk = Desk()
    desk.open("lr=100&a=N(0,1)&activation=relu&depth=10")
    for message in (["frame", 50], ["take", "a"], *[["phase"]] * 5):
        told = json.loads(desk.answer(json.dumps(message)), parse_constant=pytest.fail)
    assert (told["result"]["phase"], told["result"]["cost"]) == ("forward", None)
    assert "it has no derivative" in json.loads(desk.answer('["nudge", "0.weight", [0, 0], 0.2]'))["error"]
