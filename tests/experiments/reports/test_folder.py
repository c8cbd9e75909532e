"""An earlier report is never replaced silently: the same settings replace it, others only with ``force``."""

import json

import numpy as np
import pytest

import retroprop as rp
from retroprop.experiments.reports.folder import prepare, remove_others

SETTINGS = {"init": ("He", "N(0, 1)"), "lr": 0.03, "cv": None, "batch_norm": False}


@pytest.fixture
def folder(tmp_path):
    """The folder of a report with these settings."""
    record = SETTINGS | {"command": "retroprop compare ...", "files": ["report.html", "rates.svg", "../beside.txt"]}
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "config.json").write_text(json.dumps(record), encoding="utf-8")
    for name in ("out/report.html", "out/rates.svg", "out/mine.txt", "beside.txt"):
        (tmp_path / name).write_text("", encoding="utf-8")
    return tmp_path / "out"


def test_a_new_folder_is_created_with_its_parents(tmp_path):
    prepare(tmp_path / "a" / "b", SETTINGS)
    assert (tmp_path / "a" / "b").is_dir()
    prepare(tmp_path / "a" / "b", SETTINGS)


def test_the_same_settings_replace_a_report(folder):
    prepare(folder, SETTINGS)
    prepare(folder, SETTINGS | {"added_since": None})               # an option that an earlier version did not have


@pytest.mark.parametrize(("changed", "said"), [
    ({"lr": 0.1}, r"\(lr: 0.03 there, 0.1 now\): name another folder, or replace them with force=True"),
    ({"init": ("He",)}, r"\(init: He, N\(0, 1\) there, He now\)"),
    ({"lr": (0.1, 0.3), "cv": 5}, r"\(lr: 0.03 there, 0.1, 0.3 now; cv: none there, 5 now\)"),
    ({"added_since": True}, r"\(added_since: none there, True now\)"),
])
def test_other_settings_are_refused_by_name(folder, changed, said):
    with pytest.raises(rp.ArgumentError, match=said):
        prepare(folder, SETTINGS | changed)
    prepare(folder, SETTINGS | changed, force=True)


@pytest.mark.parametrize("content", [b'{"name": "app"}', b"[1, 2]", b"\xff\x00", b""])
def test_a_file_of_the_same_name_that_is_not_ours_is_kept(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(rp.ArgumentError, match=r"config\.json is not that of a report"):
        prepare(tmp_path, SETTINGS)


NAMES = ["report.html", "summary.csv", "rates*.svg"]


def test_files_without_a_record_are_not_replaced(tmp_path):
    for name in ("report.html", "rates-1.svg", "mine.txt"):
        (tmp_path / name).write_text("mine", encoding="utf-8")
    with pytest.raises(rp.ArgumentError, match=r"holds rates-1\.svg, report\.html and no config\.json of a report: name"):
        prepare(tmp_path, SETTINGS, NAMES)
    prepare(tmp_path, SETTINGS, ["summary.csv"])                    # of these there is none
    prepare(tmp_path, SETTINGS, NAMES, force=True)
    assert prepare(tmp_path, SETTINGS, NAMES, another=True) == tmp_path.with_name(f"{tmp_path.name}-2")


def test_files_of_a_report_of_the_same_settings_are_replaced(folder):
    prepare(folder, SETTINGS, NAMES)


@pytest.mark.parametrize("link", ["", "from", "to"])
@pytest.mark.parametrize("force", [False, True])
def test_what_the_work_reads_is_replaced_by_no_means(folder, link, force, monkeypatch):
    data = folder / "summary.csv"
    data.write_text("a,b", encoding="utf-8")
    if link == "from":                                              # the data are read by a link to a file of the report
        data = folder.parent / "data.csv"
        data.symlink_to(folder / "summary.csv")
    elif link == "to":                                              # a file of the report is a link to the data
        data = data.rename(folder.parent / "data.csv")
        (folder / "summary.csv").symlink_to(data)
    monkeypatch.chdir(data.parent)
    for given in (data, data.name):
        with pytest.raises(rp.ArgumentError, match=r"replaces none of the files that .*summary\.csv is data: name"):
            prepare(folder, SETTINGS, NAMES, {"test": None, "data": given}, force=force)
    prepare(folder, SETTINGS, NAMES, {"data": "digits", "test": np.zeros(3)}, force=force)


def test_a_file_that_force_would_delete_is_no_input_either(folder):
    with pytest.raises(rp.ArgumentError, match=r"rates\.svg is image"):
        prepare(folder, SETTINGS, [], {"image": folder / "rates.svg"}, force=True)


def test_files_that_a_new_report_does_not_replace_are_deleted_and_no_others(folder):
    remove_others(folder, ["report.html"])
    assert {path.name for path in folder.iterdir()} == {"config.json", "report.html", "mine.txt"}
    assert (folder.parent / "beside.txt").exists()


def test_another_folder_is_the_first_that_is_free_or_holds_the_same_settings(folder):
    assert prepare(folder, SETTINGS, another=True) == folder
    other = SETTINGS | {"lr": 0.1}
    second = prepare(folder, other, another=True)
    assert second == folder.with_name("out-2")
    (second / "config.json").write_text(json.dumps(other | {"command": ""}), encoding="utf-8")
    assert prepare(folder, other, another=True) == second
    assert prepare(folder, SETTINGS | {"lr": 1.0}, another=True) == folder.with_name("out-3")
    assert prepare(folder, other, force=True, another=True) == folder
