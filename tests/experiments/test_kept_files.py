"""Files of the user's are never replaced silently: no command writes over what it reads, nor over files of no report."""

import json

import pytest

from retroprop.__main__ import main
from retroprop.experiments.look import job, page

COMPARE = ["compare", "--target", "b", "--init", "He", "--depth", "1", "--width", "4", "--epochs", "1", "--seeds", "2",
           "--jobs", "1"]
TABLE = "a,b\n" + "".join(f"{k % 7},{k % 2}\n" for k in range(40))


def refused(command, capsys):
    """What a command says that does nothing."""
    assert main([*map(str, command)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return err


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize("option", ["--data", "--test"])
def test_compare_replaces_no_data(option, force, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("results.csv", "x.csv"):
        (tmp_path / name).write_text(TABLE, encoding="utf-8")
    data = {"--data": "x.csv"} | {option: "results.csv"}
    err = refused([*COMPARE, *(word for pair in data.items() for word in pair), "--out", ".", *force], capsys)
    assert f"results.csv is {option[2:]}: name another folder" in err
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"results.csv": TABLE, "x.csv": TABLE}


def test_compare_keeps_a_page_that_is_not_its_own_and_replaces_its_own(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("x.csv", "report.html", "summary.csv"):
        (tmp_path / name).write_text(TABLE, encoding="utf-8")
    command = [*COMPARE, "--data", "x.csv", "--out", "."]
    assert ". holds report.html, summary.csv and no config.json of a report" in refused(command, capsys)
    assert {path.read_text() for path in tmp_path.iterdir()} == {TABLE}
    assert main([*command, "--force"]) == 0
    assert main(command) == 0
    assert (tmp_path / "x.csv").read_text() == TABLE


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_look_replaces_no_image(force, tmp_path, capsys):
    from retroprop.plots import write_image
    image = write_image(job.analyses.landscape(24, 24), tmp_path / "dream.png")
    before = image.read_bytes()
    assert f"{image} is image" in refused(["look", "--image", image, "--out", tmp_path, *force], capsys)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]


def test_look_replaces_no_network_that_it_has_not_trained(tmp_path, capsys):
    (tmp_path / "net.safetensors").write_bytes(b"mine")
    assert "holds net.safetensors and no config.json" in refused(["look", "--out", tmp_path], capsys)


@pytest.mark.parametrize(("command", "folder", "name"), [
    ("he2015", "small/he2015", "results.csv"), ("he2015", "small/he2015", "mine.png"), ("all", "small", "index.html")])
def test_reproduce_replaces_no_file_of_the_users(command, folder, name, tmp_path, capsys):
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / name).write_text("mine", encoding="utf-8")
    assert f"holds {name} and no config.json" in refused(["reproduce", command, "--out", tmp_path], capsys)
    assert (tmp_path / folder / name).read_text() == "mine"


def test_the_settings_are_written_first_so_that_an_interrupted_look_can_be_repeated(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    class Found:
        config, trained = {"data": "digits"}, [type("Trained", (), {"net": None})]

    monkeypatch.setattr(page, "numbers", lambda *_: {"command": "retroprop look", "versions": {}})
    monkeypatch.setattr(page, "save", full)
    (tmp_path / "config.json").write_text('{"command": "", "files": ["old.png"]}', encoding="utf-8")
    with pytest.raises(OSError, match="No space"):
        page.write_page(Found, tmp_path)
    found = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert (found["command"], found["files"]) == ("retroprop look", ["old.png"])
