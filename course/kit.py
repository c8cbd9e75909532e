"""``retroprop course``: writes the kit of the course into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .. import files
from ..arguments import positive_int
from ..errors import ArgumentError
from ..experiments.options import new_command
from .notebooks import as_text, both
from .source import TEXTS

if TYPE_CHECKING:
    from ..experiments.options import Commands

STUDENT, TEACHER = "exercises.ipynb", "exercises-with-solutions.ipynb"


def add_command(commands: Commands) -> None:
    command = new_command(
        commands, "course", "write the kit of a course of three hours",
        "Write a lesson plan, an instructor's page, and the exercises as a student's and a teacher's notebook. With "
        "--notebooks, the folder of the repository's notebooks, also write the slides, which show their figures. A file of the "
        "same name that holds anything else, such as a plan of your own or exercises that are filled in, is replaced only with "
        "--force.",
        "--out my-course --seed 2026")
    command.add_argument("--out", default="results/course", metavar="FOLDER", help="where to write (default: results/course)")
    command.add_argument("--seed", type=int, default=0, help="draws other bugs to find (default: 0)")
    command.add_argument("--notebooks", metavar="FOLDER", help="the notebooks whose figures the slides show")
    command.add_argument("--force", action="store_true", help="replace files in that folder that hold something else")
    command.set_defaults(run=run)


def run(*, out: str, seed: int, notebooks: str | None, force: bool) -> int:
    written = write_kit(out, seed, notebooks, force=force)
    print("\n".join(map(str, written)))
    if notebooks is None:
        print("Without --notebooks, no slides were written: their figures are in the notebooks of the repository.")
    return 0


def write_kit(out: str | Path, seed: int = 0, notebooks: str | Path | None = None, *,
              force: bool = False) -> list[Path]:
    """Write the kit of the course; return its files.

    Parameters
    ----------
    out : str or path
        The folder, which is made if need be.
    seed : int of at least 0, default 0
        Draws the bugs of exercise 5.
    notebooks : str or path, optional
        The folder of the repository's notebooks; without it, no slides are written.
    force : bool, default False
        Whether files that hold something else than the kit for this seed are replaced.

    Raises
    ------
    ArgumentError
        Such a file is in the folder: a plan that was edited, exercises that were filled in, or the kit for another seed.
    OSError
        The folder cannot be written, or a notebook cannot be read.
    FileFormatError
        A figure that the slides show is not in the notebooks.
    """
    folder, seed = Path(out), positive_int("seed", seed, 0)
    folder.mkdir(parents=True, exist_ok=True)
    files.check_folder(folder)
    contents = {name: (TEXTS / name).read_text(encoding="utf-8") for name in ("plan.md", "instructor.md")}
    student, teacher = both(seed)
    contents |= {STUDENT: as_text(student), TEACHER: as_text(teacher)}
    if notebooks is not None:
        from .slides import slides
        contents["slides.html"] = slides(Path(notebooks))
    other = [name for name, content in contents.items()
             if (folder / name).exists() and (folder / name).read_bytes() != content.encode()]
    if other and not force:
        raise ArgumentError(f"out must be a folder without files that the kit would replace, but {folder} holds another "
                            f"{', '.join(other)}: name another folder, or replace them with force=True")
    for name, content in contents.items():
        files.write(folder / name, content)
    return [folder / name for name in contents]
