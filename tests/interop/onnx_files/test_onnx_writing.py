"""save_onnx: the file computes what predict does."""

import os
import re
import sys

import numpy as np
import pytest
from cases import MODULES, Affine, Skip

import retroprop as rp
from retroprop.inspection.contract import cases as library
from retroprop.interop import load_onnx, save_onnx
from retroprop.modules.core.values import parts, shape_of

REASON = "needs the extra onnx, and onnxruntime"
onnx = pytest.importorskip("onnx", reason=REASON)
onnxruntime = pytest.importorskip("onnxruntime", reason=REASON)


def run(path, *x):
    """The outputs that onnxruntime computes for a batch."""
    session = onnxruntime.InferenceSession(path)
    given = zip(session.get_inputs(), x, strict=True)
    kinds = {"tensor(int64)": np.int64, "tensor(float)": np.float32, "tensor(double)": np.float64}
    return session.run(None, {each.name: np.asarray(array, kinds[each.type]) for each, array in given})


def mlp():
    return rp.Sequential(rp.Linear(3, 4, rng=1), rp.Tanh(), rp.Dropout(rng=0), rp.Linear(4, 2, rng=2))


def has_form(net):
    kinds = {type(module) for _, module in net.leaves()}
    return rp.Function not in kinds and all(kind.__module__.startswith("retroprop") for kind in kinds)


CASES = [case for case in MODULES if has_form(case.build())]
QUICK = {"Linear on 3 axes", "Linear(3, 4, bias=False)", "Softmax on 3 axes", "Conv2d, dilated",
         "MaxPool2d(3, stride=2, padding=1)",
         "LayerNorm on 3 axes", "Multiply of three", "Concat of small images", "Sequential with two arrays between its modules",
         "Sequential of two inputs", "Graph with an output that nodes read", "Sequential with a shared Parameter",
         "Graph of words and numbers", "Residual with a shortcut", *map(str, library.MODULES)}


@pytest.mark.parametrize("case", [pytest.param(case, id=str(case), marks=() if str(case) in QUICK else pytest.mark.long)
                                  for case in CASES])
def test_onnxruntime_computes_what_predict_does_and_what_is_read_again_has_the_same_bits(case, tmp_path):
    path, net = tmp_path / "net.onnx", case.build().astype("float32")
    save_onnx(net, path, shape_of(case.x))
    onnx.checker.check_model(onnx.load(path), full_check=True)
    x = tuple(np.concatenate([part, part[:1]]) for part in parts(case.x))       # a batch of another size
    again, expected = load_onnx(path), parts(net.predict(x if len(x) > 1 else x[0]))
    for found, y in zip(run(path, *x), expected, strict=True):
        np.testing.assert_allclose(found, y, rtol=1e-5, atol=1e-5)
    for found, y in zip(parts(again.predict(x if len(x) > 1 else x[0])), expected, strict=True):
        np.testing.assert_allclose(found, y, rtol=1e-6, atol=1e-6)
    if "padding_idx" not in repr(net):                              # that row is 0 in the file, whatever it was
        assert [p.data.tobytes() for p in again.parameters()] == [p.data.tobytes() for p in net.parameters()]


def test_every_module_of_the_library_but_function_has_a_case():
    leaves = {type(module) for case in CASES for _, module in case.build().leaves()}
    every = {getattr(rp.modules, name) for name in rp.modules.__all__}
    assert {kind.__name__ for kind in every - leaves if issubclass(kind, rp.Module)} == {
        "Module", "Function", "Sequential", "Graph", "Residual"}


def test_the_file_says_who_wrote_it_and_has_the_names_of_the_network(tmp_path):
    path = tmp_path / "net.onnx"
    save_onnx(rp.Sequential(rp.Linear(3, 4, rng=1), rp.BatchNorm(4), rp.GELU()), path, (1, 3))
    model = onnx.load(path)
    assert (model.producer_name, model.producer_version, model.ir_version) == ("retroprop", rp.__version__, 8)
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 17)]
    assert [each.name for each in (*model.graph.input, *model.graph.output)] == ["x", "y"]
    names = {each.name for each in model.graph.initializer}
    assert {name for name in names if ".." not in name} == {
        "0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var"}
    assert [size.dim_param or size.dim_value for size in model.graph.input[0].type.tensor_type.shape.dim] == ["batch", 3]
    gelu = [node.op_type for node in model.graph.node[2:]]
    assert gelu == ["Mul", "Mul", "Erf", "Add", "Mul"]
    save_onnx(rp.Sequential(y=rp.Linear(3, 4, rng=1), t=rp.GELU()), path, (1, 3))
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert [each.name for each in model.graph.output] == ["y"]      # also where a module inside has that name
    graph = rp.Graph({"h": (rp.Tanh(), "a"), "y": (rp.Add(), "h", "b")}, inputs=("a", "b"), outputs=("y", "h"))
    save_onnx(graph, path, ((1, 3), (1, 3)))
    model = onnx.load(path)
    assert [each.name for each in (*model.graph.input, *model.graph.output)] == ["a", "b", "y", "h"]


def test_evaluation_is_written_in_either_mode_and_the_network_stays_as_it_is(tmp_path):
    net, x = mlp(), np.random.default_rng(0).standard_normal((5, 3))
    net.forward(x)
    before = repr(net[2].rng.bit_generator.state)
    save_onnx(net, tmp_path / "a", (5, 3))
    assert net.training
    assert repr(net[2].rng.bit_generator.state) == before
    net.backward(np.ones((5, 2)))                                   # the point of forward is still there
    save_onnx(net.eval(), tmp_path / "b", (5, 3))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_shared_parameter_is_stored_once_and_shared_again(tmp_path):
    first, second, third = (rp.Linear(6, 6, rng=k) for k in range(3))
    second.weight = third.weight = first.weight
    net = rp.Sequential(first, rp.Reshape(3, 2), rp.Flatten(), second, rp.Reshape(1, 6), third)     # Gemm, Gemm, MatMul
    save_onnx(net, tmp_path / "net", (1, 6))
    assert sum(len(each.dims) == 2 for each in onnx.load(tmp_path / "net").graph.initializer) == 1
    again = load_onnx(tmp_path / "net")
    assert len({id(module.weight) for _, module in again.leaves() if isinstance(module, rp.Linear)}) == 1


class Fitted:
    net_ = rp.Linear(3, 2)


class Pipeline:
    steps = [("scaler", None), ("classifier", Fitted())]            # noqa: RUF012


@pytest.mark.parametrize(("net", "shape", "text"), [
    (lambda: rp.Function(np.sin, np.cos), (1, 3), "but Function(sin, cos) has none"),
    (lambda: rp.Sequential(rp.Tanh(), Affine(3)), (1, 3), "but 1, Affine(3), has none"),
    (lambda: rp.Sequential(Skip(rp.Linear(3, 3, rng=1), rp.Tanh())), (1, 3), "but 0, Skip(Linear(3, 3), Tanh()), has none"),
    (mlp, 3, "input_shape must be a tuple such as (1, 64), got 3"),
    (mlp, (), "input_shape must be a tuple such as (1, 64), got ()"),
    (mlp, (3,), "input_shape must begin with the size of a batch, such as (1, 64), got (3,)"),
    (mlp, (None, 3), "each size in input_shape must be an integer of at least 1, got None"),
    (mlp, (1, 4), "Linear(3, 4): x must have shape (..., 3), got (1, 4)"),
    (mlp, ((1, 3), (1, 3)), "x must be one array, got shapes ((1, 3), (1, 3))"),
    (lambda: "net", (1, 3), "save_onnx: net must be a Module, got 'net'"),
    (lambda: rp.Model(rp.Linear(3, 2)), (1, 3), "got a Model: give model.net; the scaler and the labels are not written"),
    (Fitted, (1, 3), "got a Fitted: give model.net_; the labels are not written"),
    (Pipeline, (1, 3), "got a Pipeline: give model[-1].net_; the steps before it and the labels are not written"),
])
def test_what_cannot_be_written_is_named_and_the_file_stays(net, shape, text, tmp_path):
    (tmp_path / "net").write_text("old")
    with pytest.raises(rp.RetropropError, match=re.escape(text)):
        save_onnx(net(), tmp_path / "net", shape)
    assert (tmp_path / "net").read_text() == "old"
    assert os.listdir(tmp_path) == ["net"]


@pytest.mark.parametrize("opset", [16, 99, True, "17"])
def test_an_opset_that_is_not_known_is_refused(opset, tmp_path):
    with pytest.raises(rp.ArgumentError, match="opset must be an integer "):
        save_onnx(mlp(), tmp_path / "net", (1, 3), opset=opset)


def test_another_opset_has_its_own_ir_version_and_computes_the_same(tmp_path):
    x = np.random.default_rng(0).standard_normal((5, 3))
    save_onnx(mlp(), tmp_path / "net", (1, 3), opset=21)
    model = onnx.load(tmp_path / "net")
    assert (model.opset_import[0].version, model.ir_version) == (21, 10)
    np.testing.assert_allclose(run(tmp_path / "net", x)[0], mlp().predict(x), rtol=1e-5)


def test_a_float64_network_becomes_float32_or_stays(tmp_path):
    net, x = mlp().astype("float64"), np.random.default_rng(0).standard_normal((5, 3))
    for dtype, rtol in (("float32", 1e-5), ("float64", 1e-14)):
        save_onnx(net, tmp_path / "net", (1, 3), dtype=dtype)
        again = load_onnx(tmp_path / "net")
        assert again.dtype == dtype
        for y in (run(tmp_path / "net", x)[0], again.predict(x)):
            np.testing.assert_allclose(y, net.predict(x), rtol=rtol)
    net[0].weight.data[0, 0] = 1e39
    with pytest.raises(rp.DataError, match=r"0\.weight must fit float32"):
        save_onnx(net, tmp_path / "net", (1, 3))


def test_gelu_does_not_overflow(tmp_path):
    save_onnx(rp.GELU(), tmp_path / "net", (1, 4))
    x = np.array([[3e38, -3e38, 30, -30]], np.float32)
    np.testing.assert_allclose(run(tmp_path / "net", x)[0], [[3e38, 0, 30, 0]], rtol=1e-6)


def test_integers_are_int64_where_only_embeddings_read_them(tmp_path):
    words, x = rp.Embedding(5, 3, padding_idx=1, rng=0), np.array([[0, 1], [4, 1]])
    words.weight.data[1] = 7                                        # forward gives 0 all the same
    save_onnx(words, tmp_path / "words", (1, 2))
    np.testing.assert_array_equal(run(tmp_path / "words", x)[0], words.predict(x))
    mixed = rp.Graph({"a": (rp.Embedding(5, 3, rng=0), "x"), "b": (rp.Flatten(), "a"), "y": (rp.Concat(), "b", "x")},
                     inputs="x", outputs="y")
    save_onnx(mixed, tmp_path / "mixed", (1, 2))
    assert onnxruntime.InferenceSession(tmp_path / "mixed").get_inputs()[0].type == "tensor(float)"
    np.testing.assert_array_equal(run(tmp_path / "mixed", x)[0], mixed.predict(x))
    np.testing.assert_array_equal(load_onnx(tmp_path / "mixed").predict(x), mixed.predict(x))


@pytest.mark.parametrize("call", [lambda path: save_onnx(mlp(), path, (1, 3)), load_onnx])
def test_without_the_package_the_error_names_the_extra(call, tmp_path, monkeypatch):
    (tmp_path / "net").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(rp.ArgumentError, match=r"_onnx needs the extra onnx: pip install 'retroprop\[onnx\]'"):
        call(tmp_path / "net")
