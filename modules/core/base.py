"""Module: the three phases, and all that a module needs around them, written once."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ...arguments import Array, floating_dtype, positive_int
from ...errors import ShapeError
from . import phases
from .arrays import squared_norms
from .parameter import Home, Parameter
from .summary import summarize
from .tangents import by_backward
from .tree import Tree
from .values import Shape, Signature, Value, as_values, each, parts

CHECKED = {"forward": phases.checked_forward, "backward": phases.checked_backward, "update": phases.checked_update,
           "jvp": phases.checked_jvp, "example_gradients": phases.checked_per_example,
           "example_squared_norms": phases.checked_per_example}
# What a class that writes one of the first does not inherit: the others were written for other phases.
DERIVED = (({"forward"}, {"saved"}), ({"forward", "backward"}, {"jvp", "symmetric"}),
           ({"forward", "backward", "update"}, {"example_gradients", "example_squared_norms"}),
           ({"example_gradients"}, {"example_squared_norms"}))


class Module(Tree):
    """A transformation with three phases that the user calls and can look at.

    - ``forward(x, out=None)`` transforms the data and keeps, in ``point``, where it was evaluated;
    - ``backward(g, out=None)`` transforms the gradient dC/dy into dC/dx, the transposed Jacobian at that point times g;
    - ``update()`` computes the gradients of the module's own parameters, into ``parameter.grad``.

    ``jvp(t)`` is the other direction, forward mode: the Jacobian at that point times a tangent t of x.

    A module of your own is a subclass with ``forward`` and ``backward``, and ``update`` if it has parameters. Write the
    bare mathematics: a door that this class puts before each phase converts the dtype, checks the shape, keeps ``g`` in
    ``gradient`` and raises PhaseError for a phase that comes too early. ``retroprop.check_module`` tests the rest. With
    ``example_gradients`` besides, ``retroprop.per_example_gradients`` can look into it.
    Parameters and modules inside are attributes (a list of them is not seen); a module inside is called by your phases.

    Attributes
    ----------
    point : array or NamedTuple, or None
        All that ``backward`` and ``update`` need from ``forward``, set by it. It may be x itself, which is then not to be
        written into before ``update``. Inside a container these are the container's buffers, valid until its next
        ``forward``: copy to keep. A module inside that runs alone takes the container's point away.
    gradient : array, or None
        The last ``g`` that ``backward`` was given; the same holds. None where no backward has run since the last forward.
    training : bool
        True in a new module; see ``train`` and ``eval``.
    saved : {"both", "input", "output", "neither"}
        What of its arguments and results the point holds. A container reuses only memory that no point holds; the
        default is the careful one, also of a class that writes another forward.
    arity : int or None
        How many inputs there are (None: two or more). With more than one, x is a tuple of arrays, and so is what
        ``backward`` returns; ``output_shape`` is given the tuple of their shapes. Likewise y and g where a module has
        several outputs.
    symmetric : bool
        Whether the Jacobian is its own transpose, so that forward mode is backward. A class that writes forward or
        backward inherits neither this nor ``jvp``: they were written for other phases. Nor, if it writes one of the
        three phases, ``example_gradients`` and ``example_squared_norms``.
    buffers : tuple of str
        Names of the attributes that are arrays of state, but not trained.
    scratch
        What ``prepare`` returned for the shape at hand.
    layout : {"rows", "kept", "batch last"}
        How images, arrays of four axes, come out in memory: row by row, as they came in, or with the batch as the axis
        that is contiguous, in which convolutions are fastest. For speed alone. With "rows", the default, every ``out`` is
        C-contiguous; a module that says "kept" (as one of each element should) or "batch last" must write into any.
    batch_last : bool
        Whether they come in batch last; for ``prepare``.
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_fingerprint",
        "_input",
        "_output",
        "_owner",
        "_seen",
        "_signature",
        "_spare",
        "_taped",
        "_trains",
        "batch_last",
        "gradient",
        "point",
        "scratch",
    )
    _workspace: ClassVar[tuple[str, ...]] = ("scratch", "_signature", "_input", "_output")  # what is made for one shape
    _evaluation: ClassVar[tuple[str, ...]] = ("point", "gradient", "_fingerprint", *_workspace)     # what phases leave

    saved: ClassVar[Literal["both", "input", "output", "neither"]] = "both"
    symmetric: ClassVar[bool] = False
    layout: ClassVar[Literal["rows", "kept", "batch last"]] = "rows"
    arity: int | None = 1

    point: Any
    gradient: Any
    scratch: Any
    _signature: Signature | None                                    # what this is prepared for, in the mode at hand
    _input: Signature                                               # what the last forward was given (None: no forward ran)
    _output: Signature                                              # and what came out of it
    _seen: int                                                      # Home.changes at the last review
    _taped: tuple[str, ...]                                         # attributes that a tape put before those of the class
    _fingerprint: Any                                               # of the point, on a tape
    _spare: tuple[Any, list[list[Any]]] | None                      # workspaces of the last look at single examples
    batch_last: bool
    _trains: bool                                                   # whether update has anything to do
    training: bool

    def __init_subclass__(cls, checked: bool = True, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, check in CHECKED.items():
            if checked and name in cls.__dict__:
                setattr(cls, name, check(cls.__dict__[name]))
        for written, derived in DERIVED if checked else ():
            for name in derived - cls.__dict__.keys() if written & cls.__dict__.keys() else ():
                setattr(cls, name, getattr(Module, name))

    def __new__(cls, *args: Any, **options: Any) -> Self:
        self = super().__new__(cls)
        self.__dict__ = {}                                          # one that vars() does not make slower: 5 % of a small step
        self._owner = self._spare = None
        self.batch_last = False
        self._seen, self._taped, self._trains, self.training = -1, (), True, True
        self.forget()
        return self

    # ------------------------------------------------------------------ what a subclass writes

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """x -> y. Sets ``self.point``."""
        raise NotImplementedError(f"{type(self).__name__} must implement forward(x)")

    def backward(self, *gradients: Any, **options: Any) -> Any:
        """dC/dy -> dC/dx at ``self.point``.

        With ``input_gradient=False`` None comes back. Write ``backward(g, out=None, *, input_gradient=True)`` if there is
        something to save then: what ``update`` needs must be done all the same.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement backward(g)")

    @phases.checked_update
    def update(self) -> None:
        """Gradients of the parameters: those of the modules inside, where a subclass says nothing else."""
        for module, again in self.tied():
            if again:
                module.accumulate(again)
            else:
                module.update()

    @phases.checked_jvp
    def jvp(self, t: Any) -> Any:
        """dx -> dy: the Jacobian at ``self.point`` times the tangent t. Forward mode; changes nothing.

        Write it where it is a few lines of NumPy, or say ``symmetric = True`` where it is backward. Otherwise it comes
        from backward of the unit vectors, one for each number of y: exact, and as costly as the whole Jacobian.
        """
        return by_backward(self, t)

    def example_gradients(self) -> dict[str, Array]:
        """What each example adds in ``update``: for each own parameter, by name, an array ``(batch, *its shape)``.

        From ``self.point`` and ``self.gradient``, as ``update``, whose result is their sum over axis 0. A Parameter that
        the module holds under two names is there once, under the first.
        """
        if not self.own_parameters():
            return {}
        wanted = ", ".join(f"{name!r}: array of shape ({', '.join(map(str, ('batch', *parameter.shape)))})"
                           for name, parameter in self.own_parameters().items())
        raise NotImplementedError(f"{type(self).__name__} must implement example_gradients() for gradients of single "
                                  f"examples: from self.point and self.gradient, as update, it returns {{{wanted}}}")

    def example_squared_norms(self) -> dict[str, Array]:
        """The squared norms of those: for each own parameter an array ``(batch,)``, of float64, where they do not underflow.

        Write it if they are cheaper alone.
        """
        return {name: squared_norms(each) for name, each in self.example_gradients().items()}

    @property
    def batch_dependent(self) -> bool:
        """Whether the output for one example depends on the others, in the mode at hand: as of a BatchNorm in training.

        An example then has no gradient of its own. A module that always does may say ``batch_dependent = True``.
        """
        return False

    def output_shape(self, input_shape: Shape) -> Shape:
        """Shape of the output for an input of this shape; ShapeError if it does not fit. The same, by default."""
        return input_shape

    def admit(self, shape: Shape) -> Shape:
        """``output_shape``, and ShapeError for a shape that cannot be taken in the mode at hand."""
        return self.output_shape(shape)

    def output_batch_last(self, given: bool) -> bool:
        """Whether images come out batch last in memory if they come in so; a container asks its modules."""
        return self.layout == "batch last" or (given and self.layout == "kept")

    def gradient_batch_last(self, given: bool) -> bool:
        """Whether the gradient of images that come in so may lie so too."""
        return given and self.layout != "rows"

    def prepare(self, shape: Shape, dtype: np.dtype[Any]) -> Any:
        """Workspace for inputs of this shape and dtype, kept as ``self.scratch``; called when they change."""

    # ------------------------------------------------------------------ types and modes

    def astype(self, dtype: DTypeLike) -> Self:
        """Convert parameters and buffers to float32 or float64, in place; optimizers follow. Returns the module."""
        dtype = floating_dtype(dtype)
        Home.gather(self.parameters(), dtype)
        for _, module in self.named_modules():
            for name in module.buffers:
                setattr(module, name, getattr(module, name).astype(dtype))
            module.forget()
        self.disturb_owner()
        return self

    def train(self, mode: bool = True) -> Self:
        """Put the whole tree into training mode (or, with False, evaluation mode). Returns the module."""
        changed = [module for _, module in self.named_modules() if module.training != bool(mode)]
        for module in changed:
            module.training = bool(mode)
        for module in (*changed, *(self.owners() if changed else ())):
            module._signature = None                                # whether a shape is admitted may depend on the mode
        return self

    def eval(self) -> Self:
        """Put the whole tree into evaluation mode. Returns the module."""
        return self.train(False)

    # ------------------------------------------------------------------ around the phases

    def predict(self, x: ArrayLike | tuple[ArrayLike, ...], batch_size: int | None = None) -> Value:
        """Output in evaluation mode, ``batch_size`` examples at a time (None: all at once).

        Leaves modes, points and gradients as they were, so that it may stand between ``forward`` and ``backward``.
        """
        examples = as_values(x, self.dtype, "x", self, self.arity)
        lengths = {len(array) if array.ndim else 0 for array in parts(examples)}
        if len(lengths) > 1 or 0 in lengths:
            what = "equally many examples in each array" if len(lengths) > 1 else "at least one example"
            shapes = " and ".join(str(array.shape) for array in parts(examples))
            raise ShapeError(f"{self!r}: x must hold {what}, got shape {shapes}")
        n = lengths.pop()
        step = n if batch_size is None else positive_int("batch_size", batch_size)
        with self.undisturbed():
            self.eval()
            outputs = [self.forward(each(lambda array: array[i:i + step], examples)) for i in range(0, n, step)]  # noqa: B023
        return outputs[0] if len(outputs) == 1 else each(lambda *arrays: np.concatenate(arrays), *outputs)

    def accumulate(self, among: Collection[Parameter] | None = None) -> None:
        """``update``, but add to the gradients that are there (of the parameters ``among``; None: all)."""
        adding = [p for p in self.parameters() if not p.frozen and (among is None or p in among)]
        kept = [parameter.grad.copy() for parameter in adding]
        self.update()
        for parameter, grad in zip(adding, kept, strict=True):
            parameter.grad += grad

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Whatever runs inside leaves modes, points, gradients and workspaces as they were."""
        kept = []
        for _, module in self.named_modules():
            kept.append((module, module.training, [(name, getattr(module, name)) for name in module._evaluation]))
            module.forget()
        owner, self._owner = self._owner, None
        try:
            yield
        finally:
            self._owner = owner
            for module, training, evaluation in kept:
                module.training = training
                for name, value in evaluation:
                    setattr(module, name, value)

    def forget(self) -> None:
        """Let go of the point, the gradient and the workspace."""
        for name in self._evaluation:
            setattr(self, name, None)

    def replan(self) -> None:
        """Plans, here, inside and in the containers around, are made anew before the next forward or update runs them."""
        for module in (*(module for _, module in self.named_modules()), *self.owners()):
            module._signature, module._seen = None, -1

    def disturb(self) -> None:
        """A forward is about to run: the gradient is of another point, and a container's plan is off."""
        self.gradient = None
        if self._owner is not None:
            self.disturb_owner()

    def disturb_owner(self, only: str | None = None) -> None:
        """Take the containers' own evaluation away (or ``only`` their gradient): one of their modules ran alone."""
        for owner in self.owners():
            if only is None:
                owner.forget()
            else:
                setattr(owner, only, None)

    def review(self) -> None:
        """Parameters moved, froze or thawed: see anew whether there is anything to update."""
        parameters = self.parameters()
        self._trains = not parameters or not all(parameter.frozen for parameter in parameters)
        self._seen = Home.changes

    def __getstate__(self) -> dict[str, Any]:                       # a copy starts without a point, and on no tape
        return {name: value for name, value in vars(self).items() if name not in self._taped}

    # ------------------------------------------------------------------ text

    def __repr__(self) -> str:
        shown = []
        for name, parameter in inspect.signature(type(self).__init__).parameters.items():
            if name in ("self", "rng") or (name not in vars(self) and not hasattr(type(self), name)):
                continue
            value = getattr(self, name)
            if name == "dtype":
                value = str(value)
            elif parameter.annotation in ("bool", bool):
                value = value is not None and value is not False
            elif isinstance(value, np.ndarray):
                value = value.tolist()
            if parameter.default is inspect.Parameter.empty:
                shown.append(f"{value!r}")
            elif value != parameter.default:
                shown.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"

    def summary(self, input_shape: Shape) -> str:
        """A table of the modules with their output shapes, parameters and the memory of those, for printing."""
        return summarize(self, input_shape)
