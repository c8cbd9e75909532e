"""How the layers of fifty libraries begin, as measured from the running packages, or drawn from the formula in the source.

A law is a kind and a number: U is uniform on [-a, a], N normal of standard deviation s, T normal cut at ±2 of this nominal
standard deviation s, P uniform on [0, a], C the constant c. i is fan_in, o fan_out, N the number of all parameters.
"""

from math import sqrt
from typing import NamedTuple

AFTER_CUT = 0.8796256610342398                                      # standard deviation of N(0, 1) cut at ±2


class Place(NamedTuple):
    """A layer, as the facts are stated."""

    i: int
    o: int
    first: bool
    last: bool
    activation: str                                                 # after the layer
    hidden: str
    N: int


def same(law):
    return law, law


ZERO = ("C", 0)


def torch(p):
    return same(("U", 1 / sqrt(p.i)))


def scikit_learn(p):
    return same(("U", sqrt((2 if p.hidden == "sigmoid" else 6) / (p.i + p.o))))


def glorot(p):
    return ("U", sqrt(6 / (p.i + p.o))), ZERO


def lecun(p):
    return ("N", 1 / sqrt(p.i)), ZERO


def uncorrected(p):
    return ("T", 1 / sqrt(p.i)), ZERO


def numpy_ml(p):
    gain = {"tanh": 5 / 3, "relu": sqrt(2)}.get(p.activation, 1)
    return ("U", gain * sqrt(6 / (p.i + p.o))), ZERO


def h2o(p):
    bias = 0 if p.activation != "relu" or p.last else 0.5 if p.first else 1
    return ("U", (4 if p.last else 1) * sqrt(6 / (p.i + p.o))), ("C", bias)


def within(a):
    return lambda p: same(("U", a))


def normal(p):
    return same(("N", 1))


LIBRARIES = {                                                       # version, law of weights and of biases
    "PyTorch": ("2.13.0", torch),
    "MindSpore": ("2.10.0", torch),
    "MLX": ("0.32.4", torch),
    "tinygrad": ("0.14.0", torch),
    "Equinox": ("0.13.8", torch),
    "scikit-learn": ("1.9.1", scikit_learn),
    "Keras": ("3.15.1", glorot),
    "PaddlePaddle": ("3.3.1", glorot),
    "nnabla": ("1.39.0", glorot),
    "Lasagne": ("0.2.dev1", glorot),
    "dlib": ("19.24", glorot),
    "Thinc": ("9.1.1", lambda p: (ZERO if p.last else glorot(p)[0], ZERO)),             # the last is a Softmax layer
    "Flax": ("0.12.8", lambda p: (("T", 1 / sqrt(p.i) / AFTER_CUT), ZERO)),             # variance 1/i after the cut
    "Haiku": ("0.0.17", uncorrected),
    "Sonnet": ("2.0.2", uncorrected),
    "Chainer": ("7.8.1", lecun),
    "ConvNetJS": ("0.3.0", lambda p: (lecun(p)[0], ("C", 0.1 if p.activation == "relu" else 0))),
    "R-ANN2": ("source", lecun),
    "stax": ("0.10.2", lambda p: (("T", sqrt(2 / (p.i + p.o)) / AFTER_CUT), ("N", 0.01))),
    "numpy-ml": ("0.1.2", numpy_ml),
    "TensorFlow.js": ("4.22", lambda p: (("T", sqrt(2 / (p.i + p.o))), ZERO)),
    "MXNet": ("1.9.1", lambda p: (("U", 0.07), ZERO)),
    "MXNet Module": ("1.9.1", lambda p: (("U", 0.01), ZERO)),
    "micrograd": ("0.1.0", lambda p: (("U", 1), ZERO)),
    "FANN": ("2.2.0", within(0.1)),
    "synaptic": ("1.1.4", within(0.1)),
    "Neataptic Perceptron": ("1.4.7", within(0.1)),
    "brain.js": ("1.6.1", within(0.2)),
    "RSNNS": ("0.4-18", within(0.3)),
    "R-nnet": ("7.3-18", within(0.7)),
    "R-neuralnet": ("1.44.2", normal),
    "PyBrain": ("source", normal),
    "R-AMORE": ("0.2-16", lambda p: same(("U", sqrt(3 / p.N)))),
    "R-deepnet": ("0.2.1", lambda p: (("U", 0.1), ("C", 0.1))),
    "R-monmlp": ("source", lambda p: same(("U", 0.5 if p.last else 0.8 / sqrt(p.i + 1)))),
    "WEKA": ("3.6.14", within(0.05)),
    "Spark MLlib": ("4.3.0", lambda p: same(("U", 2.4 / sqrt(p.i)))),
    "mlpack": ("4.8.0", within(1)),
    "H2O": ("3.46.0.12", h2o),
    "Encog": ("source", within(1)),
    "DyNet": ("2.1", lambda p: (glorot(p)[0], ("U", sqrt(3 / p.o)))),
    "darknet": ("2018-09", lambda p: (("U", sqrt(2 / p.i)), ZERO)),
    "ml-fnn": ("5.0.0", lambda p: (("P", 1 / sqrt(p.i)), ZERO)),
    # The first note of these facts says 0 for the biases: those are the biases of the input nodes, which have no effect. The
    # constructor of a Node gives all others Math.random() * 0.2 - 0.1, and so they measure.
    "Neataptic Network": ("1.4.7", lambda p: (("P", sqrt(2 * p.i)), ("U", 0.1))),
    "pyrenn": ("0.1", within(0.5)),
    "genann": ("source", within(0.5)),
    "mlxtend": ("0.25", lambda p: (("N", 0.01), ZERO)),
}
SPECIAL = {"OpenCV": "4.14, 5.0", "neurolab": "0.3.5", "js-pytorch": "0.7.2"}       # these have tests of their own

# Convolutions, as measured (out 600, in 16, 5 × 5), or from the source. Where dense layers begin alike, nothing is repeated.
ALIKE = ("PyTorch", "MindSpore", "tinygrad", "Equinox", "Keras", "nnabla", "Lasagne", "Flax", "Haiku", "Sonnet", "Chainer",
         "ConvNetJS", "TensorFlow.js", "MXNet", "MXNet Module")
CONVOLUTIONS = {name: LIBRARIES[name][1] for name in ALIKE} | {
    "MLX": lambda p: (torch(p)[0], ZERO),
    "PaddlePaddle": lambda p: (("N", sqrt(2 / p.i)), ZERO),
    "dlib": lambda p: (("U", sqrt(6 / (p.i + p.o // 15))), ZERO),                       # a 5 × 3 filter, in the tests
    "stax": lambda p: (LIBRARIES["stax"][1](p)[0], ("N", 1e-6)),
    "darknet": lambda p: (("N", sqrt(2 / p.i)), ZERO),
}

# OpenCV 4.14.0, sizes 3, 4, 3, 2: what getWeights returns after a training step of size 0, (inputs + 1, units), bias last.
OPENCV = [
    [[-0.5738631599174471, -0.3815530566258055, -0.2822369044811278, -0.39337617457769547],
     [0.12256134712096885, -0.2830929807306694, 0.34435467135864434, -0.3449788952878014],
     [-0.3035754929615839, 0.33535396264352524, 0.373408424160228, -0.26164493013450296],
     [0.589703672517057, 0.11710647819410779, 0.0, -0.20139491658598596]],
    [[-0.41130983770580726, -0.2588550584722058, -0.25181297650194656],
     [-0.021792225441868564, -0.12268810765293106, -0.278615558293989],
     [-0.3295582223770152, -0.3269663927620822, 0.22417458832018383],
     [-0.2373397144753089, 0.2914904411127809, -0.24539687688388082],
     [-0.609738350131696, 0.18756907377427673, -0.1128767284694728]],
    [[0.42695201109314573, -0.7409635426076764],
     [-0.16979425862716868, -0.3671613909585544],
     [0.4011904173135412, 0.7997983249953398],
     [0.15157924422466418, 0.37742468476582025]],
]
OPENCV_LAST_BIAS = [                                                # of the lecture's sizes 64, 100, 100, 10
    0.781480459940757, -0.69007488343404, -0.17668941430668617, -0.30742115334596887, -0.4983398545875476, 0.34935067635590467,
    0.4641486196458191, 0.8224203809101815, 0.7884746638930193, -0.1977989838000913]

# neurolab 0.3.5, newff([[0, 1]] * 64, [100, 100, 10]) with TanSig, TanSig, PureLin: the norm of each row of each layer.
NEUROLAB_NORMS = [3.008901919299688, 1.4659799672712597, 0.7163050945965278]

# The epochs after which a plain NumPy loop had at most 10 % test error, by seed: from the fewest to the most, or never. The
# lecture's network, 64-5×100-10 tanh, on the digits, with batches of 10 and SGD at rate 0.03.
EPOCHS = {
    "PyTorch": (8, 11), "MindSpore": (8, 11), "MLX": (8, 11), "tinygrad": (8, 11), "Equinox": (8, 11), "scikit-learn": (1, 2),
    "Keras": (1, 2), "PaddlePaddle": (1, 2), "nnabla": (1, 2), "Lasagne": (1, 2), "dlib": (1, 2), "Thinc": (2, 3),
    "Flax": (1, 2), "Haiku": (2, 3), "Sonnet": (2, 3), "Chainer": (1, 2), "ConvNetJS": (1, 2), "R-ANN2": (1, 2), "stax": (1, 2),
    "numpy-ml": (1, 1), "TensorFlow.js": (2, 2), "MXNet": None, "micrograd": (11, 13), "FANN": (10, 15), "synaptic": (10, 15),
    "Neataptic Perceptron": (10, 15), "brain.js": (1, 2), "RSNNS": (1, 2), "R-nnet": (4, 5), "R-neuralnet": None,
    "PyBrain": None, "R-AMORE": None, "R-deepnet": (13, 17), "R-monmlp": (4, 6), "WEKA": None, "Spark MLlib": (1, 2),
    "mlpack": (8, 12), "H2O": (1, 2), "OpenCV": None, "neurolab": (2, 3), "DyNet": (1, 2), "darknet": (3, 4), "ml-fnn": None,
    "Neataptic Network": None, "js-pytorch": (2, 2), "pyrenn": (2, 3), "genann": (2, 3), "mlxtend": None,
}
