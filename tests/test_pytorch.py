"""Values, gradients, statistics and optimizer steps agree with PyTorch's in float64.

`benchmarks/pytorch_reference.py` wrote PyTorch's values to `pytorch_reference.npz`, so these tests do not need torch.
"""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.numpy import save_file

import retroprop as rp

MODULES = {
    "Identity": rp.Identity,
    "Sigmoid": rp.Sigmoid,
    "Tanh": rp.Tanh,
    "ReLU": rp.ReLU,
    "LeakyReLU": rp.LeakyReLU,
    "LeakyReLU of slope 0.2": lambda: rp.LeakyReLU(0.2),
    "ELU": rp.ELU,
    "ELU of alpha 0.7": lambda: rp.ELU(0.7),
    "GELU": rp.GELU,
    "SiLU": rp.SiLU,
    "Softplus": rp.Softplus,
    "Softsign": rp.Softsign,
    "HardTanh": rp.HardTanh,
    "Softmax": rp.Softmax,
    "LogSoftmax": rp.LogSoftmax,
    "Flatten": rp.Flatten,
    "Reshape": lambda: rp.Reshape(2, 3, -1),
    "Dropout of 0": lambda: rp.Dropout(0),
    "Dropout in eval": lambda: rp.Dropout(0.5),
    "Linear": lambda: rp.Linear(3, 4),
    "Linear without bias": lambda: rp.Linear(3, 4, bias=False),
    "LayerNorm": lambda: rp.LayerNorm(4),
    "LayerNorm of eps 0.1": lambda: rp.LayerNorm(4, 0.1),
    "BatchNorm": lambda: rp.BatchNorm(3),
    "BatchNorm of momentum 0.3": lambda: rp.BatchNorm(3, 0.01, 0.3),
    "BatchNorm of images": lambda: rp.BatchNorm(3),
    "Conv2d": lambda: rp.Conv2d(3, 4, 3),
    "Conv2d, padded, strided, dilated": lambda: rp.Conv2d(2, 3, (3, 2), (2, 1), (2, 1), (1, 3)),
    "Conv2d without bias": lambda: rp.Conv2d(2, 3, 1, 2, bias=False),
    "MaxPool2d": lambda: rp.MaxPool2d(2),
    "MaxPool2d, overlapping, padded": lambda: rp.MaxPool2d((3, 2), (2, 1), 1),
    "AvgPool2d": lambda: rp.AvgPool2d(2),
    "AvgPool2d, overlapping, padded": lambda: rp.AvgPool2d((3, 2), (2, 1), 1),
    "GlobalAvgPool2d": rp.GlobalAvgPool2d,
    "Upsample2d": lambda: rp.Upsample2d((2, 3)),
    "Dropout2d in eval": lambda: rp.Dropout(0.5, channelwise=True),
    "convolutional net": lambda: rp.Sequential(
        rp.Conv2d(1, 3, 3, padding=1), rp.BatchNorm(3), rp.ReLU(), rp.MaxPool2d(2),
        rp.Sequential(rp.Conv2d(3, 2, 3), rp.Tanh()), rp.AvgPool2d(2, 1), rp.Flatten(), rp.Linear(2, 3)),
    "Sequential": lambda: rp.Sequential(
        rp.Linear(3, 6), rp.BatchNorm(6), rp.ReLU(), rp.Sequential(rp.Linear(6, 4), rp.Tanh()), rp.Dropout(0),
        rp.Linear(4, 2)),
}
WEIGHT = [0.5, 2.0, 3.0]
LOSSES = {
    "BCE": rp.BCE,
    "BCEWithLogits": rp.BCEWithLogits,
    "MSE": rp.MSE,
    "L1": rp.L1,
    "Huber": rp.Huber,
    "Huber of delta 0.3": partial(rp.Huber, 0.3),
    "Hinge": rp.Hinge,
    "CrossEntropy": rp.CrossEntropy,
    "CrossEntropy with weight": partial(rp.CrossEntropy, WEIGHT),
    "CrossEntropy of probabilities": rp.CrossEntropy,
    "CrossEntropy of probabilities with weight": partial(rp.CrossEntropy, WEIGHT),
    "NLL": rp.NLL,
    "NLL with weight": partial(rp.NLL, WEIGHT),
}
OPTIMIZERS = {
    "SGD": (rp.SGD, {"lr": 0.1}),
    "SGD with momentum": (rp.SGD, {"lr": 0.1, "momentum": 0.9}),
    "SGD with nesterov": (rp.SGD, {"lr": 0.1, "momentum": 0.8, "nesterov": True}),
    "SGD with all": (rp.SGD, {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
    "Adam": (rp.Adam, {"lr": 0.1}),
    "Adam with all": (rp.Adam, {"lr": 0.1, "betas": (0.7, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    "AdamW": (rp.AdamW, {"lr": 0.1}),
    "AdamW with all": (rp.AdamW, {"lr": 0.1, "betas": (0.7, 0.9), "eps": 1e-3, "weight_decay": 0.3}),
    "RMSprop": (rp.RMSprop, {}),
    "RMSprop with momentum": (rp.RMSprop, {"lr": 0.02, "momentum": 0.8}),
    "RMSprop with all": (rp.RMSprop, {"lr": 0.02, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.1, "momentum": 0.8}),
    "Adagrad": (rp.Adagrad, {"lr": 0.1}),
    "Adagrad with all": (rp.Adagrad, {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "eps": 1e-3}),
}

close = partial(assert_allclose, rtol=1e-9, atol=1e-9)


def load():
    """Return PyTorch's arrays by path. The file holds them as one vector, beside their names and shapes."""
    with np.load(Path(__file__).with_name("pytorch_reference.npz"), allow_pickle=False) as file:
        names, shapes, numbers = file["names"], file["shapes"], file["numbers"]
    shapes = [tuple(shape[shape >= 0].tolist()) for shape in shapes]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    cut = np.split(numbers, ends[:-1])
    return {str(name): part.reshape(shape) for name, part, shape in zip(names, cut, shapes, strict=True)}


REFERENCE = load()


def below(path):
    """Return the arrays below this path, by the rest of their paths."""
    return {name[len(path) + 1:]: array for name, array in REFERENCE.items() if name.startswith(path + "/")}


def pieces(path):
    """Return the numbered parts below this path, in order."""
    found = below(path)
    return [below(f"{path}/{k}") for k in range(1 + max(int(name[0]) for name in found if name[0].isdigit()))]


def test_every_case_of_the_file_is_compared():
    cases = {(*name.split("/"), "")[:2] for name in REFERENCE}
    assert {case for group, case in cases if group == "modules"} == set(MODULES)
    assert {case for group, case in cases if group == "losses"} == set(LOSSES)
    assert {case for group, case in cases if group == "optim"} == {*OPTIMIZERS, "start", "gradients"}


@pytest.mark.parametrize("name", MODULES)
def test_modules(name):
    """Outputs, both gradients and running statistics agree; PyTorch's state is loaded by name, with or without batch counts."""
    module, batches = MODULES[name]().astype("float64"), pieces(f"modules/{name}")
    module.load_state_dict(below(f"modules/{name}/state"))
    for k, batch in enumerate(batches):
        module.train(k < len(batches) - 1)
        close(module.forward(batch["x"]), batch["y"])
        close(module.backward(batch["g"]), batch["gx"])
        module.update()
        for key, parameter in module.named_parameters():
            close(parameter.grad, batch[f"grad/{key}"], err_msg=key)
        for key, buffer in module.named_buffers():
            close(buffer, batch[f"buffer/{key}"], err_msg=key)


def test_the_count_of_batches_in_a_pytorch_state_is_ignored():
    state = below("modules/BatchNorm/state")
    assert set(state) == {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
    norm = rp.BatchNorm(3)
    norm.load_state_dict(state)
    assert_array_equal(norm.running_var, np.ones(3))
    assert set(norm.state_dict()) == set(state) - {"num_batches_tracked"}


def test_a_convolutional_net_in_a_file_of_pytorch_s_names_loads(tmp_path):
    """A file like those of safetensors.torch.save_file can be loaded: row-major, with batch counts in int64."""
    state, batch = below("modules/convolutional net/state"), pieces("modules/convolutional net")[0]
    arrays = {name: array.astype("float32") for name, array in state.items()}
    arrays["1.num_batches_tracked"] = state["1.num_batches_tracked"].astype("int64")
    save_file(arrays, tmp_path / "net.safetensors")
    net = MODULES["convolutional net"]()
    rp.load(net, tmp_path / "net.safetensors")
    assert_allclose(net.forward(batch["x"]), batch["y"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_losses(name, reduction):
    loss = LOSSES[name](reduction=reduction)
    rtol = 5e-9 if name == "BCE" else 1e-9                          # the 1e-12 in its gradient is a float32 in PyTorch
    for pair in pieces(f"losses/{name}"):
        prediction, target = pair["prediction"], pair["target"]
        if target.ndim < prediction.ndim:
            target = target.astype(int)
        close(loss.forward(prediction, target), pair[f"{reduction}/cost"])
        close(loss.backward(pair[f"{reduction}/g"]), pair[f"{reduction}/gx"], rtol=rtol)


def parameters_and_gradients():
    starts, gradients = (below(f"optim/{part}").values() for part in ("start", "gradients"))
    return [rp.Parameter(start, str(i), "float64") for i, start in enumerate(starts)], list(gradients)


@pytest.mark.parametrize("scenario", ["plain", "groups", "lr", "frozen"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name, scenario):
    build, options = OPTIMIZERS[name]
    (weight, bias), gradients = parameters_and_gradients()
    groups = [{"params": [weight]}, {"params": [bias], "lr": 0.03, "weight_decay": 0.2}]
    optimizer = build(groups if scenario == "groups" else [weight, bias], **options)
    path = REFERENCE[f"optim/{name}/{scenario}"]
    for step, (of_weight, of_bias, expected) in enumerate(zip(*gradients, path, strict=True)):
        if scenario == "lr" and step in (5, 12):
            optimizer.lr *= 0.3
        if scenario == "frozen":
            weight.frozen = 4 <= step < 9
        weight.grad, bias.grad = of_weight, of_bias
        optimizer.step()
        close(np.concatenate([weight.data.reshape(-1), bias.data]), expected, err_msg=f"step {step}")


@pytest.mark.parametrize("k", range(3))
def test_clip_grad_norm(k):
    """The returned norm and the clipped gradients are PyTorch's, which divides by norm + 1e-6."""
    parameters, gradients = parameters_and_gradients()
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient[0]
    expected, max_norm = below(f"clip/{k}"), float(REFERENCE["clip/max_norm"][k])
    norm = rp.clip_grad_norm(parameters, max_norm)
    close(norm, expected["norm"])
    for i, parameter in enumerate(parameters):
        close(parameter.grad, expected[f"grad/{i}"])


def test_training():
    """A whole training agrees: costs, parameters and running statistics after each of twenty steps of Adam."""
    net = rp.Sequential(rp.Linear(3, 6, bias=False), rp.BatchNorm(6), rp.Tanh(), rp.Linear(6, 4), rp.Softplus(),
                        rp.Linear(4, 3)).astype("float64")
    net.load_state_dict(below("training/start"))
    loss, adam = rp.CrossEntropy(), rp.Adam(net.parameters(), lr=0.05)
    x, y, costs = (REFERENCE[f"training/{name}"] for name in ("x", "y", "costs"))
    for step, (xb, yb, expected) in enumerate(zip(x, y.astype(int), costs, strict=True)):
        close(loss.forward(net.forward(xb), yb), expected)
        net.backward(loss.backward(), input_gradient=False)
        net.update()
        adam.step()
        for key, array in net.state_dict().items():
            close(array, REFERENCE[f"training/path/{key}"][step], err_msg=f"{key} after step {step}")


def test_wide_linear_in_float32():
    """Sums of 10,000 products are correct to a few units in the last place of the sum of their magnitudes."""
    rng = np.random.default_rng(0)
    layer = rp.Linear(10_000, 4, rng=0)
    x, g = rng.standard_normal((5, 10_000), "float32"), rng.standard_normal((5, 4), "float32")
    tall, steep = rng.standard_normal((10_000, 3), "float32"), rng.standard_normal((10_000, 4), "float32")
    narrow = rp.Linear(3, 4, bias_init=rp.Normal(), rng=0)

    def compare(computed, *factors):
        assert computed.dtype == np.float32
        a, b = (factor.astype("float64") for factor in factors)
        assert (np.abs(computed - a @ b) <= 4 * np.finfo("float32").eps * (np.abs(a) @ np.abs(b))).all()

    compare(layer.forward(x), x, layer.weight.data.T)
    compare(layer.backward(g), g, layer.weight.data)
    with_ones, with_bias = np.c_[tall, np.ones(10_000)], np.c_[narrow.weight.data, narrow.bias.data]
    compare(narrow.forward(tall), with_ones, with_bias.T)
    narrow.backward(steep)
    narrow.update()
    compare(narrow.weight.grad, steep.T, tall)
    compare(narrow.bias.grad, steep.T, np.ones(10_000))
