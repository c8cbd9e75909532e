"""The public names of ``retroprop.interop``; each is imported when it is first used."""

from .keras_weights import from_keras as from_keras
from .onnx_files.reading import load_onnx as load_onnx
from .onnx_files.writing import save_onnx as save_onnx
from .perceptrons import from_opencv as from_opencv, from_scikit_learn as from_scikit_learn
from .scikit_learn import Classifier as Classifier, Regressor as Regressor
from .torch_modules import from_torch as from_torch
