"""Read the claims that ``retroprop reproduce all`` wrote, and fail if one is not reproduced, other than those known not to be.

    python .ci/claims.py results/reproduce/quick/claims.csv

Claims of the small scale must have the verdicts of ``tests/experiments/papers/verdicts.csv``. Whatever the scale, the README
must count those verdicts by whose claims they are.
"""

import csv
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Claims, by paper and id, that are not reproduced, or that five seeds cannot decide; the pages of the papers say why.
KNOWN = {
    *(("glorot2010", id) for id in (
        "std-of-z-standard", "weight-gradient-normalized", "singular-normalized", "gradient-ratio-softsign-normalized",
        "surface-flatter", "softsign-normalized-learns", "tanh-weight-gradients-alike")),
    ("he2015", "relu30-he-learns"),
    ("saxe2014", "gaussian100-rms"),
    ("saxe2014", "orthogonal-time-stays"),
    ("lsuv2016", "tanh10-ahead"),
    ("lsuv2016", "relu30-as-good-as-he"),
    *(("batchnorm2015", id) for id in (
        "bn-end-low-rate", "bn-end-high-rate", "bn-small-weights", "bn-lower-at-best-rates", "momentum-settles")),
    ("dropout2014", "clean-error-lower"),
    ("dropout2014", "nets-needed"),
    ("dropout2014", "scaling-near-average"),
    ("santurkar2018", "bn-error"),
    ("santurkar2018", "noisy-error"),
    ("cohen2021", "rises-0.8"),
    *(("yang2021", id) for id in (
        "sgd-mup-change-0", "sgd-mup-change-1", "sgd-mup-change-2", "sgd-standard-change-1", "best-rate-standard-32",
        "standard-rate-falls", "mup-rate-stays", "wider-is-better", "standard-tuned-anew")),
}
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
missed = [row for row in rows if row["reproduced"] != "True" and not row["measured"].startswith("not run")]
if path.parent.name == "small":
    wrong = [row for row in rows if verdict(row) != kept.get((row["paper"], row["id"]), {}).get("reproduced")]
    print(*(f"NEW: {row['paper']}: {row['id']}: {verdict(row)}: measured {row['measured']}" for row in wrong), sep="\n")
else:
    wrong = [row for row in missed if (row["paper"], row["id"]) not in KNOWN]
    for row in missed:
        print(f"{'NEW' if row in wrong else 'known'}: {row['paper']}: {row['id']}: {row['claim']}: measured {row['measured']}, "
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
