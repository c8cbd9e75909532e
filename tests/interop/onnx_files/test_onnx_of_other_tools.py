"""Files that other tools have written load, and compute what these tools compute."""

import warnings
from pathlib import Path

import numpy as np
import pytest

import retroprop as rp
from retroprop.interop import load_onnx
from retroprop.modules.core.values import parts

onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
FILES = sorted((Path(__file__).parent / "files").glob("*.onnx"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_network_computes_what_the_tool_does(path):
    tool, _, name = path.stem.partition("_")
    with np.load(path.parent / f"{tool}.npz") as arrays:
        x = arrays[f"{name}:x"]
        outputs = [arrays[key] for key in arrays if key.startswith(f"{name}:y")]
    for found, expected in zip(parts(load_onnx(path).predict(x)), outputs, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_plain_networks_become_plain_networks():
    def text(name):
        return repr(load_onnx(FILES[0].parent / f"{name}.onnx"))

    assert text("sklearn_classes") == "Sequential(Linear(4, 5), ReLU(), Linear(5, 3), Softmax())"
    assert text("jax_log") == "Sequential(Linear(4, 6), Tanh(), Linear(6, 3), LogSoftmax())"
    assert text("torch_pools") == text("torch_pools_dynamo") == (
        "Sequential(Conv2d(2, 4, 3, padding=1, bias=False), LeakyReLU(slope=0.2), AvgPool2d(3, stride=2, padding=1), "
        "Upsample2d(), GlobalAvgPool2d(), Linear(4, 3))")
    assert [type(module).__name__ for _, module in load_onnx(FILES[0].parent / "torch_block_opset11.onnx").leaves()] == [
        "LayerNorm", "Linear", "GELU", "Add", "Linear", "Softmax"]


AGREE = """
add averagepool_2d_default averagepool_2d_precomputed_pads_count_include_pad averagepool_2d_precomputed_strides
averagepool_2d_strides basic_conv_with_padding basic_conv_without_padding batchnorm_epsilon batchnorm_example clip
clip_default_min clip_example concat_2d_axis_1 concat_3d_axis_negative_2 conv_with_strides_and_asymmetric_padding
conv_with_strides_no_padding conv_with_strides_padding dropout_default dropout_default_ratio elu elu_default elu_example
flatten_axis1 flatten_default_axis flatten_negative_axis3 gelu_default_1 gelu_default_2 gemm_alpha gemm_beta
gemm_default_no_bias gemm_default_scalar_bias gemm_default_single_elem_vector_bias gemm_default_vector_bias
gemm_default_zero_bias gemm_transposeB globalaveragepool globalaveragepool_precomputed identity leakyrelu
leakyrelu_default leakyrelu_example logsoftmax_axis_2 logsoftmax_default_axis logsoftmax_example_1
logsoftmax_large_number matmul_2d maxpool_2d_default maxpool_2d_precomputed_pads maxpool_2d_precomputed_strides
maxpool_2d_strides mish_expanded mul mul_example relu reshape_extended_dims reshape_negative_dim reshape_reduced_dims
reshape_reordered_last_dims reshape_zero_and_negative_dim reshape_zero_dim resize_upsample_scales_nearest sigmoid
sigmoid_example softmax_axis_2 softmax_default_axis softmax_example softmax_large_number softplus softplus_example
softsign softsign_example squeeze_negative_axes sum_example sum_one_input sum_two_inputs swish tanh tanh_example
unsqueeze_axis_1 unsqueeze_three_axes unsqueeze_unsorted_axes upsample_nearest
"""
JOINS = ("Add", "Mul", "Sum", "Concat")


@pytest.mark.long
def test_the_node_tests_of_onnx_agree(tmp_path):
    """Parameters are initializers here, where ONNX's tests have inputs. What is not in the list is refused, never wrong."""
    with warnings.catch_warnings(action="ignore"):
        from onnx.backend.test.case.node import collect_testcases
        cases = collect_testcases(None)
    agree, path = [], tmp_path / "net"
    for case in cases:
        values, (expected, *_) = case.data_sets[0]
        model, names = case.model, [each.name for each in case.model.graph.input]
        count = len(values) if model.graph.node[0].op_type in JOINS else 1
        if not all(isinstance(value, (np.ndarray, np.generic)) for value in (*values, expected)):
            continue
        for name, value in zip(names[count:], values[count:], strict=False):
            model.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(value), name))
        path.write_bytes(model.SerializeToString())
        try:
            net = load_onnx(path)
        except rp.FileFormatError:
            continue
        y = net.predict(values[0] if count == 1 else tuple(values[:count]))
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6, err_msg=case.name)
        agree.append(case.name.removeprefix("test_"))
    assert set(AGREE.split()) <= set(agree)
