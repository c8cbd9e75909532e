"""from_torch: networks of live PyTorch modules, with equal outputs, gradients and statistics."""

import copy
from collections import OrderedDict

import numpy as np
import pytest
from numpy.testing import assert_allclose

import retroprop as rp
from retroprop.interop import from_torch

torch = pytest.importorskip("torch", reason="needs the extra torch")
nn = torch.nn
ROWS, IMAGES = (5, 4), (3, 2, 6, 7)


def sequential(*modules):
    return nn.Sequential(*modules)


PLAIN = [
    (ROWS, lambda: nn.Linear(4, 3)), (ROWS, lambda: nn.Linear(4, 3, bias=False)), ((2, 3, 4), lambda: nn.Linear(4, 3)),
    (IMAGES, lambda: nn.Conv2d(2, 3, (3, 2), (2, 1), (1, 2), (1, 2))), (IMAGES, lambda: nn.Conv2d(2, 3, 3, padding="same")),
    (IMAGES, lambda: nn.Conv2d(2, 3, (3, 1), padding="same", dilation=2, bias=False)),
    (IMAGES, lambda: nn.Conv2d(2, 3, 2, 2, "valid")),
    (ROWS, lambda: nn.BatchNorm1d(4, eps=1e-2, momentum=0.3)), (ROWS, lambda: nn.BatchNorm1d(4, affine=False)),
    (IMAGES, lambda: nn.BatchNorm2d(2)), (ROWS, lambda: nn.LayerNorm(4, 1e-3)), (ROWS, lambda: nn.LayerNorm(4, bias=False)),
    (IMAGES, lambda: nn.MaxPool2d(3, 2, 1)), (IMAGES, lambda: nn.MaxPool2d((2, 3))), (IMAGES, lambda: nn.AvgPool2d(3, 2, 1)),
    (IMAGES, lambda: nn.AvgPool2d(2, count_include_pad=False)), (IMAGES, lambda: nn.AdaptiveAvgPool2d((1, 1))),
    (IMAGES, lambda: nn.Upsample(scale_factor=(2, 3))), (IMAGES, lambda: nn.Upsample(scale_factor=2.0)),
    (IMAGES, lambda: nn.Flatten()), ((3, 24), lambda: nn.Unflatten(1, (2, 3, 4))), (ROWS, lambda: nn.Identity()),
    (ROWS, lambda: nn.Sequential()), *((ROWS, lambda kind=kind: kind()) for kind in (
        nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh, nn.Softsign, nn.Softplus, nn.Hardtanh)),
    (ROWS, lambda: nn.LeakyReLU(0.3)), (ROWS, lambda: nn.ELU(0.7)), (IMAGES, lambda: nn.Softmax(-1)),
    (IMAGES, lambda: nn.MaxPool2d([2, 2], (2, 2), [1, 1], (1, 1))), (ROWS, lambda: nn.ReLU(inplace=True)),
    (IMAGES, lambda: sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.GELU(), nn.MaxPool2d(2),
                                sequential(nn.Conv2d(4, 3, 3), nn.Tanh(), sequential()), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                                nn.Linear(3, 5), nn.BatchNorm1d(5, momentum=0.5), nn.LogSoftmax(dim=1))),
    (ROWS, lambda: nn.Sequential(OrderedDict(first=nn.Linear(4, 6), act=nn.SiLU(), last=nn.Linear(6, 2)))),
]


@pytest.mark.parametrize(("shape", "build"), PLAIN, ids=[str(build()).replace("\n", "")[:60] for _, build in PLAIN])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_outputs_gradients_and_statistics_are_equal(shape, build, dtype):
    torch.manual_seed(0)
    module = build().to(getattr(torch, dtype))
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    net, rng = from_torch(module), np.random.default_rng(0)
    tolerance = {"rtol": 1e-5, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-11, "atol": 1e-12}
    assert not any(net.dtype != dtype for _ in net.parameters())
    for training in (True, False):
        module.train(training), net.train(training)
        x = rng.standard_normal(shape).astype(dtype)
        theirs = torch.from_numpy(x.copy()).requires_grad_()
        expected = module(theirs * 1)
        y = net.forward(x)
        assert y.dtype == expected.detach().numpy().dtype == dtype
        assert_allclose(y, expected.detach().numpy(), **tolerance)
        g = rng.standard_normal(y.shape).astype(dtype)
        module.zero_grad()
        expected.backward(torch.from_numpy(g))
        assert_allclose(net.backward(g), theirs.grad.numpy(), **tolerance)
        net.update()
        ours = [parameter.grad for parameter in net.parameters() if not parameter.frozen]
        for gradient, parameter in zip(ours, module.parameters(), strict=True):
            assert_allclose(gradient, parameter.grad.numpy(), **tolerance)
        buffers = [buffer for buffer in module.buffers() if buffer.ndim]
        for (_, ours), buffer in zip(net.named_buffers(), buffers, strict=True):
            assert_allclose(ours, buffer.numpy(), **tolerance)


def test_the_numbers_are_copies_and_modes_frozen_and_shared_parameters_stay():
    relu = nn.ReLU()
    module = sequential(nn.Linear(4, 4), relu, nn.Linear(4, 4), relu, nn.BatchNorm1d(4), nn.Dropout(0.25), nn.Dropout2d(0.1))
    module[2].weight = module[0].weight
    module[0].bias.requires_grad_(False)
    module[4].eval()
    net = from_torch(module, rng=0)
    assert [one.training for one in net] == [True, True, True, True, False, True, True]
    assert net[0].weight is net[2].weight
    assert [net[0].bias.frozen, net[2].bias.frozen] == [True, False]
    assert (net[5].p, net[6].p, net[6].channelwise) == (0.25, 0.1, True)
    before = copy.deepcopy(module.state_dict())
    net[0].weight.data[...] = 7
    net[4].running_mean[...] = 7
    assert all(torch.equal(module.state_dict()[name], value) for name, value in before.items())
    assert from_torch(module, rng=0)[5].rng.random() == net[5].rng.random()
    assert not from_torch(module.eval()).training


class Doubled(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


class Named(nn.Sequential):
    """Inherits forward: it is a Sequential."""


def hooked():
    module = nn.Linear(2, 2)
    module.register_forward_hook(lambda *_: None)
    return module


def twice():
    norm = nn.BatchNorm1d(2)
    return sequential(norm, nn.ReLU(), norm)


REFUSED = [
    (lambda: nn.GELU(approximate="tanh"), "GELU(approximate='tanh') has no form here: approximate must be 'none', got 'tanh'"),
    (lambda: sequential(nn.ReLU(), sequential(nn.Conv2d(2, 4, 3, groups=2))), "1.0: Conv2d(2, 4, kernel_size=(3, 3), "
     "stride=(1, 1), groups=2) has no form here: groups must be 1, got 2"),
    (lambda: nn.Conv2d(1, 1, 3, padding_mode="reflect"), "padding_mode must be 'zeros', got 'reflect'"),
    (lambda: nn.Conv2d(1, 1, 2, padding="same"), "padding='same' must be equal on both sides, got [1, 1] pixels in all"),
    (lambda: nn.LSTM(2, 2), "LSTM(2, 2) has no form here: there is one for Sequential, Linear, Conv2d, BatchNorm1d"),
    (lambda: nn.PReLU(), "PReLU(num_parameters=1) has no form here"),
    (lambda: nn.ReLU6(), "ReLU6() has no form here"),
    (lambda: Doubled(2, 2), "has no form here: there is one for"),
    (hooked, "has no form here: it has hooks"),
    (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(2, 2)), "has no form here: there is one for"),
    (lambda: nn.BatchNorm1d(2, momentum=None), "momentum must be a number, got None"),
    (lambda: nn.BatchNorm1d(2, track_running_stats=False), "track_running_stats must be True, got False"),
    (twice, "has no form here: it is in two places, which share its running statistics"),
    (lambda: nn.LayerNorm((2, 3)), "normalized_shape must be one axis, the last, got (2, 3)"),
    (lambda: nn.MaxPool2d(2, ceil_mode=True), "ceil_mode must be False, got True"),
    (lambda: nn.AvgPool2d(3, padding=1, count_include_pad=False), "count_include_pad must be True"),
    (lambda: nn.AdaptiveAvgPool2d(2), "output_size must be 1, got 2"),
    (lambda: nn.Upsample(size=8), "size must be None, got 8"),
    (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), "mode must be 'nearest', got 'bilinear'"),
    (lambda: nn.Flatten(0), "start_dim must be 1, got 0"),
    (lambda: nn.Unflatten(1, (2, -1)), "unflattened_size must be integers of at least 1, got (2, -1)"),
    (lambda: nn.Softmax(dim=0), "dim must be -1, the last axis, got 0"),
    (lambda: nn.Softmax(), "dim must be -1, the last axis, got None"),
    (lambda: sequential(nn.Conv2d(1, 1, 1), nn.Softmax(dim=1)), "1: Softmax(dim=1) has no form here: dim must be -1, got 1, "
     "which is the last axis of rows alone, and only after Flatten are there rows for certain; write dim=-1"),
    (lambda: nn.Softmax(1), "dim must be -1, got 1"),               # of words and images it is over another axis
    (lambda: sequential(nn.Embedding(9, 4), nn.Linear(4, 1), nn.LogSoftmax(dim=1)), "write dim=-1"),
    (lambda: sequential(nn.Dropout1d(), nn.BatchNorm1d(4), nn.Softmax(dim=1)), "write dim=-1"),
    (lambda: sequential(nn.Flatten(), nn.Unflatten(1, (2, 3)), nn.Softmax(dim=1)), "write dim=-1"),
    (lambda: nn.Dropout(1.0), "Dropout(p=1.0, inplace=False) has no form here: p must be a number in [0, 1), got 1"),
    (lambda: nn.LeakyReLU(-0.5), "slope must be a number in [0, 1], got -0.5"),
    (lambda: nn.Softplus(2), "beta must be 1, got 2"),
    (lambda: nn.Softplus(1, 5), "threshold must be at least 20, got 5"),
    (lambda: nn.Hardtanh(0, 6), "min_val must be -1, got 0"),
    (lambda: nn.Linear(2, 2).half(), "must have parameters of one dtype, float32 or float64, got float16 (weight)"),
    (lambda: sequential(nn.Linear(2, 2), nn.Linear(2, 2).double()), "got float64 (1.weight) and float32 (0.weight)"),
    (lambda: nn.Embedding(3, 2, max_norm=1.0), "max_norm must be None, got 1.0"),
    (lambda: nn.Embedding.from_pretrained(torch.ones(3, 2), padding_idx=0), "the row of padding_idx must be 0"),
    (lambda: nn.Sequential(OrderedDict(predict=nn.ReLU())), "'predict' must be another name"),
    (lambda: np.ones(3), "module must be a torch.nn.Module, got array([1., 1., 1.])"),
]


@pytest.mark.parametrize(("build", "text"), REFUSED)
def test_what_has_no_form_is_named_and_refused(build, text):
    with pytest.raises(rp.ArgumentError) as caught:
        from_torch(build())
    assert str(caught.value).startswith("from_torch: ")
    assert text in str(caught.value)


def test_embeddings_and_names_of_modules_are_taken_over():
    module = nn.Sequential(OrderedDict(words=nn.Embedding(5, 3, padding_idx=1), fc=nn.Linear(3, 2)))
    net, x = from_torch(module), np.array([[0, 1, 4], [2, 3, 1]])
    assert list(net.state_dict()) == list(module.state_dict())
    assert_allclose(net.forward(x), module(torch.from_numpy(x)).detach().numpy(), rtol=1e-6)
    g = np.random.default_rng(0).standard_normal((2, 3, 2)).astype("float32")
    module(torch.from_numpy(x)).backward(torch.from_numpy(g))
    net.backward(g)
    net.update()
    assert_allclose(net["words"].weight.grad, module.words.weight.grad.numpy(), rtol=1e-5)


def test_a_subclass_of_sequential_that_computes_the_same_is_one():
    assert repr(from_torch(nn.Conv2d(2, 4, 3, padding=1))) == "Conv2d(2, 4, 3, padding=1)"
    assert repr(from_torch(Named(nn.Linear(2, 3), nn.Tanh()))) == "Sequential(Linear(2, 3), Tanh())"


def test_a_file_of_torch_save_is_converted_by_the_line_of_the_message(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch", reason="needs the extra torch")
    module = sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 4))
    module[2].bias = module[1].bias                                 # safetensors refuses tensors that share memory
    torch.save(module.state_dict(), tmp_path / "model.pt")
    net = rp.Sequential(rp.Linear(3, 4), rp.BatchNorm(4), rp.Linear(4, 4))
    with pytest.raises(rp.FileFormatError) as caught:
        rp.load(net, tmp_path / "model.pt")
    exec(str(caught.value).partition("PyTorch is, with: ")[2], {})
    rp.load(net, tmp_path / "model.safetensors")
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, module.state_dict()[name].numpy())
    safetensors.save_file({name: tensor.bfloat16() for name, tensor in nn.Linear(3, 4).state_dict().items()}, tmp_path / "half")
    single = rp.Linear(3, 4)
    rp.load(single, tmp_path / "half")
    kept = safetensors.load_file(tmp_path / "half")["weight"].float().numpy()
    np.testing.assert_array_equal(single.weight.data, kept)
