"""save_model and load_model: networks made anew from one file."""

import json
import re
import struct
from types import SimpleNamespace

import cases
import numpy as np
import pytest
from cases import MODULES, Affine, numbers
from numpy.testing import assert_array_equal

import retroprop as rp
from retroprop.datasets import Scaler
from retroprop.errors import ArgumentError, DataError, FileFormatError
from retroprop.modules.core.values import parts
from retroprop.training.saving import architecture
from retroprop.training.saving.sealed import sealed, unsealed

OWN = {name: kind for name, kind in vars(cases).items() if isinstance(kind, type) and issubclass(kind, rp.Module)}


def holds_functions(net):
    return any(isinstance(module, rp.Function) for _, module in net.named_modules())


@pytest.mark.parametrize("case", [case for case in MODULES if not holds_functions(case.build())], ids=str)
def test_every_module_comes_back(tmp_path, case):
    """With its arguments, its numbers, and the Parameters that it shares, in one flat vector."""
    net, path = case.build(), tmp_path / "model"
    rp.save_model(net, path)
    back = rp.load_model(path, modules=OWN).net
    assert repr(back) == repr(net)
    assert type(back) is type(net)
    assert [len(back.parameters()), back.dtype] == [len(net.parameters()), net.dtype]
    for array, expected in zip(back.state_dict().values(), net.state_dict().values(), strict=True):
        assert_array_equal(array, expected)
    for array, expected in zip(parts(back.forward(case.x)), parts(net.forward(case.x)), strict=True):
        assert_array_equal(array, expected)                         # with the masks of Dropout
    assert len({id(parameter.flat) for parameter in back.parameters()}) <= len({id(one.flat) for one in net.parameters()})


def test_every_module_of_the_library_is_in_the_table():
    kinds = {getattr(rp, name) for name in rp.modules.__all__} - {rp.Module, rp.Parameter}
    assert set(architecture.MODULES.values()) == kinds


def test_functions_are_refused(tmp_path):
    net = rp.Sequential(rp.Linear(2, 2), rp.Function(np.sin, np.cos))
    with pytest.raises(ArgumentError, match=r"^save_model: module 1, Function\(sin, cos\), argument f must be None, a number"
                                            ", .* to be in a file, got a ufunc$"):
        rp.save_model(net, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_float64_and_initializers_and_generators_come_back(tmp_path):
    def start(shape, rng, dtype):
        return np.full(shape, 2.0)

    net = rp.Sequential(rp.Linear(3, 4, weight_init=rp.HeNormal(), rng=0), rp.Dropout(rng=3), Affine(4),
                        rp.Linear(4, 2, bias_init=rp.Constant(0.5), weight_init=start)).astype("float64")
    net.forward(numbers(5, 3))
    rp.save_model(net, tmp_path / "model")
    back = rp.load_model(tmp_path / "model", modules=OWN).net
    assert repr(back) == repr(net).replace(f"weight_init={start!r}, ", "")
    assert_array_equal(back.forward(numbers(5, 3)), net.forward(numbers(5, 3)))


def test_the_file_is_one_of_save_too(tmp_path):
    """Its names are those of PyTorch; ``load`` puts it into a network."""
    net, other = (rp.Sequential(fc=rp.Linear(2, 3, rng=rng), norm=rp.BatchNorm(3)) for rng in range(2))
    rp.save_model(net, tmp_path / "model", preprocessing=Scaler.of([[1, 2], [3, 5]]))
    rp.load(other, tmp_path / "model")
    assert_array_equal(other.fc.weight.data, net.fc.weight.data)


class Gate(rp.Module):
    def __init__(self, width, scale=1.0, rng=None):
        self.width, self.scale = width, scale
        self.linear = rp.Linear(width, width, rng=rng)

    def forward(self, x):
        self.point = ()
        return self.scale * self.linear.forward(x)

    def backward(self, g):
        return self.linear.backward(self.scale * g)


class Block(rp.Sequential):
    """A Sequential whose constructor is its own: its arguments are its attributes."""

    def __init__(self, width):
        self.width = width
        super().__init__(rp.Linear(width, 2 * width, rng=0), rp.Tanh())


class Forgets(rp.Module):
    def __init__(self, size):
        self.scale = rp.Parameter(np.ones(size), "scale")


def test_modules_of_the_user_are_asked_for(tmp_path):
    net, path = rp.Sequential(gate=Gate(3, 2.0, rng=0), block=Block(3), last=Affine(6)), tmp_path / "model"
    rp.save_model(net, path)
    for given, name in (({}, "Gate"), ({"Gate": Gate}, "Block"), ({"Gate": Gate, "Block": Block}, "Affine")):
        with pytest.raises(ArgumentError, match=f"^load_model: modules must have the class {name}, which .*model needs and "
                                                "which is not the library's"):
            rp.load_model(path, modules=given)
    back = rp.load_model(path, modules={"Gate": Gate, "Block": Block, "Affine": Affine}).net
    assert back.gate.scale == 2.0
    assert_array_equal(back.forward(numbers(5, 3)), net.forward(numbers(5, 3)))
    with pytest.raises(FileFormatError, match=r"what it says of the model does not fit .* unexpected 'gate.linear.weight'"):
        rp.load_model(path, modules={"Gate": rp.Tanh, "Block": Block, "Affine": Affine})


def test_a_class_of_the_user_with_the_name_of_one_of_the_library_is_another(tmp_path):
    kind = type("Tanh", (rp.Sigmoid,), {})
    rp.save_model(kind(), tmp_path / "model")
    with pytest.raises(ArgumentError, match="modules must have the class Tanh"):
        rp.load_model(tmp_path / "model")
    with pytest.raises(ArgumentError, match="must have a class with a name of its own, got two that are called Tanh"):
        rp.save_model(rp.Sequential(kind(), type("Tanh", (rp.Sigmoid,), {})()), tmp_path / "model")


@pytest.mark.parametrize(("call", "error", "text"), [
    (lambda p: rp.save_model(rp.Sequential(Forgets(3)), p), ArgumentError, "save_model: module 0, Forgets(), must keep the "
     "argument size of its constructor as an attribute of that name, or have a method arguments()"),
    (lambda p: rp.save_model(rp.MSE(), p), ArgumentError, "save_model: net must be a network, got a loss, MSE()"),
    (lambda p: rp.save_model([1], p), ArgumentError, "save_model: net must be a Module, got [1]"),
    (lambda p: rp.save_model(rp.Tanh(), p, preprocessing=3), ArgumentError, "save_model: preprocessing must be a Scaler"),
    (lambda p: rp.save_model(rp.Tanh(), p, preprocessing=SimpleNamespace(mean_=0, scale_=1)), ArgumentError,
     "scale_=1); make it datasets.Scaler(s.mean_, s.scale_)"),
    (lambda p: rp.save_model(rp.Tanh(), p, preprocessing=(None, None)), ArgumentError, "one or None for each input, got"),
    (lambda p: rp.save_model(rp.Tanh(), p, targets=3), ArgumentError, "save_model: targets must be Targets, or the labels"),
    (lambda p: rp.save_model(rp.Tanh(), p, targets=["a", "a"]), DataError, "targets must be two or more different labels"),
    (lambda p: rp.save_model(rp.Tanh(), p, loss="MSE"), ArgumentError, "save_model: loss must be a Loss, such as MSE(), or"),
    (lambda p: rp.load_model(p, modules=[Gate]), ArgumentError, "load_model: modules must be a dict of classes of modules"),
    (lambda p: rp.load_model(p), FileNotFoundError, "No such file")])
def test_wrong_arguments_are_refused(tmp_path, call, error, text):
    with pytest.raises(error, match=re.escape(text)):
        call(tmp_path / "model")
    assert not (tmp_path / "model").exists()


# Damage


@pytest.fixture
def model(tmp_path):
    net = rp.Sequential(OrderedDict=rp.Linear(3, 4, rng=0), norm=rp.BatchNorm(4))
    rp.save_model(net, tmp_path / "model", targets=["a", "b", "c", "d"])
    return tmp_path / "model"


def test_any_byte_that_has_changed_is_noticed(model):
    whole = model.read_bytes()
    for k in range(0, len(whole), 97):
        model.write_bytes(whole[:k] + bytes([whole[k] ^ 1]) + whole[k + 1:])
        with pytest.raises(FileFormatError, match=r"not a whole file of retroprop[.]save_model"):
            rp.load_model(model)
    model.write_bytes(whole[:-1])
    with pytest.raises(FileFormatError, match="truncated"):
        rp.load_model(model)


def test_files_of_save_and_checkpoint_are_no_models(model):
    net = rp.Linear(2, 1)
    rp.save(net, model)
    with pytest.raises(FileFormatError, match=r"not a whole file of retroprop[.]save_model"):
        rp.load_model(model)
    rp.Checkpoint(model, overwrite=True).save(1, net, rp.SGD(net.parameters(), lr=1))
    with pytest.raises(FileFormatError, match="it holds no model of save_model; if it is a file of Checkpoint, make the "):
        rp.load_model(model)


BIG = {"module": "Linear", "args": [10**9, 10**9], "options": {}}


@pytest.mark.parametrize(("change", "text"), [
    (lambda m: m.update(version=2), "it must be a model of version 1, which this release of retroprop reads, got version 2"),
    (lambda m: m.update(net=3), "the network that it describes cannot be made (TypeError: "),
    (lambda m: m["net"]["root"].update(module="os"), "cannot be made (KeyError: 'os')"),
    (lambda m: m["net"]["root"]["options"].update(a=1), "Sequential: argument a must be a Module, got 1"),
    (lambda m: m["net"]["root"]["options"].update(norm=BIG), "Linear asks for more numbers than there are"),
    (lambda m: m["net"]["root"]["options"]["norm"].update(args=[32]), "there are fewer numbers than the modules have"),
    (lambda m: m["net"]["root"]["options"]["norm"].update(args=[10**9]), "BatchNorm asks for more numbers than there are"),
    (lambda m: m["net"]["root"]["options"]["norm"]["options"].update(eps="x"), "eps must be a number in (0, inf), got 'x'"),
    (lambda m: m["net"].update(shared=[["norm.weight", "fc.weight"]]), "cannot be made (KeyError: "),
    (lambda m: m["net"]["root"]["options"].pop("norm"), "what it says of the model does not fit"),
    (lambda m: m["targets"].update(names=["a"]), "what it says of the model does not fit"),
    (lambda m: m.update(threshold=None), "the threshold is no number"),
    (lambda m: m["targets"].update(names=[3, 4]), "names must be texts"),
    (lambda m: m.update(preprocessing=[{"mean": 1, "deviation": 0}]), "the scaler is not a mean and a positive deviation")])
def test_a_lie_with_the_right_checksum_is_refused(model, change, text):
    arrays, notes = unsealed(model)
    del notes["sha256"]
    change(notes["model"])
    model.write_bytes(sealed(arrays, notes))
    with pytest.raises(FileFormatError, match=re.escape(text)) as caught:
        rp.load_model(model)
    assert "\n" not in str(caught.value)


def test_the_architecture_is_json_that_names_modules_of_the_library(model):
    header = model.read_bytes()
    size = struct.unpack("<Q", header[:8])[0]
    notes = json.loads(json.loads(header[8:8 + size])["__metadata__"]["retroprop"])
    norm = notes["model"]["net"]["root"]["options"]["norm"]
    assert (norm["module"], norm["args"], norm["options"]["eps"]) == ("BatchNorm", [4], 1e-05)
