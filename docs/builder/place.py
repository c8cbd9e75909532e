"""The folder of the site: nothing but an earlier site is ever replaced, and only by one that is whole."""

import shutil
import sys
import tempfile
from pathlib import Path

MARK = ".retroprop-site"                                            # a file that every site of this builder has


def check_place(out):
    """Exit with an error unless ``out`` is an earlier site, an empty folder, or not there."""
    refused = ""
    if out.is_symlink():
        refused = "is a symbolic link"
    elif out.exists() and not out.is_dir():
        refused = "is a file"
    elif out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        refused = f"holds files, and no {MARK}"
    if refused:
        sys.exit(f"--out must be an earlier site, an empty folder, or one that does not exist yet, but {out} {refused}: "
                 "name another folder, or remove it")


def replace(out, site):
    """Move a finished site to ``out``; what was there stays if that fails."""
    check_place(out)
    (site / MARK).write_text("`python -m docs` wrote this folder, and replaces it as a whole.\n", encoding="utf-8")
    out = out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as beside:
        new, old = Path(beside, "new"), Path(beside, "old")
        shutil.move(site, new)                                      # maybe from another disk
        if out.exists():
            out.rename(old)
        try:
            new.rename(out)
        except OSError:
            if old.exists():
                old.rename(out)
            raise
