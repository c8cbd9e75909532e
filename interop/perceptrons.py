"""Networks from the multilayer perceptrons of scikit-learn and of OpenCV."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np

from ..arguments import Array, as_floating, in_a_line, one_of
from ..errors import ArgumentError, DataError
from ..modules import Identity, LeakyReLU, Linear, Module, ReLU, Sequential, Sigmoid, Softmax, Tanh
from .extras import needs

HIDDEN: dict[str, type[Module]] = {"identity": Identity, "logistic": Sigmoid, "tanh": Tanh, "relu": ReLU}
OUTPUT: dict[str, type[Module]] = {"identity": Identity, "logistic": Sigmoid, "softmax": Softmax}


def from_scikit_learn(mlp: Any, *, logits: bool = False) -> Sequential:
    """Build the network of a fitted ``MLPClassifier`` or ``MLPRegressor``, from copies of its coefficients, in their dtype.

    Parameters
    ----------
    mlp : sklearn.neural_network.MLPClassifier or MLPRegressor
    logits : bool, default False
        Whether to leave out the softmax or the sigmoid at the end, which CrossEntropy and BCEWithLogits bring.

    Returns
    -------
    Sequential
        ``predict`` gives what ``mlp.predict_proba`` gives (for two classes the second column of it), with the columns in the
        order of ``mlp.classes_``, or the values of ``mlp.predict`` as a column for each output.

    Raises
    ------
    ArgumentError
        ``mlp`` is neither, is not fitted, or has an output for which there is no module here (that of ``loss="poisson"``).

    Notes
    -----
    To train on as scikit-learn would with ``solver="sgd"``, whose penalty ``alpha`` is divided by the size n of a batch and
    spares the biases::

        SGD(net.parameters(), mlp.learning_rate_init, mlp.momentum, mlp.nesterovs_momentum, mlp.alpha / n, decay_biases=False)

    Its gradient is that of CrossEntropy, of BCEWithLogits times the number of outputs, and, for a regressor, of MSE times half
    the number of outputs.
    """
    if not hasattr(mlp, "coefs_") or not hasattr(mlp, "out_activation_"):
        fitted = hasattr(mlp, "hidden_layer_sizes")
        hint = "; it is not fitted" if fitted else "; give the last step, pipeline[-1]" if hasattr(mlp, "steps") else ""
        raise ArgumentError("from_scikit_learn: mlp must be a fitted MLPClassifier or MLPRegressor, got "
                            f"{in_a_line(mlp)}{hint}")
    hidden = HIDDEN[one_of("from_scikit_learn: mlp.activation", mlp.activation, HIDDEN)]
    output = OUTPUT[one_of("from_scikit_learn: mlp.out_activation_", mlp.out_activation_, OUTPUT)]
    layers = [dense(weight.T, bias) for weight, bias in zip(mlp.coefs_, mlp.intercepts_, strict=True)]
    end = [] if logits or output is Identity else [output()]
    return Sequential(*chain.from_iterable([layer, hidden()] for layer in layers[:-1]), layers[-1], *end)


def from_opencv(mlp: Any) -> Sequential:
    r"""Build the network of a trained ``cv2.ml.ANN_MLP``, which predicts the same, in float64.

    Parameters
    ----------
    mlp : cv2.ml.ANN_MLP
        Trained, or read by ``cv2.ml.ANN_MLP_load(path)``.

    Raises
    ------
    ArgumentError
        ``mlp`` is none, or not trained; its activation has no module here (GAUSSIAN); or OpenCV is not installed (extra
        ``opencv``; OpenCV 5 has no module ``ml``).
    DataError
        Its numbers are not finite, as the scale of its outputs is after training with RELU, LEAKYRELU or IDENTITY without the
        flag ``NO_OUTPUT_SCALE``.

    Notes
    -----
    OpenCV scales its inputs and outputs itself, and its symmetric sigmoid is :math:`\beta (1 - e^{-\alpha x}) / (1 +
    e^{-\alpha x}) = \beta \tanh(\alpha x / 2)`: by default, with α = 2/3 and β = 1.7159, :math:`1.7159 \tanh(x / 3)`, and not
    :math:`1.7159 \tanh(2 x / 3)`, as its manual says. The activation also follows the last layer. Here the scale of the inputs,
    α and β are in the weights; a last Linear, whose parameters are frozen, scales the outputs.
    """
    with needs("opencv", "from_opencv"):
        import cv2
        from cv2 import ml
    if not isinstance(mlp, ml.ANN_MLP) or not mlp.isTrained():
        raise ArgumentError(f"from_opencv: mlp must be a trained cv2.ml.ANN_MLP, got {in_a_line(mlp)}")
    activation, before, after = activation_of(cv2, mlp)
    count = mlp.getLayerSizes().size
    inputs, *weights, outputs, _ = (as_floating(mlp.getWeights(k), np.dtype("float64"), "weights") for k in range(count + 2))
    if not all(np.isfinite(array).all() for array in (inputs, *weights, outputs)):
        raise DataError("from_opencv: mlp must have finite weights and scales; for an activation without bounds, train it with "
                        "the flag NO_OUTPUT_SCALE")
    scale, shift = inputs[0, ::2], inputs[0, 1::2]
    layers: list[Module] = []
    for matrix in weights:
        weight, bias = matrix[:-1].T * before, matrix[-1] * before
        layers += [dense(weight * scale, bias + weight @ shift), activation()]
        scale, shift = np.full(len(bias), after), np.zeros(len(bias))
    last = dense(np.diag(outputs[0, ::2] * after), outputs[0, 1::2])
    last.weight.frozen = True
    if last.bias is not None:
        last.bias.frozen = True
    return Sequential(*layers, last)


def activation_of(cv2: Any, mlp: Any) -> tuple[Any, float, float]:
    """Return what builds the activation, and the factors of its input and of its output. Only the text of a file tells them."""
    written = cv2.FileStorage(".yml", cv2.FILE_STORAGE_WRITE | cv2.FILE_STORAGE_MEMORY)
    mlp.write(written)
    storage = cv2.FileStorage(written.releaseAndGetString(), cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
    name = storage.getNode("activation_function").string()
    first, second = (storage.getNode(key).real() for key in ("f_param1", "f_param2"))
    found = {"IDENTITY": (Identity, 1.0, 1.0), "SIGMOID_SYM": (Tanh, first / 2, second), "RELU": (ReLU, 1.0, 1.0),
             "LEAKYRELU": (lambda: LeakyReLU(first), 1.0, 1.0)}
    return found[one_of("from_opencv: the activation", name, found)]


def dense(weight: Array, bias: Array) -> Linear:
    """Return a Linear of these numbers, in their dtype."""
    dtype = as_floating(weight, None, "weight").dtype
    layer = Linear(weight.shape[1], weight.shape[0], dtype=dtype, rng=0)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer
