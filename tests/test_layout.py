"""The house stays in order: files and folders of a size that can be read, and no circle of files that import each other."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import retroprop as rp

ROOT = Path(rp.__file__).parent


def library(folder=ROOT):
    """All files of the package: in a checkout there are others below its root."""
    inner = [path.parent for path in folder.glob("*/__init__.py")]
    return [*folder.glob("*.py"), *(path for each in inner for path in library(each))]


FILES = sorted(library())


def target(parts):
    """The file that a dotted name of the package stands for; None for a name that is inside a file."""
    place = ROOT.joinpath(*parts)
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file in FILES), None)


def imported(path):
    """The files that a file imports: also inside functions, and for types alone."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            module = tuple(node.module.split(".")) if node.module else ()
            if not node.level and module[:1] != ("retroprop",):
                continue
            base = (*package[:len(package) - node.level + 1], *module) if node.level else module[1:]
            for alias in node.names:
                found = target((*base, alias.name)) or target(base)
                if found is not None and found != path:
                    yield found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_has_at_most_300_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_a_folder_has_at_most_15_files():
    folders = {path.parent for path in FILES} - {ROOT}
    crowded = {folder.name: count for folder in folders if (count := sum(path.parent == folder for path in FILES)) > 15}
    assert not crowded


def test_no_files_import_each_other_in_a_circle():
    """The package's own ``__init__.py`` only gives names: who reads a name from it is no part of a circle."""
    try:
        TopologicalSorter({path: set(imported(path)) - {ROOT / "__init__.py"} for path in FILES
                           if path != ROOT / "__init__.py"}).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(path.relative_to(ROOT).as_posix() for path in error.args[1]))
    assert ROOT / "modules" / "core" / "base.py" in set(imported(ROOT / "modules" / "linear.py"))
