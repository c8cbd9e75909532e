"""Loggers: callbacks that write the history into a CSV file, lines of JSON, or the events of TensorBoard."""

from __future__ import annotations

import csv
import io
import json
import struct
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ... import files
from ...arguments import in_a_line
from ...errors import ArgumentError
from .logs import Columns, Log, Row, plain

EVENTS = "events.out.tfevents.retroprop"                            # readers look for files with tfevents in their names
VERSION = "brain.Event:2"


class CSVLog(Log):
    """Write each epoch of ``fit`` as a row of a CSV file, with a header.

    Parameters
    ----------
    path : path
        A new file in a folder that exists. A file that exists is refused, except by ``fit(resume=...)``, which goes on with
        it: rows of epochs that come again are cut, so that the file is that of a run without an interruption.
    overwrite : bool, default False
        Whether a new run replaces the log of an older one. Files of other kinds are never replaced.

    Notes
    -----
    Each row is in the file as soon as its epoch has ended, also when Ctrl-C comes. Columns that other callbacks add must be
    added by callbacks that stand before this one; a column that comes later is empty in the rows before. A function adds one by
    ``run.history.append``: the learning rate of each epoch, if it stands before the schedule, by
    ``lambda run: run.history.append({"lr": run.optimizer.lr})``. If a row cannot be
    written (the disk is full), a UserWarning says so, and training goes on.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import retroprop as rp
    >>> net = rp.Sequential(rp.Linear(2, 2, rng=0))
    >>> sgd, moons = rp.SGD(net.parameters(), lr=0.1), rp.datasets.moons(60, rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "run.csv"
    ...     history = rp.fit(net, rp.CrossEntropy(), sgd, moons, epochs=3, rng=0, callbacks=[rp.CSVLog(path)])
    ...     header, *rows = path.read_text().splitlines()
    >>> header, len(rows)
    ('epoch,cost,seconds', 3)
    """

    kind = "a CSV file with the header of a log"

    def beginning(self, columns: Columns) -> bytes:
        return line(columns)

    def encoded(self, row: Row, columns: Columns) -> bytes:
        return line([plain(name, row[name]) if name in row else "" for name in columns])

    def kept(self, content: bytes, epoch: float) -> tuple[int, float, Columns]:
        header, *rows = io.BytesIO(content)
        columns = next(csv.reader([header.decode()]))
        if columns[:1] != ["epoch"]:
            raise ValueError(f"it begins with {in_a_line(header[:40])}, not with a column 'epoch'")
        end, last = upto(epoch, len(header), ((float(row.partition(b",")[0]), len(row)) for row in whole(rows)))
        return end, last, tuple(columns)

    def put(self, rows: list[Row], columns: Columns) -> int:
        if self.end and columns != self.columns:
            content = self.content()                                # its columns may be the new ones, if Ctrl-C came then
            end, _, _ = self.kept(content, rows[0]["epoch"] - 1)
            old = csv.DictReader(io.StringIO(content[:end].decode(), newline=""))
            data = line(columns) + b"".join(line([row.get(name, "") for name in columns]) for row in old)
            data += b"".join(self.encoded(row, columns) for row in rows)
            files.write(self.path, data)
            return len(data)
        return super().put(rows, columns)


class JSONLog(Log):
    """Write each epoch of ``fit`` as a line of JSON: an object with the columns of the history; null for NaN and infinity.

    Parameters
    ----------
    path, overwrite
        As for ``CSVLog``, with the same notes.
    """

    kind = "lines of JSON with epochs"

    def beginning(self, columns: Columns) -> bytes:
        return b""

    def encoded(self, row: Row, columns: Columns) -> bytes:
        values = {name: files.json_value(plain(name, value)) for name, value in row.items()}
        return json.dumps(values, ensure_ascii=False, default=str).encode() + b"\n"

    def kept(self, content: bytes, epoch: float) -> tuple[int, float, Columns]:
        def epochs() -> Iterator[tuple[float, int]]:
            for row in whole(io.BytesIO(content)):
                values = json.loads(row)
                yield values["epoch"], len(row)

        if not content.startswith(b'{"epoch": '):
            raise ValueError(f"it begins with {in_a_line(content[:40])}, not with an epoch")
        return *upto(epoch, 0, epochs()), ()


class TensorBoard(Log):
    """Write each epoch of ``fit`` for TensorBoard: a point of each column, at the epoch as the step.

    Parameters
    ----------
    folder : path
        Made if there is none. The points are in one file, ``events.out.tfevents.retroprop``; others stay as they are.
    overwrite : bool, default False
        As for ``CSVLog``, with the same notes.

    Raises
    ------
    ArgumentError
        The extra is missing: ``pip install "retroprop[tensorboard]"`` brings tensorboardX. Neither PyTorch nor TensorFlow is
        needed to write; TensorBoard itself shows the folder: ``tensorboard --logdir FOLDER``.

    Notes
    -----
    TensorBoard keeps numbers in float32. Where a resumed run goes on, later points have been cut from the file, so that no
    reader finds a point twice; a TensorBoard that was showing the folder meanwhile must be started again.
    """

    kind = "TensorBoard's events"

    def __init__(self, folder: str | Path, *, overwrite: bool = False) -> None:
        protocol()
        super().__init__(folder, overwrite=overwrite)
        self.path /= EVENTS

    def beginning(self, columns: Columns) -> bytes:
        return record(protocol().Event(wall_time=time.time(), file_version=VERSION))

    def encoded(self, row: Row, columns: Columns) -> bytes:
        event = protocol().Event(wall_time=time.time(), step=int(row["epoch"]))
        for name, value in row.items():
            if name != "epoch" and isinstance(number := plain(name, value), float):
                event.summary.value.add(tag=name, simple_value=number)
        return record(event)

    def kept(self, content: bytes, epoch: float) -> tuple[int, float, Columns]:
        events = records(content)
        first, size = next(events, (None, 0))
        if first is None or first.file_version != VERSION:
            raise ValueError(f"it does not begin with the version {VERSION}")
        return *upto(epoch, size, ((event.step, size) for event, size in events)), ()

    def open_folder(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        super().open_folder()


def line(cells: Iterable[Any]) -> bytes:
    """Return cells as a line of CSV."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def whole(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines that have an end: the last one of a process that was killed may have none."""
    return (line for line in lines if line.endswith(b"\n"))


def upto(epoch: float, begin: int, rows: Iterable[tuple[float, int]]) -> tuple[int, float]:
    """Return where the rows up to an epoch end, and the last of these epochs, from the epochs and sizes of all rows."""
    end, last = begin, 0.0
    for number, size in rows:
        if number > epoch:
            break
        end, last = end + size, number
    return end, last


# ------------------------------------------------------------------ the records of TensorBoard


def protocol() -> Any:
    """Return tensorboardX's module with the class of events."""
    try:
        from tensorboardX.proto import event_pb2
    except ImportError as error:
        raise ArgumentError("TensorBoard needs the extra tensorboard: pip install 'retroprop[tensorboard]' "
                            f"({error})") from None
    return event_pb2


def record(event: Any) -> bytes:
    """Return an event as a TFRecord: its length, the checksum of that, its bytes, and their checksum, little-endian."""
    from tensorboardX.record_writer import masked_crc32c
    body = event.SerializeToString()
    length = struct.pack("<Q", len(body))
    return b"".join([length, struct.pack("<I", masked_crc32c(length)), body, struct.pack("<I", masked_crc32c(body))])


def records(content: bytes) -> Iterator[tuple[Any, int]]:
    """Yield events and the sizes of their records, up to the first one that is damaged or not complete."""
    from tensorboardX.record_writer import masked_crc32c
    at = 0
    while at + 16 <= len(content):
        (size,) = struct.unpack_from("<Q", content, at)
        body = content[at + 12:at + 12 + size]
        if at + 16 + size > len(content) or struct.unpack_from("<I", content, at + 12 + size)[0] != masked_crc32c(body):
            return
        yield protocol().Event.FromString(body), size + 16
        at += size + 16
