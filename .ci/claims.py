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

from retroprop.experiments.reproduce.claims import ORIGINS, sentences, verdict_of

ROOT = Path(__file__).parents[1]
# Claims, by paper and id, that are false at the quick scale alone.
KNOWN = {
    ("glorot2010", "tanh-weight-gradients-alike"),
    ("cohen2021", "rises-0.8"),  # in 4 of 5 seeds
}
OPEN = 0.3                                                          # the share that may be inconclusive at the quick scale


def read(path):
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def counted(verdicts):
    """Sentences that count pairs of an origin and a verdict, as the README has them."""
    return sentences({origin: Counter(verdict for of, verdict in verdicts if of == origin) for origin in ORIGINS}, "the papers")


path = Path(sys.argv[1])
rows, kept = read(path), {(row["paper"], row["id"]): row for row in read(ROOT / "tests/experiments/papers/verdicts.csv")}
if path.parent.name == "small":
    wrong = [row for row in rows if verdict_of(row) != kept.get((row["paper"], row["id"]), {}).get("reproduced")]
else:
    verdicts = Counter(verdict_of(row) for row in rows)
    if verdicts["inconclusive"] > OPEN * (len(rows) - verdicts["–"]):
        sys.exit(f"too many claims are inconclusive: {dict(verdicts)}")
    known = KNOWN | {key for key, row in kept.items() if row["reproduced"] == "NO"}
    wrong = [row for row in rows if verdict_of(row) == "NO" and (row["paper"], row["id"]) not in known]
for row in wrong:
    print(f"NEW: {row['paper']}: {row['id']}: {row['claim']}: {verdict_of(row)}: measured {row['measured']}, "
          f"criterion: {row['criterion']}")
print(*counted([(row["origin"], verdict_of(row)) for row in rows]))
gone = KNOWN - {(row["paper"], row["id"]) for row in rows}
if gone:
    sys.exit(f"no claims have these ids any more: {sorted(gone)}")
if not rows or wrong:
    sys.exit("a claim is not reproduced that was before, or there is no claim")
readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
untold = [text for text in counted([(row["origin"], row["reproduced"]) for row in kept.values()]) if text not in readme]
if untold:
    sys.exit(f"the README must say: {' '.join(untold)}")
