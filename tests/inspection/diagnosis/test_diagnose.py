"""Each finding of `diagnose`: present where it should be, and absent where it should not."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import retroprop as rp
from retroprop.errors import ShapeError
from retroprop.inspection import Diagnosis, diagnose

X, Y = (a[:300] for a in rp.datasets.digits())
R = np.random.default_rng(0)


def net(init=None, activation=rp.Tanh, depth=5, norm=False, end=()):
    init = init or rp.GlorotUniform()
    modules = []
    for k in range(depth):
        modules += [rp.Linear(100 if k else 64, 100, weight_init=init, rng=k), *([rp.BatchNorm(100)] if norm else []),
                    activation()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                             # equal weights: Sequential says so too
        return rp.Sequential(*modules, rp.Linear(100, 10, weight_init=init, rng=99), *end)


def findings_of(*args, **options):
    """Return (characteristic words, where) of each finding."""
    keys = ("root mean square", "saturated", "dead", "vanishes", "explodes", "no gradient", "stay equal",
            "same weights", "dominates", "do not fit", "twice", "log-probabilities", "NaN", "diverged", "overflow")
    found = diagnose(*args, **options)
    return {next(key for key in keys if key in finding.what): finding.where for finding in found}


@pytest.mark.parametrize(("init", "activation"), [
    (rp.GlorotUniform(), rp.Tanh), (rp.GlorotNormal(), rp.Softsign), (rp.GlorotUniform(), rp.HardTanh),
    (rp.HeNormal(), rp.ReLU), (rp.HeUniform(), rp.LeakyReLU)], ids=str)
def test_good_initializations_have_no_finding(init, activation):
    found = diagnose(net(init, activation), X, Y)
    assert list(found) == []
    assert not found
    assert str(found) == ("With CrossEntropy(), assumed because the labels are integers:\n"
                          "Nothing found that would keep this network from learning.")


def test_a_wide_initialization_saturates_and_explodes():
    found = findings_of(net(rp.Normal(1.0)), X, Y)
    assert found == {"saturated": "Tanh 1, 3, 5, 7, 9", "explodes": "Linear 0 and Linear 8"}


def test_a_narrow_initialization_vanishes():
    assert findings_of(net(rp.Normal(0.01)), X, Y) == {"vanishes": "Linear 0 and Linear 8"}


def test_zeros_keep_units_equal_and_pass_no_gradient():
    assert findings_of(net(rp.Zeros()), X, Y) == {"stay equal": "Linear 0, 2, 4, 6, 8", "no gradient": "Linear 0, 2, 4, 6, 8"}


def test_zeros_are_harmless_without_hidden_layers():
    assert not diagnose(rp.Sequential(rp.Linear(64, 10, weight_init=rp.Zeros())), X, Y)


def test_equal_units_with_different_gradients_are_harmless():
    first = rp.Linear(64, 20, weight_init=rp.Zeros())
    assert not diagnose(rp.Sequential(first, rp.Tanh(), rp.Linear(20, 10, rng=1)), X, Y)


def test_layers_that_share_a_seed():
    made = net()
    made[4].weight.data = made[2].weight.data
    assert findings_of(made, X, Y) == {"same weights": "Linear 2, 4"}
    shared = net()
    shared[4].weight = shared[2].weight
    assert not diagnose(rp.Sequential(*(rp.Linear(64, 100, rng=0), rp.Tanh()), rp.Linear(100, 10, rng=1)), X, Y)
    assert "same weights" not in findings_of(shared, X, Y)


def test_gradients_vanish_in_sigmoids_but_not_with_batchnorm():
    assert "vanishes" in findings_of(net(activation=rp.Sigmoid), X, Y)
    assert "by Tanh or ReLU" in diagnose(net(activation=rp.Sigmoid), X, Y)[0].remedy
    assert not diagnose(net(activation=rp.Sigmoid, norm=True), X, Y)
    assert not diagnose(net(rp.Normal(1.0), norm=True), X, Y)


def test_dead_units():
    made = net(rp.HeNormal(), rp.ReLU)
    made[2].bias.data[:70] = -100
    assert findings_of(made, X, Y) == {"dead": "ReLU 3"}
    assert "77" not in diagnose(made, X, Y)[0].slides


def test_scale_of_the_input():
    assert findings_of(net(), 255 * X, Y)["root mean square"] == "x"
    assert findings_of(net(), 0.01 * X, Y)["root mean square"] == "x"
    uneven = R.standard_normal((50, 64))
    assert not diagnose(net(), uneven, Y[:50])
    uneven *= 0.1
    uneven[:, 3] *= 300
    assert "feature 3" in diagnose(net(), uneven, Y[:50])[0].what


def test_values_that_are_not_finite():
    broken = X.copy()
    broken[3, 4] = np.nan
    assert findings_of(net(), broken, Y) == {"NaN": "x"}
    assert findings_of(net(), X, np.full((300, 10), np.inf)) == {"NaN": "y"}
    made = net()
    made[2].weight.data[0, 0] = np.inf
    assert findings_of(made, X, Y) == {"diverged": "2.weight"}
    assert findings_of(net(rp.Normal(1e12), rp.Identity), X, Y) == {"overflow": "Linear 4"}
    backwards = net(rp.Normal(1e12), rp.Identity)
    backwards[0].weight.data *= 1e-42                               # the outputs stay finite, the gradient does not
    assert diagnose(backwards, X, Y)[-1].what == "the gradient overflows."


WITH_COLUMN = (Y % 2)[:, None]


@pytest.mark.parametrize(("loss", "y", "remedy"), [
    (rp.CrossEntropy(), Y.astype(float), "y.astype(int)"),
    (rp.CrossEntropy(), Y + 1, "count the classes from 0: y - 1"),
    (rp.CrossEntropy(), Y + 5, "15 instead of 10"),
    (rp.MSE(), np.array([str(k) for k in Y]), "numpy.unique"),
    (rp.NLL(), np.eye(10)[Y], "y.argmax(1)"),
    (rp.CrossEntropy(), np.eye(10)[Y] + np.eye(10)[(Y + 1) % 10], "for several classes of one example, or none, use BCEWith"),
    (rp.CrossEntropy(), np.full((300, 10), 0.2), "y.argmax(1)"),
    (rp.MSE(), Y, "CrossEntropy()"),
    (rp.BCEWithLogits(), 2 * np.eye(10)[Y] - 1, "(y + 1) / 2"),
    (rp.BCE(), np.eye(10)[Y], "end the network with Sigmoid()"),
    (rp.MSE(), np.zeros((300, 3)), "docstring"),
], ids=str)
def test_labels_that_do_not_fit_the_loss(loss, y, remedy):
    finding, = diagnose(net(), X, y, loss)
    assert finding.what.startswith(f"the labels do not fit {loss!r}: ")
    assert remedy in finding.remedy
    assert finding.slides == "35, 44-48"


def test_two_classes_and_one_output():
    one = rp.Sequential(rp.Linear(64, 9, rng=0), rp.Tanh(), rp.Linear(9, 1, rng=1))
    assert not diagnose(one, X, Y % 2)
    assert not diagnose(one, X, WITH_COLUMN, rp.BCEWithLogits())
    assert "(y + 1) / 2" in diagnose(one, X, 2 * (Y % 2) - 1)[0].remedy
    assert "BCEWithLogits()" in diagnose(one, X, Y % 2, rp.CrossEntropy())[0].remedy


def test_last_modules_that_do_not_fit_the_loss():
    assert findings_of(net(end=[rp.Softmax()]), X, Y) == {"twice": "Softmax() and CrossEntropy()"}
    twice = rp.Sequential(rp.Linear(64, 1, rng=0), rp.Sigmoid())
    assert findings_of(twice, X, Y % 2, loss=rp.BCEWithLogits()) == {"twice": "Sigmoid() and BCEWithLogits()"}
    assert not diagnose(twice, X, Y % 2)
    assert findings_of(net(), X, Y, loss=rp.NLL()) == {"log-probabilities": "Linear(100, 10) and NLL()"}
    assert not diagnose(net(end=[rp.LogSoftmax()]), X, Y)


@pytest.mark.parametrize(("end", "y", "loss"), [
    ([rp.Linear(64, 1, rng=0), rp.Sigmoid()], Y % 2, "BCE()"),
    ([rp.Linear(64, 10, rng=0), rp.LogSoftmax()], Y, "NLL()"),
    ([rp.Linear(64, 1, rng=0)], (Y % 2).astype(float), "BCEWithLogits()"),
    ([rp.Linear(64, 10, rng=0)], Y, "CrossEntropy()"),
    ([rp.Linear(64, 1, rng=0)], R.standard_normal(300), "MSE()"),
], ids=["BCE", "NLL", "BCEWithLogits", "CrossEntropy", "MSE"])
def test_the_loss_is_inferred_and_reported(end, y, loss):
    found = diagnose(rp.Sequential(*end), X, y)
    assert repr(found.loss) == loss
    assert str(found).startswith(f"With {loss}, assumed because ")
    assert str(diagnose(rp.Sequential(*end), X, y, found.loss)).startswith(f"With {loss}:")


def test_the_result_is_a_sequence_that_prints_as_sentences():
    found = diagnose(net(rp.Normal(1.0)), X, Y)
    assert isinstance(found, Diagnosis)
    assert len(found) == 2
    assert found[:1] == found.findings[:1]
    text = str(found).replace("\n  ", "")
    assert repr(found) == str(found)
    for number, finding in enumerate(found, 1):
        assert f"{number}. {finding.where}: {finding.what}"[:60] in text
        assert finding.remedy[:40] in text
        assert finding.slides == "75-77"


def test_the_network_is_left_as_it_was():
    one, twin = net(norm=True), net(norm=True)
    loss = rp.CrossEntropy()
    for each in (one, twin):
        loss.forward(each.forward(X), Y)
        each.backward(loss.backward())
    point = one.point
    diagnose(one, X, Y)
    diagnose(one, X, Y + 1)
    assert one.point is point
    for name, array in one.state_dict().items():
        assert_array_equal(array, twin.state_dict()[name], err_msg=name)
    one.update()
    twin.update()
    assert_array_equal(one[0].weight.grad, twin[0].weight.grad)


def test_unequal_lengths_are_an_error_not_a_finding():
    with pytest.raises(ShapeError, match="y must have as many examples as x, 300, got 5"):
        diagnose(net(), X, Y[:5])
    with pytest.raises(ShapeError, match="Linear"):
        diagnose(net(), X[:, :9], Y)


def test_labels_that_are_text_are_numbered_as_fit_does():
    x, y = rp.datasets.blobs(60, rng=0)
    net = rp.Sequential(rp.Linear(2, 3, rng=0))
    labels = np.array(["pike", "bream", "carp"])[y]
    codes = np.array([2, 0, 1])[y]
    assert str(rp.diagnose(net, x, labels)) == str(rp.diagnose(net, x, codes))
    net.class_labels = "pike", "bream", "carp"
    assert str(rp.diagnose(net, x, labels)) == str(rp.diagnose(net, x, y))
    assert "CrossEntropy" in str(rp.diagnose(net, x, labels))
