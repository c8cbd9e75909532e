"""The training loop, `fit`."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import Seed, generator, positive_int
from ..conversion import Named, check_columns, column_names
from ..errors import ArgumentError, DataError, NonFiniteError
from ..losses import Loss
from ..modules import Module
from ..modules.core.evaluation import preserved_modes
from ..modules.core.values import each, shape_of
from ..optim import Optimizer
from ..progress import progress_bar
from .callbacks import AfterEpoch, Callback, Progress, Run
from .divergence import divergence_message
from .history import History
from .inputs.augmenting import Augmentation, as_augmentations, augmented
from .inputs.labels import class_labels, with_codes
from .inputs.sources import Batch, Data, InMemory, Source, Stream, Weighted, as_source, checked_validation
from .metrics import Seen, check_reduces, in_parts, true_classes
from .saving.resuming import epochs_left, in_order, resumed, settings
from .scoring import Metrics, Score, as_scores, check_scores, scored
from .session import interactive
from .steps import Step, check_trainable


def fit(net: Module, loss: Loss, optimizer: Optimizer, data: Data | Stream, *, epochs: int, batch_size: int = 32,
        sample_weight: ArrayLike | None = None, class_weight: ArrayLike | Mapping[Any, float] | str | None = None,
        validation: Data | Weighted | None = None, metrics: Metrics = (), clip: float | None = None, accumulate: int = 1,
        augment: Augmentation | Sequence[Augmentation] | None = None, rng: Seed = None,
        callbacks: Iterable[Callback | Callable[[Run], Any]] = (), resume: str | Path | bool = False,
        progress: bool = True) -> History:
    """Train a network: for each batch, forward, loss, backward, update, and a step of the optimizer.

    Parameters
    ----------
    net, loss, optimizer : Module, Loss and Optimizer
        The network is trained in place, in training mode; its mode is restored at the end.
    data : pair of arrays, or stream of batches
        Examples and targets ``(x, y)``, of equal length; arrays, frames, memory-mapped files, or a stream: see Notes.
    epochs : int
        Number of passes through all examples.
    batch_size : int, default 32
        Examples in a batch. The last batch may be smaller; a single remaining example joins the batch before it.
    sample_weight : array of shape (N,), default None
        The weight of each example in the cost and in the metrics, at least 0; None: 1. A mean is divided by their sum.
    class_weight : "balanced", dict, or array of shape (K,), default None
        The weight of each class, which is multiplied with the ``sample_weight`` of its examples. "balanced": by
        ``class_weights``, all classes count alike. A dict gives them by label, ``{"carp": 2}``, or by number; a class that it
        lacks has the weight 1. Validation has no such weights: the loss has, as ``CrossEntropy(weight)``.
    validation : pair of arrays, or triple with the weights of the examples, default None
        Evaluated after each epoch, as by ``evaluate``: in parts, so that memory does not grow with their number.
    metrics : iterable of str or function, or dict of functions by name, default ()
        Scores that become columns of the history, such as ``f1_score`` of the training examples and ``validation_f1_score``.
        Names are ``accuracy``, ``f1_score``, ``mean_absolute_error``, ``r2_score``, ``roc_auc_score`` and
        ``top_k_accuracy_score``; functions are called as ``score(prediction, y)`` and return a number: see Notes.
    clip : float > 0, default None
        The largest norm of the gradient: ``clip_grad_norm`` scales a longer one down to it, between update and step.
    accumulate : int, default 1
        The optimizer makes a step after so many batches, along the gradient of them all together; after the last batch of an
        epoch, of those that are left.
    augment : function or list of functions, default None
        Random changes of the examples of each batch: each function is called as ``x = function(x, rng)``, and keeps the shape
        of x. ``datasets`` has Flip, Shift and Noise.
    rng : None, int or numpy.random.Generator
        Source of the order of the examples, which is drawn anew for each epoch, and of augmentation. A second call with the
        same int draws the same again; give both calls one Generator to train on.
    callbacks : iterable of Callback or function
        Called in this order; a function is called as ``function(run)`` after each epoch. See Callback, EarlyStopping.
    resume : str, Path or bool, default False
        A file of Checkpoint from which to go on, up to the epoch ``epochs``. True: that of the Checkpoint among the callbacks
        or, if there is none yet, from the beginning, so that a script that is killed can be started again as it is.
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
    OSError, FileFormatError, StateError
        The file ``resume`` does not exist, is damaged, or is of another network, optimizer, data, ... Nothing has changed then.
    DataError, ShapeError, DtypeError, ArgumentError
        An argument is wrong: NaN or infinity in the data, labels out of range, unequal lengths, and so on. Nothing has
        changed then. Batches of a stream, and of memory-mapped arrays, are checked when their turn comes.

    Notes
    -----
    *Modes.* In a network that is in training mode, single modules that you put into evaluation mode stay in it, such as a
    BatchNorm whose statistics must not change.

    *Data.* For a network of several inputs, x is a tuple of arrays. The network remembers the columns of a frame, as
    ``net.feature_names``, and refuses frames with others, or in another order. Targets that are text or categories are numbered
    in the order of ``net.class_labels``, if the loss is one of classes. Of memory-mapped arrays,
    ``np.load(path, mmap_mode="r")``, only the examples of a batch are read at a time. A stream gives batches ``(x, y)`` or
    ``(x, y, weight)``, which are never in memory together: it is an object that is iterated anew for each epoch, or a function
    that returns an iterator. Of an endless one, an epoch is a part: ``lambda: itertools.islice(stream, 500)``.

    *Metrics.* Examples have the weights that they have in the cost, if a function has a parameter ``sample_weight``, as those
    of the library do. The predictions for training examples are those of the epoch's steps, as for the cost: none is made for
    metrics. Functions of yours are tried before training, on few predictions of 0.

    *Resuming.* With the data and the other arguments of the run that was saved, training computes the bits of a run without
    the interruption. A stream must give the batches of each epoch again: it is iterated from the start of the epoch, with this
    call's generator as it was then, and a state of its own (``state_dict``) too, up to the batch where it was.
    """
    epochs, batch_size = positive_int("epochs", epochs), positive_int("batch_size", batch_size)
    check_reduces(net, loss)
    check_trainable(net, optimizer)
    if not isinstance(callbacks, Iterable):
        raise ArgumentError(f"callbacks must be a list of Callbacks or functions, got {callbacks!r}")
    hooks = in_order([as_callback(callback) for callback in callbacks])
    labels = class_labels(net, loss, data, validation, name="data[1]")
    data, validation = with_codes(data, labels, "data"), with_codes(validation, labels, "validation")
    rng = generator(rng)
    source = as_source(net, loss, data, batch_size, epochs, sample_weight, class_weight, rng, labels)
    held_out = None if validation is None else checked_validation(net, loss, validation, source.data[0])
    scores, functions = as_scores(metrics, loss), as_augmentations(augment)
    check_metrics(scores, net, source, held_out)
    names = column_names(data[0]) if isinstance(data, (tuple, list)) else None
    if validation is not None:
        check_columns(validation[0], names, Named("validation[0]"))
    run = Run(net, loss, optimizer, History(), data=source.data, callbacks=hooks, columns=columns(loss, held_out, scores),
              rng=rng, epochs=epochs)
    step = Step(net, loss, optimizer, clip=clip, accumulate=accumulate,
                before_step=[partial(hook.before_step, run) for hook in hooks if overrides(hook, "before_step")])
    run.steps = None if source.count is None else epochs * -(-source.count // step.accumulate)
    if resume or any(hook.saves for hook in hooks):
        run.functions = [*(("augment", function) for function in functions), ("data", getattr(source, "stream", None))]
        run.settings = settings(run, source.weight, held_out, batch_size=batch_size, clip=step.clip, accumulate=step.accumulate)
    saved = resumed(resume, run, epochs)
    run.resumed = saved is not None
    begun: list[Callback] = []
    try:
        with preserved_modes(net) as kept, kept:
            if not net.training:
                net.train()
            net.admit(each(lambda array: (source.smallest, *array.shape[1:]), source.data[0]))
            for hook in hooks:
                begun.append(hook)
                hook.before_training(run)
            if saved is not None:
                saved.put()
                source.restart()
            left = epochs_left(run, epochs)
            net.feature_names, net.class_labels = names or net.feature_names, labels or net.class_labels
            with np.errstate(over="ignore", invalid="ignore", under="ignore"), \
                    progress_bar(epochs, "epoch", progress, initial=left.start - 1) as shown:
                for run.epoch in left:
                    run.history.append(one_row(run, step, batches_left(run, source, scores, functions), held_out, scores))
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


def one_row(run: Run, step: Step, order: Iterator[Batch], held_out: Batch | None,
            scores: Mapping[str, Score]) -> dict[str, float]:
    """Train on the batches that are left of an epoch, evaluate, and return the numbers of the epoch."""
    row = {"epoch": float(run.epoch), "cost": one_epoch(run, step, order)} | scored(scores, run.progress.seen)
    if held_out is not None:
        seen: Seen | None = [] if scores else None
        cost, share = in_parts(run.net, run.loss, *held_out, seen=seen)
        if not math.isfinite(cost):
            raise NonFiniteError(f"fit: the validation cost of epoch {run.epoch} is {cost}: training has diverged")
        row |= {"validation_cost": cost} | ({} if share is None else {"validation_accuracy": share})
        row |= scored(scores, seen, "validation_")
    began, run.progress = run.progress.began, Progress()
    return row | {"seconds": time.perf_counter() - began}


def batches_left(run: Run, source: Source, scores: Mapping[str, Score], functions: list[Augmentation]) -> Iterator[Batch]:
    """Return the batches of the epoch on which the run has not trained yet. For a new epoch, their order is drawn."""
    done, state = run.progress, run.rng.bit_generator.state
    if done.order is None:
        done = run.progress = Progress(order=source.start(run.rng), seen=[] if scores else None, began=time.perf_counter())
    else:
        source.rewind(run.rng, done.order)
    order = source.batches(run.rng)                                 # draws the order; of an epoch that goes on, again
    if done.batch:
        deque(islice(order, done.batch), 0)                         # before the state: a stream may draw for them
        run.rng.bit_generator.state = state
    return augmented(order, functions, run.rng) if functions else order


def one_epoch(run: Run, step: Step, order: Iterator[Batch]) -> float:
    """Train on each batch, and return the mean cost of an example (with reduction "sum", the summed cost)."""
    loss, hooks, progress = run.loss, run.callbacks, run.progress
    before_batch = [hook.before_batch for hook in hooks if overrides(hook, "before_batch")]
    after_step = [hook.after_step for hook in hooks if overrides(hook, "after_step")]
    for run.batch, (run.x, run.y, run.weight) in enumerate(order, progress.batch + 1):
        for call in before_batch:
            call(run)
        run.cost = step(run.x, run.y, run.weight)
        if not math.isfinite(run.cost):
            raise NonFiniteError(divergence_message(run))
        if progress.seen is not None:
            progress.seen.append((step.prediction, run.y, run.weight))
        progress.batch = run.batch
        progress.total, progress.divisor = progress.total + loss.divisor * run.cost, progress.divisor + loss.divisor
        if not step.waiting:
            for call in after_step:
                call(run)
    if step.waiting:                                                # fewer batches than are accumulated were left
        step.finish()
        for call in after_step:
            call(run)
    return progress.total / (progress.divisor or 1) if loss.reduction == "mean" else progress.total


def overrides(hook: Callback, method: str) -> bool:
    """Whether a callback has this method itself. The loop does not call the empty ones of the base class."""
    return getattr(type(hook), method) is not getattr(Callback, method)


def check_metrics(scores: Mapping[str, Score], net: Module, source: Source, held_out: Batch | None) -> None:
    """Raise what the library's own scores would raise at the end of an epoch; of a stream, what its first batch shows."""
    trained: Batch = (*source.data, source.weight)
    for (x, y, weight), whole in ((trained, isinstance(source, InMemory)), *([] if held_out is None else [(held_out, True)])):
        with nullcontext() if whole else suppress(DataError):       # a batch may hold a single class
            check_scores(scores, (len(y), *net.output_shape(shape_of(x))[1:]), y, weight)


def columns(loss: Loss, held_out: Batch | None, scores: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the columns of the history."""
    validation = [] if held_out is None else ["cost", *scores]
    if held_out is not None and true_classes(loss, held_out[1]) is not None and "accuracy" not in scores:
        validation.insert(1, "accuracy")
    return "epoch", "cost", *scores, *(f"validation_{name}" for name in validation), "seconds"


def as_callback(callback: Any) -> Callback:
    """Return a Callback: the argument itself or, for a function, one that calls it after each epoch."""
    if not isinstance(callback, Callback) and (not callable(callback) or isinstance(callback, (Module, type))):
        raise ArgumentError(f"callbacks must hold Callbacks or functions, got {callback!r}")
    return callback if isinstance(callback, Callback) else AfterEpoch(callback)
