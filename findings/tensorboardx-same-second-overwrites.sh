#!/usr/bin/env bash
# tensorboardX 2.6.5 (protobuf 7.36.2), Linux, CPython 3.11: a SummaryWriter that is opened in a folder within the same second as an
# earlier one, by the same host, replaces the earlier one's file: all of its points are lost, without a word. So does a writer that
# is used again after close(), which opens a new file.
# Good guess: each writer has a file of its own (the folder is a log that grows, and purge_step is there to go on with a run), as with
#   torch.utils.tensorboard, whose names have the process and a counter too; or the second one appends, or refuses.
# Seen: points 1 and 2 by a writer that is closed, then 3 by another one at once: one file, which holds 3 alone. With a pause of a
#   second between them: two files, with 1, 2 and 3. The name of a file is the whole second and the host, and it is opened with "wb".
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q tensorboardX==2.6.5 2>/dev/null
cat > "$folder/second.py" <<'PY'
import struct
import tempfile
import time
from pathlib import Path

from tensorboardX import SummaryWriter
from tensorboardX.proto.event_pb2 import Event


def points(folder):
    found = []
    for path in sorted(Path(folder).glob("*tfevents*")):
        content, at = path.read_bytes(), 0
        while at < len(content):
            (size,) = struct.unpack_from("<Q", content, at)
            event = Event.FromString(content[at + 12:at + 12 + size])
            found += [event.step for value in event.summary.value]
            at += size + 16
    return found, len(list(Path(folder).iterdir()))


def run(pause, again):
    folder = tempfile.mkdtemp()
    while time.time() % 1 > 0.3:                                    # both within one second, unless there is a pause
        time.sleep(0.01)
    writer = SummaryWriter(folder)
    writer.add_scalar("cost", 0.5, 1)
    writer.add_scalar("cost", 0.4, 2)
    writer.close()
    time.sleep(pause)
    writer = writer if again else SummaryWriter(folder, purge_step=3)
    writer.add_scalar("cost", 0.3, 3)
    writer.close()
    return points(folder)


seen = {(pause, again): run(pause, again) for pause in (0, 1.1) for again in (False, True)}
print(seen)
lost, kept = ([3], 1), ([1, 2, 3], 2)
raise SystemExit(seen != {(0, False): lost, (0, True): lost, (1.1, False): kept, (1.1, True): kept})
PY
"$folder/venv/bin/python" "$folder/second.py"
