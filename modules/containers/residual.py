"""Residual: a block that adds its input to its output."""

from __future__ import annotations

from ...errors import ArgumentError
from ..core.base import Module
from ..core.construction import Arguments, arguments_of
from ..joins import Add
from .graph import Graph

SHORTCUT, SUM = "shortcut", "sum"                                   # nodes beside the modules "0", "1", ...


class Residual(Graph):
    r"""A block whose modules compute what is to be added to its input: :math:`y = x + f_n(\dots f_1(x))`.

    Parameters
    ----------
    *modules : Module
        At least one; they run one after another.
    shortcut : Module, optional
        :math:`y = s(x) + f(x)`: a projection, for an f(x) of another shape than x, such as a Linear, or a Conv2d of 1 by 1
        with the same stride.

    Notes
    -----
    It is a `Graph` of the nodes ``"0"``, ``"1"``, ..., ``"shortcut"`` and ``"sum"``: parameters are named ``"0.weight"`` and
    ``"shortcut.weight"``. The gradient of x is that of y, plus the one through f: it does not vanish where those of the
    modules are small.

    References
    ----------
    He, Zhang, Ren, Sun 2016, "Deep residual learning for image recognition", equations 1 and 2.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> block = rp.Residual(rp.Linear(3, 3, rng=0), rp.Tanh())
    >>> x = np.ones((5, 3))
    >>> float(abs(block.forward(x) - x).max()) <= 1
    True
    """

    def __init__(self, *modules: Module, shortcut: Module | None = None) -> None:
        if not modules:
            raise ArgumentError("Residual needs at least one module")
        named = [(f"argument {k}", module) for k, module in enumerate(modules)]
        for name, module in named if shortcut is None else [*named, (SHORTCUT, shortcut)]:
            if not isinstance(module, Module):
                hint = "; unpack a list: Residual(*modules)" if isinstance(module, (list, tuple)) else ""
                raise ArgumentError(f"Residual: {name} must be a Module, got {module!r}{hint}")
        nodes: dict[str, tuple[Module | str, ...]] = {}
        for k, module in enumerate(modules):
            nodes[str(k)] = module, str(k - 1) if k else "x"
        if shortcut is not None:
            nodes[SHORTCUT] = shortcut, "x"
        nodes[SUM] = Add(), str(len(modules) - 1), "x" if shortcut is None else SHORTCUT
        super().__init__(nodes, inputs="x", outputs=SUM)

    @property
    def modules(self) -> tuple[Module, ...]:
        return tuple(module for name, module in self.nodes.items() if name not in (SHORTCUT, SUM))

    @property
    def shortcut(self) -> Module | None:
        return self.nodes.get(SHORTCUT)

    def arguments(self) -> Arguments:
        return arguments_of(self)
