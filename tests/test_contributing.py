"""The table "Where is what" in CONTRIBUTING.md names files that exist, and names that these files define."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
if not (ROOT / "CONTRIBUTING.md").exists():
    pytest.skip("CONTRIBUTING.md is not beside these tests", allow_module_level=True)
ROWS = re.findall(r"^\| (.+\?) \| `(.+)` \| (.+) \|$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE)


def defined(body, prefix=""):
    """The classes, functions and variables that a file defines; methods and attributes as ``Class.name``."""
    names = set()
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(prefix + node.name)
        if isinstance(node, ast.ClassDef):
            names |= defined(node.body, f"{node.name}.")
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        names |= {prefix + name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return names


def test_the_table_is_found():
    assert len(ROWS) >= 15


@pytest.mark.parametrize(("question", "file", "names"), ROWS, ids=[question for question, _, _ in ROWS])
def test_each_file_defines_the_names_that_the_table_gives(question, file, names):
    source = (ROOT / file).read_text(encoding="utf-8")
    assert set(re.findall(r"`(.+?)`", names)) <= defined(ast.parse(source).body)
