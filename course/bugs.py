"""Mistakes by seed: a module's code with one small change in ``backward`` or ``update`` that a law catches."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..errors import CheckError
from .modules import TRIALS, every_law
from .source import solution

PHASES = ("backward", "update")
OTHER = {"sum": "mean", "mean": "sum"}


class Bug(NamedTuple):
    """The code of a class with a mistake, the line that holds it, and the sentence of the law that catches it."""

    source: str
    line: str
    sentence: str


def mutants(source: str) -> list[str]:
    """Return the code once for each small change that can be made in the phases after forward."""
    found = []
    for place, statement in enumerate(statements(source)):
        for k, node in enumerate(ast.walk(statement)):
            for j, _ in enumerate(changes(node)):
                changed = statements(source)[place]
                target = list(ast.walk(changed))[k]
                changed = Put(target, list(changes(target))[j]).visit(changed)
                found.append(spliced(source, statement, ast.unparse(changed)))
    return found


def statements(source: str) -> list[Any]:
    """Return the assignments and returns of the phases after forward."""
    methods = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef) and node.name in PHASES]
    return [node for method in methods for node in ast.walk(method) if isinstance(node, (ast.Assign, ast.Return))]


class Put(ast.NodeTransformer):
    """Puts another node in the place of one."""

    def __init__(self, target: ast.AST, new: ast.AST) -> None:
        self.target, self.new = target, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.target else self.generic_visit(node)


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what can stand wrongly in place of a node: a term or factor is forgotten, a sign is wrong, a matrix is not
    transposed, a sum is a mean, an axis is left out, a gradient is added to the old one."""
    match node:
        case ast.BinOp(left, ast.Add() | ast.Sub() as sign, right):
            if not isinstance(left, ast.Constant):
                yield left
            yield ast.BinOp(left, ast.Sub() if isinstance(sign, ast.Add) else ast.Add(), right)
        case ast.BinOp(left, ast.Mult(), right):
            yield from (left, right)
        case ast.BinOp(left, ast.MatMult(), right):
            yield ast.BinOp(ast.UnaryOp(ast.USub(), left), ast.MatMult(), right)
            yield ast.BinOp(node, ast.Div(), ast.Call(ast.Name("len"), [right], []))
        case ast.Attribute(value, "T"):
            yield value
        case ast.Call(ast.Attribute(value, "sum" | "mean" as name), arguments, [axis]):
            yield ast.Call(ast.Attribute(value, OTHER[name]), arguments, [axis])
            yield ast.Call(ast.Attribute(value, name), arguments, [])
        case ast.Assign([ast.Attribute(attr="grad") as target], value):
            yield ast.AugAssign(target, ast.Add(), value)


def spliced(source: str, node: Any, new: str) -> str:
    """Return the code with other text in place of a statement; all other lines stay as they are."""
    lines = source.splitlines(keepends=True)
    start = sum(map(len, lines[:node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[:node.end_lineno - 1])) + node.end_col_offset
    return source[:start] + new + source[end:]


def bug(module: str, name: str, rng: np.random.Generator) -> Bug:
    """Draw a mistake in the solution of an exercise; the class gets another name."""
    right = renamed(solution(module), name)
    candidates = mutants(right)
    for k in rng.permutation(len(candidates)):
        sentence = broken_law(candidates[k], name, module)
        if sentence is not None:
            pairs = zip(candidates[k].splitlines(), right.splitlines(), strict=True)
            return Bug(candidates[k], next(mine.strip() for mine, other in pairs if mine != other), sentence)
    raise AssertionError(f"no law catches any mutant of {module}")


def renamed(source: str, name: str) -> str:
    return re.sub(r"^class \w+", f"class {name}", source, flags=re.MULTILINE)


def broken_law(source: str, name: str, module: str) -> str | None:
    """Return the sentence of the law that the class breaks with a wrong number; None if it is right, or does not run."""
    trial = TRIALS[module](made(source, name), np.random.default_rng(0))
    try:
        every_law(trial, 0)
    except CheckError as error:
        return str(error) if isinstance(error.__cause__, AssertionError) else None
    return None


def given_names() -> dict[str, Any]:
    """Return what a notebook of the course begins with."""
    import retroprop as rp
    return {"__name__": "__main__", "np": np, "rp": rp}


def made(source: str, name: str) -> Any:
    """Execute the code of a cell as the notebook does, and return what it defines under the name."""
    namespace = given_names()
    exec(source, namespace)
    return namespace[name]
