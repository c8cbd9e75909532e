"""The pages of the papers: what each says, its claims with the committed verdicts, and what a run of ``reproduce`` measured."""

import csv
import json
import re
import shutil
from collections import Counter
from html import unescape
from pathlib import Path

from retroprop.experiments.reproduce.claims import verdict_of
from retroprop.experiments.reproduce.job import PAPERS, paper
from retroprop.experiments.reproduce.paper import Results, Scale

from .cards import card, contents, grid

ROOT = Path(__file__).parents[2]
VERDICTS = ROOT / "tests" / "experiments" / "papers" / "verdicts.csv"
SHOWN = {"yes": "reproduced", "NO": "**not reproduced**", "inconclusive": "inconclusive", "–": "not run"}


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(folder, measured):
    """Write a page for each paper, and their index."""
    folder.mkdir()
    if measured is not None and not any((measured / name / "claims.csv").exists() for name in PAPERS):
        raise SystemExit(f"--papers must be a folder that reproduce wrote, such as results/reproduce/small, got {measured}")
    kept = {}
    for row in read(VERDICTS):
        kept.setdefault(row["paper"], {})[row["id"]] = row["reproduced"]
    cards = []
    for name in PAPERS:
        page, counts = page_of(name, kept.get(name, {}), folder, measured)
        (folder / f"{name}.md").write_text(page, encoding="utf-8")
        texts = paper(name).texts
        cards.append(card(texts.title, name, texts.citation, told(counts)))
    index = f"{INDEX.format(count=len(PAPERS), cards=grid(cards, '1 1 2 2'))}\n{contents(PAPERS)}"
    (folder / "index.md").write_text(index, encoding="utf-8")


INDEX = """\
# Papers, reproduced

`retroprop reproduce all` repeats the experiments of {count} papers at small scale, with five seeds, and judges their claims.
Claims that are not reproduced stay here, with the reason. Each page names the scale of its verdicts.

```sh
retroprop reproduce all
```

{cards}
A claim is reproduced if what was measured meets the criterion. A difference that five seeds cannot decide is inconclusive.
"Whose claim" says where it comes from, and where it stands. [How to reproduce a paper](../how-to/reproduce-a-paper.md) has the
options of the command: larger scales, more processes, a cluster.
"""


def page_of(name, verdicts, folder, measured):
    """The Markdown of a page, and its verdicts, counted."""
    made = paper(name)
    claims = {one.id: one for one in made.claims(Results(Scale("small"), []))}
    ran = measured is not None and (measured / name / "claims.csv").exists()
    rows = {row["id"]: row for row in read(measured / name / "claims.csv")} if ran else {}
    texts, scale = made.texts, "small"
    if ran:                                                         # its own verdicts; at the small scale the committed
        verdicts = {id: verdict_of(row) for id, row in rows.items()}
        scale = json.loads((measured / name / "config.json").read_text(encoding="utf-8"))["scale"]
    text = f"---\nhtml_theme.sidebar_secondary.remove: true\n---\n\n# {texts.title}\n\n"
    text += f"{escaped(texts.citation)}\n\n{escaped(texts.question)}\n\n"
    counts = Counter(verdicts.get(id, "–") for id in claims if id in verdicts)
    text += f"**{told(counts)}** at the scale `{scale}`.\n\n"
    text += report(name, folder, measured) if ran else ""
    text += "## Claim by claim\n\n"
    header = ["claim", "verdict", *(["measured"] if rows else []), "criterion", "in the paper", "whose claim"]
    text += f"| {' | '.join(header)} |\n|{'---|' * len(header)}\n"
    for id, one in claims.items():
        found = rows.get(id, {})
        verdict = SHOWN[verdicts.get(id, "–")]
        cells = [one.what, verdict, *([found.get("measured", "–")] if rows else []), one.criterion, one.paper or "–", one.whose]
        text += f"| {' | '.join(escaped(cell) if k != 1 else cell for k, cell in enumerate(cells))} |\n"
    reasons = [f"- {escaped(one.what)}: {escaped(row['reason'])}" for id, one in claims.items()
               if (row := rows.get(id)) and row.get("reason")]
    if reasons:
        text += "\n## What was not reproduced, and why\n\n" + "\n".join(reasons) + "\n"
    text += f"\n## Run it again\n\n```sh\nretroprop reproduce {name}\n```\n"
    return text, counts


def report(name, folder, measured):
    """The finding and the figures of a run, with their headings, captions and what the paper's own figures show."""
    target = folder / "figures" / name
    target.mkdir(parents=True)
    html = (measured / name / "report.html").read_text(encoding="utf-8")
    text, heading = f"**{plain(FINDING.search(html)[1])}**\n\n", ""
    for found in FIGURE.finditer(html):
        if found["heading"]:
            heading = found["heading"]
            continue
        beside, caption, drawn = BESIDE.search(found[0]), CAPTION.search(found[0])[1], SVG.findall(found[0])
        text += f"## {plain(heading)}\n\n" if heading else ""
        for png in drawn:
            shutil.copy(measured / name / f"{png}.png", target)
            text += f"```{{image}} figures/{name}/{png}.png\n:alt: {words(heading or caption)}\n:class: drawn\n```\n\n"
        text += f"{plain(caption)}\n\n" + (f"> {plain(beside[1])}\n\n" if beside else "")
        heading = ""
    return text


# Parts of report.html, which retroprop writes.
FINDING = re.compile(r"<h1>(.*?)</h1>", re.DOTALL)
FIGURE = re.compile(r"<h2>(?P<heading>.*?)</h2>|<figure.*?</figure>", re.DOTALL)
BESIDE = re.compile(r"<blockquote>(.*?)</blockquote>", re.DOTALL)
CAPTION = re.compile(r"<figcaption>(.*?)(?:<span class='files'>|</figcaption>)", re.DOTALL)
SVG = re.compile(r"href='([^']+)\.svg'")


def words(html):
    """The text of HTML."""
    return " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())


def plain(html):
    """The text of HTML, as Markdown."""
    return escaped(words(html))


def told(counts):
    """The verdicts of a paper in words."""
    judged = sum(counts.values()) - counts["–"]
    text = f"{counts['yes']} of {judged} claims reproduced"
    return text + "".join(f", {counts[kind]} {word}" for kind, word in (("NO", "not"), ("inconclusive", "inconclusive"))
                          if counts[kind])


def escaped(text):
    """Text as Markdown that shows it."""
    return re.sub(r"([|*_\[\]<>$`~\\])", r"\\\1", " ".join(text.split()))
