"""files: a file is replaced whole or not at all, where the link points, with its permissions; locks end with their process."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import retroprop as rp
from retroprop import files
from retroprop.experiments.reports.page import Page
from retroprop.experiments.reports.text import write_csv
from retroprop.files import Lock
from retroprop.plots import canvas

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="permissions, links and signals of POSIX")


def bars():
    import matplotlib.pyplot as plt
    _, ax = plt.subplots()
    ax.bar([1, 2], [3, 4])
    return ax


# Every public way to write a file, with a name of the right ending.
WRITERS = {
    "net.safetensors": lambda path: rp.save(rp.Sequential(rp.Linear(2, 3, rng=0)), path),
    "run.safetensors": lambda path: rp.Checkpoint(path, overwrite=True).save(3, rp.Sequential(rp.Linear(2, 3, rng=0))),
    "figure.png": lambda path: canvas.write(bars(), path),
    "figure.svg": lambda path: canvas.write(bars(), path),
    "image.png": lambda path: rp.plots.write_image(np.eye(3), path),
    "image.jpg": lambda path: rp.plots.write_image(np.eye(3), path),
    "report.html": Page("A page").write,
    "rows.csv": lambda path: write_csv(path, [{"a": 1}]),
    "run.json": lambda path: files.write_json(path, {"a": 1}),
    "notes.txt": lambda path: files.write(path, "text"),
}


@POSIX
@pytest.mark.parametrize(("name", "write"), WRITERS.items(), ids=WRITERS)
def test_whatever_is_written_follows_links_keeps_permissions_and_refuses_what_is_read_only(tmp_path, name, write):
    target, link = tmp_path / "elsewhere" / "old", tmp_path / name
    target.parent.mkdir()
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    write(link)
    assert link.is_symlink()
    assert target.stat().st_size > len("old")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    target.chmod(0o444)
    content = target.read_bytes()
    with pytest.raises(PermissionError, match=rf"the file is read-only, and stays as it was: '.*{name}'"):
        write(link)
    assert target.read_bytes() == content
    assert [*os.listdir(target.parent), *sorted(os.listdir(tmp_path))] == ["old", *sorted(["elsewhere", name])]


@POSIX
def test_a_link_to_a_file_that_does_not_exist_yet_and_links_to_links_are_followed(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "first").symlink_to("second")
    (tmp_path / "second").symlink_to(Path("folder") / "file")
    files.write(tmp_path / "first", "text")
    assert (tmp_path / "first").is_symlink()
    assert (tmp_path / "second").is_symlink()
    assert (tmp_path / "folder" / "file").read_text() == "text"


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_a_file_keeps_its_permissions(tmp_path, mode):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    files.write(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == mode


@POSIX
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_permissions_of_the_umask(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        files.write(tmp_path / "file", "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, call):
    def fail(*_):
        raise OSError("disk full")

    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="disk full"):
        files.write(tmp_path / "file", "new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


class Interruption(BaseException):
    """As KeyboardInterrupt, which pytest would take for itself."""


@POSIX
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # `with` closes late then
def test_an_interruption_at_any_line_leaves_the_old_file_or_the_new_and_nothing_else(tmp_path):
    path = tmp_path / "file"

    def lines(stop):
        """Write while counting the executed lines of files.py; raise an Interruption at line number ``stop``."""
        count = 0

        def trace(frame, event, _):
            nonlocal count
            if frame.f_code.co_filename != files.__file__:
                return None
            if event == "line":
                count += 1
                if count == stop:
                    raise Interruption
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            files.write(path, "new")
        finally:
            sys.settrace(before)
        return count

    path.write_text("old")
    whole = lines(stop=-1)
    assert path.read_text() == "new"
    for k in range(1, whole + 1):
        path.write_text("old")
        with pytest.raises(Interruption):
            lines(stop=k)
        assert os.listdir(tmp_path) == ["file"]
        assert path.read_text() in ("old", "new")
    assert whole > 20


@POSIX
def test_devices_pipes_and_folders_stay_what_they_are(tmp_path):
    files.write(os.devnull, "text")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    with pytest.raises(IsADirectoryError):
        files.write(tmp_path, "text")
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    files.write(tmp_path / "pipe", "text")
    assert os.read(reader, 10) == b"text"
    os.close(reader)


@POSIX
def test_a_circle_of_links_and_a_folder_that_is_missing_are_errors_of_the_system(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        files.write(tmp_path / "a", "text")
    with pytest.raises(FileNotFoundError, match=r"none.file: the folder .*none does not exist"):
        files.write(tmp_path / "none" / "file", "text")
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path):
    files.write(tmp_path / ("ä" * 120), "text")
    assert (tmp_path / ("ä" * 120)).read_bytes() == b"text"


# ------------------------------------------------------------------ files that killed processes left

LEFT = """
import os, signal, sys
from retroprop import files

def stop(*_):
    print("writing", flush=True)
    if sys.argv[2] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    input()

os.fsync = stop
files.write(sys.argv[1], "new")
"""


@POSIX
def test_parts_of_dead_processes_are_removed_and_those_of_living_ones_are_not(tmp_path):
    command = [sys.executable, "-c", LEFT, str(tmp_path / "file")]
    subprocess.run([*command, "die"], capture_output=True, check=False)
    assert [part.suffix for part in tmp_path.iterdir()] == [".part"]
    files.remove_leftovers(tmp_path)
    assert os.listdir(tmp_path) == []
    with subprocess.Popen([*command, "wait"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"writing\n"
        files.remove_leftovers(tmp_path)
        assert [part.suffix for part in tmp_path.iterdir()] == [".part"]
        process.communicate(b"\n")
    assert (tmp_path / "file").read_text() == "new"
    assert os.listdir(tmp_path) == ["file"]


# ------------------------------------------------------------------ JSON with a checksum


def test_json_comes_back_and_can_be_read_by_others(tmp_path):
    content = {"of": {"names": ["ä", "\u2028"], "n": 3}, "values": [0.1, 1e300, None, True], "nan": float("inf")}
    files.write_json(tmp_path / "a", content)
    assert files.read_json(tmp_path / "a") == content
    read = json.loads((tmp_path / "a").read_text(encoding="utf-8"))
    assert {name: read[name] for name in content} == content


def test_no_byte_of_json_can_change_unseen(tmp_path):
    path = tmp_path / "a"
    files.write_json(path, {"error": 0.25, "nested": {"ä": [1, 2]}})
    content = path.read_bytes()
    changed = [content[:k] + bytes([content[k] ^ 1 << k % 8]) + content[k + 1:] for k in range(len(content))]
    shorter = [content[:k] for k in range(0, len(content), 7)] + [content[:k] + content[k + 1:] for k in range(len(content))]
    for damaged in [*changed, *shorter, content + b" ", b" " + content, b'{"error": 0.25}', b"[" * 100_000]:
        if damaged == content:
            continue                                                # one of two equal letters is gone: the same file
        path.write_bytes(damaged)
        with pytest.raises(rp.FileFormatError, match="begins with its checksum, but is damaged or has none"):
            files.read_json(path)


# ------------------------------------------------------------------ locks

HOLD = """
import sys, time
from pathlib import Path
from retroprop.files import Lock
print(Lock(Path(sys.argv[1])).acquire(), flush=True)
time.sleep(60)
"""


def test_a_lock_is_held_by_one_and_let_go_for_the_next(tmp_path):
    a, b = (Lock(tmp_path / "folder") for _ in range(2))
    assert a.acquire()
    assert a.acquire()
    assert not b.acquire()
    a.release()
    assert b.acquire()
    b.release()
    b.release()                                                     # nothing is held: nothing happens
    assert a.acquire()
    a.release()
    assert os.listdir(tmp_path) == []


@POSIX
def test_a_lock_ends_with_its_process(tmp_path):
    """However it ends: a kill leaves no lock behind."""
    lock = Lock(tmp_path / "folder")
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / 'folder')], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"True\n"
        assert not lock.acquire()
        process.send_signal(signal.SIGKILL)
    patience = time.monotonic() + 10
    assert os.listdir(tmp_path) == ["folder.lock"]
    while not lock.acquire() and time.monotonic() < patience:
        time.sleep(0.01)
    assert lock.acquire()
    files.remove_leftovers(tmp_path)
    assert not Lock(tmp_path / "folder").acquire()                  # the lock of a living process stays
    lock.release()
    (tmp_path / "folder.lock").touch()
    files.remove_leftovers(tmp_path)
    assert os.listdir(tmp_path) == []
