"""Read the claims that ``retroprop reproduce all`` wrote, and fail if one does not come out, other than those known not to.

    python .ci/claims.py results/reproduce/quick/claims.csv
"""

import csv
import sys
from pathlib import Path

# Claims of the papers that do not come out here, or that five seeds cannot decide; their pages say why.
KNOWN = {
    ("saxe2014", "Glorot: learning time at depth 20 over that at 3, each seed's best step size"),  # inconclusive
    ("lsuv2016", "relu, 30 layers: as good as He's start or better"),  # inconclusive
    ("glorot2010", "tanh, in training: normalized keeps the weight gradients of the layers more alike"),
    ("dropout2014", "On 1297 examples with right labels dropout helps too"),
    ("dropout2014", "Sampled networks whose average does as well as weight scaling, median"),
    ("dropout2014", "Weight scaling approximates the average: how far apart, in its standard deviations"),
}

with Path(sys.argv[1]).open(encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
missed = [row for row in rows if row["holds"] != "True" and not row["here"].startswith("not run")]
for row in missed:
    state = "known" if (row["paper"], row["claim"]) in KNOWN else "NEW"
    print(f"{state}: {row['paper']}: {row['claim']}: asked {row['asked']}, found {row['here']}")
print(f"of {len(rows)} claims {sum(row['holds'] == 'True' for row in rows)} came out, {len(missed)} did not")
gone = KNOWN - {(row["paper"], row["claim"]) for row in rows}
if gone:
    sys.exit(f"no such claim any more: {gone}")
if not rows or any((row["paper"], row["claim"]) not in KNOWN for row in missed):
    sys.exit("a claim does not come out that did before, or there is none")
