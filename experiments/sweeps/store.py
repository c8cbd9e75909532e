"""Store: finished runs on disk."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from .trials import Done, Trial


class Store:
    """Finished runs, a JSON file each, named after the hash of what decided it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, trial: Trial) -> Path:
        return self.folder / f"{trial.key}.json"

    def kept(self, trial: Trial) -> str | None:
        """The folder of an unfinished run, as text: a worker may be another system."""
        return str(self.folder.absolute() / f"{trial.key}.unfinished") if trial.resumable else None

    def find(self, trial: Trial) -> Done | None:
        """What was kept of a run; None for one that is not there, or not whole."""
        try:
            content = json.loads(self.path(trial).read_text(encoding="utf-8"))
            if content["of"] != json.loads(trial.text):
                return None
            return Done(trial, content["result"], content["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def drop(self, trial: Trial) -> None:
        """What an unfinished run left is deleted."""
        if (unfinished := self.kept(trial)) is not None:
            shutil.rmtree(unfinished, ignore_errors=True)

    def keep(self, done: Done) -> None:
        """Write a run; the file appears whole or not at all."""
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
