"""What commands print arrives: in any encoding, to readers that stop early, and before figures are drawn."""

import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from retroprop.__main__ import main
from retroprop.experiments.compare import job as compare
from retroprop.experiments.look import job as look
from retroprop.experiments.reproduce import job as reproduce
from retroprop.printing import forgiving_streams, show

COMMANDS = ("compare", "reproduce", "look", "check", "graph", "tape")
SHORT = ["compare", "--data", "xor", "--init", "Glorot", "N(0,1)", "--depth", "2", "--width", "4", "--quick"]


def encoded(encoding):
    """A stream with this encoding, as of a pipe, and the bytes that it has written."""
    written = io.BytesIO()
    return io.TextIOWrapper(written, encoding), written


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8"])
def test_every_command_describes_itself_in_any_encoding(encoding, monkeypatch):
    for command in COMMANDS:
        stream, written = encoded(encoding)
        monkeypatch.setattr(sys, "stdout", stream)
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0
        assert f"retroprop {command} " in written.getvalue().decode(encoding)


def test_a_character_that_an_encoding_lacks_is_spelled_out_or_becomes_a_question_mark(monkeypatch):
    for encoding, expected in (("utf-8", "3 → 5 %, N(0, 0.1²) ± σ é 字"), ("cp1252", "3 -> 5 %, N(0, 0.1²) ± sigma é ?"),
                               ("ascii", "3 -> 5 %, N(0, 0.1^2) +- sigma ? ?")):
        stream, written = encoded(encoding)
        monkeypatch.setattr(sys, "stdout", stream)
        with forgiving_streams():
            show("3 → 5 %, N(0, 0.1²) ± σ é 字")
        assert written.getvalue().decode(encoding) == f"{expected}\n"
        assert stream.errors == "strict"                            # as it was


def test_a_name_of_a_file_that_is_no_text_is_printed_as_it_is(monkeypatch):
    stream, written = encoded("utf-8")
    monkeypatch.setattr(sys, "stdout", stream)
    with forgiving_streams():
        show("a\udcff.py")
    assert written.getvalue() == b"a\xff.py\n"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("command", ["graph", "tape"])
def test_a_table_comes_out_in_any_encoding(command, encoding, monkeypatch):
    stream, written = encoded(encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    assert main([command]) == 0
    assert len(written.getvalue().decode(encoding).splitlines()) >= 6


def test_numbers_are_printed_before_figures_are_drawn(monkeypatch, tmp_path):
    """A training must not be lost to an error in a figure, or to an encoding: → in the table of ``compare``."""
    stream, written = encoded("ascii")
    monkeypatch.setattr(sys, "stdout", stream)

    def broken(*arguments):
        assert written.getvalue().decode("ascii").count(" -> ") == 2
        raise OSError("the disk is full")

    monkeypatch.setattr(compare, "run_all", lambda tasks, *options: [compare.train_one(*task) for task in tasks])
    monkeypatch.setattr(compare, "write_report", broken)
    assert main([*SHORT, "--out", str(tmp_path)]) == 2


def test_look_and_reproduce_show_their_numbers_before_they_draw(monkeypatch, tmp_path):
    shown = []

    def broken(*arguments, **options):
        assert shown
        raise OSError("the disk is full")

    monkeypatch.setattr(look, "write_page", broken)
    monkeypatch.setattr(look, "train_all", lambda *arguments: [])
    monkeypatch.setattr(look, "examine", lambda *arguments: "findings")
    monkeypatch.setattr(reproduce, "write", broken)
    monkeypatch.setattr(reproduce, "sweep", lambda trials, *arguments: [None for _ in trials])
    for module, name in ((look, "look"), (reproduce, "reproduce")):
        monkeypatch.setattr(module, "show", lambda text: shown.append(text) or True)
        shown.clear()
        assert main([name, *(["saxe2014"] if name == "reproduce" else []), "--out", str(tmp_path)]) == 2
        assert len(shown) == 1


SAID = """
import sys
from retroprop.__main__ import main
print("begun", file=sys.stderr, flush=True)
"""
SCRIPT = """
import sys
from retroprop.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_reader_that_stops_reading_changes_nothing():
    """``retroprop tape --help | head -1``: no traceback when Python ends, and the status of the command."""
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, "tape", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()                                          # long before anything is printed
    assert (process.stderr.read(), process.wait()) == (b"", 0)
    process.stderr.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no EPIPE")
def test_work_goes_on_without_a_reader(monkeypatch, capsys, tmp_path):
    """``retroprop compare | head -1`` draws its report."""
    reading, writing = os.pipe()
    os.close(reading)
    drawn = []
    monkeypatch.setattr(compare, "run_all", lambda tasks, *options: [compare.train_one(*task) for task in tasks])
    monkeypatch.setattr(compare, "write_report", lambda comparison, folder, *options: drawn.append(folder))
    with open(writing, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert main([*SHORT, "--out", str(tmp_path)]) == 0
        monkeypatch.undo()
    assert drawn == [tmp_path]
    assert "Broken" not in capsys.readouterr().err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_said_in_one_line(monkeypatch, capsys):
    with open("/dev/full", "w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main(["graph"]) == 2
    assert capsys.readouterr().err == "retroprop: No space left on device\n"


def test_a_command_that_nobody_hears_does_its_work(monkeypatch):
    """As with ``>&-``, or in a program without a console: there is no standard output."""
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["graph"]) == 0
    assert sys.stdout is None


def test_an_interrupted_command_says_so_in_one_line(monkeypatch, capsys, tmp_path):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(compare, "run_all", interrupted)
    assert main([*SHORT, "--out", str(tmp_path)]) == 130
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "retroprop: interrupted\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups")
@pytest.mark.parametrize("seconds", [0.5, pytest.param(None, marks=pytest.mark.long)])
def test_control_c_ends_a_command_and_its_workers_with_one_line(seconds, tmp_path):
    """A terminal sends SIGINT to the command and to its workers, which may just begin, work, or wait; kept runs stay whole."""
    for moment in np.random.default_rng(0).uniform(0, 10, 12) if seconds is None else [seconds]:
        process = subprocess.Popen(
            [sys.executable, "-c", SAID + SCRIPT, "reproduce", "saxe2014", "--out", str(tmp_path)], text=True,
            start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stderr.readline() == "begun\n"
        time.sleep(moment)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
        *stored, last = err.splitlines()
        assert (process.returncode, out, last) == (130, "", "retroprop: interrupted")
        assert all(" of 513 runs are stored" in line for line in stored)
        assert all(json.loads(path.read_text(encoding="utf-8"))["result"] for path in tmp_path.glob("runs/*.json"))
