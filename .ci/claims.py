"""Read the claims that ``retroprop reproduce all`` wrote, and fail if one is not reproduced, other than those known not to be.

    python .ci/claims.py results/reproduce/quick/claims.csv
"""

import csv
import sys
from pathlib import Path

# Claims, by paper and id, that are not reproduced, or that five seeds cannot decide; the pages of the papers say why.
KNOWN = {
    ("saxe2014", "glorot-time-grows"),  # inconclusive
    ("lsuv2016", "relu30-as-good-as-he"),  # inconclusive
    ("glorot2010", "tanh-weight-gradients-alike"),
    ("dropout2014", "clean-error-lower"),
    ("dropout2014", "nets-needed"),
    ("dropout2014", "scaling-near-average"),
}

with Path(sys.argv[1]).open(encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
missed = [row for row in rows if row["reproduced"] != "True" and not row["measured"].startswith("not run")]
for row in missed:
    state = "known" if (row["paper"], row["id"]) in KNOWN else "NEW"
    print(f"{state}: {row['paper']}: {row['id']}: {row['claim']}: measured {row['measured']}, criterion: {row['criterion']}")
print(f"of {len(rows)} claims {sum(row['reproduced'] == 'True' for row in rows)} are reproduced, {len(missed)} are not")
gone = KNOWN - {(row["paper"], row["id"]) for row in rows}
if gone:
    sys.exit(f"no claims have these ids any more: {sorted(gone)}")
if not rows or any((row["paper"], row["id"]) not in KNOWN for row in missed):
    sys.exit("a claim is not reproduced that was before, or there is no claim")
