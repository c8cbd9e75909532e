"""A name of another library, or a misspelled one, leads to ours: in code, as an argument, and on the command line."""

import copy

import numpy as np
import pytest

import retroprop as rp
from retroprop.errors import ArgumentError
from retroprop.experiments.lab.networks import initialization
from retroprop.names import ELSEWHERE, meant, root
from retroprop.training.callbacks import DIRECTIONS

FOREIGN = {
    "Xavier": "GlorotUniform", "XavierUniform": "GlorotUniform", "xavier_normal_": "GlorotNormal", "Kaiming": "HeNormal",
    "kaiming_uniform_": "HeUniform", "he_normal": "HeNormal", "Glorot": "GlorotUniform", "swish": "SiLU", "Swish": "SiLU",
    "silu": "SiLU", "Dense": "Linear", "BatchNorm1d": "BatchNorm", "BatchNorm2d": "BatchNorm",
    "BatchNormalization": "BatchNorm",
    "CrossEntropyLoss": "CrossEntropy", "SparseCategoricalCrossentropy": "CrossEntropy", "MSELoss": "MSE", "BCELoss": "BCE",
    "BCEWithLogitsLoss": "BCEWithLogits", "L1Loss": "L1", "SmoothL1Loss": "Huber", "NLLLoss": "NLL", "Conv2D": "Conv2d",
    "MaxPooling2D": "MaxPool2d", "AdaptiveAvgPool2d": "GlobalAvgPool2d", "relu": "ReLU", "leaky_relu": "LeakyReLU",
    "RMSProp": "RMSprop", "clip_grad_norm_": "clip_grad_norm", "make_moons": "datasets.moons", "moons": "datasets.moons",
    "Sigmiod": "Sigmoid", "Linaer": "Linear", "numerical_grad": "numerical_gradient", "train": "fit",
    "ModelCheckpoint": "Checkpoint", "CSVLogger": "CSVLog", "CosineAnnealingLR": "CosineLR", "LBFGS": "minimize",
    "load_weights": "load",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_an_unknown_name_says_which_is_meant(name):
    with pytest.raises(AttributeError) as caught:
        getattr(rp, name)
    assert str(caught.value) == f"module 'retroprop' has no attribute {name!r}; did you mean {FOREIGN[name]!r}?"


@pytest.mark.parametrize(("module", "name", "ours"), [
    (rp.initializers, "Xavier", "GlorotUniform"), (rp.losses, "MSELoss", "MSE"), (rp.optim, "adamw", "AdamW"),
    (rp.modules, "BatchNorm1d", "BatchNorm"), (rp.datasets, "make_moons", "moons"), (rp.training, "evalute", "evaluate"),
    (rp.inspection, "gradcheck", "check_gradients"), (rp.saliency, "occlusions", "occlusion"),
    (rp.features, "truncatd", "truncated"), (rp.adversarial, "FGSM", "fgsm"), (rp.plots, "learning_curve", "learning_curves")])
def test_so_does_each_part_of_the_library(module, name, ours):
    with pytest.raises(AttributeError, match=rf"module '{module.__name__}' has no attribute '{name}'; did you mean '{ours}'\?"):
        getattr(module, name)


@pytest.mark.parametrize("name", ["nothing", "LSTM", "Attention", "_private", "__wrapped__"])
def test_a_name_like_none_of_ours_leads_nowhere(name):
    with pytest.raises(AttributeError) as caught:
        getattr(rp, name)
    assert str(caught.value) == f"module 'retroprop' has no attribute {name!r}"


def test_an_argument_says_which_choice_is_meant():
    with pytest.raises(ArgumentError) as caught:
        rp.MSE("Mean")
    assert str(caught.value) == "reduction must be one of 'mean', 'sum', 'none', got 'Mean'; did you mean 'mean'?"
    with pytest.raises(ArgumentError, match=r"got \['mean'\]$"):
        rp.MSE(["mean"])
    net = rp.Sequential(rp.Linear(2, 1, rng=0))
    with pytest.raises(ArgumentError, match=r"got 'wieght'; did you mean '0.weight'\?"):
        rp.perturb(net, rp.MSE(), [[1.0, 2.0]], [[0.0]], "wieght")


@pytest.mark.parametrize(("name", "ours"), [
    ("Xavier", "Glorot"), ("xavier normal", "Glorot normal"), ("Kaiming", "He"), ("kaiming_uniform_", "He uniform"),
    ("lecun_norml", "LeCun"), ("Orthogonl", "Orthogonal")])
def test_the_command_line_says_which_initialization_is_meant(name, ours):
    with pytest.raises(ArgumentError, match=rf"got '{name}'; did you mean '{ours}'\?$"):
        initialization(name)


def test_the_table_of_names_leads_to_names_that_exist():
    columns = {prefix + name for prefix in ("", "validation_") for name in DIRECTIONS}
    names = {*rp.__all__, *rp.datasets.__all__, "Glorot", "Glorot normal", "He", "He uniform", "LeCun", *columns}
    assert {ours for choices in ELSEWHERE.values() for ours in choices} <= names
    assert all(root(name) == name for name in ELSEWHERE)
    assert not any(root(name) in (root(ours) for ours in choices) for name, choices in ELSEWHERE.items())
    assert meant("", ["Linear"]) is None


def test_a_module_is_not_a_function():
    net, loss = rp.Sequential(rp.Tanh()), rp.MSE()
    with pytest.raises(TypeError) as caught:
        net(np.ones((2, 3)))
    assert str(caught.value) == "Sequential(Tanh()) is not a function: call its forward(x), or its predict(x) without training"
    with pytest.raises(TypeError, match=r"MSE\(\) is not a function: call its forward\(prediction, target\)"):
        loss(np.ones(3), np.ones(3))
    with pytest.raises(ArgumentError):                              # what takes a function takes no module
        rp.Function(rp.Tanh(), np.cos)
    layer = rp.Linear(3, 1)
    with pytest.raises(ArgumentError, match="callbacks must hold Callbacks or functions"):
        rp.fit(layer, loss, rp.SGD(layer.parameters(), lr=1), ([[1, 2, 3]], [[1]]), epochs=1, callbacks=[net])


def test_a_part_of_a_network_is_a_tuple_or_a_network_of_copies():
    net = rp.Sequential(rp.Linear(3, 4, rng=0), rp.Tanh(), rp.Linear(4, 2, rng=1))
    with pytest.raises(ArgumentError, match=r"slice net.modules, or make a network of copies: Sequential\(\*copy.deepcopy\("):
        net[:2]
    assert net.modules[:2] == (net[0], net[1])
    assert net[-1] is net.modules[2]
    x = np.ones((5, 3))
    part = rp.Sequential(*copy.deepcopy(net.modules[:2]))
    np.testing.assert_array_equal(part.forward(x), net[1].forward(net[0].forward(x)))
