"""Store: the folder that holds finished runs, and checkpoints of unfinished ones."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from ...errors import FileFormatError
from ...files import Lock, read_json, remove_leftovers, write_json
from .trials import Done, Trial


class Store:
    """A folder with one JSON file per finished run, named after the run's key.

    The file begins with a checksum, so that damage is noticed. (Runs that were kept before there were checksums are made
    again.) Several sweeps can use one folder at the same time. ``error`` is the first that kept a run from being stored.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.error: OSError | None = None

    def path(self, trial: Trial) -> Path:
        return self.folder / f"{trial.key}.json"

    def checkpoint(self, trial: Trial) -> str | None:
        """The file for the checkpoint of a resumable run; a str, since a worker may run another operating system."""
        return str(self.folder.absolute() / f"{trial.key}.unfinished") if trial.resumable else None

    def find(self, trial: Trial) -> Done | None:
        """The stored run; None if its file is missing, damaged or not of this trial."""
        try:
            content = read_json(self.path(trial))
        except (OSError, FileFormatError):
            return None
        return Done(trial, content["result"], content["seconds"]) if content.get("of") == json.loads(trial.text) else None

    def tidy(self) -> None:
        """Delete what killed sweeps were writing."""
        remove_leftovers(self.folder)

    def drop(self, trial: Trial) -> None:
        """Delete the checkpoint of an unfinished run, unless another process is carrying that run out."""
        checkpoint = self.checkpoint(trial)
        if checkpoint is not None and Path(checkpoint).exists() and (lock := Lock(Path(checkpoint))).acquire():
            with suppress(OSError):
                Path(checkpoint).unlink()
            lock.release()

    def keep(self, done: Done) -> bool:
        """Store a finished run, and delete its checkpoint; return False if that is not possible: the sweep must go on."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_json(self.path(done.trial),
                       {"of": json.loads(done.trial.text), "seconds": done.seconds, "result": done.result})
        except OSError as error:
            self.error = self.error or error
            return False
        self.drop(done.trial)
        return True
