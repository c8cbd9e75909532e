"""States of PyTorch: names that are not ours, numbers of half precision, and pickles that are converted, not read."""

import io
import json
import struct
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

import retroprop as rp


def network(seed=0):
    a, b, c, d = np.random.default_rng(seed).spawn(4)
    return rp.Sequential(rp.Linear(3, 4, rng=a), rp.BatchNorm(4), rp.Linear(4, 4, rng=b), rp.Linear(4, 4, rng=c),
                         rp.Linear(4, 2, rng=d))


def saved(path, names):
    """Write a state under names of another network: one for each module."""
    state = network(5).state_dict()
    theirs = {f"{names[name[0]]}{name[1:]}": array for name, array in state.items()}
    save_file(theirs | {"norm.num_batches_tracked": np.array(3)}, path)
    return state


def assert_loads(net, path, state, **options):
    rp.load(net, path, **options)
    for name, array in state.items():
        np.testing.assert_array_equal(net.state_dict()[name], array, err_msg=name)


THEIRS = {"0": "enc.fc", "1": "norm", "2": "layers.2", "3": "layers.10", "4": "head"}


def test_a_dict_gives_names_of_modules_and_of_arrays(tmp_path):
    path = tmp_path / "torch.safetensors"
    state = saved(path, THEIRS)
    assert_loads(network(), path, state, names=THEIRS)
    one_by_one = {name: THEIRS[name[0]] + name[1:] for name in state}
    assert_loads(network(), path, state, names=one_by_one)
    assert_loads(network(), path, state, names=THEIRS | {"0.bias": "enc.fc.bias"})      # the longest entry counts
    state = saved(path, {str(k): str(k) for k in range(5)})
    assert_loads(network(), path, state, names={})                  # names that are not in it are equal


def test_the_order_is_that_of_the_numbers_in_the_names_where_shapes_do_not_tell(tmp_path):
    """``"layers.10"`` comes after ``"layers.2"``, in the file before it."""
    path = tmp_path / "torch.safetensors"
    assert_loads(network(), path, saved(path, THEIRS), names="order")


@pytest.mark.parametrize(("names", "kind", "text"), [
    ({"9": "head"}, rp.ArgumentError, "the network has nothing of the name '9'"),
    ({"0.weigth": "head"}, rp.ArgumentError, "nothing of the name '0.weigth'; did you mean '0.weight'?"),
    ({"enc.fc": "0"}, rp.ArgumentError, "nothing of the name 'enc.fc'; turn the dict around"),
    ({"0": 3}, rp.ArgumentError, "names['0'] must be a name in the file, got 3"),
    ("ordre", rp.ArgumentError, "names must be a dict from names of the network to names in the file, or 'order', got 'ordre'"),
    (["0"], rp.ArgumentError, "names must be a dict"),
    ({"0": "enc.fc"}, rp.StateError, "the file lacks '1.weight' for '1.weight', '1.bias' for '1.bias', '2.weight'"),
    (THEIRS | {"3": "layers.2"}, rp.StateError, "the file lacks nothing, and has, for no array of the network, "
                                                "'layers.10.bias', 'layers.10.weight'"),
    ({str(k): f"{5 - k}" for k in range(5)}, rp.StateError, "the file lacks"),
])
def test_names_that_do_not_fit_are_refused_and_change_nothing(tmp_path, names, kind, text):
    path, net = tmp_path / "torch.safetensors", network()
    saved(path, THEIRS)
    before = net.state_dict()
    with pytest.raises(kind) as caught:
        rp.load(net, path, names=names)
    assert text in str(caught.value)
    for name, array in before.items():
        np.testing.assert_array_equal(net.state_dict()[name], array)


def test_an_order_that_cannot_be_told_is_refused_with_both_sides(tmp_path):
    path = tmp_path / "torch.safetensors"
    saved(path, THEIRS | {"2": "hidden", "3": "deep"})
    with pytest.raises(rp.StateError) as caught:
        rp.load(network(), path, names="order")
    for piece in ("names that give no order of the same shapes", "the network has '2' (weight (4, 4), bias (4,)), '3' (weight",
                  "the file 'deep' (bias (4,), weight (4, 4)), 'hidden' (", "give names={"):
        assert piece in str(caught.value)
    with pytest.raises(rp.StateError, match=r"not as many of the same shapes; the network has none, the file 'deep' "):
        rp.load(rp.Sequential(rp.Linear(3, 4), rp.BatchNorm(4), rp.Linear(4, 2)), path, names="order")


def bfloat16(path, arrays):
    """Write float32 arrays, cut to the upper half of their bits, and return what the file then holds."""
    header, body = {}, b""
    for name, array in arrays.items():
        words = (np.ascontiguousarray(array, "<f4").view("<u4") >> 16).astype("<u2").tobytes()
        header[name] = {"dtype": "BF16", "shape": array.shape, "data_offsets": [len(body), len(body) + len(words)]}
        body += words
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return {name: (np.asarray(array, "<f4").view("<u4") & 0xFFFF0000).view("<f4") for name, array in arrays.items()}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_of_bfloat16_are_read_exactly(tmp_path, dtype):
    path, net = tmp_path / "torch.safetensors", network().astype(dtype)
    held = bfloat16(path, network(7).state_dict())
    assert_loads(net, path, held)
    assert net.dtype == dtype
    assert held["0.weight"].tolist() != network(7).state_dict()["0.weight"].tolist()
    scale = rp.Sequential(rp.Linear(1, 1))
    bfloat16(path, {"0.weight": np.array([[-1.40625]], "float32"), "0.bias": np.array([2.0 ** -130], "float32")})
    rp.load(scale, path)
    assert (scale[0].weight.data.item(), scale[0].bias.data.item()) == (-1.40625, 2.0 ** -130)


def test_a_file_of_torch_save_is_refused_with_the_line_that_converts_it(tmp_path):
    """Both of its forms, a zip archive and a bare pickle; other archives are not taken for one."""
    with zipfile.ZipFile(inner := io.BytesIO(), "w") as archive:
        archive.writestr("model/data.pkl", b"\x80\x02}q\x00.")
    line = ("convert it where PyTorch is, with: import torch; from safetensors.torch import save_file; save_file({name: "
            "array.contiguous().clone() for name, array in torch.load('")
    for content in (inner.getvalue(), b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."):
        path = tmp_path / "model.pt"
        path.write_bytes(content)
        with pytest.raises(rp.FileFormatError) as caught:
            rp.load(network(), path)
        assert line in str(caught.value)
        assert str(caught.value).endswith(f"model.pt', weights_only=True).items()}}, '{tmp_path / 'model.safetensors'}')")
    with zipfile.ZipFile(inner := io.BytesIO(), "w") as archive:
        archive.writestr("a.txt", "text")
    path.write_bytes(inner.getvalue())
    with pytest.raises(rp.FileFormatError, match=r"write one with retroprop\.save, or from PyTorch"):
        rp.load(network(), path)


@pytest.mark.parametrize(("name", "content"), [("m.weights.h5", b"\x89HDF\r\n\x1a\n"), ("m.keras", None)])
def test_files_of_keras_have_another_door(tmp_path, name, content):
    if content is None:
        with zipfile.ZipFile(inner := io.BytesIO(), "w") as archive:
            archive.writestr("model.weights.h5", b"")
        content = inner.getvalue()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(rp.FileFormatError, match=r"retroprop\.interop\.from_keras\(net, path\)"):
        rp.load(network(), tmp_path / name)
