"""Every code block of the README runs and has the results that the README states."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
if not README.exists():
    pytest.skip("the README is not beside these tests", allow_module_level=True)
TEXT = README.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("code", BLOCKS, ids=[f"block {k}" for k in range(len(BLOCKS))])
def test_the_blocks_run(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(README), "exec"), {"__name__": "readme"})


def test_the_script_learns_the_moons(capsys):
    exec(BLOCKS[0], {})
    _, accuracy = map(float, capsys.readouterr().out.split())
    assert accuracy > 0.99


def test_backward_and_differences_print_the_same_numbers(capsys):
    exec(BLOCKS[1], {})
    backward, differences = (line.partition(":")[2] for line in capsys.readouterr().out.splitlines()[-2:])
    assert backward.strip() == differences.strip()


def test_the_two_commands_stand_there_verbatim():
    for command in ("python3 -m venv .venv && .venv/bin/python -m pip install . && .venv/bin/retroprop compare",
                    'python3 -m venv .venv && .venv/bin/python -m pip install ".[test]" && .venv/bin/python -m pytest'):
        assert f"\n{command}\n" in TEXT


def test_links_and_images_are_there():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert target.startswith("https://") or (README.parent / target).exists(), target
