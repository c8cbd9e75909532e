"""Put the sources of the site together: the pages of this folder, the notebooks, and pages made of the library's own facts."""

import re
import shutil
from pathlib import Path

from . import api, notebooks, parts, questions
from . import papers as paper_pages

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent


def prepare(source, papers=None, lite=False):
    """Fill the folder ``source``."""
    shutil.copytree(DOCS, source, dirs_exist_ok=True, ignore=shutil.ignore_patterns("builder", "*.py", "__pycache__", "*.csv"))
    for page in source.rglob("*.md"):                               # the notebooks are beside docs, and inside the site
        text = re.sub(r"\]\(\.\./((?:\.\./)*notebooks/)", r"](\1", page.read_text(encoding="utf-8"))
        page.write_text(text, encoding="utf-8")
    notebooks.write(ROOT / "notebooks", source / "notebooks", lite)
    api.write(source / "api")
    paper_pages.write(source / "papers", papers)
    parts.write_course(source / "course")
    questions.write(source / "questions.md", source / "questions")
