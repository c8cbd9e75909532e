"""The pages of reproduced papers: one for each, and an index of all claims."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ... import files
from ..options import command_line
from ..reports.page import Figures, Page
from ..reports.text import many, write_csv
from ..sweeps.trials import version
from .claims import HEADER, ORIGINS, Claim, counted, summary
from .paper import SEEDS, Paper, Report, Results, Scale
from .reproduced import Reproduced

READING = """A claim is reproduced if what was measured meets the criterion. In brackets: how many of the repeats that leave
one seed out, also in the choice of a learning rate, have the same verdict; if fewer than half have, it is inconclusive. “In
the paper” is the paper's number or finding; limits, steps and learning rates that it does not give are this project's; “whose
claim” says where the claim comes from: from mathematics, which the runs can miss by rounding or sampling alone, whether the
paper derives it or not; from the paper's experiments, and where they stand; from an independent implementation, a program
without this library whose number in the same setting ours must match within a tolerance; or from this project. Numbers are
means over the seeds ± half a 95 % interval (Student's t; where each seed divides the same digits into training and test part
anew, widened for what the parts share: Nadeau and Bengio 2003). If a limit of the criterion lies in the interval, the claim is
inconclusive. A difference is taken seed by seed, and tested by a paired t test. {tests} together: Benjamini and Hochberg's
procedure keeps the expected share of false ones among the differences that are found below 5 %, and a difference with a
corrected p of 0.05 or more is inconclusive: these seeds are too few to decide it. Where the difference is the same in each
seed there is no test: 0 is inconclusive, another one decides. Runs that diverged are counted beside the mean: an error is then
that of chance, and a number that such a run does not have leaves the claim inconclusive."""

FILES = ("report.html", "claims.csv", "results.csv", "failures.txt", "config.json", "*.png", "*.svg")     # of a paper
INDEX_FILES = ("index.html", "claims.csv", "config.json", "verdicts.png", "verdicts.svg")


def write(reproduced: Reproduced, out: Path, whole: bool) -> None:
    """Write a folder for each paper, and the index if these are all papers."""
    for name, results in reproduced.results.items():
        write_paper(reproduced.papers[name], results, reproduced.claims[name], out / name)
    if whole:
        write_index(reproduced, out)


def settings(name: str, scale: Scale) -> dict[str, Any]:
    """The settings that decide the numbers of a paper's page."""
    return {"paper": name, "scale": scale.name, "seeds": scale.seeds, "data": scale.data, "steps": scale.steps}


def command(name: str, scale: Scale, out: Path) -> str:
    """The line that writes this page, or the index, again."""
    return command_line(f"reproduce {name}", {"scale": scale.name, "seeds": scale.seeds, "data": scale.data,
                                              "steps": scale.steps, "out": out})


def write_settings(name: str, scale: Scale, again: str, module: str, folder: Path) -> None:
    """Write config.json, before all other files: they are known as those of a report even if it is not completed."""
    versions = version(module) | {"python": platform.python_version(), "numpy": np.__version__}
    content = settings(name, scale) | {"command": again, "versions": versions}
    files.write(folder / "config.json", json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def write_paper(paper: Paper, results: Results, claims: Sequence[Claim], folder: Path) -> None:
    """Write report.html, figures, claims.csv, results.csv (every number of every run) and config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    again = command(paper.name, results.scale, folder.parent.parent)
    rows = list(results.rows())
    write_settings(paper.name, results.scale, again, paper.plan.__module__, folder)
    write_csv(folder / "claims.csv", [one.row() for one in claims])
    for old in ("failures.txt", "results.csv"):
        (folder / old).unlink(missing_ok=True)                      # of an earlier call
    if results.failed:
        files.write(folder / "failures.txt", "\n".join(f"{one.trial}\n{one.where}" for one in results.failed))
    if rows:
        write_csv(folder / "results.csv", rows)

    page = Page(paper.finding(results) or paper.texts.title)
    page.text(f"{many(results.scale.seeds, 'seed')}, scale {results.scale.name}. {judgement(claims, results)}")
    scratch = Page("")
    drawn = Report(scratch, Figures(scratch, folder), paper.texts, {paper.first: page.title})
    paper.draw(results, drawn)
    page.parts += drawn.take(paper.first)
    page.heading("Claim by claim")
    judge(page, claims, results)
    page.heading("The paper, and how it is repeated here")
    page.text(paper.texts.citation)
    page.text(paper.texts.question)
    page.parts += scratch.parts
    page.heading("Run it again")
    page.code(again)
    page.text(f"{many(len(results.outcomes), 'run')}, {many(results.scale.seeds, 'seed')}. The numbers do not depend on the "
              "number of processes, nor on whether they run here or on a cluster, on processors of the same kind.")
    page.heading("Files")
    page.links({"claims.csv": "claims.csv: every claim, with its numbers"}
               | ({"results.csv": "results.csv: every number of every run"} if rows else {})
               | {"config.json": "config.json: settings and versions"})
    page.write(folder / "report.html")


def judgement(claims: Sequence[Claim], results: Results) -> str:
    """How many claims are reproduced, or why none is judged."""
    if results.scale.judged and not results.failed:
        return summary(claims)
    why = "all runs" if results.failed else f"{SEEDS} seeds or more, and the paper's own number of steps"
    return f"Nothing is judged: that takes {why}."


def judge(page: Page, claims: Sequence[Claim], results: Results) -> None:
    """Write the table of the claims, why some are not reproduced, and which runs failed."""
    page.table([list(HEADER), *(one.cells() for one in claims)], sentences=True)
    page.text(reading(claims, "this page"))
    missed = [f"{one.what}: {one.reason or 'no reason was found.'}" for one in claims if one.holds is False]
    if missed:
        page.heading("What was not reproduced, and why")
        page.points(missed)
    if results.failed:
        page.heading("Runs that failed")
        page.points([f"{one.trial}: {one.error}" for one in results.failed])
        page.text("The tracebacks are in failures.txt.")


def reading(claims: Sequence[Claim], where: str) -> str:
    """How to read the table of these claims."""
    tests = sum(not math.isnan(one.p) for one in claims)
    tested = f"The {tests} such tests of {where} are corrected" if tests > 1 else f"All such tests of {where} are corrected"
    return READING.replace("\n", " ").format(tests=tested)


def write_index(reproduced: Reproduced, out: Path) -> None:
    """Write index.html, with all claims and a link to each page, claims.csv and config.json."""
    again = command("all", reproduced.scale, out.parent)
    write_settings("all", reproduced.scale, again, __name__, out)
    every = [one for claims in reproduced.indexed.values() for one in claims]
    scale = f"scale {reproduced.scale.name}, {many(reproduced.scale.seeds, 'seed')}"
    own = counted(every).get("paper", {})
    judged = sum(own.values()) - own.get("–", 0)
    page = Page(f"{many(len(reproduced.claims), 'paper')}: {own['yes']} of {judged} of their own claims are reproduced "
                f"({scale})" if judged else f"The lecture's papers, reproduced ({scale})")
    page.text(reproduced.verdict())
    if judged:
        from .figures import verdicts
        figures = Figures(page, out)
        figures.add(verdicts({name: counted(claims) for name, claims in reproduced.indexed.items()}), "verdicts",
                    "Claims on each paper's page, by whose they are: laws of mathematics, what the paper found, numbers of an "
                    "independent implementation, and what this project adds. Claims that nothing here repeats are not counted.",
                    finding=f"Of the papers' own claims, {spoken(own)}; the reasons stand below.")
    page.table(overview(reproduced))
    missed = [f"{name}: {one.what} ({one.whose}): {one.reason or 'no reason was found.'}"
              for name, claims in reproduced.indexed.items() for one in claims if one.holds is False]
    if missed:
        page.heading("What was not reproduced, and why")
        page.points(missed)
    for name, claims in reproduced.indexed.items():
        made = reproduced.papers[name]
        page.heading(made.texts.title)
        page.text(made.finding(reproduced.results[name]) or made.texts.citation)
        page.link("The page, with figures", f"{name}/report.html")
        page.table([list(HEADER), *(one.cells() for one in claims)], sentences=True)
    page.text(reading(every, "this index, of all papers"))
    page.heading("Run it again")
    page.code(again)
    page.heading("Files")
    page.links({"claims.csv": "claims.csv: every claim, with its numbers",
                "config.json": "config.json: settings and versions"})
    page.write(out / "index.html")
    write_csv(out / "claims.csv", reproduced.summary())


def overview(reproduced: Reproduced) -> list[list[str]]:
    """The table of the verdicts of each paper, by whose claims they are."""
    found = {name: counted(claims) for name, claims in reproduced.indexed.items()}
    origins = [origin for origin in ORIGINS if any(origin in each for each in found.values())]
    header = ["paper", *(f"claims of {ORIGINS[origin]}" for origin in origins), "not judged"]
    return [header, *([name, *(spoken(each.get(origin, {})) for origin in origins),
                       str(sum(verdicts["–"] for verdicts in each.values()))] for name, each in found.items())]


def spoken(verdicts: Mapping[str, int]) -> str:
    """The counts of verdicts in a cell of a table.

    >>> spoken({"yes": 3, "NO": 1, "inconclusive": 0, "–": 2}), spoken({})
    ('3 of 4 reproduced, 1 not', '–')
    """
    judged = sum(verdicts.values()) - verdicts.get("–", 0)
    if not judged:
        return "–"
    rest = [f", {verdicts[word]} {what}" for word, what in (("NO", "not"), ("inconclusive", "inconclusive")) if verdicts[word]]
    return f"{verdicts['yes']} of {judged} reproduced{''.join(rest)}"
