"""The page about ONNX: its code runs, and its table has every module."""

import re
from pathlib import Path

import pytest

import retroprop as rp

pytest.importorskip("onnx", reason="needs the extra onnx, and onnxruntime")
pytest.importorskip("onnxruntime", reason="needs the extra onnx, and onnxruntime")
PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "onnx.md"
if not PAGE.exists():
    pytest.skip("the page is not beside these tests", allow_module_level=True)
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_code_runs_and_prints_what_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(compile("\n".join(blocks), str(PAGE), "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == re.search(r"print\(again\) *# (.*)", TEXT).group(1)
    assert "lstm.onnx" in printed[1]


def test_the_table_has_every_module_with_its_operators():
    from retroprop.interop.onnx_files.forms import FORMS
    from retroprop.interop.onnx_files.operators import MODULES
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if re.match(r"\| [A-Z]", line)]
    assert sorted(name for row in rows for name in row[0].split(", ")) == sorted(kind.__name__ for kind in FORMS)
    for row in rows:
        for operator in re.findall(r"\b[A-Z]\w+", row[1]):
            assert ("", operator) in MODULES or operator == "ONNX", operator


def test_the_opsets_are_those_that_are_read():
    from retroprop.interop.onnx_files.file import OPSETS
    assert f"Read are opsets {OPSETS[0]} to {OPSETS[1]}." in " ".join(TEXT.split())
    assert f"opsets {OPSETS[0]}\n    to {OPSETS[1]}" in rp.interop.load_onnx.__doc__
