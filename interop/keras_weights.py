"""Weights of Keras for networks that stand here: from files, from lists of arrays, and from live models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from ..arguments import Array, in_a_line, one_of, positive_int, real
from ..errors import ArgumentError, StateError
from ..modules import BatchNorm, Conv2d, Flatten, GlobalAvgPool2d, Graph, Linear, Module
from ..modules.core.rewinding import rewound
from ..restoring import Restored, at_once, filling, setting
from ..training.saving.renaming import Unit, in_order, joined, units
from .keras_files import Layer, arrays_of, layers_of_file, layers_of_model

N = TypeVar("N", bound=Module)
FORMATS = ("channels_last", "channels_first")
MOMENTUM, EPS = 0.99, 1e-3                                          # of Keras's BatchNormalization


def from_keras(net: N, source: Any, *, momentum: float | None = None, eps: float | None = None,
               data_format: str | None = None, channels: int = 1) -> N:
    """Give a network the weights, and the conventions of BatchNorm, of a Keras model of the same layers; return the network.

    Parameters
    ----------
    net : Module
        Its Linear, Conv2d and BatchNorm modules take the weights of the Dense, Conv2D and BatchNormalization layers, one after
        another; it has no other parameters. Dropout, activations and pooling are the network's own.
    source : str, Path, list of arrays, or keras.Model
        A file of ``model.save_weights`` (``.weights.h5``) or of ``model.save`` (``.keras``, or ``.h5`` of older versions), for
        which the extra ``keras`` is needed; or ``model.get_weights()``; or the model.
    momentum, eps : float, optional
        Of the BatchNormalization layers, as Keras counts them. By default those that the source tells (``.keras``, ``.h5`` and
        models do); else Keras's own defaults, 0.99 and 1e-3.
    data_format : {"channels_last", "channels_first"}, optional
        How the images of the model lie; by default what the source tells, else "channels_last". The network's lie
        (batch, channels, height, width) in any case.
    channels : int, default 1
        Of the images that the network takes, if it flattens them before a convolution.

    Returns
    -------
    Module
        ``net``. If anything does not fit, it is as it was.

    Raises
    ------
    StateError
        Layers and modules do not fit each other, or the order of layers of the same shapes cannot be told; the message lists
        both.
    FileFormatError
        The file is none of Keras.

    Notes
    -----
    Keras's kernels are transposed: (in, out) becomes (out, in), and (height, width, in, out) becomes (out, in, height, width).
    Where Flatten follows images whose channels come last, the numbers of the next layers are put into the order of channels
    first. Keras weighs the old statistics (0.99) where BatchNorm weighs the new (0.01), adds 1e-3 to the variance, and averages
    the variance that normalizes (``unbiased=False``): ``net`` gets all three. A γ or β that the layer has not (``scale=False``,
    ``center=False``) becomes a frozen 1 or 0.

    A ``.weights.h5`` file does not tell the order of layers of different kinds, and no momentum; layers of one kind are
    numbered. ``padding="same"`` with an even kernel or a stride above 1 pads Keras's images on two sides only: no padding here
    does the same.

    Examples
    --------
    ::

        net = rp.Sequential(rp.Linear(64, 100), rp.BatchNorm(100), rp.ReLU(), rp.Linear(100, 10))
        rp.interop.from_keras(net, "model.weights.h5")
    """
    if not isinstance(net, Module):
        raise ArgumentError(f"from_keras: net must be a Module, got {in_a_line(net)}")
    for path, module in net.named_modules():
        if module.own_parameters() and not isinstance(module, (Linear, Conv2d, BatchNorm)):
            raise ArgumentError(f"from_keras: net must have parameters in Linear, Conv2d and BatchNorm only, got {module!r} at "
                                f"{path!r}")
    given = {"momentum": None if momentum is None else real("momentum", momentum, 0, 1),
             "epsilon": None if eps is None else real("eps", eps, 0, above=True)}
    ours = units(net.state_dict())
    who = "from_keras"
    if isinstance(source, (str, Path)):
        who, found = str(source), layers_of_file(Path(source))
    elif isinstance(source, Sequence):
        found = arrays_of(source)
    else:
        found = layers_of_model(source)
    layers, ordered, told = found
    if told is not None:
        layers = split(who, told, ours)
    theirs = [Unit(layer.name, {last: array.shape for last, array in layer.arrays.items()}) for layer in layers]
    pairs = in_sequence(who, theirs, ours) if ordered else in_order(who, theirs, ours, "give a .keras file, or "
                                                                    "model.get_weights()")
    form = data_format or next((one for layer in layers if (one := layer.options.get("data_format"))), FORMATS[0])
    one_of("data_format", form, FORMATS)
    arrays = {joined(layer.name, last): array for layer in layers for last, array in layer.arrays.items()}
    state = {name: arrays[theirs] for name, theirs in pairs.items()}
    if form == FORMATS[0]:
        state |= channels_first(net, state, positive_int("channels", channels))
    by_name = {layer.name: layer for layer in layers}
    norms = [(module, by_name[pairs[joined(path, "weight")].rpartition(".")[0]].options)
             for path, module in net.named_modules() if isinstance(module, BatchNorm)]
    before = rewound(net) & Restored([filling([(each.data, each.data.copy()) for each in net.parameters()])])
    try:
        net.load_state_dict(state)
        at_once(setting([change for module, options in norms for change in conventions(module, given, options)]))
    except BaseException:
        before.restore()
        raise
    return net


def conventions(module: BatchNorm, given: dict[str, float | None], options: dict[str, Any]) -> list[tuple[Any, str, Any]]:
    """Return the attributes of a BatchNorm that counts as Keras does."""
    told = {"momentum": MOMENTUM, "epsilon": EPS} | options
    told |= {name: value for name, value in given.items() if value is not None}
    frozen = [(parameter, "frozen", True) for parameter, name in ((module.weight, "scale"), (module.bias, "center"))
              if not options.get(name, True)]
    return [(module, "momentum", 1 - float(told["momentum"])), (module, "eps", float(told["epsilon"])),
            (module, "unbiased", False), *frozen]


def split(who: str, arrays: list[Array], ours: list[Unit]) -> list[Layer]:
    """Return the layers that a list of arrays is, for a network of these modules."""
    count = sum(len(unit.shapes) for unit in ours)
    if count != len(arrays):
        raise StateError(f"{who}: the weights must be {count} arrays, for {', '.join(map(str, ours))}, got {len(arrays)}, of "
                         f"the shapes {', '.join(str(array.shape) for array in arrays)}")
    rest = iter(arrays)
    return [Layer.of(str(k), [next(rest) for _ in unit.shapes], list(unit.shapes)) for k, unit in enumerate(ours)]


def in_sequence(who: str, theirs: list[Unit], ours: list[Unit]) -> dict[str, str]:
    """Return the name in the source for each of ours, of layers and modules that follow each other in the same order."""
    if [unit.kind for unit in theirs] != [unit.kind for unit in ours]:
        raise StateError(f"{who}: the layers must have the shapes of the network's modules, one after another, which are "
                         f"{', '.join(map(str, ours)) or 'none'}; got {', '.join(map(str, theirs)) or 'none'}")
    return {joined(one.name, last): joined(other.name, last)
            for one, other in zip(ours, theirs, strict=True) for last in one.shapes}


def channels_first(net: Module, state: dict[str, Array], channels: int) -> dict[str, Array]:
    """Return the arrays that meet flattened images, in the order of channels first."""
    moved: dict[str, Array] = {}
    of_images: int | None = channels
    flat: int | None = None                                         # channels of the images that were flattened
    for path, module in net.named_modules():
        if isinstance(module, Graph) and any(isinstance(one, Flatten) for _, one in module.named_modules()):
            raise ArgumentError("from_keras: net must flatten images in a Sequential, where one module follows another, got a "
                                "Graph with Flatten; take a model of data_format='channels_first'")
        if isinstance(module, Conv2d):
            of_images = module.out_channels
        elif isinstance(module, GlobalAvgPool2d):
            of_images = None
        elif isinstance(module, Flatten):
            flat, of_images = of_images, None
        elif isinstance(module, BatchNorm) and flat:
            names = [joined(path, last) for last in ("weight", "bias", *module.buffers)]
            moved |= {name: reordered(state[name], flat) for name in names}
        elif isinstance(module, Linear):
            name = joined(path, "weight")
            moved |= {name: reordered(state[name], flat)} if flat else {}
            flat = None
    return moved


def reordered(array: Array, channels: int) -> Array:
    """Return an array whose last axis is (pixels, channels) with that axis as (channels, pixels)."""
    if array.shape[-1] % channels:
        raise StateError(f"from_keras: what follows Flatten must take a multiple of {channels} numbers, the channels of the "
                         f"images before it, got {array.shape[-1]}")
    return array.reshape(*array.shape[:-1], -1, channels).swapaxes(-1, -2).reshape(array.shape)
