"""Work in a new process with one BLAS thread: ``python -m benchmarks.alone PART ARGUMENTS`` writes its result as JSON.

For ways of retroprop that are compared to a few per cent, by turns inside one process, and for peaks of memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from .workers import VARIABLES


def in_a_process(part: str, *arguments: Any) -> Any:
    """Return what the function ``alone`` of a part returns for these arguments in a new process."""
    command = [sys.executable, "-m", "benchmarks.alone", part, json.dumps(arguments)]
    return json.loads(subprocess.run(command, env=os.environ | dict.fromkeys(VARIABLES, "1"), stdout=subprocess.PIPE,
                                     check=True).stdout)


if __name__ == "__main__":
    from .parts import PARTS
    print(json.dumps(PARTS[sys.argv[1]].alone(*json.loads(sys.argv[2]))))
