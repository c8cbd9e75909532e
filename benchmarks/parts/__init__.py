"""The parts of a run. Each file measures rows of numbers and prints them, and writes the blocks of the page from them."""

from types import ModuleType

from . import busy, experiment, graphs, growth, imports, jvp, memory, per_example, predict, steps

PARTS: dict[str, ModuleType] = {
    "steps": steps, "growth": growth, "busy": busy, "predict": predict, "jvp": jvp, "graphs": graphs,
    "per-example": per_example, "memory": memory, "imports": imports, "experiment": experiment}
FIGURES = ("steps", "growth")                                       # parts that have one
