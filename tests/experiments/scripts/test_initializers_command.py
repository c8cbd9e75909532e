"""``retroprop initializers``: the table of the starts of libraries, as text and as JSON."""

import json

import retroprop as rp
from retroprop.__main__ import main


def test_the_table_has_a_row_for_each_library(capsys):
    assert main(["initializers"]) == 0
    head, rule, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["library", "version", "weight", "bias", "convolutions"]
    assert len(rule) <= 160
    cells = {row.split("  ")[0]: row.split() for row in rows[:rows.index("")]}
    assert list(cells) == [start.name for start in rp.initializers.starts()]
    assert cells["PyTorch"] == ["PyTorch", "2.13.0", "U(±1/√i)", "the", "same", "alike"]
    assert cells["MLX"] == ["MLX", "0.32.4", "U(±1/√i)", "the", "same", "bias", "0"]
    assert cells["R-deepnet"] == ["R-deepnet", "0.2.1", "U(±0.1)", "0.1", "–"]
    assert "N(0, v) is normal with variance v" in " ".join(rows)


def test_json_holds_all_of_it(capsys):
    assert main(["initializers", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(rows) == [start.name for start in rp.initializers.starts()]
    assert rows["MLX"] == {"name": "MLX", "version": "0.32.4", "weight": "U(±1/√i)", "bias": "U(±1/√i)",
                           "convolution": {"weight": "U(±1/√i)", "bias": "0"}, "aliases": []}
    assert rows["H2O"]["convolution"] is None


def test_names_choose_libraries(capsys):
    assert main(["initializers", "keras", "Scikit Learn", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == ["Keras", "scikit-learn"]
    assert main(["initializers", "Kera"]) == 2
    assert "did you mean 'Keras'" in capsys.readouterr().err
