"""What a name is called here: the names of other libraries, and misspelled ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

# The roots of names in other libraries (PyTorch, Keras, scikit-learn, JAX), and our names for the same. The first of ours that
# is among those to choose from counts.
ELSEWHERE: dict[str, tuple[str, ...]] = {
    # initializers; the second names are those of the command line
    "xavier": ("GlorotUniform", "Glorot"), "xavieruniform": ("GlorotUniform", "Glorot"), "glorot": ("GlorotUniform",),
    "glorotuniform": ("Glorot",), "xaviernormal": ("GlorotNormal", "Glorot normal"), "kaiming": ("HeNormal", "He"),
    "kaimingnormal": ("HeNormal", "He"), "kaiminguniform": ("HeUniform", "He uniform"), "he": ("HeNormal",),
    "henormal": ("He",), "msra": ("HeNormal", "He"), "lecun": ("LeCunNormal",), "lecunnormal": ("LeCun",),
    "variancescaling": ("LeCunNormal", "LeCun"), "randomnormal": ("Normal",), "gaussian": ("Normal",),
    "randomuniform": ("Uniform",), "ones": ("Constant",),
    # modules
    "dense": ("Linear",), "fullyconnected": ("Linear",), "swish": ("SiLU",), "logistic": ("Sigmoid",),
    "convolution": ("Conv2d",), "maxpooling": ("MaxPool2d",), "averagepooling": ("AvgPool2d",),
    "adaptiveavgpool": ("GlobalAvgPool2d",), "globalaveragepooling": ("GlobalAvgPool2d",), "upsampling": ("Upsample2d",),
    "batchnormalization": ("BatchNorm",), "layernormalization": ("LayerNorm",), "concatenate": ("Concat",), "cat": ("Concat",),
    "lambda": ("Function",), "view": ("Reshape",), "model": ("Sequential",), "functional": ("Graph",),
    # losses
    "categoricalcrossentropy": ("CrossEntropy",), "sparsecategoricalcrossentropy": ("CrossEntropy",),
    "softmaxcrossentropy": ("CrossEntropy",), "log": ("CrossEntropy",), "binarycrossentropy": ("BCE",),
    "meansquarederror": ("MSE",), "meanabsoluteerror": ("L1",), "mae": ("L1",), "smoothl1": ("Huber",),
    "hingeembedding": ("Hinge",),
    # optimizers and tools
    "momentum": ("SGD",), "nesterov": ("SGD",), "train": ("fit",), "gradcheck": ("check_gradients",),
    "checkgrad": ("check_gradients",), "checkestimator": ("check_module",), "hvp": ("hessian_vector_product",),
    "traintestsplit": ("split",), "standardscaler": ("standardize",), "dataloader": ("batches",),
    "accuracyscore": ("accuracy",), "computeclassweight": ("class_weights",), "averagedmodel": ("EMA",),
    "exponentialmovingaverage": ("EMA",), "clipbyglobalnorm": ("clip_grad_norm",), "randomhorizontalflip": ("Flip",),
    "randomflip": ("Flip",), "randomcrop": ("Shift",), "randomtranslation": ("Shift",), "gaussiannoise": ("Noise",),
    "modelcheckpoint": ("Checkpoint",), "csvlogger": ("CSVLog",), "tensorboardlogger": ("TensorBoard",),
    "cosineannealing": ("CosineLR",), "cosineannealinglr": ("CosineLR",), "lbfgs": ("minimize",),
    "levenbergmarquardt": ("least_squares",), "saveweights": ("save",), "loadweights": ("load",),
    # columns of the history; root takes "loss" from the end of val_loss
    "loss": ("cost",), "acc": ("accuracy",), "val": ("validation_cost",), "validation": ("validation_cost",),
    "valacc": ("validation_accuracy",), "valaccuracy": ("validation_accuracy",), "validationacc": ("validation_accuracy",),
    "valcost": ("validation_cost",), "auc": ("roc_auc_score",), "f1": ("f1_score",),
    "validationf1": ("validation_f1_score",), "valf1": ("validation_f1_score",), "r2": ("r2_score",),
}
CLOSE = 0.8                                                         # the least likeness, by difflib, of a misspelled name


def meant(name: str, choices: Iterable[str]) -> str | None:
    """Return the choice that ``name`` means: of the same root, of another library's name for it, or of a near spelling.

    >>> [meant(name, ["BatchNorm", "GlorotUniform", "SiLU"]) for name in ("BatchNorm1d", "xavier_uniform_", "swish", "LSTM")]
    ['BatchNorm', 'GlorotUniform', 'SiLU', None]
    """
    listed, wanted = list(choices), root(name)
    known = {root(choice.rpartition(".")[2]): choice for choice in reversed(listed)}        # of "0.weight", also "weight"
    known |= {root(choice): choice for choice in listed}
    for foreign, names in ELSEWHERE.items():
        ours = next((known[root(name)] for name in names if root(name) in known), None)
        if ours is not None:
            known.setdefault(foreign, ours)
    if wanted not in known:
        from difflib import get_close_matches
        wanted = next(iter(get_close_matches(wanted, known, 1, CLOSE)), wanted)
    return known.get(wanted)


def root(name: str) -> str:
    """Return a name without case, punctuation, and what libraries put around it: MSELoss, BatchNorm1d, make_moons."""
    return re.sub(r"^make(?=.)|(?<=.)(loss|[123]d)$", "", re.sub(r"[\W_]", "", name.lower()))


def suggestion(name: object, choices: Iterable[str]) -> str:
    """Return the end of an error message: ``; did you mean ...?``, or nothing if no choice is like the name."""
    found = meant(name, choices) if isinstance(name, str) else None
    return f"; did you mean {found!r}?" if found else ""


def unknown_names(module: str, choices: Iterable[str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module whose public names are the ``choices``."""
    def __getattr__(name: str) -> Any:
        found = "" if name.startswith("__") else suggestion(name, choices)
        raise AttributeError(f"module {module!r} has no attribute {name!r}{found}")
    return __getattr__
