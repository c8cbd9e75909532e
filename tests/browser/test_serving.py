"""The page as files and from the small server: what is in it, and where it finds Pyodide."""

import gc
import io
import json
import socket
import struct
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest

import retroprop as rp
from retroprop.__main__ import main
from retroprop.browser import PYODIDE, wheels, write_page
from retroprop.browser.serving import SERVING
from retroprop.browser.writing import PAGE, VERSION
from retroprop.errors import ArgumentError

ROOT = Path(rp.__file__).parent


@pytest.fixture(scope="module", autouse=True)
def wheels_once():
    """Compressing the library takes longer than all the rest."""
    with pytest.MonkeyPatch.context() as patch:
        made = wheels.library()
        patch.setattr("retroprop.browser.writing.library", lambda: dict(made))
        yield made


@pytest.fixture
def pyodide(tmp_path):
    """A folder with the names of Pyodide's files."""
    folder = tmp_path / "pyodide-here"
    folder.mkdir()
    for name in ("pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip", "numpy.whl", "scipy.whl"):
        (folder / name).write_text(name)
    (folder / "pyodide-lock.json").write_text(
        json.dumps({"info": {"version": VERSION}, "packages": {"numpy": {"file_name": "numpy.whl"}}}))
    return folder


def settings(page):
    return json.loads((page.parent / "settings.json").read_bytes())


def test_the_page_is_its_files_the_wheels_and_where_pyodide_is(tmp_path):
    page = write_page(tmp_path / "a" / "play")
    assert page == tmp_path / "a" / "play" / "index.html"
    names = {path.name for path in page.parent.iterdir()}
    told = settings(page)
    assert names == {path.name for path in PAGE.iterdir() if path.is_file()} | {"settings.json", *told["wheels"]}
    assert told["pyodide"] == PYODIDE == f"https://cdn.jsdelivr.net/pyodide/v{VERSION}/full/"
    assert [name.partition("-")[0] for name in told["wheels"]] == ["retroprop", "lazy_loader"]
    assert write_page(page.parent, pyodide="https://example.org/p") == page         # replaces
    assert settings(page)["pyodide"] == "https://example.org/p/"
    assert settings(write_page(page.parent, home="../index.html"))["home"] == "../index.html"


def test_a_folder_of_pyodide_is_copied_as_far_as_the_page_needs_it(tmp_path, pyodide):
    page = write_page(tmp_path / "play", pyodide=pyodide)
    assert settings(page)["pyodide"] == "pyodide/"
    copied = {path.name for path in (page.parent / "pyodide").iterdir()}
    assert copied == {path.name for path in pyodide.iterdir()} - {"scipy.whl"}


@pytest.mark.parametrize("missing", ["pyodide.mjs", "pyodide.asm.wasm", "numpy.whl"])
def test_a_folder_without_pyodide_is_refused_before_anything_is_written(tmp_path, pyodide, missing):
    (pyodide / missing).unlink()
    with pytest.raises(ArgumentError, match=f"pyodide must be .*, which has no {missing}$"):
        write_page(tmp_path / "play", pyodide=pyodide)
    assert not (tmp_path / "play").exists()


@pytest.mark.parametrize(("lock", "sentence"), [
    ("[]", "does not name its version"), ("{", "does not name its version"), ('{"info": {}}', "does not name its version"),
    ('{"info": {"version": "0.26.0"}, "packages": {"numpy": {"file_name": "numpy.whl"}}}', "which has 0.26.0")])
def test_another_pyodide_than_the_one_wanted_is_refused(tmp_path, pyodide, lock, sentence):
    (pyodide / "pyodide-lock.json").write_text(lock)
    with pytest.raises(ArgumentError, match=f"pyodide must be a folder with Pyodide {VERSION}, got .*{sentence}"):
        write_page(tmp_path / "play", pyodide=pyodide)


@pytest.mark.parametrize("name", ["index.html", "settings.json"])
def test_files_that_are_of_no_earlier_page_are_not_replaced(tmp_path, name):
    (tmp_path / name).write_text('{"mine": 1}')
    with pytest.raises(ArgumentError, match=f"folder must have no files that the page would replace, but .* holds {name} and"):
        write_page(tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, '{"mine": 1}')]


def test_the_wheel_holds_the_package_and_nothing_beside_it(wheels_once):
    """In a checkout, tests and documents are beside the package; the page needs no copy of itself."""
    name = f"retroprop-{rp.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(io.BytesIO(wheels_once[name])) as archive:
        names = archive.namelist()
        assert archive.read("retroprop/modules/linear.py") == (ROOT / "modules" / "linear.py").read_bytes()
        assert archive.testzip() is None
    tops = {name.split("/")[1] for name in names if name.startswith("retroprop/")}
    assert {"__init__.pyi", "modules", "datasets", "py.typed"} <= tops
    assert not tops & {"tests", "docs", "notebooks", "findings", ".ci", "benchmarks", "README.md"}
    assert {"retroprop/datasets/digits.npz", "retroprop/browser/session.py"} <= set(names)
    assert not any("/page/" in name or name.endswith(".pyc") for name in names)
    lines = {name for name in names if name.startswith(f"retroprop-{rp.__version__}.dist-info/")}
    assert {Path(name).name for name in lines} >= {"METADATA", "WHEEL", "RECORD"}


def test_wheels_carry_the_licences(wheels_once):
    for content in wheels_once.values():
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            assert any("dist-info/licenses/LICEN" in name for name in names)
            assert b"\nName: " in archive.read(next(name for name in names if name.endswith("/METADATA")))
            assert all("/" in name for name in names)


def test_the_page_runs_from_the_wheels_with_numpy_alone(tmp_path, wheels_once):
    """Pyodide has no safetensors and no tqdm; SciPy and matplotlib would take longer to load than Python itself."""
    for content in wheels_once.values():
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(tmp_path)
    code = f"""import sys
for name in ("scipy", "matplotlib", "tqdm", "joblib", "threadpoolctl", "safetensors", "http", "webbrowser"):
    sys.modules[name] = None
sys.path.insert(0, {str(tmp_path)!r})
from retroprop.browser.session import Session, Settings, __file__
print(__file__)
session = Session(Settings(depth=1, width=3, b="PyTorch", steps=2))
session.frame(1), session.describe(), session.diagnosis("b"), session.take("a"), session.nudge("0.weight", [0, 1], 0.1)
[session.phase() for _ in range(5)]
Session(Settings(depth=1, width=3, a="LSUV"))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert str(tmp_path) in ran.stdout


def test_play_serves_the_page_with_the_types_that_browsers_want(pyodide):
    with rp.play(pyodide=pyodide, show=False) as page:
        assert page.url in repr(page)
        assert page.url in page._repr_html_()
        assert page.url.startswith("http://127.0.0.1:")
        types = {}
        for name in ("", "main.js", "style.css", "settings.json", "pyodide/pyodide.mjs", "pyodide/pyodide.asm.wasm"):
            with urllib.request.urlopen(page.url + name, timeout=60) as answer:
                types[name] = answer.headers.get_content_type()
        assert list(types.values()) == ["text/html", "text/javascript", "text/css", "application/json", "text/javascript",
                                        "application/wasm"]
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{page.url}../../etc/passwd", timeout=60)
        folder = Path(page._folder.name)
        assert folder.exists()
    assert not folder.exists()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(page.url, timeout=60)


def test_the_page_is_served_although_nobody_keeps_what_play_returns(monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    rp.play()
    gc.collect()
    try:
        assert urllib.request.urlopen(opened[0], timeout=60).status == 200
    finally:
        for serving in list(SERVING):
            serving.close()
    assert not SERVING


def test_a_port_in_use_is_named():
    with rp.play(show=False) as page:
        port = int(page.url.rstrip("/").rpartition(":")[2])
        with pytest.raises(OSError, match=f"port {port}"):
            rp.play(port=port, show=False)


def test_a_browser_that_goes_away_is_no_error(capfd):
    with rp.play(show=False) as page:
        wheel = settings(Path(page._folder.name) / "index.html")["wheels"][0]
        port = int(page.url.rstrip("/").rpartition(":")[2])
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", port), timeout=60) as one:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))        # a reset at its end
                one.sendall(f"GET /{wheel} HTTP/1.1\r\n\r\n".encode())
        assert urllib.request.urlopen(page.url, timeout=60).status == 200
    assert capfd.readouterr().err == ""


def test_play_opens_a_browser_unless_told_not_to(monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    with rp.play() as page:
        assert opened == [page.url]


@pytest.mark.parametrize(("options", "sentence"), [
    ({"port": -1}, "port must be an integer of at least 0, got -1"), ({"port": 70000}, "port must be at most 65535, got 70000"),
    ({"pyodide": "nowhere"}, "pyodide must be an address, or a folder with Pyodide"),
    ({"pyodide": 3}, "pyodide must be an address or a folder, got 3")])
def test_play_refuses_what_it_cannot_use(options, sentence):
    with pytest.raises(ArgumentError) as caught:
        rp.play(show=False, **options)
    assert sentence in str(caught.value)


def test_the_command_serves_until_it_is_interrupted(monkeypatch, capsys):
    def interrupted(serving):
        serving.close()
        raise KeyboardInterrupt

    monkeypatch.setattr("retroprop.browser.serving.Serving.wait", interrupted)
    assert main(["play", "--no-browser"]) == 130
    assert capsys.readouterr().out.startswith("The page is at http://127.0.0.1:")
    assert main(["play", "--no-browser", "--pyodide", "nowhere"]) == 2
    assert "--pyodide must be an address, or a folder with Pyodide" in capsys.readouterr().err
