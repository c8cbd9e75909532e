"""Read the claims that ``retroprop reproduce all`` wrote, and fail if one is false that was not.

    python .ci/claims.py results/reproduce/quick/claims.csv

Claims of the small scale must have the verdicts of ``tests/experiments/papers/verdicts.csv``. At the quick scale, whose few and
short runs leave more open, none may be false that is not false there or known to be, and at most three in ten may be
inconclusive. Whatever the scale, the README must count the verdicts of the small scale by whose claims they are.
"""

import csv
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Claims, by paper and id, that are false at the quick scale alone.
KNOWN = {
    ("glorot2010", "tanh-weight-gradients-alike"),
    ("cohen2021", "rises-0.8"),  # in 4 of 5 seeds
}
OPEN = 0.3                                                          # the share that may be inconclusive at the quick scale
ORIGINS = {"exact": "mathematics", "paper": "the papers", "independent": "an independent implementation",
           "project": "this project"}


def read(path):
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def verdict(row):
    """The verdict of a row of claims.csv, as verdicts.csv writes it."""
    if row["reproduced"]:
        return "yes" if row["reproduced"] == "True" else "NO"
    return "–" if row["measured"].startswith("not run") else "inconclusive"


def sentences(rows):
    """How many claims are reproduced, by origin, as the pages and the README say it."""
    found = []
    for origin, whose in ORIGINS.items():
        counts = Counter(row["reproduced"] for row in rows if row["origin"] == origin)
        yes, judged = counts["yes"], sum(counts.values()) - counts["–"]
        rest = [f", {counts[word]} {'is' if counts[word] == 1 else 'are'} {text}"
                for word, text in (("NO", "not"), ("inconclusive", "inconclusive")) if counts[word]]
        if judged:
            found.append(f"Claims of {whose}: {yes} of {judged} {'is' if yes == 1 else 'are'} reproduced{''.join(rest)}.")
    return found


path = Path(sys.argv[1])
rows, kept = read(path), {(row["paper"], row["id"]): row for row in read(ROOT / "tests/experiments/papers/verdicts.csv")}
if path.parent.name == "small":
    wrong = [row for row in rows if verdict(row) != kept.get((row["paper"], row["id"]), {}).get("reproduced")]
else:
    verdicts = Counter(verdict(row) for row in rows)
    if verdicts["inconclusive"] > OPEN * (len(rows) - verdicts["–"]):
        sys.exit(f"too many claims are inconclusive: {dict(verdicts)}")
    known = KNOWN | {key for key, row in kept.items() if row["reproduced"] == "NO"}
    wrong = [row for row in rows if verdict(row) == "NO" and (row["paper"], row["id"]) not in known]
for row in wrong:
    print(f"NEW: {row['paper']}: {row['id']}: {row['claim']}: {verdict(row)}: measured {row['measured']}, "
          f"criterion: {row['criterion']}")
print(*sentences([row | {"reproduced": verdict(row)} for row in rows]))
gone = KNOWN - {(row["paper"], row["id"]) for row in rows}
if gone:
    sys.exit(f"no claims have these ids any more: {sorted(gone)}")
if not rows or wrong:
    sys.exit("a claim is not reproduced that was before, or there is no claim")
readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
untold = [text for text in sentences(kept.values()) if text not in readme]
if untold:
    sys.exit(f"the README must say: {' '.join(untold)}")
