"""The benchmarks are no part of the installed library: their tests run where they are beside it, in a checkout."""

import sys
from pathlib import Path

import retroprop as rp

ROOT = Path(rp.__file__).parent
if (ROOT / "benchmarks").is_dir():
    sys.path.append(str(ROOT))                                      # at the end: the root's folders hide no package
else:
    collect_ignore_glob = ["test_*"]
