"""The Python side of the page, without a browser: what its numbers are, and that it is the library that computes them."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop.browser import Session, Settings
from retroprop.browser.session import SIDES, Desk
from retroprop.errors import ArgumentError

SMALL = Settings(depth=2, width=5)


def by_a_loop(session, steps):
    """The network A of a session, trained by the loop of the README."""
    s = session.settings
    fresh = Session(s if s.steps == 0 else Settings.of({**vars(s), "steps": 0}))
    net, loss = fresh.nets["a"], rp.CrossEntropy()
    sgd, rng = rp.SGD(net.parameters(), lr=s.lr), np.random.default_rng(s.seed)
    while True:
        for x, y in rp.datasets.batches(fresh.x, fresh.y, batch_size=s.batch_size, rng=rng):
            if not steps:
                return net
            loss.forward(net.forward(x), y)
            net.backward(loss.backward())
            net.update()
            sgd.step()
            steps -= 1


def test_glorot_learns_the_moons_and_the_naive_start_does_not():
    nets = Session(Settings(steps=500)).frame(0)["nets"]
    assert nets["a"]["accuracy"] >= 0.97
    assert nets["b"]["accuracy"] <= 0.6
    assert nets["b"]["cost"] == pytest.approx(math.log(2), abs=0.01)


def test_the_steps_are_those_of_a_loop_to_the_bit():
    session = Session(SMALL)
    session.train(15)
    assert_array_equal(session.nets["a"][0].weight.data, by_a_loop(session, 15)[0].weight.data)


def test_networks_with_one_start_stay_equal():
    """They see the same batches: what differs between A and B comes from the start alone."""
    session = Session(Settings(depth=2, width=5, a="He", b="He"))
    session.train(25)
    for p, q in zip(*(net.parameters() for net in session.nets.values()), strict=True):
        assert_array_equal(p.data, q.data)


def test_a_state_brings_the_same_networks_back():
    session = Session(Settings(data="xor", depth=1, width=4, b="PyTorch", seed=3))
    session.train(20)
    session.train(7)
    again = Session(Settings.read(session.state()))
    assert again.settings == session.settings
    for side in SIDES:
        for p, q in zip(session.nets[side].parameters(), again.nets[side].parameters(), strict=True):
            assert_array_equal(p.data, q.data)


def test_the_history_holds_the_mean_cost_of_every_step_once():
    session = Session(Settings(depth=1, width=3, steps=13))
    session.train(2)
    assert [step for step, *_ in session.history] == [5, 10, 13, 15]
    one_by_one = Session(Settings(depth=1, width=3))
    for _ in range(5):
        one_by_one.train(1)
    assert session.history[0][1] == pytest.approx(np.mean([a for _, a, _ in one_by_one.history]))


def test_the_boundary_is_the_probability_of_class_1_from_the_top_left():
    session = Session(SMALL)
    session.train(10)
    (left, low), (right, high) = session.window()
    corner = [[left + (right - left) / 6, high - (high - low) / 6], [right - (right - left) / 6, high - (high - low) / 6]]
    p = rp.Softmax().predict(session.nets["a"].predict(np.array(corner)))[:, 1]
    drawn = session.boundary("a", 3)
    assert len(drawn) == 9
    assert_allclose(np.array([drawn[0], drawn[2]]) / 255, p, atol=1 / 255)


def test_the_layers_are_those_of_layer_statistics():
    session = Session(SMALL)
    rows = session.layers("b")
    found = rp.layer_statistics(session.nets["b"], session.x[:200], rp.CrossEntropy(), session.y[:200])
    assert [row["kind"] for row in rows] == ["Tanh", "Tanh", "scores"]
    assert [row["std"] for row in rows[:2]] == [found[1].std, found[3].std]
    assert [row["gradient"] for row in rows] == [found[0].gradient_std, found[2].gradient_std, found[4].gradient_std]
    assert [sum(row["histogram"]) for row in rows[:2]] == [200 * 5] * 2


def test_naive_weights_let_the_gradient_vanish_and_glorot_does_not():
    session = Session(Settings())
    shares = {side: rows[0]["gradient"] / rows[-2]["gradient"] for side in SIDES for rows in [session.layers(side)]}
    assert shares["a"] > 0.3
    assert shares["b"] < 1e-3
    assert any("vanishes" in sentence for sentence in session.diagnosis("b"))


def test_digits_show_images_and_the_classes_predicted():
    session = Session(Settings(data="digits", depth=1, width=8, steps=5))
    told, frame = session.describe(), session.frame(0)
    assert told["sizes"] == [64, 8, 10]
    assert (len(told["images"]), told["side"], told["classes"]) == (40, 8, 10)
    assert "boundary" not in frame["nets"]["a"]
    assert frame["nets"]["a"]["predicted"] == session.nets["a"].predict(session.test[0][:40]).argmax(1).tolist()


def test_a_network_that_is_not_finite_is_told_as_none_and_the_other_goes_on():
    """Numbers that are not finite have no place in JSON."""
    desk = Desk()
    desk.open("depth=3&width=8&activation=relu&b=N(0,1e20)")
    nets = json.loads(desk.answer('["frame", 30]'), parse_constant=pytest.fail)["result"]["nets"]
    assert (nets["b"]["accuracy"], nets["b"]["cost"], nets["b"]["layers"][2]["std"]) == (None, None, None)
    assert nets["a"]["accuracy"] > 0.7


def test_the_desk_answers_in_json_and_errors_are_sentences():
    desk = Desk()
    opened = json.loads(desk.answer('["open", "depth=1&width=3"]'))["result"]
    assert opened["settings"]["width"] == 3
    assert json.loads(desk.answer('["train", 3]'))["result"]["steps"] == 3
    assert json.loads(desk.answer('["frame", -1]')) == {"error": "steps must be an integer of at least 0, got -1"}
    assert "did you mean 'moons'" in json.loads(desk.answer('["open", "data=moon"]'))["error"]
    assert desk.session.settings.steps == 3                         # a refused state changes nothing
    assert json.loads(desk.answer(json.dumps(["open", {"lr": "0.5", "depth": "2"}])))["result"]["settings"]["lr"] == 0.5


def test_the_page_makes_the_steps_of_an_address_again_a_few_at_a_time():
    """However many they are, they make the same networks as at once."""
    desk, at_once = Desk(), Session(replace(SMALL, steps=37))
    opened = desk.open(at_once.state())
    assert (opened["wanted"], opened["settings"]["steps"], opened["history"]) == (37, 0, [])
    for steps in (1, 30, 6):
        desk.session.frame(steps)
    assert desk.session.state() == at_once.state()
    for side in SIDES:
        for p, q in zip(desk.session.nets[side].parameters(), at_once.nets[side].parameters(), strict=True):
            assert_array_equal(p.data, q.data)


@pytest.mark.parametrize(("text", "sentence"), [
    ("utm=1", "a setting must be one of 'data', 'depth',"), ("depth=31", "depth must be at most 30, got 31"),
    ("depth=2.5", "depth must be an integer, got '2.5'"), ("steps=1e3", "steps must be an integer, got '1e3'"),
    ("lr=x", "lr must be a number, got 'x'"), ("b=N(0)", "b must be one of Glorot,"),
    ("lr=0", "lr must be a number in (0, 100], got 0.0"),
    ("lr=nan", "lr must be a number in (0, 100], got nan"), ("activation=tanhh", "did you mean 'tanh'"),
    ("width=0", "width must be an integer of at least 1, got 0"), ("b=PyTrch", "did you mean 'PyTorch'"),
    ("seed=-1", "seed must be an integer of at least 0, got -1")])
def test_an_address_that_cannot_be_used_is_refused_in_a_sentence(text, sentence):
    with pytest.raises(ArgumentError) as caught:
        Settings.read(text)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("settings", [
    Settings(), Settings(a="N(0, 1)", b="scikit-learn"),
    Settings("spirals", 0, 7, "softsign", "U(-1, 1)", "He in", 2.5, 8, 5, 90)])
def test_settings_are_read_from_their_text(settings):
    assert Settings.read(settings.text()) == settings
    assert Settings.read(f"#{settings.text()}") == settings

