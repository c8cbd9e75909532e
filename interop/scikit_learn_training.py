"""What `Classifier` and `Regressor` share: how an estimator of scikit-learn builds its network, and trains it by `fit`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ..arguments import Array, floating_dtype, in_a_line, one_of, positive_int, real
from ..datasets import Targets, split
from ..errors import ArgumentError, DataError, ShapeError
from ..initializers import Initializer, Start, Zeros
from ..losses import BCE, NLL, CrossEntropy, Loss
from ..modules import Flatten, LogSoftmax, Module, Sequential, Sigmoid
from ..optim import SGD, Optimizer
from ..training import EarlyStopping, History, fit, save_model
from ..training.inputs.weights import checked_weights
from ..training.named import OPTIMIZERS, Initialization, dense_network, initialization
from ..training.saving.models import Preprocessing
from .extras import needs

with needs("sklearn", "An estimator of retroprop.interop"):
    from sklearn.base import BaseEstimator
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import check_is_fitted, validate_data

MOST = 200                                                          # examples in a batch, if batch_size is "auto"
ENDS: dict[type[Loss], type[Module]] = {NLL: LogSoftmax, BCE: Sigmoid}         # of the dense network, by the loss
Examples = tuple[Array, Array, Array | None]                        # x, y, and weights above 0


class Estimator(BaseEstimator):  # type: ignore[misc, unused-ignore]
    """Base class: the parameters, ``fit``, and what does not depend on the kind of targets."""

    net_: Module
    optimizer_: Optimizer
    loss_function_: Loss
    history_: History
    n_iter_: int
    _targets: Targets
    _rng: Any                                                       # generator of the orders of the examples

    def __init__(self, net: Module | Callable[[Any, int], Module] | None = None, *, hidden: int | Sequence[int] = (100,),
                 activation: str = "tanh", init: str | Initializer | Start | None = None, loss: Loss | None = None,
                 optimizer: str | Callable[..., Optimizer] = "adam", lr: float = 0.001, momentum: float = 0.9,
                 weight_decay: float | None = None, batch_size: int | str = "auto", max_iter: int = 200, tol: float = 1e-4,
                 n_iter_no_change: int = 10, early_stopping: bool = False, validation_fraction: float = 0.1,
                 warm_start: bool = False, dtype: DTypeLike = "float64", random_state: Any = None,
                 verbose: bool = False) -> None:
        self.net, self.hidden, self.activation, self.init = net, hidden, activation, init
        self.loss, self.optimizer, self.lr, self.momentum, self.weight_decay = loss, optimizer, lr, momentum, weight_decay
        self.batch_size, self.max_iter, self.tol, self.n_iter_no_change = batch_size, max_iter, tol, n_iter_no_change
        self.early_stopping, self.validation_fraction, self.warm_start = early_stopping, validation_fraction, warm_start
        self.dtype, self.random_state, self.verbose = dtype, random_state, verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    # ------------------------------------------------------------------ what a subclass writes

    _classifies = False
    _what: str                                                      # for which there is an output

    def _checked(self, y: Any) -> Array:
        """Return y, which scikit-learn has checked, as an array of shape (N,) or (N, K)."""
        raise NotImplementedError

    def _found(self, y: Array, classes: ArrayLike | None) -> Targets:
        """Return what is to be predicted."""
        raise NotImplementedError

    def _usual_loss(self, targets: Targets, columns: int) -> Loss:
        """Return the loss of a network with so many outputs."""
        raise NotImplementedError

    def _more_weights(self, y: Array, weights: Array | None, targets: Targets) -> Array | None:
        """Return further weights of the examples, which have these already; None: 1."""
        return None

    # ------------------------------------------------------------------ training

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Train a new network; with ``warm_start``, that of the last call.

        Parameters
        ----------
        X : array_like of shape (N, features), or (N, ...) for images
        y : array_like of shape (N,) or (N, K)
        sample_weight : array_like of shape (N,), optional
            At least 0. Weight 2 counts as two equal examples in a batch; examples of weight 0 are left out before anything is
            computed.
        """
        goes_on = bool(self.warm_start) and hasattr(self, "net_")
        epochs, patience = positive_int("max_iter", self.max_iter), positive_int("n_iter_no_change", self.n_iter_no_change)
        stop = EarlyStopping(patience, "validation_cost" if self.early_stopping else "cost", real("tol", self.tol, 0),
                             restore=bool(self.early_stopping))
        return self._learn(X, y, sample_weight, goes_on=goes_on, optimizer=None, epochs=epochs, stop=stop)

    def _learn(self, X: Any, y: Any, sample_weight: ArrayLike | None, **options: Any) -> Self:
        """Run ``_train``; after an error the estimator is as it was: one that was fitted still is."""
        before = self.__dict__.copy()
        try:
            self._train(X, y, sample_weight, **options)
        except BaseException:
            self.__dict__ = before
            raise
        return self

    def _train(self, X: Any, y: Any, sample_weight: ArrayLike | None, *, goes_on: bool, optimizer: Optimizer | None,
               epochs: int = 1, stop: EarlyStopping | None = None, classes: ArrayLike | None = None) -> None:
        """Train a new network or, if training goes on, the present one; with ``optimizer``, or a new one if it is None."""
        dtype = (goes_on and self.net_.dtype) or floating_dtype(self.dtype)
        x, y = validate_data(self, X, y, reset=not goes_on, dtype=dtype, allow_nd=True, multi_output=True,
                             y_numeric=not self._classifies)
        x, y, weights = weighted(x, self._checked(y), sample_weight)
        targets = self._targets if goes_on else self._found(y, classes)
        more = self._more_weights(y, weights, targets)
        if more is not None:
            x, y, weights = weighted(x, y, more if weights is None else more * weights)
        seed = 0 if goes_on else seed_of(self.random_state)
        rng = self._rng if goes_on else np.random.default_rng(seed)
        outputs = len(targets.names) if isinstance(self.loss, (CrossEntropy, NLL)) else targets.outputs
        net = self.net_ if goes_on else self._network(x, outputs, seed).astype(dtype)
        columns = self._columns(net, x, targets)
        encoded = targets.encode(y)
        encoded = encoded.astype(dtype).reshape(len(x), -1) if columns == 1 or targets.classes is None else encoded
        loss = self.loss_function_ if goes_on else deepcopy(self.loss) or self._usual_loss(targets, columns)
        optimizer = optimizer or self._built_optimizer(net)
        validation = None
        if stop is not None and self.early_stopping:
            (x, encoded, weights), validation = self._divided((x, encoded, weights), rng, targets)
        history = fit(net, loss, optimizer, (x, encoded), epochs=epochs, batch_size=self._examples_in_a_batch(len(x)),
                      sample_weight=weights, validation=validation, rng=rng, callbacks=[] if stop is None else [stop],
                      progress=bool(self.verbose))
        self.history_ = joined(self.history_, history) if goes_on else history
        self.net_, self.loss_function_, self.optimizer_, self._targets, self._rng = net, loss, optimizer, targets, rng
        self.n_iter_ = len(self.history_["epoch"])
        net.feature_names = tuple(getattr(self, "feature_names_in_", ())) or None
        net.class_labels = None if targets.classes is None else tuple(targets.classes.classes.tolist())

    def _network(self, x: Array, outputs: int, seed: int) -> Module:
        """Return a new network for these examples, from sizes, a network or a builder."""
        how = None if self.init is None else as_initialization(self.init)
        order = np.random.default_rng(seed).permutation(len(x))

        def some(count: int) -> Array:
            return x[order[:count]]

        def dense(initializer: Initializer) -> Sequential:
            return Sequential(*[Flatten()] * (x.ndim > 2), *dense_network(
                math.prod(x.shape[1:]), outputs, hidden, initializer, activation=self.activation, dtype=x.dtype, seed=seed))

        if self.net is None:
            hidden = tuple(positive_int("each size in hidden", size) for size in np.atleast_1d(self.hidden).tolist())
            layers = (how or initialization("Glorot")).network(dense, some, seed, self._classifies)
            end = [module() for kind, module in ENDS.items() if isinstance(self.loss, kind)]
            return Sequential(*map(deepcopy, layers), *end) if end else layers
        net: Any = None
        if isinstance(self.net, Module):
            net = deepcopy(self.net)
        elif callable(self.net):
            net = self.net(x.shape[1] if x.ndim == 2 else x.shape[1:], outputs)
        if not isinstance(net, Module):
            raise ArgumentError("net must be a network, or a function of (n_features, n_outputs) that returns one, got "
                                f"{in_a_line(self.net)}")
        if how is not None:
            how.redraw(net, some, seed, self._classifies)
        return net

    def _columns(self, net: Module, x: Array, targets: Targets) -> int:
        """Return the number of the network's outputs; ShapeError unless it is right."""
        shape, wanted = net.output_shape(x.shape), {targets.outputs, len(targets.names)}
        if len(shape) != 2 or shape[1] not in wanted:
            raise ShapeError(f"net must have {' or '.join(map(str, sorted(wanted)))} outputs, for {len(targets.names)} "
                             f"{self._what}, got the output shape {shape} for x of shape {x.shape}")
        return int(shape[1])

    def _built_optimizer(self, net: Module) -> Optimizer:
        """Return a new optimizer of the network's parameters."""
        parameters: list[Any] = net.parameters()
        if self.weight_decay is not None:
            decay = real("weight_decay", self.weight_decay, 0)
            weights, others = ([p for p in parameters if (p.data.ndim > 1) is is_weight] for is_weight in (True, False))
            parameters = [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
        if callable(self.optimizer):
            return self.optimizer(parameters, lr=self.lr)
        kind = OPTIMIZERS[one_of("optimizer", self.optimizer, OPTIMIZERS)]
        return kind(parameters, lr=self.lr, **({"momentum": self.momentum} if kind is SGD else {}))

    def _examples_in_a_batch(self, n: int) -> int:
        return min(MOST, n) if isinstance(self.batch_size, str) and self.batch_size == "auto" else positive_int(
            "batch_size", self.batch_size)

    def _divided(self, examples: Examples, rng: np.random.Generator, targets: Targets) -> tuple[Examples, Any]:
        """Return the parts for training and for validation, the latter as ``fit`` takes it."""
        x, y, weights = examples
        fraction = real("validation_fraction", self.validation_fraction, 0, 1, above=True, below=True)
        if not 0 < round(fraction * len(x)) < len(x):
            raise ArgumentError(f"validation_fraction must leave at least one example in each part, got {fraction} of {len(x)} "
                                "examples")
        stratify = self._classifies and y.size == len(y)
        alone = np.flatnonzero(np.bincount(y.reshape(-1).astype(int)) == 1) if stratify else np.empty(0, int)
        if alone.size:
            raise DataError("y must hold at least two examples of each class with early_stopping=True, which takes "
                            f"validation_fraction={fraction} of each for validation, got one of {targets.names[alone[0]]!r}")
        (train, _), (held_out, _) = split(np.arange(len(x)), y.reshape(-1).astype(int) if stratify else y, fraction, rng,
                                          stratify=stratify)
        if weights is None:
            return (x[train], y[train], None), (x[held_out], y[held_out])
        return (x[train], y[train], weights[train]), (x[held_out], y[held_out], weights[held_out])

    def save(self, path: str | Path, *, preprocessing: Preprocessing = None) -> None:
        """Write the network and what its outputs stand for into one file, of which ``rp.load_model(path)`` makes a Model.

        Its ``predict`` returns the labels that this estimator predicts, or the numbers, of shape (N, K). ``preprocessing`` is
        a Scaler, see ``rp.save_model``; the other steps of a pipeline are not in the file.
        """
        check_is_fitted(self, "net_")
        save_model(self.net_, path, preprocessing=preprocessing, targets=self._targets, loss=self.loss_function_)

    def _outputs(self, X: Any) -> Array:
        """Return what the network gives for X."""
        check_is_fitted(self, "net_")
        y: Array = self.net_.predict(validate_data(self, X, reset=False, dtype=self.net_.dtype, allow_nd=True))
        return y


def weighted(x: Array, y: Array, sample_weight: ArrayLike | None) -> Examples:
    """Return the examples whose weights are above 0, and these weights; None if all are 1."""
    weights = checked_weights("sample_weight", sample_weight, len(x), part=True)
    if weights is None:
        return x, y, None
    counted = weights > 0
    if not counted.any():
        raise DataError("sample_weight must hold a weight above zero, got only zeros")
    return x[counted], y[counted], None if (weights[counted] == 1).all() else weights[counted]


def joined(first: History, second: History) -> History:
    """Return the epochs of two histories, numbered from 1; NaN where one lacks a column of the other."""
    rows = [[math.nan] * len(history["epoch"]) for history in (first, second)]
    both = History({name: [*first.get(name, rows[0]), *second.get(name, rows[1])] for name in {**first, **second}})
    both["epoch"] = [float(k) for k in range(1, len(rows[0]) + len(rows[1]) + 1)]
    both.stopped, both.interrupted = second.stopped, second.interrupted
    return both


def seed_of(random_state: Any) -> int:
    """Return ``random_state`` itself if it is an integer; else one that is drawn from it, as scikit-learn reads it."""
    if isinstance(random_state, (int, np.integer)):
        return positive_int("random_state", random_state, 0)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    return int(check_random_state(random_state).randint(2**31 - 1))


def as_initialization(init: str | Initializer | Start) -> Initialization:
    if isinstance(init, Initializer):
        return Initialization(repr(init), init)
    return Initialization(init.name, Zeros(), start=init) if isinstance(init, Start) else initialization(init)
