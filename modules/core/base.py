"""Module: the base class of everything that has the three phases forward, backward and update."""

from __future__ import annotations

from collections.abc import Collection
from copy import deepcopy
from operator import iadd
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ...arguments import Array, as_floating, floating_dtype, positive_int
from ...restoring import at_once, calling, filling, setting
from . import phases
from .arrays import squared_norms
from .attributes import watch_parameters, watching
from .construction import Arguments, arguments_of, as_text
from .evaluation import Evaluated, cleared
from .parameter import FlatParameters, Parameter
from .rewinding import in_evaluation, known_signature, outputs
from .summary import Summary, summarize
from .tangents import by_backward
from .values import Shape, Value, counted, dtype_of, shape_of

CHECKED = {"forward": phases.checked_forward, "backward": phases.checked_backward, "update": phases.checked_update,
           "jvp": phases.checked_jvp, "example_gradients": phases.checked_per_example,
           "example_squared_norms": phases.checked_per_example}
# A class that writes one of the names on the left does not inherit those on the right, which belong to other phases.
DERIVED = (({"forward"}, {"saved"}), ({"forward", "backward"}, {"jvp", "symmetric"}),
           ({"forward", "backward", "update"}, {"example_gradients", "example_squared_norms"}),
           ({"example_gradients"}, {"example_squared_norms"}))


class Module(Evaluated["Module"]):
    """A function of arrays, with the three phases of learning as methods.

    - ``forward(x, out=None)`` computes the output y and stores in ``point`` what the other phases need;
    - ``backward(g, out=None)`` computes the gradient dC/dx from the gradient g = dC/dy: it multiplies g with the transposed
      Jacobian at the point;
    - ``update()`` computes the gradients of the module's own parameters and stores them in ``parameter.grad``.

    ``jvp(t)`` is forward mode: it multiplies a tangent t of x with the Jacobian at the point.

    To write a module of your own, derive a class with ``forward`` and ``backward``, and with ``update`` if it has
    parameters. Write only the mathematics: this class puts checks before each phase, which convert the dtype, check the
    shape, store ``g`` in ``gradient`` and raise PhaseError if a phase is called too early. ``retroprop.check_module`` tests
    that the phases agree. Write ``example_gradients`` too if ``retroprop.per_example_gradients`` is to work.
    Assign parameters and inner modules to attributes; those that are only in a list are refused. Your phases call the inner
    modules. A Parameter can be replaced at any time, by one of the same shape and dtype. One thread at a time may run a
    module: a phase raises PhaseError while another thread runs one.

    Attributes
    ----------
    point : array or NamedTuple, or None
        All that ``backward`` and ``update`` need from ``forward``, which sets it. It may be x itself; then do not write into
        x before ``update``. In a container the arrays are the container's buffers and valid until its next ``forward``:
        copy what you want to keep. A call of an inner module alone deletes the point of the container.
    gradient : array, or None
        The argument g of the last ``backward``, valid as long as the point; None if no backward has run since the last
        forward.
    training : bool
        Initially True; ``train`` and ``eval`` change it.
    saved : {"both", "input", "output", "neither"}
        Which of its input and output arrays the point holds. A container overwrites only arrays that no point holds. The
        default is "both", the safe one; a class that writes its own forward starts from this default again.
    arity : int or None
        The number of inputs; None: two or more. With more than one input, x is a tuple of arrays, ``backward`` returns a
        tuple, and ``output_shape`` takes a tuple of shapes. With several outputs, y and g are tuples.
    takes_integers : bool
        Whether x holds integers, such as indices; they come in the module's dtype as all numbers. They cannot change by little:
        the gradient of x must be 0, and checks move the parameters only.
    symmetric : bool
        Whether the Jacobian equals its transpose, so that ``jvp`` can run backward. A class that writes forward or backward
        inherits neither this nor ``jvp``. A class that writes any of the three phases does not inherit
        ``example_gradients`` and ``example_squared_norms``.
    buffers : tuple of str
        Names of the attributes that hold arrays of state that is not trained.
    nonnegative_buffers : tuple of str
        Names of those buffers, such as variances, whose values are never below 0: ``load_state_dict`` refuses others.
    scratch
        The result of ``prepare`` for the current shape.
    layout : {"rows", "kept", "batch last"}
        The memory layout of output images (arrays of four axes): C-contiguous, as the input images, or with the batch as
        the contiguous axis, in which convolutions are fastest. The layout only matters for speed. With "rows", the default,
        every ``out`` is C-contiguous. With "kept", the right choice for functions of each element, and with "batch last",
        forward and backward must be able to write into any layout.
    feature_names : tuple of str, or None
        The columns of the frame that ``fit`` trained on; a frame must then have them, in this order.
    class_labels : tuple, or None
        The labels, text or categories, that ``fit`` has numbered: that of class k is ``class_labels[k]``.
    batch_last : bool
        Whether the input images have the batch as the contiguous axis; ``prepare`` can read it.
    """

    __slots__ = ()

    layout: ClassVar[Literal["rows", "kept", "batch last"]] = "rows"

    def __init_subclass__(cls, checked: bool = True, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, check in CHECKED.items():
            if checked and name in cls.__dict__:
                setattr(cls, name, check(cls.__dict__[name]))
        if "__init__" in cls.__dict__:
            setattr(cls, "__init__", watching(cls.__dict__["__init__"]))    # noqa: B010 (mypy forbids the plain assignment)
        for written, derived in DERIVED if checked else ():
            for name in derived - cls.__dict__.keys() if written & cls.__dict__.keys() else ():
                setattr(cls, name, getattr(Module, name))

    # ------------------------------------------------------------------ what a subclass writes

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Return y for the input x, and set ``self.point``.

        The arrays that come back are the caller's, also those given as ``out``: they may be written into before ``backward``
        and ``update``. Where the point holds the output (``saved``), the checked forward returns a copy of it. x still
        belongs to the module: do not write into it before ``update``.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement forward(x)")

    def backward(self, *gradients: Any, **options: Any) -> Any:
        """Return dC/dx at ``self.point`` for the gradient g = dC/dy.

        With ``input_gradient=False`` the result is None. Write ``backward(g, out=None, *, input_gradient=True)`` if that
        saves work, but still compute what ``update`` needs.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement backward(g)")

    @phases.checked_update
    def update(self) -> None:
        """Compute the gradients of the parameters: by default, call ``update`` of the inner modules."""
        for module, again in self.tied():
            if again:
                module.accumulate(again)
            else:
                module.update()

    @phases.checked_jvp
    def jvp(self, t: Any) -> Any:
        """Return the product of the Jacobian at ``self.point`` with the tangent t of x. Changes nothing.

        Write it if it takes a few lines of NumPy, or set ``symmetric = True`` if it equals backward. The default runs
        backward once for each number of y: it is exact, and as costly as the whole Jacobian.
        """
        return by_backward(self, t)

    def example_gradients(self) -> dict[str, Array]:
        """Return what each example adds to the gradients: an array ``(batch, *shape)`` for each own parameter, by name.

        It reads ``self.point`` and ``self.gradient``, as update does, whose result is the sum over axis 0. A Parameter under
        two names appears once, under the first.
        """
        if not self.own_parameters():
            return {}
        expected = ", ".join(f"{name!r}: array of shape ({', '.join(map(str, ('batch', *parameter.shape)))})"
                             for name, parameter in self.own_parameters().items())
        raise NotImplementedError(f"{type(self).__name__} must implement example_gradients() for gradients of single "
                                  f"examples: from self.point and self.gradient, as update, it returns {{{expected}}}")

    def example_squared_norms(self) -> dict[str, Array]:
        """Return the squared norms of the ``example_gradients``: a float64 array ``(batch,)`` for each own parameter, by name.

        Write it if the norms are cheaper to compute than the gradients.
        """
        return {name: squared_norms(gradients) for name, gradients in self.example_gradients().items()}

    @property
    def batch_dependent(self) -> bool:
        """Whether the output for one example depends on the other examples in the current mode, as for BatchNorm in training.

        Then no example has a gradient of its own. If the answer is always yes, write ``batch_dependent = True``. If you write
        ``batch_dependent = False``, ``jacobian`` takes many rows or columns in one sweep: see there.
        """
        return False

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the output's shape for an input of this shape, by default the same; ShapeError if the shape does not fit."""
        return input_shape

    def admit(self, shape: Shape) -> Shape:
        """Return ``output_shape``; ShapeError also for shapes that are refused in the current mode only."""
        return self.output_shape(shape)

    def output_batch_last(self, given: bool) -> bool:
        """Whether output images have the batch as the contiguous axis; ``given``: whether the input images have."""
        return self.layout == "batch last" or (given and self.layout == "kept")

    def gradient_batch_last(self, given: bool) -> bool:
        """Whether the gradient of input images may have the batch as the contiguous axis; ``given``: whether they have it."""
        return given and self.layout != "rows"

    def prepare(self, shape: Shape, dtype: np.dtype[Any]) -> Any:
        """Return a workspace for inputs of this shape and dtype, stored as ``self.scratch``. Called when they change."""

    # ------------------------------------------------------------------ types and modes

    def astype(self, dtype: DTypeLike) -> Self:
        """Convert parameters and buffers to float32 or float64, in place, and return the module. Optimizers follow."""
        dtype = floating_dtype(dtype)
        modules = [module for _, module in self.named_modules()]
        buffers = [(inner, name, as_floating(getattr(inner, name), dtype, name)) for inner in modules for name in inner.buffers]
        moves = FlatParameters.moves(self.parameters(), dtype)
        at_once(moves, setting([*buffers, *cleared([*modules, *self.owners()])]))
        return self

    def train(self, mode: bool = True) -> Self:
        """Set this module and all inner modules to training mode (False: to evaluation mode), and return the module."""
        changed = [module for _, module in self.named_modules() if module.training != bool(mode)]
        if changed:
            modes = [(module, "training", bool(mode)) for module in changed]
            plans = [(module, "_signature", None) for module in (*changed, *self.owners())]
            at_once(setting([*plans, *modes]))                      # the mode may decide which shapes are admitted
        return self

    def eval(self) -> Self:
        """Set this module and all inner modules to evaluation mode, and return the module."""
        return self.train(False)

    # ------------------------------------------------------------------ around the phases

    def predict(self, x: ArrayLike | tuple[ArrayLike, ...], batch_size: int | None = None) -> Value:
        """Return the output in evaluation mode, computed ``batch_size`` examples at a time.

        Modes, points and gradients stay as they are, so that it may be called between ``forward`` and ``backward``. For
        small inputs, a network of the library's modules keeps its workspaces, of at most four shapes, each of at most 500 kB
        between the modules; with them it takes little longer than a forward.

        Parameters
        ----------
        x : array_like of shape (batch, ...), or a tuple of them for a module of several inputs
        batch_size : int, default None
            None: equal parts, each as large as memory allows. The arrays between the modules may take 2 MB and half of what
            the parameters take, or the memory of 8 examples if that is more. So a small network gets all examples at once,
            and the memory of a large one does not grow with their number. If the output for one example depends on the
            others (``batch_dependent``, also in evaluation mode), there is one part. The results of two sizes differ by
            rounding only.
        """
        signature = known_signature(self, x)
        if signature is None:
            x, _ = counted(x, self)
            signature = shape_of(x), dtype_of(x)
        size = None if batch_size is None else positive_int("batch_size", batch_size)
        return in_evaluation(self, x, signature, size, outputs)

    def accumulate(self, among: Collection[Parameter] | None = None) -> None:
        """Run ``update``, but add its results to the gradients of the parameters ``among`` (None: of all)."""
        adding = [p for p in self.parameters() if not p.frozen and (among is None or p in among)]
        before = [(parameter.grad, parameter.grad.copy()) for parameter in adding]
        try:
            self.update()
            at_once(calling(iadd, before))
        except BaseException:                                       # what was accumulated so far must not be lost
            at_once(filling(before))
            raise

    if not TYPE_CHECKING:                                           # a type checker knows that a module cannot be called
        def __call__(self, *inputs: Any, **options: Any) -> None:
            raise TypeError(f"{self!r} is not a function: call its forward(x), or its predict(x) without training")

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return a copy of its own; attributes that cannot be copied, such as a lock or an open file, are shared."""
        memo[id(self)] = copy = type(self).__new__(type(self))
        state = {}
        for name, value in self.__getstate__().items():
            try:
                state[name] = deepcopy(value, memo)
            except TypeError as error:
                if not str(error).startswith("cannot pickle"):
                    raise
                state[name] = value
        copy.__setstate__(state)
        return copy

    def __getstate__(self) -> dict[str, Any]:                       # a copy has no point and is on no tape
        return {"training": self.training, **{name: value for name, value in vars(self).items() if name not in self._taped}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.training = vars(self).pop("training", True)
        watch_parameters(self)

    # ------------------------------------------------------------------ text

    def arguments(self) -> Arguments:
        """Return the arguments with which the constructor makes such a module: a list by position, and a dict by name.

        By default each is the attribute of its name; ``repr`` and ``retroprop.save_model`` read them. If your constructor
        does not keep an argument as an attribute of that name, write this method.
        """
        return arguments_of(self)

    def __repr__(self) -> str:
        return as_text(self)

    def summary(self, input_shape: Shape) -> Summary:
        """Return a table, a str: each module with its output shape, number of parameters and their memory."""
        return summarize(self, input_shape)
