"""Models: a network with its architecture, its scaler and its labels in one file, from which it is made anew."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arguments import in_a_line
from ...conversion import Named, check_columns
from ...datasets.checks import examples
from ...datasets.classes import Classes, as_labels, labels
from ...datasets.scaling import Scaler
from ...datasets.targets import Targets
from ...errors import ArgumentError, DataError, FileFormatError, RetropropError, ShapeError
from ...files import write
from ...losses import Loss
from ...modules import Module
from ...modules.core.values import Value, several
from ...printing import in_one_line
from ..metrics import predicted_classes, threshold_of
from .architecture import Kinds, built, described
from .encoders import scaler_of, stored, targets_of
from .outputs import check_outputs, ends_at, widths
from .sealed import packed, sealed, unpacked, unsealed
from .states import as_saved, put_network

VERSION = 1                                                         # of the files; a reader refuses those of later versions
Preprocessing = Scaler | tuple[Scaler | None, ...] | None


@dataclass(frozen=True, eq=False)
class Model:
    """A network with what stands before and behind it: raw examples go in, labels come out.

    ``predict`` returns labels, ``outputs`` the numbers that they are decided by: logits, unless the network ends with Softmax
    or Sigmoid.

    Attributes
    ----------
    net : Module
    preprocessing : Scaler, tuple of (Scaler or None), or None
        What scales raw examples; for a network of several inputs one for each.
    targets : Targets or None
        What the outputs stand for.
    threshold : float
        Where two classes are parted in one output: above it is the second; so for each of several labels.
    """

    net: Module
    preprocessing: Preprocessing = None
    targets: Targets | None = None
    threshold: float = 0.0

    def outputs(self, x: Any, batch_size: int | None = None) -> Value:
        """Return the outputs of the network in evaluation mode for raw examples: ``net.predict`` of the scaled ones.

        They are what the last module gives: of a network that was trained with CrossEntropy, logits.
        ``rp.Softmax().forward(model.outputs(x))`` makes probabilities of them, for BCEWithLogits ``rp.Sigmoid()``.
        """
        check_columns(x, self.net.feature_names, Named("x"))
        if isinstance(self.preprocessing, tuple):
            if not isinstance(x, (tuple, list)) or len(x) != len(self.preprocessing):
                raise ShapeError(f"x must be a tuple of {len(self.preprocessing)} arrays, got {in_a_line(np.shape(x))}")
            both = enumerate(zip(x, self.preprocessing, strict=True))
            x = tuple(scaled(part, scaler, f"x[{k}]") for k, (part, scaler) in both)
        else:
            x = scaled(x, self.preprocessing, "x")
        return self.net.predict(x, batch_size)

    def predict(self, x: Any, batch_size: int | None = None) -> Value:
        """Return what the network predicts for raw examples, in the form of the y that ``targets`` were found from.

        Parameters
        ----------
        x : array_like of shape (examples, ...), or a tuple of them
            Not scaled.
        batch_size : int, default None
            As in ``Module.predict``.

        Returns
        -------
        array
            For classes their labels, of shape (examples,), or their names if y was one-hot: the class of the largest output
            or, with one output, whether it is above ``threshold``. For several labels, whether each is, as 0 or 1. For values,
            and without targets, the outputs.
        """
        outputs, targets = self.outputs(x, batch_size), self.targets
        if targets is None or targets.kind == "values":
            return outputs
        width = widths(targets)
        if several(outputs) or outputs.ndim != 2 or outputs.shape[1] not in width:
            shape = "several arrays" if several(outputs) else f"shape {outputs.shape}"
            raise ShapeError(f"net must have an output of shape (examples, {width[0]}), one for each of {len(targets.names)} "
                             f"names, got {shape}")
        if targets.kind == "labels":
            return (outputs > self.threshold).astype(np.int64)
        names: NDArray[Any] = np.array(targets.names) if targets.classes is None else targets.classes.classes
        return names[predicted_classes(outputs, self.threshold)]


def scaled(x: Any, scaler: Scaler | None, name: str) -> Any:
    """Return x scaled; ShapeError if its examples have another shape than those that the scaler was measured on."""
    if scaler is None:
        return x
    scaler.check(x, name)
    array = examples(name, x)
    if array.shape[1:] != scaler.mean.shape:
        shape = str(("examples", *scaler.mean.shape)).replace("'", "")
        raise ShapeError(f"{name} must have shape {shape}, as the data that were scaled in training, got {array.shape}")
    return scaler.scaled(array)


def save_model(net: Module, path: str | Path, *, preprocessing: Preprocessing = None,
               targets: Targets | Sequence[Any] | None = None, loss: Loss | None = None) -> None:
    """Write a network with its architecture, its scaler and its labels into one file, from which ``load_model`` makes it anew.

    Parameters
    ----------
    net : Module
        Made of the library's modules, or of your own: their constructors' arguments must be attributes of the same names (or
        given by a method ``arguments()``), and be numbers, texts, modules, or lists, tuples and dicts of these.
    path : str or Path
        A safetensors file, written whole or not at all.
    preprocessing : Scaler, optional
        What scaled the training data, such as ``rp.datasets.Scaler.of(x_train)``, by which ``standardize`` scales. For a
        network of several inputs a tuple, with a Scaler or None for each. Of a fitted StandardScaler s of scikit-learn, give
        ``rp.datasets.Scaler(s.mean_, s.scale_)``.
    targets : Targets, or sequence of labels, optional
        What the outputs stand for: the Targets that encoded y, or the labels of the classes in the order of the outputs.
        None: the ``class_labels`` that ``fit`` has numbered, if there are any.
    loss : Loss, optional
        The one that the network was trained with: it says above which output an example is of the second of two classes, or has
        a label. 0.5 for BCE, and for MSE, Huber and L1 on targets 0 and 1; 0 for other losses. None: 0.5 if the outputs are
        those of a Sigmoid, perhaps in another shape or after Dropout, else 0. MSE on raw outputs therefore needs it. The
        method ``save`` of ``interop.Classifier`` gives its own loss and targets.

    Raises
    ------
    ArgumentError
        A file cannot hold an argument of a module, such as the functions of ``Function``.
    ShapeError, DataError
        There are not as many targets as outputs, as far as these can be counted before there are examples; or the targets are
        the ``class_labels`` in another order.
    OSError
        The file is read-only, its folder does not exist, ...

    Notes
    -----
    The file holds what ``save`` writes under the same names, so that ``load`` reads it into a network too, and in its metadata
    the architecture as JSON, with a checksum of the whole file. Modes, frozen flags and the optimizer are not in it; see
    ``save`` and ``Checkpoint``. An initializer of your own is not either: the loaded network has its numbers already.

    Examples
    --------
    >>> import tempfile
    >>> import retroprop as rp
    >>> x, y = [[1.0, 200.0], [2.0, 100.0], [3.0, 300.0]], ["cat", "dog", "cat"]
    >>> scaler, targets = rp.datasets.Scaler.of(x), rp.datasets.Targets.of(y)
    >>> net = rp.Sequential(fc1=rp.Linear(2, 8, rng=0), tanh=rp.Tanh(), fc2=rp.Linear(8, 1, rng=1))
    >>> history = rp.fit(net, rp.BCEWithLogits(), rp.Adam(net.parameters(), lr=0.1),
    ...                  (scaler.scaled(x), targets.encode(y)), epochs=50, rng=0, progress=False)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rp.save_model(net, f"{folder}/pets.safetensors", preprocessing=scaler, targets=targets)
    ...     model = rp.load_model(f"{folder}/pets.safetensors")
    >>> model.net
    Sequential(fc1=Linear(2, 8), tanh=Tanh(), fc2=Linear(8, 1))
    >>> model.predict(x).tolist()
    ['cat', 'dog', 'cat']
    """
    if not isinstance(net, Module):
        raise ArgumentError(f"save_model: net must be a Module, got {in_a_line(net)}")
    scalers = preprocessing if isinstance(preprocessing, tuple) else (preprocessing,)
    if not all(scaler is None or isinstance(scaler, Scaler) for scaler in scalers) or (
            isinstance(preprocessing, tuple) and len(preprocessing) != net.arity):
        fitted = hasattr(preprocessing, "mean_") and hasattr(preprocessing, "scale_")       # a StandardScaler of scikit-learn
        hint = "; make it datasets.Scaler(s.mean_, s.scale_)" if fitted else ""
        raise ArgumentError("save_model: preprocessing must be a Scaler, such as datasets.Scaler.of(x_train), or a tuple with "
                            f"one or None for each input, got {in_a_line(preprocessing)}{hint}")
    if loss is not None and not isinstance(loss, Loss):
        raise ArgumentError(f"save_model: loss must be a Loss, such as MSE(), or None, got {in_a_line(loss)}")
    targets = net.class_labels if targets is None else targets
    known = None if targets is None else as_targets(targets)
    if known is not None:
        check_outputs(net, known, scalers)
    arrays, notes = as_saved(net, None)
    if known is not None:
        notes["labels"] = None if known.classes is None else known.classes.classes.tolist()
    model = {"version": VERSION, "net": described(net),
             "preprocessing": None if preprocessing is None else [scaler and vars(scaler) for scaler in scalers],
             "several": isinstance(preprocessing, tuple), "threshold": ends_at(net) if loss is None else threshold_of(loss),
             "targets": None if known is None else stored(known)}
    notes["model"] = packed(model, arrays, "save_model: net")
    write(path, sealed(arrays, notes))


def load_model(path: str | Path, *, modules: Kinds | None = None) -> Model:
    """Read a file of ``save_model``: make the network anew, with its numbers, its scaler and its labels.

    Nothing in the file is executed or imported: it names modules of the library, and classes that you give.

    Parameters
    ----------
    path : str or Path
    modules : dict of classes by name, optional
        The classes of modules that are not the library's: ``load_model("model.safetensors", modules={"Gate": Gate})``.

    Returns
    -------
    Model
        With ``.net``, in training mode as all new modules, ``.preprocessing`` and ``.targets``. ``.predict(x)`` takes raw
        examples and returns labels, ``.outputs(x)`` the outputs of the network: of one that was trained with CrossEntropy
        logits, of which ``rp.Softmax().forward(model.outputs(x))`` makes probabilities.

    Raises
    ------
    FileFormatError
        The file is no model, damaged, or of a later version of the library.
    ArgumentError
        It holds a module of a class that is not given; the message names it.
    """
    own = {} if modules is None else modules
    if not isinstance(own, Mapping) or not all(isinstance(kind, type) and issubclass(kind, Module) for kind in own.values()):
        raise ArgumentError(f"load_model: modules must be a dict of classes of modules by name, got {in_a_line(modules)}")
    arrays, notes = unsealed(path, "save_model")
    if not isinstance(notes.get("model"), dict):
        raise FileFormatError(f"{path}: it holds no model of save_model; if it is a file of Checkpoint, make the network and "
                              "use load(net, path)")
    version = notes["model"].get("version")
    if version != VERSION:
        raise FileFormatError(f"{path}: it must be a model of version {VERSION}, which this release of retroprop reads, got "
                              f"version {in_a_line(version)}")
    state = {name: array for name, array in arrays.items() if not name.startswith("state:")}
    net = built(notes["model"].get("net"), state.values(), own, str(path))
    try:
        model = unpacked(notes["model"], arrays)
        put_network(net, arrays, notes, path)
        scalers = None if model["preprocessing"] is None else tuple(map(scaler_of, model["preprocessing"]))
        found = scalers if scalers is None or model["several"] is True else scalers[0]
        targets = None if model["targets"] is None else targets_of(model["targets"])
        if type(model["threshold"]) is not float or not math.isfinite(model["threshold"]):
            raise ValueError("the threshold is no number")
        return Model(net, found, targets, model["threshold"])
    except (RetropropError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise FileFormatError(f"{path}: what it says of the model does not fit ({in_one_line(error)[:300]})") from error


def as_targets(targets: Any) -> Targets:
    """Return Targets as they are, and of labels the Targets of these classes."""
    if isinstance(targets, Targets):
        return targets
    if isinstance(targets, (str, bytes, Mapping)) or not (
            hasattr(targets, "__len__") or hasattr(targets, "__array__")):
        raise ArgumentError(f"save_model: targets must be Targets, or the labels of the classes, got {in_a_line(targets)}")
    listed = labels(targets, "targets")
    if len(set(listed)) < max(2, len(listed)):
        raise DataError(f"save_model: targets must be two or more different labels, got {in_a_line(targets)}")
    classes = as_labels(listed, "targets")
    found = Classes(classes)
    return Targets("binary" if len(classes) == 2 else "classes", found.names, found)
