"""The page of a run of ``look`` for developers: all quantities, each with the criterion that it must meet, if it has one."""

from __future__ import annotations

from pathlib import Path

from ..reports.page import Page
from .findings import Findings

NAME = "checks.html"


def write_checks(findings: Findings, folder: Path) -> None:
    """Write checks.html into ``folder``."""
    page = Page(findings.verdict())
    page.text("A criterion says what the library must achieve in a full run, on the embedded digits; its developers watch it. "
              "The mean over the seeds must meet it. Criteria of attacks are those of a small replica of Goodfellow, Shlens & "
              "Szegedy, Explaining and Harnessing Adversarial Examples (2015).")
    page.table(findings.table())
    page.links({"report.html": "What the network sees", "numbers.json": "numbers.json: these numbers"})
    page.write(folder / NAME)
