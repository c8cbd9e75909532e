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

Three hours with a class, from the derivative to the initialization. Nothing but a browser or Python is needed.

<a class="action first" href="slides.html">Slides</a>
<a class="action" href="exercises.ipynb" download>Exercises</a>

```{toctree}
:maxdepth: 1

plan
instructor
exercises
```

`retroprop grade exercises.ipynb` gives points, and says which law failed. `retroprop course --seed 2026` writes the kit with
other bugs to find, and the solutions.
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
