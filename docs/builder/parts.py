"""The parts of the site that are no pages of Sphinx: the page in the browser, JupyterLite, and the course's kit."""

import shutil
from pathlib import Path

from retroprop.browser import write_page
from retroprop.course.kit import TEACHER, write_kit

ROOT = Path(__file__).parents[2]


def write_course(folder):
    """Write the kit, without the solutions, and the page that leads to its parts."""
    write_kit(folder, notebooks=ROOT / "notebooks")
    (folder / TEACHER).unlink()
    (folder / "index.md").write_text(COURSE_PAGE, encoding="utf-8")


COURSE_PAGE = """\
# The course

Three hours with a class, from the derivative to the initialization, for students who know the chain rule, matrix products and
a little NumPy, and nothing of neural networks. Afterwards they can write a module with its three phases, check it, and predict
from the size of the first weights whether a deep network will learn.

<a class="action first" href="slides.html">Slides</a>
<a class="action" href="exercises.ipynb" download>Download the exercises</a>

| part | what is in it |
|---|---|
| [Lesson plan](plan.md) | what happens when, in three hours or in two meetings of ninety minutes |
| [Instructor's page](instructor.md) | a room of a hundred laptops, answers to expect, what goes wrong, and grading |
| <a href="slides.html">Slides</a> | one file that needs no network |
| [Exercises](exercises.ipynb) | 60 points: write `Sigmoid`, `Linear`, `BatchNorm`, `Dropout`; find bugs; predict a variance |

In a clone of the repository, these commands write the kit with the solutions, and with bugs of its own for your class; and they
grade what students hand in: points for each part that is right, and the law that failed for each that is not.

```sh
.venv/bin/python -m pip install ".[course]"
.venv/bin/retroprop course --out my-course --notebooks notebooks --seed 2026
.venv/bin/retroprop grade my-course/exercises-with-solutions.ipynb
```

Students need Python, or a browser alone: [run it in the browser](../how-to/in-the-browser.md).

```{toctree}
:hidden:

plan
instructor
exercises
```
"""


def write(out, source, pyodide=None, lite=False):
    """Write into the finished site what stands beside Sphinx's pages."""
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        shutil.copy(notebook, out / "notebooks")
    for path in (source / "course").glob("*"):
        if path.suffix in (".ipynb", ".html"):
            shutil.copy(path, out / "course")
    write_page(out / "play", pyodide=pyodide, home="../index.html")
    if lite:
        from .. import lite as jupyterlite
        jupyterlite.write(out / "lite", pyodide=pyodide)
