"""Store: the folder that holds finished runs, and checkpoints of unfinished ones."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from .trials import Done, Trial


class Store:
    """A folder with one JSON file per finished run, named after the run's key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, trial: Trial) -> Path:
        return self.folder / f"{trial.key}.json"

    def checkpoint(self, trial: Trial) -> str | None:
        """The folder for the checkpoint of a resumable run; a str, since a worker may run another operating system."""
        return str(self.folder.absolute() / f"{trial.key}.unfinished") if trial.resumable else None

    def find(self, trial: Trial) -> Done | None:
        """The stored run; None if its file is missing, damaged or not of this trial."""
        try:
            content = json.loads(self.path(trial).read_text(encoding="utf-8"))
            if content["of"] != json.loads(trial.text):
                return None
            return Done(trial, content["result"], content["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def drop(self, trial: Trial) -> None:
        """Delete the checkpoint of an unfinished run."""
        if (checkpoint := self.checkpoint(trial)) is not None:
            shutil.rmtree(checkpoint, ignore_errors=True)

    def keep(self, done: Done) -> None:
        """Store a finished run atomically, and delete its checkpoint."""
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f"{done.trial.key}.{os.urandom(4).hex()}.part"
        content = {"of": json.loads(done.trial.text), "seconds": done.seconds, "result": done.result}
        try:
            with part.open("x", encoding="utf-8") as file:
                json.dump(content, file, ensure_ascii=False)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, self.path(done.trial))
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        self.drop(done.trial)
