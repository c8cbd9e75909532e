#!/bin/bash
# tqdm 4.67.1, joblib 1.5.2, Linux, CPython 3.11. tqdm(disable=True), which shows nothing, creates a multiprocessing.RLock for its class.
# Good guess: a disabled bar takes no resource of the system. In joblib's (loky's) workers, whose start method is not fork, the lock is a named
# semaphore that is registered with the resource tracker: if the workers are killed (SIGKILL), the tracker prints, after the program's last line,
# "UserWarning: resource_tracker: There appear to be 1 leaked semaphore objects to clean up at shutdown" (one for each worker that had a bar).
# Exits 0 if that is so.
set -e
D=$(mktemp -d); python3 -m venv "$D/v"; "$D/v/bin/pip" -q install tqdm==4.67.1 joblib==1.5.2
cat > "$D/work.py" <<'PY'
import os, signal, sys
from tqdm import tqdm
def work(k):
    if sys.argv[-1] == "bar" or os.environ.get("BAR"):
        tqdm(total=1, disable=True).close()
    return os.getpid()
PY
cat > "$D/main.py" <<'PY'
import os, signal, sys
import joblib
from multiprocessing import resource_tracker
from work import work
resource_tracker.ensure_running()
pids = joblib.Parallel(n_jobs=2, backend="loky")(joblib.delayed(work)(k) for k in range(8))
for pid in set(pids):
    os.kill(pid, signal.SIGKILL)
PY
cd "$D"
with=$(BAR=1 "$D/v/bin/python" main.py 2>&1 | cat); without=$("$D/v/bin/python" main.py 2>&1 | cat)
echo "with:    $with"; echo "without: $without"
[[ "$with" == *"leaked semaphore"* && "$without" != *"leaked semaphore"* ]]
