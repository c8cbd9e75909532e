"""The files that a page of ``look`` may have, and what is recorded in those of numbers and settings."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import numpy as np

from ... import files
from ..options import command_line
from . import checks
from .findings import Findings, defences

NET, DREAM = "net.safetensors", "dream.png"
FIGURES = ("examples", "saliency", "randomization", "adversarial", "robustness", "class-models", "channels", "dream-large",
           "dream-steps")
FILES = ("report.html", checks.NAME, checks.TABLE, "numbers.json", "config.json", NET, DREAM,
         *(f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")))                     # of any page


def write_json(path: Path, content: Any) -> None:
    files.write(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def numbers(findings: Findings, folder: Path) -> dict[str, Any]:
    """The configuration, the versions and all numbers; None stands for NaN."""
    from ... import __version__
    return {"config": findings.config, "command": command(findings, folder), "numbers": findings.summary(),
            "defences": defences(findings) if findings.images.attacked and findings.trained else [],
            "versions": {"retroprop": __version__, "numpy": np.__version__, "python": platform.python_version()}}


def command(findings: Findings, folder: Path) -> str:
    return command_line("look", findings.config | {"out": folder})
