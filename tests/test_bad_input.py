"""Wrong arguments raise the right kind of error with the right text, and change nothing.

Each row of the table has a call on the objects of `things`, the kind of the error, and a part of its text.
"""

import pickle
import re
from types import SimpleNamespace

import numpy as np
import pytest

import retroprop as rp
from retroprop.errors import ArgumentError, DataError, DtypeError, PhaseError, RetropropError, ShapeError, StateError

X, G = np.random.default_rng(0).standard_normal((5, 3)), np.random.default_rng(1).standard_normal((5, 4))
P, BITS, CLASSES = np.full((5, 3), 0.3), np.eye(3)[[0, 1, 2, 2, 1]], np.array([0, 1, 2, 2, 1])
NAN, INF = np.nan, np.inf
MODULES = {name: getattr(rp, name) for name in [
    "Identity", "Sigmoid", "Tanh", "ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Softplus", "Softsign", "HardTanh",
    "Softmax", "LogSoftmax", "Flatten", "Dropout"]} | {
    "Reshape": lambda: rp.Reshape(1, 3),
    "Linear": lambda: rp.Linear(3, 4, rng=0),
    "BatchNorm": lambda: rp.BatchNorm(3),
    "LayerNorm": lambda: rp.LayerNorm(3),
    "Sequential": lambda: rp.Sequential(rp.Linear(3, 4, rng=0), rp.Dropout(rng=0), rp.BatchNorm(4)),
}
LOSSES = {"BCE": P, "BCEWithLogits": X, "MSE": X, "L1": X, "Huber": X, "Hinge": X, "CrossEntropy": X, "NLL": np.log(P)}
OPTIMIZERS = ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"]
SCALED = ["GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LeCunNormal", "LeCunUniform", "Standard"]
INITIALIZERS = [*SCALED, "Orthogonal", "Normal", "Uniform", "Zeros", "Constant"]
ELSEWHERE = {"Module", "Loss", "Optimizer", "Initializer", "Conv2d", "MaxPool2d", "AvgPool2d", "GlobalAvgPool2d",
             "Upsample2d", "Embedding", "Graph", "Residual", "Add", "Concat", "Multiply", "Function", "Start", "Layer", "chain",
             "of", "starts"}
# Values that are not arrays of real numbers: the value, the kind of error, and its text after the name of the argument.
NOT_NUMBERS = {
    "objects": (np.array([[1, 2, None]] * 5), DtypeError, "must be real numbers, got object"),
    "None": (None, DtypeError, "must be real numbers, got object"),
    "strings": ([["1", "2", "3"]] * 5, DtypeError, "must be real numbers, got <U1"),
    "complex numbers": (X + 1j, DtypeError, "must be real numbers, got complex128"),
    "dates": (X.astype("M8[s]"), DtypeError, "must be real numbers, got datetime64[s]"),
    "ragged lists": ([[1, 2, 3], [4, 5]], ShapeError, "must be an array, got rows of different lengths"),
}


def things():
    """Return modules, a network, losses and an optimizer that have run, a new generator and a new module."""
    t = SimpleNamespace(rng=np.random.default_rng(0), fresh=rp.Linear(3, 4, rng=0), linear=MODULES["Linear"](),
                        norm=rp.BatchNorm(3), net=MODULES["Sequential"](), bce=rp.BCE(), none=rp.MSE("none"),
                        ce=rp.CrossEntropy([1, 2, 3]), nll=rp.NLL())
    t.adam = rp.Adam([{"params": t.net[0].parameters()}, {"params": t.net[2].parameters(), "lr": 0.1}])
    for module, g in ((t.linear, G), (t.norm, X), (t.net, G)):
        module.forward(X)
        module.backward(g)
        module.update()
    t.adam.step()
    for loss, prediction, target in ((t.bce, P, BITS), (t.none, X, P), (t.ce, X, CLASSES), (t.nll, X, CLASSES)):
        loss.forward(prediction, target)
        loss.backward()
    t.p = t.linear.weight
    return t


def look(t):
    """Return as bytes all values that a refused call must not change."""
    seen = [t.rng.bit_generator.state, t.adam.state_dict()]
    for root in (t.fresh, t.linear, t.norm, t.net, t.bce, t.none, t.ce, t.nll):
        for path, module in root.named_modules():
            rng = getattr(module, "rng", None)
            seen += [path, module.training, module.point, module.gradient, module.state_dict(), rng and rng.bit_generator.state]
        seen += [(p.data.copy(), p.grad.copy(), p.frozen) for p in root.parameters()]
    return pickle.dumps(seen)


def is_refused(call, error, text):
    t = things()
    before = look(t)
    with pytest.raises(RetropropError) as caught:
        call(t)
    assert type(caught.value) is error
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)
    assert look(t) == before


def test_nothing_public_is_left_out():
    """All public names are tested, except base classes, and modules and functions with tests of their own."""
    public = {name for part in (rp.modules, rp.losses, rp.optim, rp.initializers) for name in part.__all__}
    here = {*MODULES, *LOSSES, *OPTIMIZERS, *INITIALIZERS, "Parameter", "clip_grad_norm", "fans"}
    assert public - here - ELSEWHERE == set()


# Every module, loss and option, each in the same way


@pytest.mark.parametrize("kind", NOT_NUMBERS)
@pytest.mark.parametrize("name", MODULES)
def test_modules_take_real_numbers(name, kind):
    value, error, text = NOT_NUMBERS[kind]
    module = MODULES[name]()
    module.forward(X)
    is_refused(lambda t: module.forward(value), error, f"{module!r}: x {text}")
    is_refused(lambda t: module.backward(value), error, f"{module!r}: g {text}")
    is_refused(lambda t: module.predict(value), error, f"{module!r}: x {text}")


@pytest.mark.parametrize("name", MODULES)
def test_modules_refuse_what_does_not_fit_and_go_on(name):
    """Empty batches, a gradient of another shape, and an out that overlaps other memory are refused; the point stays."""
    module, twin = MODULES[name](), MODULES[name]()
    for same in (module, twin):
        if name == "Dropout":
            same.rng = np.random.default_rng(0)
        y = same.forward(X)
    who, g = repr(module), np.linspace(-1, 1, y.size, dtype=y.dtype).reshape(y.shape)
    x, like_y, like_x = X.astype(y.dtype), f"and of shape {y.shape}", f"and of shape {X.shape}"
    other = np.dtype("float64" if y.dtype == "float32" else "float32")
    for call, error, text in [
        (lambda: module.forward(np.zeros((0, 3))), ShapeError,
         f"{who}: x must hold at least one number, got shape (0, 3)"),
        (lambda: module.predict(np.zeros((0, 3))), ShapeError,
         f"{who}: x must hold at least one example, got shape (0, 3)"),
        (lambda: module.predict(1), ShapeError, f"{who}: x must hold at least one example, got shape ()"),
        (lambda: module.predict(X, batch_size=0), ArgumentError, "batch_size must be an integer of at least 1, got 0"),
        (lambda: module.predict(X, batch_size=True), ArgumentError,
         "batch_size must be an integer of at least 1, got True"),
        (lambda: module.backward(g[:4]), ShapeError,
         f"{who}: g must have the shape of the output, {y.shape}, got {g[:4].shape}"),
        (lambda: module.backward(1), ShapeError, f"{who}: g must have the shape of the output, {y.shape}, got ()"),
        (lambda: module.forward(x, out=y.astype(other)), DtypeError,
         f"{who}: out must be a {y.dtype} array, got {other}"),
        (lambda: module.forward(x, out=y.tolist()), DtypeError, f"{who}: out must be a {y.dtype} array, got list"),
        (lambda: module.forward(x, out=y[:4]), ShapeError,
         f"{who}: out must be C-contiguous {like_y}, got {y[:4].shape}"),
        (lambda: module.forward(x, out=np.asfortranarray(y)), ShapeError, f"{who}: out must be C-contiguous {like_y}"),
        (lambda: module.backward(g, out=x.astype(other)), DtypeError,
         f"{who}: out must be a {y.dtype} array, got {other}"),
        (lambda: module.backward(g, out=x[1:]), ShapeError, f"{who}: out must be C-contiguous {like_x}, got (4, 3)"),
        (lambda: module.astype("int32"), DtypeError, "dtype must be float32 or float64, got 'int32'"),
        (lambda: module.astype(None), DtypeError, "dtype must be float32 or float64, got None"),
    ]:
        with pytest.raises(RetropropError) as caught:
            call()
        assert type(caught.value) is error
        assert text in str(caught.value)
    np.testing.assert_array_equal(module.backward(g), twin.backward(g))


@pytest.mark.parametrize("name", ["Linear", "LayerNorm", "GELU", "SiLU", "Sequential"])
def test_out_must_not_overlap_what_is_still_read(name):
    module = MODULES[name]().astype("float64")
    square = rp.Sequential(rp.Linear(3, 3, dtype="float64")) if name in ("Linear", "Sequential") else module
    memory = np.random.default_rng(0).standard_normal(18)
    x, shifted = memory[:15].reshape(5, 3), memory[3:].reshape(5, 3)
    kept = memory.copy()
    with pytest.raises(ArgumentError, match="out must not overlap x, which this module still reads"):
        square.forward(x, out=shifted)
    square.forward(X)
    with pytest.raises(ArgumentError, match="out must not overlap g, which update still reads"):
        square.backward(x, out=shifted)
    np.testing.assert_array_equal(memory, kept)


@pytest.mark.parametrize("kind", NOT_NUMBERS)
@pytest.mark.parametrize("name", LOSSES)
def test_losses_take_real_numbers(name, kind):
    value, error, text = NOT_NUMBERS[kind]
    loss, target = getattr(rp, name)(), CLASSES if name in ("CrossEntropy", "NLL") else BITS
    loss.forward(LOSSES[name], target)
    before = loss.backward()
    is_refused(lambda t: loss.forward(value, target), error, f"{loss!r}: prediction {text}")
    if value is not None:                                           # which stands for ones
        is_refused(lambda t: loss.backward(value), error, f"{loss!r}: g {text}")
    is_refused(lambda t: loss.forward(LOSSES[name], value), error, f"{loss!r}: target {text}")
    np.testing.assert_array_equal(loss.backward(), before)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("value", [-1e-9, NAN, INF, None, 1j, [0.1]], ids=str)
def test_options_of_optimizers_are_numbers_in_their_range(name, value):
    parameters, got = rp.Linear(3, 4).parameters(), f"got {value!r}"
    build = getattr(rp, name)
    options = build(parameters, lr=0.1).groups[0].keys() - {"params", "nesterov", "betas", "decay_biases"}
    for option in options:
        text = f"{option} must be a number in [0, {'1)' if option in ('momentum', 'alpha') else 'inf)'}, {got}"
        given = {"lr": 0.1} | {option: value}
        with pytest.raises(ArgumentError, match=f"^{re.escape(text)}$"):
            build(parameters, **given)
        with pytest.raises(ArgumentError, match=f"^{re.escape(text)}$"):
            build([{"params": parameters} | given], lr=0.1)
        optimizer = build(parameters, lr=0.1)
        before = dict(optimizer.groups[0])
        with pytest.raises(ArgumentError, match=f"^{re.escape(text)}$"):
            optimizer.groups[0].update({option: value})
        assert optimizer.groups[0] == before


STATE = rp.Linear(3, 4, rng=0).state_dict()
BAD_STATE = {"weight": np.zeros((3, 4)), "bais": np.zeros(4), "scale": 1}
ADAM = things().adam.state_dict()


def adam_state(changes):
    """Return a correct state of the optimizer with some arrays replaced (None: left out)."""
    state = {name: value for name, value in (ADAM["state"] | changes).items() if value is not None}
    return {"state": state, "groups": ADAM["groups"]}


INTEGER = "must be an integer of at least 1, got"
DTYPE = "dtype must be float32 or float64, got"
SUM = "target must have the shape of the prediction"
CLASS = "CrossEntropy(weight=[1.0, 2.0, 3.0]): "
NET = "Sequential(Linear(3, 4), Dropout(), BatchNorm(4)): "
PARAMETERS = 'parameters must be Parameters, as of net.parameters(), or dicts with "params", and at least one, got'
SAME = rp.Linear(3, 4, rng=0)
REFUSED = [
    # modules
    (lambda t: rp.Linear(0, 4, rng=t.rng), ArgumentError, f"in_features {INTEGER} 0"),
    (lambda t: rp.Linear(2.5, 4, rng=t.rng), ArgumentError, f"in_features {INTEGER} 2.5"),
    (lambda t: rp.Linear(True, 4, rng=t.rng), ArgumentError, f"in_features {INTEGER} True"),
    (lambda t: rp.Linear("3", 4, rng=t.rng), ArgumentError, f"in_features {INTEGER} '3'"),
    (lambda t: rp.Linear(3, None, rng=t.rng), ArgumentError, f"out_features {INTEGER} None"),
    (lambda t: rp.Linear(3, -4, rng=t.rng), ArgumentError, f"out_features {INTEGER} -4"),
    (lambda t: rp.Linear(3, 4, dtype="float16", rng=t.rng), DtypeError, f"{DTYPE} 'float16'"),
    (lambda t: rp.Linear(3, 4, dtype=int, rng=t.rng), DtypeError, f"{DTYPE} <class 'int'>"),
    (lambda t: rp.Linear(3, 4, dtype="complex64", rng=t.rng), DtypeError, f"{DTYPE} 'complex64'"),
    (lambda t: rp.Linear(3, 4, dtype="wide", rng=t.rng), DtypeError, f"{DTYPE} 'wide'"),
    (lambda t: rp.BatchNorm(0), ArgumentError, f"features {INTEGER} 0"),
    (lambda t: rp.BatchNorm(3, eps=0), ArgumentError, "eps must be a number in (0, inf), got 0"),
    (lambda t: rp.BatchNorm(3, eps=NAN), ArgumentError, "eps must be a number in (0, inf), got nan"),
    (lambda t: rp.BatchNorm(3, momentum=1.5), ArgumentError, "momentum must be a number in [0, 1], got 1.5"),
    (lambda t: rp.BatchNorm(3, momentum=None), ArgumentError, "momentum must be a number in [0, 1], got None"),
    (lambda t: rp.BatchNorm(3, dtype=None), DtypeError, f"{DTYPE} None"),
    (lambda t: rp.LayerNorm(False), ArgumentError, f"features {INTEGER} False"),
    (lambda t: rp.LayerNorm(3, eps=-1), ArgumentError, "eps must be a number in (0, inf), got -1"),
    (lambda t: rp.LayerNorm(3, dtype="int8"), DtypeError, f"{DTYPE} 'int8'"),
    (lambda t: rp.Dropout(1, rng=t.rng), ArgumentError, "p must be a number in [0, 1), got 1"),
    (lambda t: rp.Dropout(-0.1, rng=t.rng), ArgumentError, "p must be a number in [0, 1), got -0.1"),
    (lambda t: rp.Dropout(NAN, rng=t.rng), ArgumentError, "p must be a number in [0, 1), got nan"),
    (lambda t: rp.Dropout("half", rng=t.rng), ArgumentError, "p must be a number in [0, 1), got 'half'"),
    (lambda t: rp.LeakyReLU(-0.1), ArgumentError, "slope must be a number in [0, 1], got -0.1"),
    (lambda t: rp.LeakyReLU(INF), ArgumentError, "slope must be a number in [0, 1], got inf"),
    (lambda t: rp.ELU(-1), ArgumentError, "alpha must be a number in [0, inf), got -1"),
    (lambda t: rp.ELU(INF), ArgumentError, "alpha must be a number in [0, inf), got inf"),
    (lambda t: rp.Reshape(2, 0), ArgumentError,
     "shape must be integers of at least 1, or one -1 among them, got (2, 0)"),
    (lambda t: rp.Reshape(-1, -1), ArgumentError, "one -1 among them, got (-1, -1)"),
    (lambda t: rp.Reshape(2.0), ArgumentError, "one -1 among them, got (2.0,)"),
    (lambda t: rp.Reshape((2, 3)), ArgumentError, "one -1 among them, got ((2, 3),)"),
    (lambda t: rp.Reshape(True, 3), ArgumentError, "one -1 among them, got (True, 3)"),
    (lambda t: rp.Sequential(), ArgumentError, "Sequential needs at least one module"),
    (lambda t: rp.Sequential(t.fresh, "Tanh"), ArgumentError, "Sequential: argument 1 must be a Module, got 'Tanh'"),
    (lambda t: rp.Sequential(rp.Tanh), ArgumentError, "Sequential: argument 0 must be a Module, got <class"),
    (lambda t: rp.Sequential([t.fresh]), ArgumentError, "Sequential: argument 0 must be a Module, got [Linear(3, 4)]"),
    (lambda t: rp.Sequential(t.fresh, t.fresh), ArgumentError,
     "Linear(3, 4) stands in two places, 0 and 1; make a second"),
    (lambda t: rp.Sequential(t.net, t.net[1]), ArgumentError, "Dropout() stands in two places, 0.1 and 1"),
    (lambda t: rp.Sequential(t.net[0]), ArgumentError, "Linear(3, 4), is already inside another container; copy it"),
    (lambda t: rp.Sequential(t.fresh, rp.Linear(4, 2, dtype="float64")), DtypeError,
     "Sequential: all parameters must have one dtype, got float32 (0.bias) and float64 (1.bias); use astype"),
    (lambda t: rp.Parameter([1], "p", "int32"), DtypeError, f"{DTYPE} 'int32'"),
    (lambda t: setattr(t.p, "data", np.zeros((3, 4))), ShapeError,
     "Parameter('weight', shape=(4, 3), dtype='float32'): data must have shape (4, 3), got (3, 4)"),
    (lambda t: setattr(t.p, "data", 0), ShapeError, "data must have shape (4, 3), got ()"),
    (lambda t: setattr(t.p, "grad", np.zeros(12)), ShapeError, "grad must have shape (4, 3), got (12,)"),
    (lambda t: t.linear.forward(np.zeros((5, 7))), ShapeError, "Linear(3, 4): x must have shape (..., 3), got (5, 7)"),
    (lambda t: t.linear.forward(1.0), ShapeError, "Linear(3, 4): x must have shape (..., 3), got ()"),
    (lambda t: t.linear.forward(np.zeros((2, 0, 3))), ShapeError,
     "x must hold at least one number, got shape (2, 0, 3)"),
    (lambda t: t.norm.forward(np.zeros((5, 4))), ShapeError,
     "BatchNorm(3): x must have shape (batch, 3) or (batch, 3, height, width), got (5, 4)"),
    (lambda t: t.norm.forward(np.zeros(3)), ShapeError, "(batch, 3, height, width), got (3,)"),
    (lambda t: t.norm.forward(np.zeros((5, 3, 1, 1, 1))), ShapeError, "(batch, 3, height, width), got (5, 3, 1, 1, 1)"),
    (lambda t: t.net.forward(np.zeros((5, 4))), ShapeError, "Linear(3, 4): x must have shape (..., 3), got (5, 4)"),
    (lambda t: t.net.forward(np.zeros((5, 2, 3))), ShapeError, "BatchNorm(4): x must have shape (batch, 4)"),
    (lambda t: t.net.summary((5, 2)), ShapeError, "Linear(3, 4): x must have shape (..., 3), got (5, 2)"),
    (lambda t: rp.LayerNorm(3).forward(G), ShapeError, "LayerNorm(3): x must have shape (..., 3), got (5, 4)"),
    (lambda t: rp.Flatten().forward(np.zeros(3)), ShapeError,
     "Flatten(): x must have shape (batch, ...) with at least two"),
    (lambda t: rp.Reshape(2, 2).forward(X), ShapeError,
     "Reshape(2, 2): x must have shape (batch, ...) with 4 numbers an exam"),
    (lambda t: rp.Reshape(2, -1).forward(X), ShapeError, "with 2 numbers an example or a multiple of it, got (5, 3)"),
    (lambda t: t.fresh.backward(G), PhaseError, "Linear(3, 4): no forward has run: call forward(x) first"),
    (lambda t: t.fresh.update(), PhaseError, "Linear(3, 4): no forward has run: call forward(x) first"),
    (lambda t: t.fresh.accumulate(), PhaseError, "Linear(3, 4): no forward has run: call forward(x) first"),
    (lambda t: t.fresh.load_state_dict(BAD_STATE), StateError,
     "Linear(3, 4): the state does not fit: missing 'bias'; unexpected"
     " 'bais'; unexpected 'scale'; 'weight' must have shape (4, 3), got (3, 4)"),
    (lambda t: t.fresh.load_state_dict(BAD_STATE, strict=False), StateError,
     "does not fit: 'weight' must have shape (4, 3), got (3, 4)"),
    (lambda t: t.fresh.load_state_dict(STATE | {"bias": ["a"] * 4, "weight": [[1], [1, 2]]}), StateError,
     "'weight' must be an array, got rows of different lengths; 'bias' must be real numbers, got <U1"),
    (lambda t: t.fresh.load_state_dict(STATE | {"bias": np.zeros(4, complex)}), StateError,
     "'bias' must be real numbers, got"),
    (lambda t: t.fresh.load_state_dict([1, 2]), StateError, "state must be a dict of arrays by name, got list"),
    (lambda t: t.net.load_state_dict(STATE), StateError,
     f"{NET}the state does not fit: missing '0.weight'; missing '0.bias'; "
     "missing '2.weight'; missing '2.bias'; missing '2.running_mean'; missing '2.running_var'; unexpected 'weight'"),
    # losses
    (lambda t: rp.MSE("average"), ArgumentError, "reduction must be one of 'mean', 'sum', 'none', got 'average'"),
    (lambda t: rp.BCE(None), ArgumentError, "reduction must be one of 'mean', 'sum', 'none', got None"),
    (lambda t: rp.Huber(0), ArgumentError, "delta must be a number in (0, inf), got 0"),
    (lambda t: rp.Huber(NAN), ArgumentError, "delta must be a number in (0, inf), got nan"),
    (lambda t: rp.Huber(1, "max"), ArgumentError, "reduction must be one of"),
    (lambda t: rp.CrossEntropy("sum"), ArgumentError,
     "CrossEntropy: weight must be a number for each class, got 'sum'; was reduction='sum' meant?"),
    (lambda t: rp.NLL([1, -1]), ArgumentError,
     "NLL: weight must be one number for each class, 0 or from 1e-30 to 1e+30, and not all 0, got"),
    (lambda t: rp.CrossEntropy([1, NAN]), ArgumentError,
     "CrossEntropy: weight must be one number for each class, 0 or from 1e-30 to 1e+30"),
    (lambda t: rp.CrossEntropy([1, INF]), ArgumentError,
     "CrossEntropy: weight must be one number for each class, 0 or from 1e-30 to 1e+30"),
    (lambda t: rp.CrossEntropy([0, 0]), ArgumentError, "not all 0, got [0, 0]"),
    (lambda t: rp.CrossEntropy([[1, 2]]), ArgumentError, "not all 0, got [[1, 2]]"),
    (lambda t: rp.CrossEntropy(["a", "b"]), DtypeError, "CrossEntropy: weight must be real numbers, got <U1"),
    (lambda t: t.bce.forward(P[:0], BITS[:0]), ShapeError,
     "BCE(): prediction must hold at least one number, got shape (0, 3)"),
    (lambda t: t.bce.forward(P, BITS[:, :1]), ShapeError, f"BCE(): {SUM}, (5, 3), got (5, 1)"),
    (lambda t: t.bce.forward(P[:4, 0], BITS), ShapeError, f"BCE(): {SUM}, (4,), got (5, 3)"),
    (lambda t: t.bce.forward(0.5, [1]), ShapeError, f"BCE(): {SUM}, (), got (1,)"),
    (lambda t: t.bce.forward(X, BITS), DataError,
     "BCE(): predictions must be probabilities in [0, 1], got values from"),
    (lambda t: t.bce.forward(P, 2 * BITS), DataError, "BCE(): targets must be in [0, 1], got values from 0 to 2"),
    (lambda t: t.bce.forward(P[:2], 2 * BITS[:2]), DataError,
     "BCE(): targets must be in [0, 1], got values from 0 to 2"),
    (lambda t: t.bce.backward([1]), ShapeError, "BCE(): g must have the shape of the output, (), got (1,)"),
    (lambda t: t.bce.backward(out=np.zeros((5, 3), "float32")), DtypeError,
     "BCE(): out must be a float64 array, got float32"),
    (lambda t: t.bce.backward(out=np.zeros((3, 5))), ShapeError,
     "BCE(): out must be C-contiguous and of shape (5, 3), got (3, 5)"),
    (lambda t: t.none.backward(1), ShapeError,
     "MSE(reduction='none'): g must have the shape of the output, (5, 3), got ()"),
    (lambda t: (lambda g: t.none.backward(g, out=g))(X.copy()), ArgumentError,
     "out must not overlap g, which backward still reads"),
    (lambda t: t.ce.forward(X[:, :2], CLASSES), ShapeError, f"{CLASS}prediction must have shape (N, 3), got (5, 2)"),
    (lambda t: t.ce.forward(X[0], CLASSES), ShapeError, f"{CLASS}prediction must have shape (N, 3), got (3,)"),
    (lambda t: t.ce.forward(X[:0], CLASSES[:0]), ShapeError, f"{CLASS}prediction must hold at least one number"),
    (lambda t: t.ce.forward(X, CLASSES + 1), DataError, f"{CLASS}classes must be in 0..2, got values from 1 to 3"),
    (lambda t: t.ce.forward(X, CLASSES - 1), DataError, f"{CLASS}classes must be in 0..2, got values from -1 to 1"),
    (lambda t: t.ce.forward(X, 2 * BITS), DataError, f"{CLASS}targets must be in [0, 1], got values from 0 to 2"),
    (lambda t: t.ce.forward(X[:2], CLASSES), ShapeError, f"{CLASS}target must have shape (2,), got (5,)"),
    (lambda t: t.nll.forward(X, BITS.astype(int)), ShapeError, "NLL(): target must have shape (5,), got (5, 3)"),
    (lambda t: rp.MSE().backward(), PhaseError, "MSE(): no forward has run: call forward(x) first"),
    # optimizers
    (lambda t: rp.SGD([], lr=0.1), ArgumentError, f"SGD: {PARAMETERS} []"),
    (lambda t: rp.Adam(None), ArgumentError, f"Adam: {PARAMETERS} None"),
    (lambda t: rp.RMSprop(t.net), ArgumentError, f"RMSprop: {PARAMETERS} Sequential("),
    (lambda t: rp.AdamW("weight"), ArgumentError, f"AdamW: {PARAMETERS} 'weight'"),
    (lambda t: rp.Adagrad([np.ones(3)]), ArgumentError, f"Adagrad: {PARAMETERS} [array([1., 1., 1.])]"),
    (lambda t: rp.SGD([{"lr": 0.1}], lr=0.1), ArgumentError, f"SGD: {PARAMETERS} [{{'lr': 0.1}}]"),
    (lambda t: rp.SGD([t.p, {"params": [t.p]}], lr=0.1), ArgumentError, f"SGD: {PARAMETERS} [Parameter("),
    (lambda t: rp.SGD([{"params": t.p}], lr=0.1), ArgumentError,
     'SGD: "params" must be a list of Parameters, got Parameter('),
    (lambda t: rp.SGD([{"params": ["w"]}], lr=0.1), ArgumentError, 'SGD: "params" must hold Parameters, got \'w\''),
    (lambda t: rp.SGD([t.p, t.p], lr=0.1), ArgumentError, "SGD: a Parameter is in the groups twice"),
    (lambda t: rp.SGD([{"params": [t.p]}, {"params": [t.p]}], lr=0.1), ArgumentError,
     "a Parameter is in the groups twice"),
    (lambda t: rp.SGD([{"params": [t.p], "decay": 1}], lr=0.1), ArgumentError,
     "SGD has no option 'decay'; it has lr, momentum, nesterov, weight_decay, decay_biases"),
    (lambda t: rp.SGD([t.p], lr=0.1, momentum=1), ArgumentError, "momentum must be a number in [0, 1), got 1"),
    (lambda t: rp.SGD([t.p], lr=0.1, nesterov=True), ArgumentError, "SGD: nesterov needs a momentum above 0"),
    (lambda t: rp.Adam([t.p], betas=0.9), ArgumentError, "betas must be a pair of numbers, got 0.9"),
    (lambda t: rp.Adam([t.p], betas=(0.9,)), ArgumentError, "betas must be a pair of numbers, got (0.9,)"),
    (lambda t: rp.Adam([t.p], betas=(0.9, 1)), ArgumentError, "betas must be a number in [0, 1), got 1"),
    (lambda t: rp.AdamW([t.p], betas=(NAN, 0.9)), ArgumentError, "betas must be a number in [0, 1), got nan"),
    (lambda t: rp.RMSprop([t.p], alpha=1), ArgumentError, "alpha must be a number in [0, 1), got 1"),
    (lambda t: setattr(t.adam, "lr", -1), ArgumentError, "lr must be a number in [0, inf), got -1"),
    (lambda t: t.adam.groups[1].__setitem__("momentum", 0.9), ArgumentError,
     "Adam has no option 'momentum'; it has lr, betas, eps, weight_decay, decay_biases"),
    (lambda t: rp.SGD(t.fresh.parameters(), lr=0.1).step(), PhaseError,
     "there are no gradients yet: call forward, backward and"),
    (lambda t: t.adam.load_state_dict(STATE), StateError,
     "state must be a dict of \"state\" and \"groups\", as of state_dict(), got"
     " ['weight', 'bias']"),
    (lambda t: t.adam.load_state_dict(None), StateError, "as of state_dict(), got None"),
    (lambda t: t.adam.load_state_dict(ADAM | {"groups": ADAM["groups"][:1]}), StateError,
     "the state has groups [{'lr': 0.001"),
    (lambda t: t.adam.load_state_dict(ADAM | {"groups": [ADAM["groups"][0] | {"lr": -1}] * 2}), ArgumentError,
     "lr must be a"),
    (lambda t: t.adam.load_state_dict(adam_state({"0.mean": G.T[:3], "1.square": None, "2.speed": 0})), StateError,
     "the state does not fit: missing '1.square'; unexpected '2.speed'; '0.mean' must have shape (4, 3), got (3, 5)"),
    (lambda t: t.adam.load_state_dict(adam_state({"3.steps": [1, 2]})), StateError,
     "'3.steps' must have shape (), got (2,)"),
    (lambda t: t.adam.load_state_dict(adam_state({"3.steps": None})), StateError,
     "unexpected '3.mean'; unexpected '3.square'"),
    (lambda t: rp.clip_grad_norm(t.net.parameters(), 0), ArgumentError, "max_norm must be a number in (0, inf), got 0"),
    (lambda t: rp.clip_grad_norm(t.net.parameters(), NAN), ArgumentError,
     "max_norm must be a number in (0, inf), got nan"),
    (lambda t: rp.clip_grad_norm(t.net, 1e-9), ArgumentError, "must be Parameters, as of net.parameters(), got Linear"),
    (lambda t: rp.clip_grad_norm([t.p, t.p.grad], 1e-9), ArgumentError, "as of net.parameters(), got ndarray"),
    (lambda t: rp.clip_grad_norm(None, 1), ArgumentError, "as of net.parameters(), got NoneType"),
    # initializers
    (lambda t: rp.Constant(NAN), ArgumentError, "value must be a number in (-inf, inf), got nan"),
    (lambda t: rp.Constant(None), ArgumentError, "value must be a number in (-inf, inf), got None"),
    (lambda t: rp.Normal(-1), ArgumentError, "std must be a number in [0, inf), got -1"),
    (lambda t: rp.Normal(1, INF), ArgumentError, "mean must be a number in (-inf, inf), got inf"),
    (lambda t: rp.Uniform(1, -1), ArgumentError, "high must be at least low, got low=1 and high=-1"),
    (lambda t: rp.Uniform(0, NAN), ArgumentError, "high must be a number in (-inf, inf), got nan"),
    (lambda t: rp.Orthogonal(-1), ArgumentError, "gain must be a number in [0, inf), got -1"),
    (lambda t: rp.GlorotUniform(-1), ArgumentError, "gain must be a number in [0, inf), got -1"),
    (lambda t: rp.GlorotNormal(NAN), ArgumentError, "gain must be a number in [0, inf), got nan"),
    (lambda t: rp.HeNormal("both"), ArgumentError, "fan must be one of 'in', 'out', got 'both'"),
    (lambda t: rp.HeUniform(slope=NAN), ArgumentError, "slope must be a number in (-inf, inf), got nan"),
    (lambda t: rp.Orthogonal()((3,), t.rng), ShapeError, "Orthogonal: shape must be (out, in, ...), got (3,)"),
    (lambda t: rp.initializers.fans((4,)), ShapeError,
     "fans: shape must be (out, in, ...), got (4,); a bias has no fan-in"),
    (lambda t: rp.initializers.fans("ab"), ArgumentError, f"each size in shape {INTEGER} 'a'"),
    (lambda t: rp.initializers.fans(3), ArgumentError, "shape must be a tuple of integers, got 3"),
]


@pytest.mark.parametrize(("call", "error", "text"), REFUSED, ids=[f"{text[:50]}" for _, _, text in REFUSED])
def test_refused(call, error, text):
    is_refused(call, error, text)


@pytest.mark.parametrize("kind", NOT_NUMBERS)
def test_parameters_take_real_numbers(kind):
    value, error, text = NOT_NUMBERS[kind]
    is_refused(lambda t: rp.Parameter(value, "p"), error, f"Parameter 'p': data {text}")
    is_refused(lambda t: setattr(t.p, "data", value), error, f"data {text}")
    is_refused(lambda t: setattr(t.p, "grad", value), error, f"grad {text}")


@pytest.mark.parametrize("name", INITIALIZERS)
def test_initializers_refuse_before_they_draw(name):
    init = getattr(rp, name)(*[1] * (name == "Constant"))
    is_refused(lambda t: init((4, 0), t.rng), ArgumentError, f"each size in shape {INTEGER} 0")
    is_refused(lambda t: init((4, 2.0), t.rng), ArgumentError, f"each size in shape {INTEGER} 2.0")
    is_refused(lambda t: init((4, True), t.rng), ArgumentError, f"each size in shape {INTEGER} True")
    is_refused(lambda t: init(4, t.rng), ArgumentError, "shape must be a tuple of integers, got 4")
    is_refused(lambda t: init((4, 3), t.rng, "int8"), DtypeError, f"{DTYPE} 'int8'")
    if name in SCALED:
        is_refused(lambda t: init((4,), t.rng), ShapeError, "fans: shape must be (out, in, ...), got (4,); a bias")


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1, 1)])
def test_a_batch_of_one_in_training(shape):
    """Statistics, parameters, gradients and the point stay, also where the same shape was taken in evaluation mode."""
    for module, who in ((rp.BatchNorm(3), None), (rp.Sequential(rp.Tanh(), rp.BatchNorm(3)), "in Sequential[1]")):
        module.forward(X)
        module.backward(X)
        module.update()
        before = pickle.dumps((module.state_dict(), [p.grad.copy() for p in module.parameters()]))
        with pytest.raises(ShapeError) as caught:
            module.forward(np.ones(shape))
        assert str(caught.value) == ("BatchNorm(3): training needs at least two values of each feature to estimate a "
                                     f"variance, got x of shape {shape}; use a larger batch, or eval()")
        assert getattr(caught.value, "__notes__", [None]) == [who]
        assert pickle.dumps((module.state_dict(), [p.grad.copy() for p in module.parameters()])) == before
        assert module.backward(X).shape == X.shape
        assert module.eval().forward(np.ones(shape)).shape == shape
        with pytest.raises(ShapeError):
            module.train().forward(np.ones(shape))
        assert module.backward(np.ones(shape)).shape == shape       # still at the point in evaluation mode
        assert module.forward(X).shape == X.shape


@pytest.mark.parametrize("value", ["0.1", b"0.1", True], ids=str)
def test_a_number_is_not_a_string_and_not_a_truth(value):
    is_refused(lambda t: rp.ELU(value), ArgumentError, f"alpha must be a number in [0, inf), got {value!r}")


@pytest.mark.parametrize(("value", "got"), [
    (np.array([0.1]), "array([0.1])"), (np.array([[1, 2], [3, 4]]), "array([[1, 2], [3, 4]])"), (np.True_, "np.True_"),
    (np.complex128(1), "np.complex128(1+0j)"), (np.ma.masked, "masked"), (np.str_("1"), "np.str_('1')"), ([0.1], "[0.1]"),
    (10**400, f"{10**400}")], ids=lambda value: type(value).__name__)
def test_a_number_is_not_an_array_and_not_masked(value, got):
    """NumPy would warn of some, and make numbers of others."""
    is_refused(lambda t: rp.ELU(value), ArgumentError, f"alpha must be a number in [0, inf), got {got}")
    assert rp.ELU(np.array(0.5)).alpha == rp.ELU(np.float32(0.5)).alpha == 0.5


@pytest.mark.parametrize("draw", [
    lambda rng: rp.Linear(2, 3, rng=rng), lambda rng: rp.Dropout(rng=rng), lambda rng: rp.Normal()((2, 3), rng),
    lambda rng: rp.datasets.moons(5, rng=rng), lambda rng: rp.datasets.split(X, X, rng=rng),
    lambda rng: rp.datasets.batches(X, X, batch_size=2, rng=rng)])
@pytest.mark.parametrize("rng", ["0", -1, 0.5], ids=repr)
def test_whatever_draws_says_what_an_rng_may_be(draw, rng):
    is_refused(lambda t: draw(rng), ArgumentError,
               f"rng must be None, an integer of at least 0 or a numpy.random.Generator, got {rng!r}")


def test_an_initializer_that_returns_another_shape_is_named():
    is_refused(lambda t: rp.Linear(2, 3, weight_init=lambda shape, rng, dtype: np.ones(shape[::-1])), ShapeError,
               "weight_init must return an array of shape (3, 2), got (2, 3) from")


def test_an_error_from_inside_says_where():
    net = rp.Sequential(rp.Linear(3, 4, rng=0), rp.Sequential(rp.Tanh(), rp.Linear(5, 2, rng=1)))
    with pytest.raises(ShapeError) as caught:
        net.forward(X)
    assert str(caught.value) == "Linear(5, 2): x must have shape (..., 5), got (5, 4)"
    assert caught.value.__notes__ == ["in Sequential[1]", "in Sequential[1]"]


@pytest.mark.parametrize("call", [
    lambda a: rp.lsuv(a, a), lambda a: rp.mup(a, 32), lambda a: rp.evaluate(a, rp.MSE(), a, a),
    lambda a: rp.save(a, "nowhere"),
    lambda a: rp.Checkpoint("nowhere").save(1, a), lambda a: rp.Checkpoint(a), lambda a: rp.Checkpoint("nowhere", every=a),
    lambda a: rp.initializers.of("PyTorch")(a), lambda a: rp.StepLR(a, 1), lambda a: rp.ReduceOnPlateau(a),
    lambda a: rp.check_module(a, a), lambda a: rp.features.scores(a),
    lambda a: rp.fit(rp.Linear(3, 1), rp.MSE(), a, (a, a), epochs=1)])
def test_an_array_in_the_place_of_a_network_or_an_optimizer_is_named_in_one_line(call):
    with pytest.raises(ArgumentError) as caught:
        call(np.ones((5, 3)))
    assert "\n" not in str(caught.value)
