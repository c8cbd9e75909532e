"""load_onnx: what has a module becomes one, all else is named and refused."""

import numpy as np
import pytest

import retroprop as rp
from retroprop.interop import load_onnx, save_onnx
from retroprop.interop.onnx_files.file import File
from retroprop.interop.onnx_files.reader import Reader

onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
FLOAT = 1                                                           # the number of this type


def file(path, nodes, constants=(), *, x=("batch", 4), y=("batch", "m"), opset=17, inputs=("x",), outputs=("y",), kind=FLOAT):
    """Write a file with these nodes: (operator, inputs, outputs, attributes)."""
    h = onnx.helper
    made = [h.make_node(operator, read.split(" "), wrote.split(), **(rest[0] if rest else {}))
            for operator, read, wrote, *rest in nodes]
    arrays = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in dict(constants).items()]
    graph = h.make_graph(made, "g", [h.make_tensor_value_info(name, FLOAT, x) for name in inputs],
                         [h.make_tensor_value_info(name, kind, y) for name in outputs], arrays)
    path.write_bytes(h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=8).SerializeToString())
    return path


W = np.arange(12, dtype=np.float32).reshape(4, 3) / 10 - 0.3
B = np.array([1, -2, 3], np.float32)
K = np.arange(36, dtype=np.float32).reshape(2, 2, 3, 3) / 10
X = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
IMAGES = ("batch", 2, 6, 6)


def test_a_chain_becomes_a_sequential_and_all_else_a_graph(tmp_path):
    chain = load_onnx(file(tmp_path / "a", [("MatMul", "x w", "h"), ("Add", "h b", "s"), ("Relu", "s", "y")], {"w": W, "b": B}))
    assert repr(chain) == "Sequential(Linear(4, 3), ReLU())"
    assert not chain.training
    np.testing.assert_allclose(chain.predict(X), np.maximum(X @ W + B, 0), rtol=1e-6)
    graph = load_onnx(file(tmp_path / "b", [("Tanh", "x", "a.1"), ("Add", "a.1 x", "y")]))
    assert repr(graph) == "Graph({'a_1': (Tanh(), 'x'), 'y': (Add(), 'a_1', 'x')}, inputs='x', outputs='y')"


def test_expressions_become_the_modules_that_they_are(tmp_path):
    half, one, root = np.float32(0.5), np.float32(1), np.sqrt(np.float32(2))
    gelus = [[("Div", "x root", "a"), ("Erf", "a", "b"), ("Add", "b one", "c"), ("Mul", "x c", "d"), ("Mul", "d half", "y")],
             [("Div", "x root", "a"), ("Erf", "a", "b"), ("Add", "one b", "c"), ("Mul", "half c", "d"), ("Mul", "d x", "y")]]
    for nodes in gelus:
        assert repr(load_onnx(file(tmp_path / "a", nodes, {"root": root, "one": one, "half": half}))) == "Sequential(GELU())"
    assert repr(load_onnx(file(tmp_path / "a", [("Sigmoid", "x", "a"), ("Mul", "a x", "y")]))) == "Sequential(SiLU())"
    assert repr(load_onnx(file(tmp_path / "a", [("Abs", "x", "a"), ("Add", "a one", "b"), ("Div", "x b", "y")],
                               {"one": one}))) == "Sequential(Softsign())"
    gated = load_onnx(file(tmp_path / "a", [("Sigmoid", "x", "s"), ("Mul", "s x", "y")], outputs=("y", "s")))
    assert isinstance(gated["s"], rp.Sigmoid)                       # something else reads it too
    assert isinstance(gated["y"], rp.Multiply)


def test_a_layer_norm_has_one_weight_and_one_bias(tmp_path):
    nodes = [("ReduceMean", "x", "m", {"axes": [-1]}), ("Sub", "x m", "c"), ("Pow", "c two", "q"),
             ("ReduceMean", "q", "v", {"axes": [-1]}), ("Add", "v eps", "e"), ("Sqrt", "e", "s"), ("Div", "c s", "n"),
             ("Mul", "n a", "n1"), ("Mul", "n1 a", "n2"), ("Add", "n2 a", "n3"), ("Add", "n3 a", "y")]
    scale = np.array([1, 2, 3, -4], np.float32)
    net = load_onnx(file(tmp_path / "a", nodes, {"two": np.float32(2), "eps": np.float32(1e-3), "a": scale}))
    assert repr(net[0]) == "LayerNorm(4, eps=0.001)"
    normal = (X - X.mean(1, keepdims=True)) / np.sqrt(X.var(1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(net.predict(X), normal * scale * scale + scale + scale, rtol=1e-4, atol=1e-5)


def test_a_tensor_that_is_read_under_two_names_stays(tmp_path):
    nodes = [("MatMul", "x w", "h"), ("Cast", "h", "k", {"to": FLOAT}), ("Add", "k b", "s"), ("Mul", "k s", "y")]
    found = load_onnx(file(tmp_path / "a", nodes, {"w": W, "b": B})).predict(X)
    np.testing.assert_allclose(found, (X @ W) * (X @ W + B), rtol=1e-5)


def test_a_constant_scales_and_shifts_by_a_diagonal_weight(tmp_path):
    scale = np.array([[1, 2, 3, 4]], np.float32)
    net = load_onnx(file(tmp_path / "a", [("Mul", "x a", "h"), ("Sub", "one h", "y")], {"a": scale, "one": np.float32(1)}))
    np.testing.assert_allclose(net.predict(X), 1 - scale * X, rtol=1e-6)
    shift = np.array([1, -1], np.float32).reshape(2, 1, 1)
    net = load_onnx(file(tmp_path / "a", [("Add", "x a", "y")], {"a": shift}, x=IMAGES))
    x = np.ones((1, 2, 6, 6), np.float32)
    np.testing.assert_array_equal(net.predict(x), x + shift)


@pytest.mark.parametrize("operators", ["Mul Add", "Mul Mul", "Mul Sub", "Div Mul"])
def test_constants_along_the_last_axis_and_along_channels_differ(operators, tmp_path):
    """Also where both axes have the same size."""
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    first, second = operators.split()
    constants = {"a": np.array([1, 2, 3, -4], np.float32), "b": np.array([5, 6, 7, 9], np.float32).reshape(4, 1, 1)}
    x = np.random.default_rng(0).standard_normal((2, 4, 3, 4)).astype(np.float32)
    for read in ("h b", "b h"):
        path = file(tmp_path / "a", [(first, "x a", "h"), (second, read, "y")], constants, x=("batch", 4, 3, 4), y=None)
        expected, = onnxruntime.InferenceSession(path).run(None, {"x": x})
        np.testing.assert_allclose(load_onnx(path).predict(x), expected, rtol=1e-5, atol=1e-5)


def test_shapes_that_are_computed_from_the_input_are_followed(tmp_path):
    nodes = [("Shape", "x", "s"), ("Gather", "s zero", "n"), ("Unsqueeze", "n axes", "n1"),
             ("Concat", "n1 rest", "t", {"axis": 0}), ("Reshape", "x t", "f"), ("Gemm", "f w", "y")]
    constants = {"zero": np.int64(0), "axes": np.array([0]), "rest": np.array([-1]), "w": np.ones((72, 1), np.float32)}
    net = load_onnx(file(tmp_path / "a", nodes, constants, x=IMAGES))
    assert repr(net) == "Sequential(Flatten(), Linear(72, 1, bias=False))"
    net = load_onnx(file(tmp_path / "a", [("GlobalAveragePool", "x", "m"), ("Relu", "m", "r"), ("Squeeze", "r a", "y")],
                         {"a": np.array([2, 3])}, x=("batch", 2, "height", "width")))
    assert repr(net) == "Sequential(GlobalAvgPool2d(), ReLU())"


@pytest.mark.parametrize("opset", [7, 8, 9, 10, 11, 12])
def test_operators_of_old_opsets_mean_what_they_meant(opset, tmp_path):
    """Bounds, scales and ratios are attributes, and Softmax is over all axes from 1 on."""
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    clip = ("Clip", "r lo hi", "c") if opset >= 11 else ("Clip", "r", "c", {"min": -1.0, "max": 1.0})
    larger = (("Upsample", "d", "u", {"scales": [1.0, 1, 2, 3]}) if opset < 9 else ("Upsample", "d s", "u") if opset == 9 else
              ("Resize", "d s", "u") if opset == 10 else
              ("Resize", "d roi s", "u", {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}))
    drop = ("Dropout", "n r0", "d") if opset >= 12 else ("Dropout", "n", "d", {"ratio": 0.25})
    nodes = [("BatchNormalization", "x g b m v", "n"), drop, larger, ("Flatten", "u", "f"),
             ("Gemm", "f w h", "r", {"alpha": 0.5}), clip, ("Unsqueeze", "c", "k", {"axes": [2]}),
             ("Squeeze", "k", "q", {"axes": [2]}), ("Softmax", "q", "y")]
    rng = np.random.default_rng(0)
    arrays = {"g": [1, 2], "b": [0, 1], "m": [0.5, 0], "v": [1, 3], "s": [1, 1, 2, 3], "roi": np.zeros(8), "r0": 0.25,
              "lo": -1, "hi": 1, "w": rng.standard_normal((48, 3)), "h": rng.standard_normal((1, 3))}
    used = {name for node in nodes for name in node[1].split()}
    constants = {name: np.asarray(array, np.float32) for name, array in arrays.items() if name in used}
    path, x = file(tmp_path / "net", nodes, constants, x=("batch", 2, 2, 2), opset=opset), rng.standard_normal((5, 2, 2, 2))
    expected, = onnxruntime.InferenceSession(path).run(None, {"x": x.astype(np.float32)})
    np.testing.assert_allclose(load_onnx(path).predict(x), expected, rtol=1e-5, atol=1e-6)


def test_equal_numbers_alone_are_not_shared(tmp_path):
    """Exporters store two equal biases once: training must be able to part them."""
    square = np.arange(16, dtype=np.float32).reshape(4, 4) / 9
    nodes = [("Gemm", "x w b", "h"), ("Gemm", "h w b", "y")]
    first, second = load_onnx(file(tmp_path / "a", nodes, {"w": square, "b": np.zeros(4, np.float32)}))
    assert first.weight is second.weight
    assert first.bias is not second.bias


def test_numbers_of_attributes_are_the_decimals_that_they_stand_for(tmp_path):
    net = rp.Sequential(rp.LeakyReLU(0.2), rp.BatchNorm(4, eps=1e-3, momentum=0.1), rp.ELU(0.7))
    save_onnx(net, tmp_path / "a", (1, 4))
    assert repr(load_onnx(tmp_path / "a")) == repr(net)


def test_a_network_that_was_read_learns_like_the_original(tmp_path):
    net, x = rp.Sequential(rp.Linear(4, 3, rng=0), rp.BatchNorm(3, momentum=0.3), rp.GELU(), rp.Linear(3, 2, rng=1)), X
    save_onnx(net, tmp_path / "a", (1, 4))
    again = load_onnx(tmp_path / "a")
    for each in (net, again):
        sgd = rp.SGD(each.parameters(), lr=0.1)
        rp.fit(each, rp.CrossEntropy(), sgd, (x, np.array([0, 1, 1, 0, 1])), epochs=5, batch_size=5, rng=0, progress=False)
    assert {name: array.tobytes() for name, array in again.state_dict().items()} == {
        name: array.tobytes() for name, array in net.state_dict().items()}


SIZE = [("Shape", "x", "s"), ("Gather", "s zero", "n")]             # that of a batch
NAN = np.where(W > 0.7, np.nan, W)
REFUSED = {
    "another operator": ([("Selu", "x", "y")], {}, "node 'y', Selu of opset 17, has no module here"),
    "another domain": ([("Relu", "x", "y", {"domain": "com.microsoft"})], {}, "com.microsoft.Relu of opset 0, has"),
    "a product of tensors": ([("MatMul", "x x", "y")], {}, "computes its second factor, which must be a constant"),
    "a broadcast": ([("ReduceMean", "x", "m", {"axes": [1]}), ("Mul", "x m", "y")], {}, "reads a part (mean) of an expression"),
    "an expression that is none": ([("Erf", "x", "y")], {}, "is not that of a GELU, erf(x/√2)"),
    "a transposed input": ([("Gemm", "x w", "y", {"transA": 1})], {"w": W}, "an input that is not transposed"),
    "another slope": ([("Clip", "x lo hi", "y")], {"lo": np.float32(0), "hi": np.float32(6)}, "clips to [0, 6]"),
    "a softmax over other axes": ([("Softmax", "x", "y", {"axis": 0})], {}, "is over axis 0 of 2, not over the last"),
    "groups": ([("Conv", "x k", "y", {"group": 2})], {"k": K[:, :1]}, "has 2 groups, where only 1 is possible"),
    "unequal pads": ([("Conv", "x k", "y", {"pads": [0, 0, 1, 1]})], {"k": K}, "pads both sides differently: [0, 0, 1, 1]"),
    "pads of the runtime's choice": ([("Conv", "x k", "y", {"auto_pad": "SAME_UPPER", "strides": [2, 2]})], {"k": K},
                                     "pads both sides differently (SAME_UPPER)"),
    "channels that do not fit": ([("Conv", "x k", "y")], {"k": K[:, :1]}, "x must have shape (batch, 1, height, width)"),
    "means without the padding": ([("AveragePool", "x", "y", {"kernel_shape": [2, 2], "pads": [1, 1, 1, 1]})], {},
                                  "leaves the padding out of its means"),
    "ceil_mode": ([("MaxPool", "x", "y", {"kernel_shape": [2, 2], "ceil_mode": 1})], {}, "(ceil_mode)"),
    "interpolation": ([("Resize", "x  s", "y", {"mode": "linear"})], {"s": np.float32([1, 1, 2, 2])}, "interpolates (linear"),
    "training": ([("BatchNormalization", "x b b b b", "y", {"training_mode": 1})], {"b": B[:2]}, "must be that of evaluation"),
    "a negative variance": ([("BatchNormalization", "x b b b v", "y")], {"b": B[:2], "v": -B[:2] - 9},
                            "must have 2 finite floats as its running_var"),
    "an attribute without a meaning": ([("Relu", "x", "y", {"alpha": 1.0})], {}, "has the attribute alpha"),
    "a mixed batch": ([("Reshape", "x s", "y")], {"s": np.array([-1, 2])},
                      "gives (N, 4) the shape (2N, 2); the first axis must stay that of the batch"),
    "a joined batch": ([("Concat", "x x", "y", {"axis": 0})], {}, "axis must be an int other than 0"),
    "NaN": ([("MatMul", "x w", "y")], {"w": NAN}, "must have finite floats as its weight"),
    "half precision": ([("MatMul", "x w", "y")], {"w": W.astype("f2")},
                       "initializer 'w' must be FLOAT, DOUBLE, INT64, INT32 or BOOL, got FLOAT16"),
    "an unknown tensor": ([("Add", "x z", "y")], {}, "reads 'z', which no node before it writes"),
    "nodes out of order": ([("Add", "x h", "y"), ("Tanh", "x", "h")], {}, "reads 'h', which no node before it writes"),
    "the size of a batch as a number": ([*SIZE, ("Cast", "n", "f", {"to": FLOAT}), ("Div", "x f", "y")], {"zero": np.int64(0)},
                                        "node 'f', Cast of opset 17, computes with the size of an axis that may be any"),
    "arithmetic with the size of a batch": ([*SIZE, ("Div", "n two", "m"), ("Reshape", "x m", "y")], {
        "zero": np.int64(0), "two": np.int64([2])}, "computes with the size of an axis that may be any"),
    "rows up to the size of a batch": ([*SIZE, ("Slice", "w zeros n", "c"), ("Add", "x c", "y")], {
        "zero": np.array([0]), "zeros": np.array([0]), "w": B}, "computes with the size of an axis that may be any"),
    "a size that has no room": ([*SIZE, ("Mul", "n n", "m"), ("Mul", "m n", "k"), ("Reshape", "x k", "y")], {
        "zero": np.array([0])}, "computes with the size of an axis that may be any"),
    "constants alone": ([("Identity", "w", "y")], {"w": W}, "no output depends on an input"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_module_is_named(name, tmp_path):
    nodes, constants, text = REFUSED[name]
    images = any(node[0] in ("Conv", "AveragePool", "MaxPool", "Resize", "BatchNormalization") for node in nodes)
    path = file(tmp_path / "net", nodes, constants, x=IMAGES if images else ("batch", 4))
    with pytest.raises(rp.FileFormatError) as caught:
        load_onnx(path)
    assert text in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_whatever_fails_in_a_maker_is_refused_with_the_node(tmp_path):
    def fails(reader, node, read):
        return np.ones(2) + np.ones(3)
    with pytest.raises(rp.FileFormatError, match="node 'y', Relu of opset 17, has no module here: operands could not"):
        Reader(File(file(tmp_path / "net", [("Relu", "x", "y")]))).network({("", "Relu"): fails})


@pytest.mark.parametrize(("options", "text"), [
    ({"opset": 6}, "its operators must be of one of the opsets 7 to 28, got 6"),
    ({"opset": 99}, "its operators must be of one of the opsets 7 to 28, got 99"),
    ({"kind": 7}, "an output must hold floats, but 'y' is of type INT64"),
    ({"kind": 10}, "output 'y' must be FLOAT or DOUBLE, got FLOAT16"),
    ({"x": None}, "input 'x' must have a known number of axes"),
])
def test_the_whole_file_may_be_refused(options, text, tmp_path):
    with pytest.raises(rp.FileFormatError, match=text):
        load_onnx(file(tmp_path / "net", [("Relu", "x", "y")], **options))


def test_a_damaged_file_is_refused(tmp_path):
    save_onnx(rp.Linear(3, 4, rng=0), tmp_path / "net", (1, 3))
    whole = (tmp_path / "net").read_bytes()
    for content in (b"", b"onnx", whole[:-9], b"\x08\x08" + whole[-5:]):
        (tmp_path / "net").write_bytes(content)
        with pytest.raises(rp.FileFormatError, match="ONNX file"):
            load_onnx(tmp_path / "net")
    with pytest.raises(FileNotFoundError):
        load_onnx(tmp_path / "none")
    with pytest.raises(rp.ArgumentError, match="path must be a str or a Path, got int"):
        load_onnx(3)


def test_memory_is_bounded_by_the_size_of_the_file(tmp_path):
    """A few bytes ask for much: constants that are filled, joined and multiplied, and diagonals."""
    long = np.ones(3000, np.float32)
    joined = [("Concat", f"c{k} c{k}", f"c{k + 1}", {"axis": 0}) for k in range(20)]
    bombs = {"filled": ([("ConstantOfShape", "s", "w"), ("MatMul", "x w", "y")], {"s": np.array([10**5, 10**5])}),
             "joined": ([*joined, ("Mul", "x c20", "y")], {"c0": long}),
             "multiplied": ([("Mul", "a b", "w"), ("MatMul", "x w", "y")], {"a": long, "b": long[:, None]}),
             "diagonal": ([("Mul", "x a", "h"), ("Relu", "h", "y")], {"a": long + np.arange(3000)})}
    for nodes, constants in bombs.values():
        with pytest.raises(rp.FileFormatError, match="need more than 8 times the memory of the file"):
            load_onnx(file(tmp_path / "net", nodes, constants, x=("batch", 3000)))


def external(path, location, offset=0, length=48):
    """Write a file whose matrix is in another file."""
    model = onnx.load(file(path, [("MatMul", "x w", "y")], {"w": W}))
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=str(value))
    path.write_bytes(model.SerializeToString())
    return path


def test_arrays_may_be_in_another_file_of_the_same_folder(tmp_path):
    (tmp_path / "net.data").write_bytes(bytes(8) + W.tobytes())
    np.testing.assert_allclose(load_onnx(external(tmp_path / "net", "net.data", 8)).predict(X), X @ W, rtol=1e-6)


@pytest.mark.parametrize(("location", "offset", "length", "text"), [
    ("../secret", 0, 48, "which must be in the same folder, got '../secret'"),
    ("/etc/passwd", 0, 48, "which must be in the same folder, got '/etc/passwd'"),
    ("link", 0, 48, "which must be in the same folder, got 'link'"),
    ("..", 0, 48, "is in .., which is not beside it"),
    ("none", 0, 48, "is in none, which is not beside it"),
    ("data", 12, 48, "has no valid place in data"),
    ("data", -4, 48, "has no valid place in data"),
    ("data", 0, 44, "has no valid place in data"),
])
def test_no_other_file_is_read(location, offset, length, text, tmp_path):
    (tmp_path / "data").write_bytes(W.tobytes())
    (tmp_path / "link").symlink_to(tmp_path / "data")
    with pytest.raises(rp.FileFormatError, match=text):
        load_onnx(external(tmp_path / "net", location, offset, length))
