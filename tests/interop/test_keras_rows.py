"""from_keras: rows of numbers that are flattened images, in the order of channels first."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import retroprop as rp
from retroprop.interop import from_keras


def order(channels, height, width):
    """Which of our numbers stand where in a row of Keras, with the channels of a pixel side by side."""
    return np.arange(channels * height * width).reshape(channels, height, width).transpose(1, 2, 0).reshape(-1)


def arrays_of(net, moves):
    """The state of a network as a list of Keras; ``moves`` has the orders of rows at the input and output of modules."""
    arrays = []
    for path, module in net.named_modules():
        for name in ("weight", "bias", *module.buffers) if module.own_parameters() else ():
            array = net.state_dict()[f"{path}.{name}"]
            before, after = moves.get(path, (None, None))
            array = array if after is None else array[after]
            array = array if before is None or array.ndim < 2 else array[:, before]
            arrays.append(array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T)
    return arrays


def randomized(net):
    rng = np.random.default_rng(0)
    net.load_state_dict({name: rng.uniform(1, 2, array.shape) for name, array in net.state_dict().items()})
    return net


def decoder():
    return rp.Sequential(rp.Linear(5, 24), rp.BatchNorm(24), rp.ReLU(), rp.Reshape(3, 4, 2), rp.Conv2d(3, 2, 2))


def encoder(flatten):
    return rp.Sequential(rp.Conv2d(1, 3, 1), rp.MaxPool2d(2), flatten, rp.BatchNorm(24), rp.Linear(24, 2))


def both():
    return rp.Sequential(encoder(rp.Flatten()), rp.Tanh(), rp.Sequential(rp.Linear(2, 5), decoder()))


def residual():
    return rp.Sequential(rp.Conv2d(1, 3, 1), rp.Flatten(), rp.Residual(rp.Linear(24, 24), rp.ReLU()), rp.Linear(24, 2))


def parallel():
    return rp.Graph({"f": (rp.Flatten(), "x"), "a": (rp.Linear(24, 2), "f"), "b": (rp.Linear(24, 2), "f"),
                     "y": (rp.Add(), "a", "b")}, inputs="x", outputs="y")


ROW = order(3, 4, 2)


@pytest.mark.parametrize(("build", "moves"), [
    (decoder, {"0": (None, ROW), "1": (None, ROW)}),
    (lambda: encoder(rp.Flatten()), {"3": (None, ROW), "4": (ROW, None)}),
    (lambda: encoder(rp.Reshape(-1)), {"3": (None, ROW), "4": (ROW, None)}),
    (lambda: encoder(rp.Reshape(24)), {"3": (None, ROW), "4": (ROW, None)}),
    (both, {"0.3": (None, ROW), "0.4": (ROW, None), "2.1.0": (None, ROW), "2.1.1": (None, ROW)}),
    (residual, {"2.0": (ROW, ROW), "3": (ROW, None)}),
    (parallel, {"a": (ROW, None), "b": (ROW, None)}),
])
def test_arrays_beside_flattened_images_are_put_into_the_order_of_channels_first(build, moves):
    source, net = randomized(build()), build()
    from_keras(net, arrays_of(source, moves), channels=3)
    for name, array in source.state_dict().items():
        assert_array_equal(net.state_dict()[name], array)
    from_keras(net, arrays_of(source, {}), data_format="channels_first")
    for name, array in source.state_dict().items():
        assert_array_equal(net.state_dict()[name], array)


FLAT = rp.Sequential(rp.Conv2d(1, 3, 1), rp.Flatten())


@pytest.mark.parametrize(("net", "text"), [
    (FLAT, "the output, meets rows in two orders: numbers of images with 3 channels, and others; take a model"),
    (rp.Sequential(rp.Reshape(3, 4, 2), rp.Conv2d(3, 1, 1)), "0, Reshape(3, 4, 2), meets rows in two orders"),
    (rp.Sequential(rp.Linear(2, 24), rp.Reshape(-1, 4, 2), rp.Conv2d(3, 1, 1)), "1, Reshape(-1, 4, 2), must tell the channels"),
    (rp.Sequential(rp.Conv2d(1, 3, 1), rp.Reshape(3, -1)), "1, Reshape(3, -1), mixes the pixels and channels of images"),
    (rp.Sequential(rp.Conv2d(1, 3, 1), rp.Reshape(6, 2, 2)), "1, Reshape(6, 2, 2), mixes the pixels and channels of images"),
    (rp.Sequential(rp.Conv2d(1, 1, 1), rp.Reshape(2, 2, 2)), "1, Reshape(2, 2, 2), meets rows in two orders"),
    (rp.Sequential(rp.Conv2d(1, 3, 1), rp.Linear(3, 3)), "1, Linear(3, 3), computes along the width of images"),
    (rp.Sequential(rp.Conv2d(1, 3, 1), rp.Function(np.sin, np.cos), rp.Flatten(), rp.Linear(3, 3)),
     "2, Flatten(), flattens arrays whose channels are not known"),
])
def test_rows_that_no_order_of_arrays_makes_right_are_refused(net, text):
    before = net.state_dict()
    with pytest.raises(rp.StateError) as caught:
        from_keras(net, arrays_of(net, {}))
    assert text in str(caught.value)
    for name, array in before.items():
        assert_array_equal(net.state_dict()[name], array)


def layer(kind, weights=(), **config):
    return type(kind, (), {"name": "a", "get_weights": lambda self: list(weights), "get_config": lambda self: config})()


def model(shape, *layers):
    return SimpleNamespace(layers=layers, get_weights=list, input_shape=shape)


KERNEL, NORM = np.arange(12.0)[:, None], [np.arange(1.0, 4)] * 4


@pytest.mark.parametrize(("shape", "flat", "moved"), [
    ((None, 2, 2, 3), "channels_last", True), ((None, 3, 4, 1), "channels_last", False), ((None, 3, 4), "channels_last", False),
    ((None, 12), "channels_last", False), ((None, 3, 2, 2), "channels_first", True)])
def test_the_shape_of_the_input_and_flatten_tell_how_images_lie(shape, flat, moved):
    """Keras's Flatten moves the channels to the end if its own data_format is channels_first."""
    net, form = rp.Sequential(rp.Flatten(), rp.Linear(12, 1, bias=False)), {"data_format": flat}
    from_keras(net, model(shape, layer("MaxPooling2D", **form), layer("Flatten", **form), layer("Dense", [KERNEL])))
    assert_array_equal(net[1].weight.data[0], KERNEL.reshape(4, 3).T.reshape(-1) if moved else KERNEL[:, 0])
    if len(shape) == 4:
        with pytest.raises(rp.ArgumentError, match=r"channels must be [13], as the source tells, got 4"):
            from_keras(net, model(shape, layer("Flatten", **form), layer("Dense", [KERNEL])), channels=4)


def test_channels_that_the_source_does_not_tell_must_be_given():
    net = rp.Sequential(rp.Flatten(), rp.Linear(12, 1, bias=False))
    with pytest.raises(rp.ArgumentError, match="channels must be given, those of the images that net flattens"):
        from_keras(net, [KERNEL])
    with pytest.raises(rp.StateError, match="Flatten must have one data_format, that of the images or 'channels_last', got"):
        from_keras(net, model(None, layer("ReLU", data_format="channels_last"), layer("Flatten", data_format="channels_first"),
                              layer("Dense", [KERNEL])), channels=3)
    with pytest.raises(rp.StateError, match="Permute has no form here"):
        from_keras(net, model(None, layer("Permute"), layer("Dense", [KERNEL])), channels=3)


@pytest.mark.parametrize(("shape", "axis", "form", "good"), [
    ((None, 3, 3, 3), -1, "channels_last", True), ((None, 3, 3, 3), [3], "channels_last", True),
    ((None, 3, 3, 3), 1, "channels_last", False), ((None, 3, 3, 3), 1, "channels_first", True),
    ((None, 3, 3, 3), -1, "channels_first", False), ((None, 3), 1, "channels_last", True),
    ((None, 3), 0, "channels_last", False), (None, -1, "channels_last", True), (None, 1, "channels_last", False)])
def test_a_batch_normalization_must_have_the_axis_of_the_channels(shape, axis, form, good):
    source = model(shape, layer("BatchNormalization", NORM, axis=axis, momentum=0.99), layer("ReLU", data_format=form))
    net = rp.Sequential(rp.BatchNorm(3))
    if good:
        assert from_keras(net, source)[0].momentum == 0.01          # not 0.010000000000000009
    else:
        with pytest.raises(rp.StateError, match=r"BatchNormalization 'a' must have the axis of the channels, -?1, got"):
            from_keras(net, source)
