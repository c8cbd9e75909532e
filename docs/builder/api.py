"""The pages of the API: every public name, by subject, with a page of its own."""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import retroprop as rp

from .cards import card, contents, grid
from .questions import slug

PAGE = Path(__file__).with_name("subjects.md")


class Subject(NamedTuple):
    """A page of the API."""

    title: str
    folder: str                                                     # of the package; "" is its root
    sentence: str
    groups: list[tuple[str, list[str]]]                             # a title, and names


def subjects():
    """The subjects of ``subjects.md``, with all public names."""
    _, *parts = PAGE.read_text(encoding="utf-8").split("\n## ")
    found = []
    for title, folder, sentence, rows in (part.strip().split("\n\n") for part in parts):
        groups = [(name, names.split()) for name, _, names in (row[2:].partition(": ") for row in rows.splitlines())]
        found.append(Subject(title, folder.removeprefix("folder: ").strip("."), sentence, groups))
    return [completed(one, found) for one in found]


def completed(subject, every):
    """The subject with all public names of its folder, and with their full names."""
    there, grouped = public(subject.folder), {name for _, names in subject.groups for name in names}
    if not subject.folder:                                          # the root repeats names of the folders
        grouped |= {name for one in every if one.folder for name in public(one.folder)}
    groups = [(title, [name for name in names if name in there]) for title, names in subject.groups]
    groups[-1][1].extend(name for name in there if name not in grouped)
    return subject._replace(groups=[(title, [full_name(subject.folder, name) for name in names]) for title, names in groups])


def public(folder):
    """The public names of a folder that are no folders themselves."""
    module = import_module(f"retroprop.{folder}" if folder else "retroprop")
    names = getattr(module, "__all__", None) or [name for name, value in vars(module).items() if not name.startswith("_")
                                                 and getattr(value, "__module__", None) == module.__name__]
    return [name for name in names if not isinstance(getattr(module, name), ModuleType)]


def full_name(folder, name):
    """The name under which users call it: ``retroprop.Linear``, ``retroprop.datasets.moons``."""
    in_folder = getattr(import_module(f"retroprop.{folder}" if folder else "retroprop"), name)
    return f"retroprop.{name}" if getattr(rp, name, None) is in_folder else f"retroprop.{folder}.{name}"


def write(folder):
    """Write the pages of the subjects, and their index."""
    folder.mkdir()
    cards, found = [], subjects()
    for subject in found:
        text = f"# {subject.title}\n\n{subject.sentence}\n"
        for title, names in subject.groups:
            rows = "".join(f"   {name}\n" for name in names)
            text += f"\n## {title}\n\n```{{eval-rst}}\n.. autosummary::\n   :toctree: names\n   :nosignatures:\n\n{rows}```\n"
        page = slug(subject.title)
        (folder / f"{page}.md").write_text(text, encoding="utf-8")
        first = " · ".join(name.rpartition(".")[2] for name in [name for _, names in subject.groups for name in names][:4])
        cards.append(card(subject.title, page, subject.sentence, f"{first} …"))
    index = f"{INDEX}\n{grid(cards, '1 2 2 3')}\n{contents(slug(one.title) for one in found)}"
    (folder / "index.md").write_text(index, encoding="utf-8")


INDEX = """\
# API

All public names, by subject. In code they are names of `rp`, as in `rp.Linear` and `rp.datasets.moons`, after
`import retroprop as rp`.
"""


def file_names():
    """Names of pages for classes whose name is that of a function but for its case: some file systems take them for one."""
    names = {name for subject in subjects() for _, found in subject.groups for name in found}
    lower = [name.lower() for name in names]
    return {name: f"{name}-class" for name in names if name.rpartition(".")[2][0].isupper() and lower.count(name.lower()) > 1}
