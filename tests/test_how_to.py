"""The how-tos of the documentation run, and their networks learn."""

import re
from pathlib import Path

import numpy as np
import pytest

import retroprop as rp

DOCS = Path(__file__).parent.parent / "docs" / "how-to"
if not DOCS.exists():
    pytest.skip("the documentation is not beside these tests", allow_module_level=True)


def ran(page):
    """Return the names that the code of a page leaves."""
    text, names = (DOCS / page).read_text(encoding="utf-8"), {}
    for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(code, page, "exec"), names)
    return names


@pytest.fixture(scope="module")
def recurrent():
    return ran("recurrent.md")


def test_a_recurrent_network_learns_to_repeat_its_input_after_three_steps(recurrent):
    assert recurrent["cost"] < 0.02
    assert (recurrent["error"]**2).mean() < 0.03 * (recurrent["new"]**2).mean()


def test_all_steps_share_their_parameters(recurrent):
    net = recurrent["net"]
    names = [name for name, _ in net.named_parameters()]
    assert names == ["read0.weight", "read0.bias", "back0.weight", "y0.weight", "y0.bias"]
    assert net["read7"].weight is net["read0"].weight


def test_the_gradients_of_all_steps_are_added(recurrent):
    net = recurrent["unrolled"](3, 2, 4, 1)
    rng = np.random.default_rng(0)
    joined = rp.Sequential(net, rp.Concat())
    check = rp.check_gradients(joined, rp.MSE(), tuple(rng.standard_normal((5, width)) for width in (2, 2, 2, 4)),
                               rng.standard_normal((5, 7)))
    assert check.passed


def test_a_function_among_the_callbacks_adds_columns_and_a_schedule_ends_at_zero(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ran("schedules.md")
    assert names["paced"]["lr"] == [0.1, 0.05, 0.025]
    assert names["schedule"].rate(8, 0.1) < 1e-9
    header, *rows = Path("rates.csv").read_text(encoding="utf-8").splitlines()
    assert (header, len(rows)) == ("epoch,cost,seconds,lr", 3)


def test_each_log_has_a_row_for_each_epoch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran("logs.md")
    assert len((tmp_path / "run.csv").read_text().splitlines()) == 1 + 3
    assert len((tmp_path / "run.jsonl").read_text().splitlines()) == 3


def test_methods_of_second_order_reach_low_costs():
    names = ran("second-order.md")
    assert names["made"]["cost"][-1] < 0.02
    assert names["fitted"]["cost"][-1] < 1e-4


def test_large_batches_report_the_norm_before_clipping():
    assert ran("large-batches.md")["history"]["gradient_norm"][0] > 0


def test_a_run_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ran("checkpoints.md")
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 1 + 4
    assert (tmp_path / "run.step-160.safetensors").exists()
    assert rp.evaluate(names["resumed"], names["loss"], *names["test"]).accuracy > 0.9
    assert len(names["checkpoint"].restore(names["resumed"], also={"rng": names["rng"], "step": names["step"]})[1]) == 100


def test_the_average_of_the_parameters_reads_digits():
    names = ran("augmentation.md")
    with names["ema"].average(names["net"]):
        assert rp.accuracy(names["net"].predict(names["images_test"]), names["y_test"]) > 0.85


def test_categories_are_learned_beside_numbers_and_predicted_from_the_file(tmp_path, monkeypatch):
    pytest.importorskip("pandas", reason="needs pandas")
    monkeypatch.chdir(tmp_path)
    names = ran("categories.md")
    assert names["history"]["validation_accuracy"][-1] == (names["species"] == names["test"]["species"]).mean() > 0.9
