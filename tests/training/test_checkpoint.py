"""save and load: whole states or nothing, in files that cannot execute code."""

import json
import os
import pickle
import struct
from importlib.metadata import version

import numpy as np
import pytest

import retroprop as rp


def network(seed=0):
    a, b = np.random.default_rng(seed).spawn(2)
    return rp.Sequential(rp.Linear(64, 20, rng=a), rp.BatchNorm(20), rp.ReLU(), rp.Dropout(0.2, rng=seed),
                         rp.Linear(20, 10, rng=b))


@pytest.fixture
def train():
    x, y = rp.datasets.digits()
    return x[:400], y[:400]


@pytest.mark.parametrize("kind", [lambda p: rp.SGD(p, lr=0.1, momentum=0.9), rp.Adam, rp.AdamW, rp.RMSprop, rp.Adagrad])
def test_training_that_is_resumed_goes_on_bit_for_bit(train, tmp_path, kind):
    """The file holds parameters, running statistics, the optimizer's states and the generator of masks."""
    loss, whole = rp.CrossEntropy(), network()
    optimizer = kind(whole.parameters())
    rp.fit(whole, loss, optimizer, train, epochs=2, rng=1)
    rp.save(whole, tmp_path / "half.safetensors", optimizer)
    rp.fit(whole, loss, optimizer, train, epochs=2, rng=2)

    resumed = network(seed=5)
    again = kind(resumed.parameters())
    rp.load(resumed, tmp_path / "half.safetensors", again)
    rp.fit(resumed, loss, again, train, epochs=2, rng=2)
    for name, array in whole.state_dict().items():
        np.testing.assert_array_equal(resumed.state_dict()[name], array, err_msg=name)


def test_the_file_has_pytorchs_names_and_nothing_is_left_beside_it(tmp_path):
    from safetensors import safe_open
    path = tmp_path / "net.safetensors"
    rp.save(network(), path)
    with safe_open(path, framework="numpy") as file:
        assert set(file.keys()) == {"0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var",
                                    "4.weight", "4.bias"}
        assert file.get_tensor("0.weight").shape == (20, 64)
    assert os.listdir(tmp_path) == ["net.safetensors"]


def test_a_state_of_pytorch_loads_by_name(tmp_path):
    """A file of ``safetensors.torch.save_file(model.state_dict(), path)``, with BatchNorm's counter, can be loaded."""
    from safetensors.numpy import save_file
    state = network(seed=3).state_dict() | {"1.num_batches_tracked": np.array(7)}
    save_file(state, tmp_path / "torch.safetensors")
    net = network()
    rp.load(net, tmp_path / "torch.safetensors")
    np.testing.assert_array_equal(net[0].weight.data, state["0.weight"])


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "net.safetensors"
    rp.save(network(), path)
    before = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        rp.save(network(seed=1), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["net.safetensors"]


def damaged(path):
    """Damaged and wrong files, by name."""
    content = path.read_bytes()
    return {"truncated": content[:-5], "header only": content[:40], "empty": b"", "pickle": pickle.dumps({"0.weight": [1.0]}),
            "too long a header": struct.pack("<Q", 2**40) + content[8:], "text": b"hello, world"}


@pytest.mark.parametrize("how", ["truncated", "header only", "empty", "pickle", "too long a header", "text"])
def test_a_damaged_file_is_refused_and_changes_nothing(tmp_path, how):
    path, net = tmp_path / "net.safetensors", network()
    rp.save(network(seed=1), path)
    path.write_bytes(damaged(path)[how])
    before = net.state_dict()
    with pytest.raises(rp.FileFormatError, match=r"net\.safetensors: not a whole safetensors file"):
        rp.load(net, path)
    np.testing.assert_array_equal(net.state_dict()["0.weight"], before["0.weight"])


def test_a_missing_file_stays_what_python_calls_it(tmp_path):
    with pytest.raises(FileNotFoundError):
        rp.load(network(), tmp_path / "none.safetensors")


def test_a_state_that_does_not_fit_is_listed_whole_and_changes_nothing(tmp_path):
    path = tmp_path / "other.safetensors"
    rp.save(rp.Sequential(rp.Linear(64, 21, rng=0), rp.Linear(21, 10, rng=1)), path)
    net = network()
    before = net.state_dict()
    with pytest.raises(rp.StateError) as caught:
        rp.load(net, path)
    for piece in ("missing '1.running_mean'", "missing '4.bias'", "'0.weight' must have shape (20, 64), got (21, 64)"):
        assert piece in str(caught.value)
    np.testing.assert_array_equal(net.state_dict()["0.bias"], before["0.bias"])


def test_an_optimizer_that_does_not_fit_leaves_the_network_alone(train, tmp_path):
    path, net = tmp_path / "net.safetensors", network()
    rp.save(network(seed=1), path)
    before, masks = net.state_dict(), net[3].rng.bit_generator.state
    with pytest.raises(rp.StateError, match="no optimizer was saved in this file"):
        rp.load(net, path, rp.Adam(net.parameters()))
    np.testing.assert_array_equal(net.state_dict()["0.weight"], before["0.weight"])
    np.testing.assert_array_equal(net[3].rng.bit_generator.state["state"]["state"], masks["state"]["state"])

    sgd = rp.SGD(net.parameters(), lr=0.1)
    rp.fit(net, rp.CrossEntropy(), sgd, train, epochs=1, rng=0)
    rp.save(net, path, sgd)
    other = network(seed=2)
    before = other.state_dict()
    with pytest.raises(rp.StateError, match="the state has groups"):
        rp.load(other, path, rp.Adam(other.parameters()))
    np.testing.assert_array_equal(other.state_dict()["0.weight"], before["0.weight"])


@pytest.mark.parametrize(("notes", "kind", "text"), [
    ("[]", rp.FileFormatError, "its notes must be those that retroprop.save writes"), ("{", rp.FileFormatError, "not a whole"),
    ('{"groups": 3}', rp.FileFormatError, "its notes must be"), ('{"groups": [3]}', rp.StateError, "the state has groups"),
    ('{"generators": {"3": {"bit_generator": "MT19937"}}, "groups": []}', rp.StateError,
     "generator of module 3: the saved state is not one of a SFC64"),
])
def test_notes_that_lie_are_refused_and_change_nothing(tmp_path, notes, kind, text):
    from safetensors.numpy import save_file
    path, net = tmp_path / "net.safetensors", network()
    save_file(network(seed=1).state_dict(), path, {"retroprop": notes})
    before = net.state_dict()
    with pytest.raises(kind, match=text):
        rp.load(net, path, rp.Adam(net.parameters()))
    np.testing.assert_array_equal(net.state_dict()["0.weight"], before["0.weight"])


@pytest.mark.parametrize(("kind", "size"), [("F8_E4M3", 1), ("F8_E5M2", 1), ("F8_E8M0", 1), ("C64", 8)])
def test_arrays_of_types_that_numpy_lacks_are_refused_by_name(tmp_path, kind, size):
    """Where safetensors itself knows the type: F8_E8M0 from 0.6, C64 from 0.7; in other files it reads nothing."""
    unknown = kind in ("F8_E8M0", "C64") and np.lib.NumpyVersion(version("safetensors")) < "0.7.0"
    header = json.dumps({"0.weight": {"dtype": kind, "shape": [4], "data_offsets": [0, 4 * size]}}).encode()
    path = tmp_path / "net.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4 * size))
    text = (r"net.safetensors: not a whole safetensors file .*Error while deserializing header" if unknown else
            rf"net.safetensors: arrays must have one of the types F64, F32, .*, but '0.weight' is {kind}; convert .* with "
            r"model.float\(\)")
    with pytest.raises(rp.FileFormatError, match=text):
        rp.load(network(), path)


def test_numbers_of_half_precision_are_read(tmp_path):
    from safetensors.numpy import save_file
    state = {name: array.astype("float16") for name, array in network(seed=1).state_dict().items()}
    save_file(state, tmp_path / "half.safetensors")
    net = network()
    rp.load(net, tmp_path / "half.safetensors")
    np.testing.assert_array_equal(net[0].weight.data, state["0.weight"].astype("float32"))


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.PCG64DXSM, np.random.SFC64, np.random.Philox, np.random.MT19937])
def test_a_damaged_state_of_a_generator_is_refused_and_changes_nothing(tmp_path, kind):
    """Each number of the state, replaced by one that is too large, negative, broken, ..., is refused or a state again."""
    from safetensors import safe_open
    from safetensors.numpy import save_file
    net = rp.Sequential(rp.Dropout(0.5))
    net[0].rng = np.random.Generator(kind(1))
    path = tmp_path / "net.safetensors"
    rp.save(net, path)
    with safe_open(path, framework="numpy") as file:
        notes = json.loads(file.metadata()["retroprop"])
    rng = net[0].rng
    rng.random(3)
    before, draws = rng.bit_generator.state, []
    for owner, name in numbers(notes["generators"]["0"]):
        whole = owner[name]
        for value in (2**200, 2**70, -1, 1.5, None, "x", [], [1], {}, 10_000, float("inf")):
            owner[name] = value
            save_file({}, path, {"retroprop": json.dumps(notes)})
            try:
                rp.load(net, path)
            except rp.StateError as error:
                assert f"generator of module 0: the saved state is not one of a {kind.__name__}" in str(error)  # noqa: PT017
                np.testing.assert_equal(rng.bit_generator.state, before)
            else:
                draws.append(rng.random(2000))                      # of a state that NumPy can have
                rng.bit_generator.state = before
        owner[name] = whole
    assert all(((draw >= 0) & (draw < 1)).all() for draw in draws)


def numbers(state):
    """The places of all numbers in a generator's state: the first and the last of a long list."""
    for name in state if isinstance(state, dict) else sorted({0, len(state) - 1}):
        yield state, name
        if isinstance(state[name], (dict, list)):
            yield from numbers(state[name])


def test_notes_as_deep_as_they_can_be_are_refused(tmp_path):
    from safetensors.numpy import save_file
    path, net = tmp_path / "net.safetensors", rp.Sequential(rp.Dropout(rng=0))
    for depth in (900, 100_000):
        for notes in ("[" * depth + "]" * depth, '{"generators": {"0": ' + '{"state": ' * depth + "1" + "}" * (depth + 2)):
            save_file({}, path, {"retroprop": notes})
            with pytest.raises(rp.RetropropError):
                rp.load(net, path)


def test_a_refused_file_leaves_a_network_that_has_diverged_as_it_was(tmp_path):
    """What is put back need not be finite."""
    path, net = tmp_path / "net.safetensors", network()
    net[0].weight.data[0, 0] = np.nan
    net[1].running_mean[:] = np.inf
    before = net.state_dict()
    rp.save(net, path)
    with pytest.raises(rp.StateError, match=r"'0\.weight' must be finite in float32, got nan"):
        rp.load(net, path)
    rp.save(network(seed=1), path)
    with pytest.raises(rp.StateError, match="no optimizer was saved"):
        rp.load(net, path, rp.Adam(net.parameters()))
    for name, array in before.items():
        np.testing.assert_array_equal(net.state_dict()[name], array)
    rp.load(net, path)
    assert np.isfinite(net[1].running_mean).all()
