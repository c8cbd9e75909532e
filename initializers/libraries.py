"""The starts that libraries give dense layers, and convolutions, by default: one table.

Each row was measured on the release that it names, or drawn from the formula in its source. Rules of convolutions are given
where they were measured too.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .architecture import Layer
from .base import Initializer
from .plain import Constant, Uniform
from .rules import (
    Distribution,
    Rule,
    Scale,
    Separate,
    ShortBoxMuller,
    constant,
    fixed,
    in_last,
    normal,
    positive,
    truncated,
    uniform,
)
from .special import NguyenWidrow, OpenCV

ZERO = constant(0)
ONE_BY_I = Scale("1/i", lambda layer: 1 / layer.fan_in)
ROOT = uniform(Scale("1/√i", lambda layer: 1 / math.sqrt(layer.fan_in)))
GLOROT = uniform(Scale("√(6/(i+o))", lambda layer: math.sqrt(6 / (layer.fan_in + layer.fan_out))))
GLOROT_VARIANCE = Scale("2/(i+o)", lambda layer: 2 / (layer.fan_in + layer.fan_out))


def alike(weight: Distribution, bias: Distribution) -> Separate:
    """The same for dense layers and convolutions."""
    return Separate(weight, bias, (weight, bias))


def both(distribution: Distribution) -> Separate:
    """The same for weights and biases of dense layers."""
    return Separate(distribution, distribution)


def scaled_glorot(text: str, factor: Callable[[Layer], float]) -> Distribution:
    """Glorot's uniform distribution, times a factor that depends on the layer."""
    def of(layer: Layer) -> Initializer:
        bound = factor(layer) * math.sqrt(6 / (layer.fan_in + layer.fan_out))
        return Uniform(-bound, bound)

    return Distribution(text, of)


def by_hidden_activation(layer: Layer) -> float:
    return math.sqrt(1 / 3) if layer.hidden_activation == "sigmoid" else 1.0


def gain(layer: Layer) -> float:
    return {"tanh": 5 / 3, "relu": math.sqrt(2)}.get(layer.activation, 1.0)


def of_relu(layer: Layer) -> Initializer:
    """ConvNetJS' biases."""
    return Constant(0.1 if layer.activation == "relu" else 0.0)


def of_rectifiers(layer: Layer) -> Initializer:
    """H2O's biases."""
    return Constant((1.0 if layer.index else 0.5) if layer.activation == "relu" and not layer.is_last else 0.0)


SCIKIT_LEARN = scaled_glorot("U(±√(6/(i+o))); in a sigmoid network U(±√(2/(i+o)))", by_hidden_activation)
NUMPY_ML = scaled_glorot("U(±g√(6/(i+o))); g: tanh 5/3, relu √2, others 1", gain)
FOUR_TIMES = scaled_glorot("4 times that", lambda layer: 4.0)
LECUN = normal(ONE_BY_I)
GLOROT_CUT = truncated(GLOROT_VARIANCE, corrected=True)
SMALL = normal(Scale("0.01²", lambda layer: 1e-4))
HE = normal(Scale("2/i", lambda layer: 2 / layer.fan_in))
KEPT, CUT = truncated(ONE_BY_I, corrected=True), truncated(ONE_BY_I, corrected=False)
DLIB = uniform(Scale("√(6/(i+filters))", lambda layer: math.sqrt(6 / (layer.fan_in + layer.shape[0]))))
DYNET = uniform(Scale("√(3/o)", lambda layer: math.sqrt(3 / layer.fan_out)))
AMORE = uniform(Scale("√(3/N)", lambda layer: math.sqrt(3 / layer.parameters)))
MONMLP = in_last(uniform(Scale("0.8/√(i+1)", lambda layer: 0.8 / math.sqrt(layer.fan_in + 1))), uniform(fixed(0.5)))
SPARK = uniform(Scale("2.4/√i", lambda layer: 2.4 / math.sqrt(layer.fan_in)))
DARKNET = uniform(Scale("√(2/i)", lambda layer: math.sqrt(2 / layer.fan_in)))
NEATAPTIC = positive(Scale("√(2i)", lambda layer: math.sqrt(2 * layer.fan_in)))
BOX_MULLER = Distribution("N(0, 1/i) without a tail, mean -0.026/√i", lambda layer: ShortBoxMuller(layer.fan_in**-0.5))

# What layers begin with, and the libraries that do so, each with its version and other names for it.
TABLE: tuple[tuple[Rule, dict[str, tuple[str, ...]]], ...] = (
    (alike(ROOT, ROOT), {"PyTorch": ("2.13.0", "torch"), "MindSpore": ("2.10.0",), "tinygrad": ("0.14.0",),
                         "Equinox": ("0.13.8",)}),
    (Separate(ROOT, ROOT, (ROOT, ZERO)), {"MLX": ("0.32.4",)}),
    (both(SCIKIT_LEARN), {"scikit-learn": ("1.9.1", "sklearn")}),
    (alike(GLOROT, ZERO), {"Keras": ("3.15.1", "tf.keras", "TensorFlow"), "nnabla": ("1.39.0",), "Lasagne": ("0.2.dev1",)}),
    (Separate(GLOROT, ZERO, (HE, ZERO)), {"PaddlePaddle": ("3.3.1", "Paddle")}),
    (Separate(GLOROT, ZERO, (DLIB, ZERO)), {"dlib": ("19.24",)}),
    (Separate(in_last(GLOROT, ZERO, classifiers=True), ZERO), {"Thinc": ("9.1.1",)}),
    (alike(KEPT, ZERO), {"Flax": ("0.12.8", "Flax linen", "Flax nnx", "linen", "nnx")}),
    (alike(CUT, ZERO), {"Haiku": ("0.0.17", "dm-haiku"), "Sonnet": ("2.0.2", "dm-sonnet")}),
    (alike(LECUN, ZERO), {"Chainer": ("7.8.1",)}),
    (alike(LECUN, Distribution("0; before relu 0.1", of_relu)), {"ConvNetJS": ("0.3.0",)}),
    (Separate(LECUN, ZERO), {"R-ANN2": ("source", "ANN2")}),
    (Separate(GLOROT_CUT, SMALL, (GLOROT_CUT, normal(Scale("10⁻¹²", lambda layer: 1e-12)))), {"stax": ("0.10.2", "JAX stax")}),
    (Separate(NUMPY_ML, ZERO), {"numpy-ml": ("0.1.2",)}),
    (alike(truncated(GLOROT_VARIANCE, corrected=False), ZERO), {"TensorFlow.js": ("4.22", "tfjs")}),
    (alike(uniform(fixed(0.07)), ZERO), {"MXNet": ("1.9.1", "MXNet Gluon", "Gluon")}),
    (alike(uniform(fixed(0.01)), ZERO), {"MXNet Module": ("1.9.1",)}),
    (Separate(uniform(fixed(1)), ZERO), {"micrograd": ("0.1.0",)}),
    (both(uniform(fixed(0.1))), {"FANN": ("2.2.0",), "synaptic": ("1.1.4",), "Neataptic Perceptron": ("1.4.7",)}),
    (both(uniform(fixed(0.2))), {"brain.js": ("1.6.1",)}),
    (both(uniform(fixed(0.3))), {"RSNNS": ("0.4-18", "R-RSNNS")}),
    (both(uniform(fixed(0.7))), {"R-nnet": ("7.3-18", "nnet")}),
    (both(normal(fixed(1))), {"R-neuralnet": ("1.44.2", "neuralnet"), "PyBrain": ("source",)}),
    (both(AMORE), {"R-AMORE": ("0.2-16", "AMORE")}),
    (Separate(uniform(fixed(0.1)), constant(0.1)), {"R-deepnet": ("0.2.1", "deepnet")}),
    (both(MONMLP), {"R-monmlp": ("source", "monmlp")}),
    (both(uniform(fixed(0.05))), {"WEKA": ("3.6.14",)}),
    (both(SPARK), {"Spark MLlib": ("4.3.0", "Spark", "PySpark", "MLlib")}),
    (both(uniform(fixed(1))), {"mlpack": ("4.8.0",), "Encog": ("source",)}),
    (Separate(in_last(GLOROT, FOUR_TIMES, classifiers=True),
              Distribution("0; before relu 0.5, later 1", of_rectifiers)), {"H2O": ("3.46.0.12",)}),
    (OpenCV(), {"OpenCV": ("4.14, 5.0", "OpenCV ANN_MLP", "cv2")}),
    (NguyenWidrow(), {"neurolab": ("0.3.5",)}),
    (Separate(GLOROT, DYNET), {"DyNet": ("2.1",)}),
    (Separate(DARKNET, ZERO, (HE, ZERO)), {"darknet": ("2018-09",)}),
    (Separate(positive(Scale("1/√i", lambda layer: layer.fan_in**-0.5)), ZERO), {"ml-fnn": ("5.0.0",)}),
    # Only its input nodes, whose biases have no effect, begin with 0.
    (Separate(NEATAPTIC, uniform(fixed(0.1))), {"Neataptic Network": ("1.4.7",)}),
    (Separate(BOX_MULLER, ZERO), {"js-pytorch": ("0.7.2",)}),
    (both(uniform(fixed(0.5))), {"pyrenn": ("0.1",), "genann": ("source",)}),
    (Separate(SMALL, ZERO), {"mlxtend": ("0.25",)}),
)
