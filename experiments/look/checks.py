"""The page of a run of ``look`` for developers: all quantities, each with the criterion that it must meet, if it has one."""

from __future__ import annotations

from pathlib import Path

from ..reports.page import Page
from ..reports.statistics import estimate
from ..reports.text import write_csv
from .findings import Findings

NAME, TABLE = "checks.html", "numbers.csv"


def write_checks(findings: Findings, folder: Path) -> None:
    """Write checks.html and numbers.csv into ``folder``."""
    write_csv(folder / TABLE, [
        {"quantity": row.quantity, "met": row.met, "mean": row.value, "half_95": estimate(row.values).half, "unit": row.unit,
         "criterion": row.criterion, "values": list(row.values)} for row in findings.rows()])
    page = Page(findings.verdict())
    page.text("A criterion says what the library must achieve in a full run, on the embedded digits; its developers watch it. "
              "The mean over the seeds must meet it. Criteria of attacks are those of a small replica of Goodfellow, Shlens & "
              "Szegedy, Explaining and Harnessing Adversarial Examples (2015).")
    page.table(findings.table())
    page.links({"report.html": "What the network sees", TABLE: f"{TABLE}: these numbers"})
    page.write(folder / NAME)
