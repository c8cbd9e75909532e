"""fit: the loop around the phases."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import Seed, generator, positive_int
from ..datasets.batches import in_batches
from ..datasets.checks import Inputs, finite, inputs_and_targets, same_features
from ..errors import ArgumentError, NonFiniteError, ShapeError
from ..losses import Loss
from ..modules import Module
from ..modules.core.values import Value, as_values, dtype_of, parts, several, shape_of
from ..optim import Optimizer
from .callbacks import AfterEpoch, Callback, Run
from .history import History
from .metrics import check_reduces, judge

Data = tuple[Inputs, ArrayLike]


def fit(net: Module, loss: Loss, optimizer: Optimizer, data: Data, *, epochs: int, batch_size: int = 32,
        validation: Data | None = None, rng: Seed = None, callbacks: Iterable[Callback | Callable[[Run], Any]] = (),
        progress: bool = True) -> History:
    """Train a network: for each batch forward, loss, backward, update and step.

    Parameters
    ----------
    net, loss, optimizer : Module, Loss and Optimizer
        Trained in place. A network in evaluation mode is put into training mode, and back at the end; in one that is in
        training mode, modules that you put into evaluation mode (a BatchNorm that is to keep its statistics) stay so.
    data : pair of arrays
        Examples and targets, of equal length. For a network of several inputs the examples are a tuple of arrays.
    epochs : int
        How often all examples are seen.
    batch_size : int, default 32
        Examples in a batch. What remains is the last batch; a single example joins the batch before it.
    validation : pair of arrays, default None
        Evaluated after each epoch.
    rng : None, int or numpy.random.Generator
        Where the order of the examples is drawn from, anew each epoch.
    callbacks : iterable of Callback or function
        Run in this order; a function is called as ``function(run)`` after each epoch. See Callback, EarlyStopping.
    progress : bool, default True
        Whether to show a bar; it is silent by itself where standard error is not a terminal.

    Returns
    -------
    History
        Also when the user interrupts with Ctrl-C: then it holds the epochs that ended before.

    Raises
    ------
    NonFiniteError
        The cost is NaN or infinite: the message names the epoch, the batch and the first module whose output is not
        finite. The step of that batch is not made.
    DataError, ShapeError, DtypeError, ArgumentError
        Before anything has changed: NaN or infinity in the data, labels out of range, lengths that differ, and so on.
    """
    epochs, batch_size = positive_int("epochs", epochs), positive_int("batch_size", batch_size)
    check_reduces(net, loss)
    if not isinstance(optimizer, Optimizer):
        raise ArgumentError(f"optimizer must be an Optimizer, such as SGD(net.parameters(), lr=0.1), got {optimizer!r}")
    mine = set(net.parameters())
    if not any(parameter in mine for parameter in optimizer.parameters()):
        raise ArgumentError("optimizer must hold parameters of net: it was built for another network")
    if not isinstance(callbacks, Iterable):
        raise ArgumentError(f"callbacks must be a list of Callbacks or functions, got {callbacks!r}")
    hooks = [as_callback(callback) for callback in callbacks]
    x, y = checked(net, loss, data, "data")
    held_out = None if validation is None else checked(net, loss, validation, "validation")
    if held_out is not None:
        same_features("validation[0]", held_out[0], x)
    rng = generator(rng)
    run = Run(net, loss, optimizer, History())
    modes = [(module, module.training) for _, module in net.named_modules()]
    try:
        if not net.training:
            net.train()
        for hook in hooks:
            hook.before_training(run)
        with np.errstate(over="ignore", invalid="ignore"), bar(epochs, progress) as shown:
            for run.epoch in range(1, epochs + 1):
                start = time.perf_counter()
                row = {"epoch": float(run.epoch), "cost": one_epoch(run, hooks, in_batches(
                    x, y, batch_size, rng, join_single=True))}
                if held_out is not None:
                    cost, share = judge(loss, net.predict(held_out[0]), held_out[1])
                    if not math.isfinite(cost):
                        raise NonFiniteError(f"fit: the validation cost of epoch {run.epoch} is {cost}: training has diverged")
                    row |= {"validation_cost": cost} | ({} if share is None else {"validation_accuracy": share})
                run.history.append(row | {"seconds": time.perf_counter() - start})
                for hook in hooks:
                    hook.after_epoch(run)
                shown.update()
                shown.set_postfix_str(str(run.history).partition(": ")[2], refresh=False)
                if run.history.stopped:
                    break
    except KeyboardInterrupt:
        run.history.stopped = "interrupted"
    finally:
        for module, mode in modes:
            module.training = mode
    for hook in hooks:
        hook.after_training(run)
    return run.history


def one_epoch(run: Run, hooks: list[Callback], order: Iterable[tuple[NDArray[Any], NDArray[Any]]]) -> float:
    """Learn from each batch; returns the mean cost of an example (with reduction "sum", the sum)."""
    net, loss, optimizer = run.net, run.loss, run.optimizer
    before = [hook.before_batch for hook in hooks if type(hook).before_batch is not Callback.before_batch]
    after = [hook.after_step for hook in hooks if type(hook).after_step is not Callback.after_step]
    total = divisor = 0.0
    for run.batch, (run.x, run.y) in enumerate(order, 1):
        for prepare in before:
            prepare(run)
        run.cost = loss.forward(net.forward(run.x), run.y)
        if not math.isfinite(run.cost):
            raise NonFiniteError(explanation(run))
        net.backward(loss.backward(), input_gradient=False)
        net.update()
        optimizer.step()
        for look in after:
            look(run)
        total, divisor = total + loss.divisor * run.cost, divisor + loss.divisor
    return total / divisor if loss.reduction == "mean" else total


def as_callback(callback: Any) -> Callback:
    """A Callback as it is; a function as one that is called after each epoch."""
    if not isinstance(callback, Callback) and not callable(callback):
        raise ArgumentError(f"callbacks must hold Callbacks or functions, got {callback!r}")
    return callback if isinstance(callback, Callback) else AfterEpoch(callback)


def checked(net: Module, loss: Loss, data: Data, name: str) -> tuple[Value, NDArray[Any]]:
    """Examples in the network's dtype, and targets, after both were found fit for the network and the loss."""
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise ArgumentError(f"{name} must be a pair (x, y), got {type(data).__name__}")
    x, y = inputs_and_targets(*data, names=(f"{name}[0]", f"{name}[1]"), arity=net.arity)
    x = as_values(finite(f"{name}[0]", x), net.dtype, f"{name}[0]", net, net.arity)
    y = finite(f"{name}[1]", y)
    shape = net.output_shape(shape_of(x))
    if several(shape):
        raise ShapeError(f"fit: net must have one output, which the loss takes, got {len(shape)}: write the loop, with a loss "
                         "for each")
    output = np.broadcast_to(np.zeros((), dtype_of(x)), shape)
    deepcopy(loss).accept(y, output)
    return x, y


def explanation(run: Run) -> str:
    """Where the cost stopped being finite: the modules are run again, one by one, on a copy."""
    said = f"fit: the cost of epoch {run.epoch}, batch {run.batch} is {run.cost}"
    net = deepcopy(run.net)
    outputs: list[Value] = []

    def step(module: Module, read: Value) -> Value:
        outputs.append(module.forward(read))
        return outputs[-1]

    net.flow(run.x, step)
    for (path, module), output in zip(net.leaves(), outputs, strict=True):
        if not all(np.isfinite(array).all() for array in parts(output)):
            place = f"module {path}, {module!r}" if path else repr(module)
            return (f"{said}; the first output that is not finite is that of {place}. A smaller learning rate, another start "
                    "(Glorot, He) or clip_grad_norm may help")
    return f"{said}, though every module's output is finite: look at the loss, {run.loss!r}, and the targets"


def bar(epochs: int, progress: bool) -> Any:
    """A bar of epochs; silent where standard error is not a terminal."""
    from tqdm import tqdm
    return tqdm(total=epochs, unit="epoch", disable=None if progress else True)
