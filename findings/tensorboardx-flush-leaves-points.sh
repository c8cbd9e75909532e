#!/usr/bin/env bash
# tensorboardX 2.6.5 (protobuf 7.36.2), Linux, CPython 3.11: SummaryWriter.flush() returns while points are not in the file, although it
# says "Force the data in memory to be flushed to disk".
# Good guess: after add_scalar(...) and flush(), the points are in the file, so that a process that is killed then has lost none: as
#   with flush() of files, of logging's handlers, and of torch.utils.tensorboard, whose flush() waits until its queue is written.
# Seen: five points, flush(): 0 or 1 of them are in the file; half a second later 5 are. A thread writes the queue of the points;
#   flush() flushes the file alone. Only close() waits for the thread.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q tensorboardX==2.6.5 2>/dev/null
cat > "$folder/flush.py" <<'PY'
import struct
import tempfile
import time
from pathlib import Path

from tensorboardX import SummaryWriter
from tensorboardX.proto.event_pb2 import Event


def points(folder):
    [path] = Path(folder).iterdir()
    content, at, count = path.read_bytes(), 0, 0
    while at + 12 <= len(content):
        (size,) = struct.unpack_from("<Q", content, at)
        if at + 16 + size <= len(content):
            count += len(Event.FromString(content[at + 12:at + 12 + size]).summary.value)
        at += size + 16
    return count


after_flush, after_close = [], []
for _ in range(20):
    folder = tempfile.mkdtemp()
    writer = SummaryWriter(folder)
    for step in range(5):
        writer.add_scalar("cost", 0.5, step)
    writer.flush()
    after_flush.append(points(folder))
    writer.close()
    after_close.append(points(folder))
print("points in the file after flush():", after_flush)
print("points in the file after close():", after_close)
raise SystemExit(not (sum(count < 5 for count in after_flush) >= 5 and set(after_close) == {5}))
PY
"$folder/venv/bin/python" "$folder/flush.py"
