"""What stands above the results: data of another scale, starts that ignore the seed, and what the intervals leave out."""

import re

import numpy as np
import pytest

import retroprop as rp
from retroprop.datasets.tables.columns import GROUPS_UNKNOWN
from retroprop.experiments.compare.comparison import Comparison
from retroprop.experiments.compare.config import Config
from retroprop.experiments.compare.job import compare
from retroprop.experiments.compare.metric import Metric
from retroprop.experiments.compare.remarks import of_divisions, of_starts
from retroprop.experiments.compare.results import Sizes, TrainingRun

X, Y = rp.datasets.digits()
UNSCALED = X * 1000 + 5000
SMALL = {"depth": 2, "width": 10, "epochs": 1, "seeds": 2, "progress": False}


def test_of_unscaled_data_the_first_line_is_about_their_scale():
    """They are standardized, and that is said first; left as they are, the finding is the scale and not the starts."""
    scaled = compare((UNSCALED, Y), ["Glorot", "N(0, 1)"], **SMALL)
    assert scaled.remarks[0].startswith("Each column of x was scaled to mean 0 and standard deviation 1")
    left = compare((UNSCALED, Y), ["Glorot", "N(0, 1)"], standardize=False, **SMALL)
    wrong = r"the inputs have a root mean square of 5\d\d\d, but initializers assume about 1"
    assert re.search(wrong, left.remarks[0])
    assert re.match(f"Check the data first: {wrong}", left.finding)
    assert str(left).startswith("Check the data first: ")


def test_scaled_data_have_no_remarks_on_their_scale():
    found = compare("digits", ["Glorot", "He"], **SMALL)
    assert found.remarks == found.unfit == ()


def runs(digests, units=None):
    return [TrainingRun("A", seed, [0.5], [0.2], [[0.0]], [], [], rate=0.1, digest=digest, sampling=0.01,
                        units=frozenset(units[seed] if units else [bytes([seed])])) for seed, digest in enumerate(digests)]


def made(found, **settings):
    config = vars(Config()) | {"init": ("A",), "seeds": len(found)} | settings
    return Comparison(config, found, Metric("classes", "%", 0.9), Sizes(80, 0, 25), 2, 10)


def test_a_start_that_ignores_the_seed_is_said():
    assert of_starts(made(runs("aaa"))) == [
        "A starts from the same weights with every seed: its runs differ in the data and their order alone."]
    assert of_starts(made(runs("aba"))) == ["A starts from the same weights with seeds 0 and 2: its runs are not independent."]
    assert of_starts(made(runs("abc"))) == of_starts(made(runs("a"))) == []


def test_units_that_two_seeds_share_are_said():
    units = [[b"1", b"2", b"3"], [b"4", b"2", b"3"], [b"5", b"6", b"1"]]
    assert of_starts(made(runs("abc", units))) == [
        "A: 2 units of 3 start with the same weights in seeds 0 and 1: its runs are not independent."]


def test_real_starts_share_nothing_but_where_they_ignore_the_seed():
    found = compare(init=["Glorot", "OpenCV"], **SMALL)
    assert found.remarks == ("OpenCV starts from the same weights with every seed: its runs differ in the data and their order "
                             "alone.",)


def test_the_sampling_error_of_a_fixed_test_part_is_said():
    said = of_divisions(made(runs("ab"), split="fixed"))
    assert said == ["All seeds have the same test part, of 25 examples: the ± does not cover its choice, which alone adds "
                    "± 2.0 points (95 %) to the error of A."]
    whole = compare("digits", "Glorot", split="fixed", **SMALL | {"epochs": 4})
    p = whole.summary()[0]["error"]
    assert f"± {196 * (p * (1 - p) / 500) ** 0.5:.1f} points" in whole.remarks[0]
    own = compare((X[12:], Y[12:]), "Glorot", test=(X[:12], Y[:12]), **SMALL)
    assert own.remarks[0].startswith("All seeds have the same test part, of 12 examples")
    assert own.command.startswith("rp.compare((x, y), test=(x_test, y_test), init=('Glorot',), ")


def test_notes_of_the_data_set_stand_among_the_remarks(tmp_path):
    lines = [f"{a:.2f},{b:.2f},{'yes' if a > 0 else 'no'},{k}" for k, (a, b) in enumerate(
        np.random.default_rng(0).normal(size=(60, 2)))]
    (tmp_path / "mine.csv").write_text("\n".join(["a,b,target,id", *lines]))
    found = compare(tmp_path / "mine.csv", "Glorot", target="target", **SMALL)
    assert found.features == 2
    assert any("id" in remark for remark in found.remarks)


def test_arrays_are_named_by_their_digest_and_repeated_by_a_call():
    found, other = (compare((X + shift, Y), ["Glorot", "He"], lr=0.1, **SMALL) for shift in (0, 1e-3))
    assert re.fullmatch("arrays [0-9a-f]{12}", found.config["data"])
    assert found.config["data"] != other.config["data"]
    assert found.command == ("rp.compare((x, y), init=('Glorot', 'He'), depth=2, width=10, lr=0.1, epochs=1, seeds=2)")
    with pytest.raises(rp.ArgumentError, match="data must be given again: the settings hold but a digest, 'arrays "):
        compare(found.config["data"])


@pytest.mark.parametrize(("source", "more", "call"), [
    ("frame", {"target": "target"}, "rp.compare(frame, target='target', init="),
    ("frame", {"test": "test_frame"}, "rp.compare(frame, test=test_frame, init="),
    ("arrays", {}, "rp.compare(arrays, init="),
    ("((x, y), (x_test, y_test))", {}, "rp.compare(((x, y), (x_test, y_test)), init="),
    ("(x, y)", {"group": "groups", "test": "(x_test, y_test)"},
     "rp.compare((x, y), test=(x_test, y_test), group=groups, init="),
    ("'commas.csv'", {"target": ["p,q", "r"]}, "rp.compare('commas.csv', target=('p,q', 'r'), init="),
    ("'commas.csv'", {"target": ["p,q"]}, "retroprop compare --data commas.csv --target p,q "),
    ("'arrays a.csv'", {"target": "r"}, "retroprop compare --data 'arrays a.csv' --target r ")])
def test_a_comparison_is_repeated_in_the_form_of_its_data(source, more, call, tmp_path, monkeypatch):
    """The call runs with what its names stand for, and gives the same numbers."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X[:60, 10:14], columns=["p,q", "r", "s", "t"]).assign(target=Y[:60])
    for name in ("commas.csv", "arrays a.csv"):
        frame.to_csv(tmp_path / name, index=False)
    monkeypatch.chdir(tmp_path)
    x, y = X[:60, :4], Y[:60]
    names = {"rp": rp, "frame": frame, "test_frame": frame[::-1], "x": x, "y": y, "x_test": x + 1, "y_test": y,
             "groups": np.arange(60) % 5, "arrays": {"x": x, "y": y}}
    given = {name: eval(value, names) if name in ("test", "group") else value for name, value in more.items()}
    found = compare(eval(source, names), "Glorot", **SMALL | given)
    assert found.command.startswith(call)
    if call.startswith("rp."):
        assert str(eval(found.command, names).rows()) == str(found.rows())


def test_the_command_repeats_every_setting():
    config = Config(init="He", lr=(0.1, 0.3), standardize=False, cv=3, stratify=True, split="fixed")
    line = made(runs("a"), **vars(config)).command
    for words in ("--lr 0.1,0.3", "--no-standardize", "--cv 3", "--stratify", "--split fixed", "--init He", "--data digits"):
        assert f" {words}" in line



def test_what_makes_errors_misleading_is_said():
    """`data_findings`: test examples that are training examples too."""
    found = compare((X, Y), "Glorot", test=(X[:12], Y[:12]), **SMALL)
    assert found.remarks[0].startswith("x: 12 of the 12 test examples are training examples too: the test error is too small.")


def test_inputs_so_large_that_outputs_overflow_are_said_first():
    found = compare((X * 1e36, Y), ["Glorot", "He"], standardize=False, activation="relu", **SMALL)
    assert found.finding.startswith("Check the data first: the inputs have a root mean square of ")


def test_groups_that_stay_whole_are_said():
    found = compare("digits", "Glorot", group="form", **SMALL)
    assert found.remarks == ("No two parts share one of the 14 groups: the errors are those on groups that were not trained "
                             "on.",)


def test_groups_of_a_given_test_part_are_said_to_be_unknown():
    found = compare((X, Y), "Glorot", test=(X[::2] + 1, Y[::2]), group=np.arange(len(X)) % 7, **SMALL)
    assert GROUPS_UNKNOWN in found.remarks
    assert not any(one.startswith("No two parts share") for one in found.remarks)


def test_a_report_on_other_data_of_the_same_name_is_kept(tmp_path):
    for shift in (0, 1):
        np.savez(tmp_path / "mine.npz", x=X[:60, :8] + shift, y=Y[:60])
        if not shift:
            compare(tmp_path / "mine.npz", "Glorot", out=tmp_path / "out", **SMALL)
    with pytest.raises(rp.ArgumentError, match=r"out must be a folder without results of other settings, but .* \(digest: "):
        compare(tmp_path / "mine.npz", "Glorot", out=tmp_path / "out", **SMALL)
