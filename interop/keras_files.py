"""The layers of Keras with their weights, in files and in models; PyTorch's names and layouts for their arrays."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile, is_zipfile

from ..arguments import Array, as_numbers, in_a_line
from ..errors import ArgumentError, FileFormatError, StateError
from ..printing import in_one_line
from .extras import needs

DENSE, CONV, NORM = "Dense", "Conv2D", "BatchNormalization"
LASTS = {DENSE: ["weight", "bias"], CONV: ["weight", "bias"], NORM: ["weight", "bias", "running_mean", "running_var"]}
FORMATS = ("channels_last", "channels_first")
WITHIN = "model.weights.h5"                                         # in an archive of model.save


class Layer(NamedTuple):
    """A layer that has weights: its name, its arrays by the last part of PyTorch's names, and options of Keras."""

    name: str
    arrays: dict[str, Array]
    options: dict[str, Any]

    @classmethod
    def of(cls, name: str, arrays: Sequence[Array], lasts: Sequence[str], options: dict[str, Any] | None = None) -> Layer:
        """Return a layer of arrays as Keras has them: kernels with the outputs on the last axis."""
        by_last = {last: array.transpose(3, 2, 0, 1) if array.ndim == 4 else array.T
                   for last, array in zip(lasts, arrays, strict=True)}
        return cls(name, by_last, options or {})


class Told(NamedTuple):
    """What a source tells beside its layers: the shape of the model's input, and how its images and those of Flatten lie."""

    shape: Any = None
    form: str | None = None
    flat: frozenset[str] = frozenset()

    @classmethod
    def by(cls, shape: Any, layers: Sequence[tuple[str, dict[str, Any]]]) -> Told:
        """Return what classes and options of all layers tell; StateError for Permute, after which axes are others than here."""
        if any(kind == "Permute" for kind, _ in layers):
            raise StateError("from_keras: Permute has no form here")
        known = [(kind, options["data_format"]) for kind, options in layers if options.get("data_format") in FORMATS]
        flat = frozenset(form for kind, form in known if kind == "Flatten")
        forms = [form for kind, form in known if kind != "Flatten"] or sorted(flat)
        return cls(shape, next(iter(forms), None), flat)


class Found(NamedTuple):
    """The layers of a source, whether they are in the model's order, and else-wise all arrays in that order."""

    layers: list[Layer]
    ordered: bool
    arrays: list[Array] | None = None
    told: Told = Told()


def layers_of_model(model: Any) -> Found:
    """Return the layers of a live model."""
    if not hasattr(model, "layers") or not hasattr(model, "get_weights"):
        raise ArgumentError("from_keras: source must be the path of a file, a list of arrays or a Keras model, got "
                            f"{in_a_line(model)}")
    all_ = list(live(model.layers))
    told = Told.by(getattr(model, "input_shape", None), [(type(layer).__name__, layer.get_config()) for layer in all_])
    return Found([configured(layer.name, type(layer).__name__, layer.get_config(), as_arrays(arrays))
                  for layer in all_ if (arrays := layer.get_weights())], True, told=told)


def live(layers: Sequence[Any]) -> Iterator[Any]:
    """Yield the layers, those of inner models too."""
    for layer in layers:
        if hasattr(layer, "layers"):
            yield from live(layer.layers)
        else:
            yield layer


def arrays_of(arrays: Sequence[Any]) -> Found:
    """Return a list of arrays, as ``model.get_weights()`` gives it."""
    return Found([], True, as_arrays(arrays))


def as_arrays(arrays: Sequence[Any]) -> list[Array]:
    return [as_numbers(array, f"array {k} of the weights") for k, array in enumerate(arrays)]


def configured(name: str, kind: str, config: dict[str, Any], arrays: list[Array]) -> Layer:
    """Return the layer of a class of Keras with its options."""
    if kind not in LASTS or config.get("renorm") or config.get("groups", 1) != 1:
        raise StateError(f"from_keras: {kind} {name!r} has no form here; there is one for {', '.join(LASTS)}, without groups "
                         "and renorm")
    lasts = LASTS[kind]
    if kind == NORM:
        absent = {last for last, option in (("weight", "scale"), ("bias", "center")) if not config.get(option, True)}
        layer = Layer.of(name, arrays, [last for last in lasts if last not in absent], config)
        mean = layer.arrays["running_mean"]
        whole = {"weight": mean * 0 + 1, "bias": mean * 0} | layer.arrays
        return layer._replace(arrays={last: whole[last] for last in lasts})
    return Layer.of(name, arrays, lasts[:len(arrays)], config)


# ------------------------------------------------------------------ files


def layers_of_file(path: Path) -> Found:
    """Return the layers of a file of ``model.save_weights`` or ``model.save``."""
    with needs("keras", f"from_keras of the file {path}"):
        import h5py
    path.open("rb").close()                                         # OSError: there is no such file, ...
    try:
        if is_zipfile(path):
            with ZipFile(path) as archive, archive.open(WITHIN) as inner, h5py.File(inner) as file:
                return of_archive(file, json.loads(archive.read("config.json")))
        with h5py.File(path) as file:
            legacy = file.get("model_weights", file)
            return of_legacy(file, legacy) if "layer_names" in legacy.attrs else of_weights(file)
    except StateError:
        raise
    except (OSError, BadZipFile, NotImplementedError, KeyError, ValueError, TypeError, RecursionError, RuntimeError) as error:
        raise FileFormatError(f"{path}: not a whole file of Keras, .weights.h5, .keras or .h5 ({in_one_line(error)})") from None


def groups(file: Any) -> dict[str, list[Array]]:
    """Return the arrays of each layer, by its place in a file of Keras 3; not those of optimizers and generators."""
    found = {}

    def visit(name: str, group: Any) -> None:
        *place, last = name.split("/")
        if last == "vars" and len(group) and place[:1] != ["optimizer"] and place[-1:] != ["seed_generator"]:
            found["/".join(place)] = [group[str(k)][()] for k in range(len(group))]
    file.visititems(visit)
    return found


def of_weights(file: Any) -> Found:
    """Return the layers of ``model.save_weights``: those of a class are numbered, and nothing tells the order of all."""
    return Found([numbered(place, arrays) for place, arrays in groups(file).items()], False)


def numbered(place: str, arrays: list[Array]) -> Layer:
    """Return a layer from its place in the file, such as ``layers/dense_1``; the first of a class has no number."""
    parts = place.split("/")
    listed = [after for after, before in zip(parts[1:], parts, strict=False) if before == "layers"]
    kind = re.sub(r"_\d+$", "", listed[-1]) if listed and listed[-1] == parts[-1] else None
    known = {snake(name): name for name in LASTS}
    by_shape = {2: DENSE, 4: CONV, 1: NORM}.get(arrays[0].ndim)
    name = known.get(kind, "") if kind is not None else by_shape or ""
    if not name or name != by_shape or len(arrays) > len(LASTS[name]) or (name == NORM and len(arrays) < 4):
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise StateError(f"from_keras: {place} has arrays of the shapes {shapes}, which none of {', '.join(LASTS)} has in a "
                         ".weights.h5 file, where BatchNormalization needs scale and center")
    first = [f"{part}_0" if before == "layers" and not re.search(r"_\d+$", part) else part
             for before, part in zip(["", *parts], parts, strict=False)]
    return Layer.of("/".join(first), arrays, LASTS[name][:len(arrays)])


def snake(name: str) -> str:
    """Return a class's name as Keras writes it in files: batch_normalization, conv2d."""
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))).lower()


def places(config: dict[str, Any], above: str = "") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield place, class and options of the layers of a model's configuration, in their order, those of inner models too."""
    counts: dict[str, int] = {}
    for layer in config["layers"]:
        name = snake(layer["class_name"])
        number = counts[name] = counts.get(name, -1) + 1
        place = f"{above}layers/{name}{f'_{number}' if number else ''}"
        if "layers" in layer["config"]:
            yield from places(layer["config"], f"{place}/")
        else:
            yield place, layer["class_name"], layer["config"]


def of_archive(file: Any, config: dict[str, Any]) -> Found:
    """Return the layers of ``model.save``: a configuration beside the weights tells the order and the options."""
    arrays, told = groups(file), told_by(config)
    layers = [configured(place, kind, options, arrays.pop(place)) for place, kind, options in places(config["config"])
              if place in arrays]
    if arrays:
        raise StateError(f"from_keras: {', '.join(arrays)} of the file have no form here; there is one for {', '.join(LASTS)}")
    return Found(layers, True, told=told)


def told_by(config: dict[str, Any]) -> Told:
    """Return what the configuration of a model tells; the shape of its input if it has one input."""
    listed = [(kind, options) for _, kind, options in places(config["config"])]
    shapes = [shape for kind, options in listed if (shape := options.get("batch_shape", options.get("batch_input_shape")))]
    inputs = sum(layer["class_name"] == "InputLayer" for layer in config["config"]["layers"])
    shape = config["config"].get("build_input_shape") or next(iter(shapes), None)
    return Told.by(shape if inputs < 2 else None, listed)


def of_legacy(file: Any, group: Any) -> Found:
    """Return the layers of an HDF5 file as Keras 2 wrote it: the arrays of each, in their order."""
    arrays = [group[layer][name][()] for layer in texts(group.attrs["layer_names"])
              for name in texts(group[layer].attrs["weight_names"])]
    if "model_config" not in file.attrs:
        return Found([], True, arrays)
    layers, rest, model = [], iter(arrays), json.loads(file.attrs["model_config"])
    for place, kind, options in places(model["config"]):
        if kind in LASTS:
            absent = sum(not options.get(option, True) for option in ("use_bias", "scale", "center"))
            layers.append(configured(place, kind, options, list(islice(rest, len(LASTS[kind]) - absent))))
    if next(rest, None) is not None:
        raise StateError(f"from_keras: the file has weights of other layers than {', '.join(LASTS)}")
    return Found(layers, True, told=told_by(model))


def texts(names: Any) -> list[str]:
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]
