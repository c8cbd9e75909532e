"""Weights of Keras for networks that stand here: from files, from lists of arrays, and from live models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from ..arguments import Array, in_a_line, one_of, positive_int, real
from ..errors import ArgumentError, StateError
from ..modules import BatchNorm, Conv2d, Linear, Module
from ..modules.core.rewinding import rewound
from ..restoring import Restored, at_once, filling, setting
from ..training.saving.renaming import Unit, in_order, joined, units
from .keras_files import FORMATS, Layer, Told, arrays_of, layers_of_file, layers_of_model
from .keras_rows import IMAGES, OTHER, ROWS, Rows, input_of

N = TypeVar("N", bound=Module)
MOMENTUM, EPS = 0.99, 1e-3                                          # of Keras's BatchNormalization


def from_keras(net: N, source: Any, *, momentum: float | None = None, eps: float | None = None,
               data_format: str | None = None, channels: int | None = None) -> N:
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
    channels : int, optional
        Of the images that the network takes, if it flattens them before a convolution; 1 for rows that it flattens. By default
        what the shape of the model's input tells (``.keras``, ``.h5`` and models do).

    Returns
    -------
    Module
        ``net``. If anything does not fit, it is as it was.

    Raises
    ------
    StateError
        Layers and modules do not fit each other, or the order of layers of the same shapes cannot be told; the message lists
        both. Or rows of flattened images meet others, so that no order of an array makes them equal.
    ArgumentError
        An argument is wrong, or ``channels`` is needed.
    FileFormatError
        The file is none of Keras.

    Notes
    -----
    Keras's kernels are transposed: (in, out) becomes (out, in), and (height, width, in, out) becomes (out, in, height, width).
    Where images whose channels come last are flattened, or rows reshaped to such images, the arrays of the layers beside are
    put into the order of channels first. Keras's Flatten gives rows with the channels last also for images with the channels
    first, if its own ``data_format`` is "channels_first"; a list and a ``.weights.h5`` file do not tell that, nor the
    axes of BatchNormalization, and are taken to be of models without it.

    Keras weighs the old statistics (0.99) where BatchNorm weighs the new (0.01), adds 1e-3 to the variance, and averages the
    variance that normalizes (``unbiased=False``): ``net`` gets all three. A γ or β that the layer has not (``scale=False``,
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
    layers, ordered, listed, told = found
    if listed is not None:
        layers = split(who, listed, ours)
    theirs = [Unit(layer.name, {last: array.shape for last, array in layer.arrays.items()}) for layer in layers]
    pairs = in_sequence(who, theirs, ours) if ordered else in_order(who, theirs, ours, "give a .keras file, or "
                                                                    "model.get_weights()")
    form = one_of("data_format", data_format or told.form or FORMATS[0], FORMATS)
    given_input = input_of(told.shape, None if channels is None else positive_int("channels", channels), form == FORMATS[0])
    rows = Rows(net, given_input, form == FORMATS[0], flat_last(told, form))
    arrays = {joined(layer.name, last): array for layer in layers for last, array in layer.arrays.items()}
    state = {name: arrays[theirs] for name, theirs in pairs.items()}
    state |= rows.moved(state)
    by_name = {layer.name: layer for layer in layers}
    norms = [(path, module, by_name[pairs[joined(path, "weight")].rpartition(".")[0]])
             for path, module in net.named_modules() if isinstance(module, BatchNorm)]
    for path, _, layer in norms:
        check_axis(layer, rows.norms.get(path, OTHER), form)
    before = rewound(net) & Restored([filling([(each.data, each.data.copy()) for each in net.parameters()])])
    try:
        net.load_state_dict(state)
        at_once(setting([change for _, module, layer in norms for change in conventions(module, given, layer.options)]))
    except BaseException:
        before.restore()
        raise
    return net


def conventions(module: BatchNorm, given: dict[str, float | None], options: dict[str, Any]) -> list[tuple[Any, str, Any]]:
    """Return the attributes of a BatchNorm that counts as Keras does."""
    told = {"momentum": MOMENTUM, "epsilon": EPS} | options
    told |= {name: value for name, value in given.items() if value is not None}
    momentum = float(f"{1 - float(told['momentum']):.7g}")          # 0.01, not 0.010000000000000009
    frozen = [(parameter, "frozen", True) for parameter, name in ((module.weight, "scale"), (module.bias, "center"))
              if not options.get(name, True)]
    return [(module, "momentum", momentum), (module, "eps", float(told["epsilon"])),
            (module, "unbiased", False), *frozen]


def flat_last(told: Told, form: str) -> bool:
    """Whether the rows of Keras's Flatten have the channels last."""
    if len(told.flat) > 1 or (form == FORMATS[0] and told.flat == {FORMATS[1]}):
        raise StateError(f"from_keras: Flatten must have one data_format, that of the images or {FORMATS[0]!r}, got "
                         f"{' and '.join(sorted(told.flat))} for images of {form!r}")
    return form == FORMATS[0] or told.flat == {FORMATS[1]}


def check_axis(layer: Layer, kind: str, form: str) -> None:
    """Refuse a BatchNormalization of another axis than that of the channels."""
    axis = layer.options.get("axis", -1)
    axis = axis[0] if isinstance(axis, (tuple, list)) and len(axis) == 1 else axis
    images = (-1, 3) if form == FORMATS[0] else (1, -3)
    good = {IMAGES: images, ROWS: (-1, 1)}.get(kind, images[:1])
    if "axis" in layer.options and axis not in good:
        raise StateError(f"from_keras: BatchNormalization {layer.name!r} must have the axis of the channels, {good[0]}, got "
                         f"{axis}")


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
