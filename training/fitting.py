"""The training loop, `fit`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import Seed, generator, in_a_line, positive_int
from ..datasets.batches import in_batches
from ..datasets.checks import Inputs, finite, inputs_and_targets, same_features
from ..errors import ArgumentError, NonFiniteError, ShapeError
from ..losses import Loss
from ..modules import Module
from ..modules.core.evaluation import preserved_modes
from ..modules.core.values import Value, as_values, each, parts, several, shape_of
from ..optim import Optimizer
from ..progress import progress_bar
from .callbacks import AfterEpoch, Callback, Run
from .history import History
from .metrics import check_reduces, check_targets, in_parts, true_classes
from .scores import Metrics, Score, Seen, as_scores, check_scores, scored
from .session import interactive

Data = tuple[Inputs, ArrayLike]
Checked = tuple[Value, NDArray[Any]]                                # examples and targets


def fit(net: Module, loss: Loss, optimizer: Optimizer, data: Data, *, epochs: int, batch_size: int = 32,
        validation: Data | None = None, metrics: Metrics = (), rng: Seed = None,
        callbacks: Iterable[Callback | Callable[[Run], Any]] = (), progress: bool = True) -> History:
    """Train a network: for each batch, forward, loss, backward, update, and a step of the optimizer.

    Parameters
    ----------
    net, loss, optimizer : Module, Loss and Optimizer
        The network is trained in place. If it is in evaluation mode, ``fit`` trains it in training mode and restores
        evaluation mode at the end. If it is in training mode, single modules that you put into evaluation mode (a
        BatchNorm whose statistics must not change) stay in it.
    data : pair of arrays
        Examples and targets, of equal length. For a network of several inputs the examples are a tuple of arrays.
    epochs : int
        Number of passes through all examples.
    batch_size : int, default 32
        Examples in a batch. The last batch may be smaller; a single remaining example joins the batch before it.
    validation : pair of arrays, default None
        Evaluated after each epoch, as by ``evaluate``: in parts, so that memory does not grow with their number.
    metrics : iterable of str or function, or dict of functions by name, default ()
        Scores that the history gets as columns, of the training examples (``f1_score``) and of the validation examples
        (``validation_f1_score``): names out of ``accuracy``, ``f1_score``, ``mean_absolute_error``, ``r2_score``,
        ``roc_auc_score``, ``top_k_accuracy_score``, or functions ``score(prediction, y)`` that return a number. No prediction
        is made for them: those of the training examples are those of the epoch's steps, as for the cost.
    rng : None, int or numpy.random.Generator
        Source of the order of the examples, which is drawn anew for each epoch. Each call with the same int draws the same
        orders: to train on in a second call, give both calls one Generator, or the second another int.
    callbacks : iterable of Callback or function
        Called in this order; a function is called as ``function(run)`` after each epoch. See Callback, EarlyStopping.
    progress : bool, default True
        Whether to show a progress bar: on a terminal, or as a widget in a notebook; there is none elsewhere.

    Returns
    -------
    History
        The numbers of each epoch. If Ctrl-C ends training early in an interactive session (a prompt of Python or IPython, a
        notebook), the history holds the epochs that had ended, and ``history.interrupted`` is True.

    Raises
    ------
    NonFiniteError
        The cost is NaN or infinite: the message names the epoch, the batch and the first module whose output is not
        finite. The parameters are those before the step on that batch, or those of the best epoch if EarlyStopping keeps
        them.
    KeyboardInterrupt
        Ctrl-C, outside of an interactive session: in a script, a worker process, a thread. Its attribute ``history`` holds
        the epochs that had ended. The modes are restored, and ``after_training`` has been called.
    DataError, ShapeError, DtypeError, ArgumentError
        An argument is wrong: NaN or infinity in the data, labels out of range, unequal lengths, and so on. Nothing has
        changed then.
    """
    epochs, batch_size = positive_int("epochs", epochs), positive_int("batch_size", batch_size)
    check_reduces(net, loss)
    check_trainable(net, optimizer)
    if not isinstance(callbacks, Iterable):
        raise ArgumentError(f"callbacks must be a list of Callbacks or functions, got {callbacks!r}")
    hooks = [as_callback(callback) for callback in callbacks]
    x, y = checked_data(net, loss, data, "data")
    held_out = None if validation is None else checked_data(net, loss, validation, "validation")
    scores = as_scores(metrics, loss)
    for _, targets in filter(None, ((x, y), held_out)):
        check_scores(scores.values(), (len(targets), *net.output_shape(shape_of(x))[1:]), targets)
    if held_out is not None:
        same_features("validation[0]", held_out[0], x)
    rng = generator(rng)
    run = Run(net, loss, optimizer, History(), data=(x, y), callbacks=hooks, columns=columns(loss, held_out, scores))
    begun: list[Callback] = []
    try:
        with preserved_modes(net) as kept, kept:
            if not net.training:
                net.train()
            smallest = smallest_batch(len(y), batch_size)
            net.admit(each(lambda array: (smallest, *array.shape[1:]), x))
            for hook in hooks:
                begun.append(hook)
                hook.before_training(run)
            with np.errstate(over="ignore", invalid="ignore", under="ignore"), progress_bar(epochs, "epoch", progress) as shown:
                for run.epoch in range(1, epochs + 1):
                    run.history.append(one_row(run, in_batches(x, y, batch_size, rng, join_single=True), held_out, scores))
                    for hook in hooks:
                        hook.after_epoch(run)
                    shown.update()
                    shown.set_postfix_str(str(run.history).partition(": ")[2], refresh=False)
                    if run.history.stopped is not None:
                        break
        end_training(run, begun)
    except KeyboardInterrupt as error:
        run.history.stopped, run.history.interrupted = "interrupted", True
        end_training(run, begun)
        if not interactive():
            run.history.attached(error)
            raise
    except NonFiniteError as error:
        said = [hook.after_divergence(run) for hook in begun]
        error.args = ("; ".join([str(error), *filter(None, said)]),)
        raise
    return run.history


def end_training(run: Run, begun: list[Callback]) -> None:
    """Call ``after_training`` of the callbacks that have begun; one that Ctrl-C interrupts is called again, from its start."""
    while begun:
        begun[0].after_training(run)
        del begun[0]


def smallest_batch(n: int, batch_size: int) -> int:
    """Return the number of examples in the smallest batch, if a single remaining one joins the batch before it."""
    rest = n % batch_size
    return rest if rest > 1 or rest == n else batch_size


def one_row(run: Run, order: Iterable[Checked], held_out: Checked | None, scores: Mapping[str, Score]) -> dict[str, float]:
    """Train for an epoch, evaluate, and return the numbers of the epoch."""
    start = time.perf_counter()
    seen: Seen | None = [] if scores else None
    row = {"epoch": float(run.epoch), "cost": one_epoch(run, order, seen)} | scored(scores, seen)
    if held_out is not None:
        seen = [] if scores else None
        cost, share = in_parts(run.net, run.loss, *held_out, seen=seen)
        if not math.isfinite(cost):
            raise NonFiniteError(f"fit: the validation cost of epoch {run.epoch} is {cost}: training has diverged")
        row |= {"validation_cost": cost} | ({} if share is None else {"validation_accuracy": share})
        row |= scored(scores, seen, "validation_")
    return row | {"seconds": time.perf_counter() - start}


def one_epoch(run: Run, order: Iterable[Checked], seen: Seen | None) -> float:
    """Train on each batch, and return the mean cost of an example (with reduction "sum", the summed cost).

    Predictions and targets of each batch are added to ``seen``, unless it is None.
    """
    net, loss, optimizer, hooks = run.net, run.loss, run.optimizer, run.callbacks
    before_batch = [hook.before_batch for hook in hooks if type(hook).before_batch is not Callback.before_batch]
    after_step = [hook.after_step for hook in hooks if type(hook).after_step is not Callback.after_step]
    total = divisor = 0.0
    for run.batch, (run.x, run.y) in enumerate(order, 1):
        for call in before_batch:
            call(run)
        prediction = net.forward(run.x)
        run.cost = loss.forward(prediction, run.y)
        if seen is not None:
            seen.append((prediction, run.y))
        if not math.isfinite(run.cost):
            raise NonFiniteError(divergence_message(run))
        net.backward(loss.backward(), input_gradient=False)
        net.update()
        optimizer.step()
        for call in after_step:
            call(run)
        total, divisor = total + loss.divisor * run.cost, divisor + loss.divisor
    return total / divisor if loss.reduction == "mean" else total


def columns(loss: Loss, held_out: Checked | None, scores: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the columns of the history."""
    validation = [] if held_out is None else ["cost", *scores]
    if held_out is not None and true_classes(loss, held_out[1]) is not None and "accuracy" not in scores:
        validation.insert(1, "accuracy")
    return "epoch", "cost", *scores, *(f"validation_{name}" for name in validation), "seconds"


def check_trainable(net: Module, optimizer: Optimizer) -> None:
    """Raise ArgumentError unless the optimizer moves a parameter of the network."""
    if not isinstance(optimizer, Optimizer):
        raise ArgumentError(f"optimizer must be an Optimizer, such as SGD(net.parameters(), lr=0.1), got "
                            f"{in_a_line(optimizer)}")
    own = set(net.parameters())
    held = [parameter for parameter in optimizer.parameters() if parameter in own]
    if not held:
        raise ArgumentError("optimizer must hold parameters of net, got one that was built for another network")
    if all(parameter.frozen for parameter in held):
        raise ArgumentError("optimizer must hold a parameter of net that is not frozen, got frozen ones only: nothing would be "
                            "trained")


def as_callback(callback: Any) -> Callback:
    """Return a Callback: the argument itself or, for a function, one that calls it after each epoch."""
    if not isinstance(callback, Callback) and (not callable(callback) or isinstance(callback, (Module, type))):
        raise ArgumentError(f"callbacks must hold Callbacks or functions, got {callback!r}")
    return callback if isinstance(callback, Callback) else AfterEpoch(callback)


def checked_data(net: Module, loss: Loss, data: Data, name: str) -> Checked:
    """Return examples, in the network's dtype, and targets, after checking that the network and the loss take them."""
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        many = isinstance(data, (tuple, list))
        got = f"a {type(data).__name__} of {len(data)}" if many else type(data).__name__
        hint = "; the loss has the weights: CrossEntropy(weight=...) has one for each class" if many and len(data) == 3 else ""
        raise ArgumentError(f"{name} must be a pair (x, y), got {got}{hint}")
    return checked_pair(net, loss, *data, names=(f"{name}[0]", f"{name}[1]"))


def checked_pair(net: Module, loss: Loss, x: Inputs, y: ArrayLike, names: tuple[str, str] = ("x", "y")) -> Checked:
    """Return examples and targets as ``checked_data`` does; ``names`` are those in error messages."""
    inputs, targets = inputs_and_targets(x, y, names=names, arity=net.arity)
    inputs = as_values(finite(names[0], inputs), net.dtype, names[0], net, net.arity)
    targets = finite(names[1], targets)
    shape = net.output_shape(shape_of(inputs))
    if several(shape):
        raise ShapeError(f"fit: net must have one output, which the loss takes, got {len(shape)}: write the loop "
                         "yourself, with a loss for each output")
    check_targets(net, loss, inputs, targets)
    return inputs, targets


def divergence_message(run: Run) -> str:
    """Name the module whose output is not finite, found by running a copy of the network module by module."""
    message = f"fit: the cost of epoch {run.epoch}, batch {run.batch} is {run.cost}"
    net = deepcopy(run.net)
    outputs: list[Value] = []

    def record(module: Module, x: Value) -> Value:
        outputs.append(module.forward(x))
        return outputs[-1]

    net.flow(run.x, record)
    for (path, module), output in zip(net.leaves(), outputs, strict=True):
        if not all(np.isfinite(array).all() for array in parts(output)):
            place = f"module {path}, {module!r}" if path else repr(module)
            return (f"{message}; the first output that is not finite is that of {place}. A smaller learning rate, another "
                    "initialization (Glorot, He) or clip_grad_norm may help")
    return (f"{message}, but the output of every module is finite: check the loss, {run.loss!r}, and the targets; "
            "a smaller learning rate may help")

