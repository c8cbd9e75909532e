"""Networks as estimators of scikit-learn: `Classifier` and `Regressor`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ..arguments import Array, in_a_line, one_of
from ..datasets import Targets
from ..datasets.classes import Classes, listed
from ..errors import ArgumentError, DataError
from ..initializers import Initializer, Start
from ..losses import BCE, MSE, NLL, BCEWithLogits, CrossEntropy, Loss
from ..modules import Module, Sigmoid, Softmax
from ..optim import Optimizer
from ..training.inputs.weights import weights_by_label
from ..training.metrics import predicted_classes, threshold_of
from .extras import needs
from .scikit_learn_training import Estimator

with needs("sklearn", "An estimator of retroprop.interop"):
    from sklearn.base import ClassifierMixin, RegressorMixin
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import column_or_1d

# The probabilities that outputs stand for, by the loss that the network is trained with.
PROBABILITIES: dict[type[Loss], Callable[[Array], Array]] = {
    CrossEntropy: lambda y: Softmax().forward(y), NLL: np.exp, BCEWithLogits: lambda y: Sigmoid().forward(y), BCE: np.asarray}


def probabilities_of(loss: Loss) -> Callable[[Array], Array] | None:
    """Return the function that gives probabilities for a network's outputs; None if the loss is not one of probabilities."""
    return next((function for kind, function in PROBABILITIES.items() if isinstance(loss, kind)), None)


def has_probabilities(estimator: Classifier) -> bool:
    """Return True if the network's outputs stand for probabilities; else raise AttributeError."""
    loss = getattr(estimator, "loss_function_", estimator.loss)
    if loss is not None and probabilities_of(loss) is None:
        raise AttributeError(f"probabilities need a loss of probabilities, such as CrossEntropy(), got {loss!r}")
    return True


class Classifier(ClassifierMixin, Estimator):  # type: ignore[misc, unused-ignore]
    """A network that predicts classes, as an estimator of scikit-learn: in pipelines, grid searches, cross-validation.

    Parameters
    ----------
    net : Module or function, default None
        A network, of which ``fit`` trains a copy; or a function of ``(n_features, n_outputs)`` that returns a new one.
        ``n_features`` is a number or, for images, the shape of an example; ``n_outputs`` is the number of classes or of
        labels, and 1 for two classes, unless the loss is CrossEntropy or NLL. A network may also have two outputs for two
        classes. None: a dense network, of which the next parameters tell.
    hidden : int or sequence of int, default (100,)
        Units of the hidden layers. Images are flattened.
    activation : str, default "tanh"
        After each hidden layer: tanh, sigmoid, softsign, relu, leakyrelu, elu, gelu, silu, softplus or hardtanh.
    init : str, Initializer or Start, default None
        How the weights begin: a name that ``compare`` knows (``"Glorot"``, ``"He"``, ``"N(0, 0.01²)"``, ``"LSUV"``, a library
        as ``"PyTorch"``), a distribution such as ``rp.HeNormal()``, or ``rp.initializers.of(...)``. It draws the weights of
        ``net`` anew, too. None: Glorot's uniform distribution; for ``net``, the weights that it has.
    loss : Loss, default None
        None: BCEWithLogits for one output and for labels, else CrossEntropy: the network ends in logits. The dense network
        ends in LogSoftmax for NLL and in Sigmoid for BCE; one of your own must. Two classes in one output are parted at 0 by
        BCEWithLogits and Hinge, at 0.5 by BCE, MSE, Huber and L1.
    optimizer : str or function, default "adam"
        sgd, adam, adamw, rmsprop or adagrad; or a class or function that is called as ``optimizer(parameters, lr=lr)``.
    lr : float, default 0.001
        Learning rate.
    momentum : float in [0, 1), default 0.9
        Of "sgd".
    weight_decay : float, default None
        Of weights, not of biases; it is not divided by the number of examples, as ``alpha`` of MLPClassifier is. None: the
        optimizer's default.
    batch_size : int, default "auto"
        Examples in a batch; "auto": 200, or all if there are fewer.
    max_iter : int, default 200
        The largest number of epochs.
    tol, n_iter_no_change : float and int, default 1e-4 and 10
        Training ends when the cost has not fallen by more than ``tol`` for so many epochs.
    early_stopping : bool, default False
        Whether this cost is that of a validation part, which is not trained on; the parameters of the best epoch are kept.
    validation_fraction : float in (0, 1), default 0.1
        The share of the validation part, in which each class has its share.
    class_weight : dict or "balanced", default None
        Weights of the classes, with which those of the examples are multiplied. "balanced": n / (K n_k), where n_k of n
        examples, or of their weights, are in class k of K.
    warm_start : bool, default False
        Whether ``fit`` goes on with the network of the last call, with a new optimizer.
    dtype : {"float64", "float32"}, default "float64"
        In float32, in which networks are faster, an example's predictions depend on its batch by rounding: about 1e-7.
    random_state : int, RandomState, Generator or None, default None
        Source of weights, orders of examples and the validation part. An int draws the weights that ``compare`` draws with this
        seed. It has no part in what ``net`` draws.
    verbose : bool, default False
        Whether to show a progress bar.

    Attributes
    ----------
    net_, optimizer_, loss_function_ : Module, Optimizer and Loss
        What was trained. ``model.save(path)`` writes it with its labels, for ``rp.load_model``.
    history_ : History
        The numbers of each epoch: ``history_["cost"]``.
    classes_ : array of shape (K,)
        The labels, sorted. If y is a matrix of 0 and 1, of shape (N, K), each example may have several labels; they are 0..K-1.
    n_iter_, n_features_in_, feature_names_in_
        Epochs made, features of an example, and names of a frame's columns, as in scikit-learn.

    Raises
    ------
    ValueError, TypeError
        From ``fit``: X or y is wrong, as scikit-learn says it, or a parameter is (ArgumentError).
    NonFiniteError
        From ``fit``: training has diverged.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> model = make_pipeline(StandardScaler(), Classifier(hidden=(20,), lr=0.01, max_iter=50, random_state=0))
    >>> bool(cross_val_score(model, *load_iris(return_X_y=True)).mean() > 0.93)
    True
    """

    _classifies = True
    _what = "classes"

    def __init__(self, net: Module | Callable[[Any, int], Module] | None = None, *, hidden: int | Sequence[int] = (100,),
                 activation: str = "tanh", init: str | Initializer | Start | None = None, loss: Loss | None = None,
                 optimizer: str | Callable[..., Optimizer] = "adam", lr: float = 0.001, momentum: float = 0.9,
                 weight_decay: float | None = None, batch_size: int | str = "auto", max_iter: int = 200, tol: float = 1e-4,
                 n_iter_no_change: int = 10, early_stopping: bool = False, validation_fraction: float = 0.1,
                 class_weight: Any = None, warm_start: bool = False, dtype: DTypeLike = "float64", random_state: Any = None,
                 verbose: bool = False) -> None:
        super().__init__(net, hidden=hidden, activation=activation, init=init, loss=loss, optimizer=optimizer, lr=lr,
                         momentum=momentum, weight_decay=weight_decay, batch_size=batch_size, max_iter=max_iter, tol=tol,
                         n_iter_no_change=n_iter_no_change, early_stopping=early_stopping,
                         validation_fraction=validation_fraction, warm_start=warm_start, dtype=dtype,
                         random_state=random_state, verbose=verbose)
        self.class_weight = class_weight

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    @property
    def classes_(self) -> Array:
        return np.arange(len(self._targets.names)) if self._targets.classes is None else self._targets.classes.classes

    def partial_fit(self, X: Any, y: Any, classes: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> Self:
        """Train for one epoch on these examples; the first call makes the network, and needs ``classes``, all that may come.

        Later calls may give the same ones again. For several labels, the columns of y count, not ``classes``.
        """
        first = not hasattr(self, "net_")
        if first and classes is None:
            raise ArgumentError("partial_fit: classes must be given in the first call: all labels that any call brings")
        if isinstance(self.class_weight, str):
            raise ArgumentError(f"partial_fit: class_weight must be a dict or None, got {self.class_weight!r}, for which all "
                                "examples must be there")
        if not first and classes is not None and self._targets.classes is not None:
            again = Classes.of(classes, name="classes")
            if not np.array_equal(again.classes, self.classes_):
                raise ArgumentError(f"partial_fit: classes must be those of the first call, {listed(self._targets.names)}, got "
                                    f"{listed(again.names)}")
        return self._learn(X, y, sample_weight, goes_on=not first, optimizer=None if first else self.optimizer_,
                           classes=classes)

    def predict(self, X: Any) -> Array:
        """Return the class of each example, of shape (N,); or 0 and 1 for each of its labels, of shape (N, K)."""
        outputs, threshold = self._outputs(X), threshold_of(self.loss_function_)
        if self._targets.kind == "labels":
            return (outputs > threshold).astype(np.int64)
        return np.asarray(self.classes_[predicted_classes(outputs, threshold)])

    def decision_function(self, X: Any) -> Array:
        """Return the outputs, of shape (N, K); for two classes what speaks for the second one, of shape (N,)."""
        outputs, threshold = self._outputs(X), threshold_of(self.loss_function_)
        if self._targets.kind == "binary":
            return np.asarray(outputs[:, 0] - threshold if outputs.shape[1] == 1 else outputs[:, 1] - outputs[:, 0])
        return outputs - threshold if self._targets.kind == "labels" else outputs

    @available_if(has_probabilities)  # type: ignore[untyped-decorator, unused-ignore]
    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, or of each label: shape (N, K)."""
        outputs = self._outputs(X)
        function = probabilities_of(self.loss_function_) or np.asarray
        p = function(outputs)
        return np.hstack([1 - p, p]) if self._targets.kind == "binary" and p.shape[1] == 1 else p

    @available_if(has_probabilities)  # type: ignore[untyped-decorator, unused-ignore]
    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithms of ``predict_proba``."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _checked(self, y: Any) -> Array:
        labels: Array = y if y.ndim == 2 and y.shape[1] > 1 else column_or_1d(y, warn=True)
        check_classification_targets(labels)
        return labels

    def _found(self, y: Array, classes: ArrayLike | None) -> Targets:
        if y.ndim == 2:
            return Targets("labels", tuple(map(str, range(y.shape[1]))))
        if classes is None and len(y) == 1:
            raise DataError(f"y must hold at least two classes, got 1 sample of the class {y[0]!r}")
        found = Classes.of(y) if classes is None else Classes.of(classes, name="classes")
        return Targets("binary" if len(found.names) == 2 else "classes", found.names, found)

    def _usual_loss(self, targets: Targets, columns: int) -> Loss:
        return BCEWithLogits() if targets.kind == "labels" or columns == 1 else CrossEntropy()

    def _more_weights(self, y: Array, weights: Array | None, targets: Targets) -> Array | None:
        if self.class_weight is None:
            return None
        if targets.classes is None:
            raise ArgumentError(f"class_weight must be None for several labels, got {in_a_line(self.class_weight)}")
        if isinstance(self.class_weight, Mapping):
            known = targets.classes.classes.tolist()
            by_label = dict(zip(known, weights_by_label(self.class_weight, known), strict=True))
            return np.array([by_label[label] for label in y.tolist()])
        one_of("class_weight", self.class_weight, ["balanced"])
        codes = np.unique(y, return_inverse=True)[1]
        sums = np.bincount(codes, weights)
        return np.asarray((sums.sum() / (len(sums) * sums))[codes])


class Regressor(RegressorMixin, Estimator):  # type: ignore[misc, unused-ignore]
    """A network that predicts numbers, as an estimator of scikit-learn; y has shape (N,), or (N, K).

    Parameters and attributes are those of Classifier, without ``class_weight`` and ``classes_``. ``n_outputs`` of a function
    ``net`` is K, and the usual loss MSE. Numbers far from 0 or of a scale far from 1 are learned slowly:
    ``sklearn.compose.TransformedTargetRegressor`` scales them.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(-2, 2, 100)[:, None]
    >>> model = Regressor(hidden=(20, 20), lr=0.01, random_state=0).fit(x, np.sin(2 * x[:, 0]))
    >>> bool(model.score(x, np.sin(2 * x[:, 0])) > 0.99)
    True
    """

    _what = "numbers"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def partial_fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Train for one epoch on these examples; the first call makes the network."""
        first = not hasattr(self, "net_")
        return self._learn(X, y, sample_weight, goes_on=not first, optimizer=None if first else self.optimizer_)

    def predict(self, X: Any) -> Array:
        """Return the numbers for each example: of shape (N,) if y had one for each, else (N, K)."""
        y = self._outputs(X)
        return y[:, 0] if y.shape[1] == 1 else y

    def _checked(self, y: Any) -> Array:
        return np.asarray(y)

    def _found(self, y: Array, classes: ArrayLike | None) -> Targets:
        return Targets("values", tuple(map(str, range(1 if y.ndim == 1 else y.shape[1]))))

    def _usual_loss(self, targets: Targets, columns: int) -> Loss:
        return MSE()
