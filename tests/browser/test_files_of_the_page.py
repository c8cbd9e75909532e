"""The static files of the page: its scripts name what is there, every control has a label, and every text can be read."""

import re

import pages
import pytest

from retroprop.browser.session import Desk, Session
from retroprop.browser.writing import PAGE

SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in PAGE.glob("*.js")}
HTML = (PAGE / "index.html").read_text(encoding="utf-8")
STYLE = (PAGE / "style.css").read_text(encoding="utf-8")
THEMES = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
          for block in re.findall(r":root \{(.*?)\n *\}", STYLE, re.DOTALL)]
ON = {"ink": ("paper", "card", "warning"), "quiet": ("paper", "card"), "link": ("paper", "card"), "a": ("paper", "card"),
      "b": ("paper", "card"), "on": ("link", "a", "b"), "paper": ("ink",), "good": ("card",), "high": ("card",)}


@pytest.mark.parametrize("theme", THEMES, ids=["light", "dark"])
def test_texts_have_a_contrast_of_at_least_4_and_a_half(theme):
    found = {(text, ground): pages.contrast(theme[text], theme[ground]) for text, grounds in ON.items() for ground in grounds}
    assert len(THEMES) == 2
    assert {pair: round(value, 2) for pair, value in found.items() if value < 4.5} == {}
    assert min(pages.contrast(theme["control"], theme[ground]) for ground in ("paper", "card")) >= 3     # edges of controls


def test_scripts_name_what_the_page_has():
    ids = set(re.findall(r'\bid="([\w-]+)"', HTML))
    used = {name for script in SCRIPTS.values() for name in re.findall(r'\bat\("([\w-]+)"\)', script)}
    sides = {f"{name}-{side}" for script in SCRIPTS.values() for name in re.findall(r"\bat\(`([\w-]+)-\$\{side\}`\)", script)
             for side in "ab"}
    assert len(used) > 20
    assert len(sides) >= 12
    assert (used | sides) - ids == set()


def test_scripts_call_methods_that_the_session_has():
    called = {name for script in SCRIPTS.values() for name in re.findall(r'python\.call\("(\w+)"', script)}
    assert called == {"open", "frame", "state", "diagnosis", "take", "phase", "nudge"}
    assert [name for name in called if not hasattr(Desk if name == "open" else Session, name)] == []


def test_every_control_has_a_label():
    page = pages.parsed(HTML)
    labels = "".join(re.findall(r"<label.*?</label>", HTML, re.DOTALL))
    controls = [one for tag in ("input", "select") for one in page.all(tag)]
    assert len(controls) >= 12
    for control in controls:
        marks = [f'{name}="{control.attributes[name]}"' for name in ("id", "name") if name in control.attributes]
        assert any(mark in labels for mark in marks), control.attributes
    assert all(one.text.strip() for one in page.all("button"))


def test_the_page_asks_nobody_else():
    """Pyodide's place stands in settings.json alone."""
    assert re.findall(r"https?://[\w.]+", HTML + STYLE + "".join(SCRIPTS.values())) == []
