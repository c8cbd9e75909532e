"""The page of ``retroprop look``: the finding and its figure first, criteria on a page of their own, a landscape for dreams."""

import json

import numpy as np
import pages
import pytest

import retroprop as rp
from retroprop.experiments.look import analyses, job, subjects
from retroprop.experiments.look.findings import HEADER, Row
from retroprop.experiments.look.job import look
from retroprop.experiments.look.landscape import landscape
from retroprop.experiments.look.settings import FILES
from retroprop.experiments.reports.panels import NARROW
from retroprop.experiments.sweeps.workers import Workers

COLOURED = """
import numpy as np
import retroprop as rp
net = rp.Sequential(rp.Conv2d({channels}, 4, 3, padding=1, rng=0), rp.Tanh(), rp.Flatten(), rp.Linear(80, 3, rng=1))
x, y = np.random.default_rng(0).uniform(-1, 2, (6, {channels}, 4, 5)), [0, 1, 2, 0, 1, 2]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of the page of a network of digits that was saved, and the findings."""
    made, digits = tmp_path_factory.mktemp("look"), subjects.DATA["digits"]
    net, _ = digits.recipes["convolutional"].train(tuple(a[:300] for a in digits.read()[0]), 0, 2)
    rp.save(net, made / "net.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"ATTACKED": 40, "RANDOMIZED": 12, "SHOWN": 2, "SIDE": 24, "STEPS": 3}.items():
            patch.setattr(analyses, name, value)
        yield made / "page", look(model=made / "net.safetensors", out=made / "page", progress=False)


def test_the_title_is_the_finding_and_its_figure_comes_before_any_table(folder):
    page, found = pages.read(folder[0] / "report.html"), folder[1]
    clean, moved = (f"{100 * error:.1f} %" for error in (found.single.clean_error, found.single.error[1]))
    title = page.all("h1")[0].text
    assert title == (f"The network of net.safetensors misclassifies {clean} of the images, and {moved} after each pixel moves "
                     "by 0.1")
    order = [one.tag for one in page.inside if one.tag in ("h1", "h2", "img", "table")]
    assert order[:3] == ["h1", "h2", "img"]
    assert page.all("img")[0].attributes["alt"] == title
    texts = [one.attributes["alt"] for one in page.all("img")]
    assert len(set(texts)) == len(texts) == 9
    robustness = next(one for one in page.all("img") if "after ten" in one.attributes["alt"])
    assert int(robustness.attributes["width"]) / 20 <= NARROW + 0.11    # 20 dots per inch in tests: a phone shows it
    assert all(one.attributes["style"] == f"--legible: {int(one.attributes['width']) // 2}px" for one in page.all("img"))
    assert texts[1].startswith("At ε = 0.1 the error is ")
    assert any(text.startswith("The objective of the dream grows by a factor of ") for text in texts)


def test_criteria_stand_on_a_page_of_their_own_with_the_verdict_second(folder):
    page, checks = (pages.read(folder[0] / name) for name in ("report.html", "checks.html"))
    assert "criteri" not in page.text.replace("criteria of developers", "")
    assert checks.all("h1")[0].text == "A network that was not trained here is not judged."
    assert pages.rows(checks) == folder[1].table()
    assert HEADER == ("quantity", "met", "measured: mean ± half a 95 % interval (each seed)", "criterion")
    csv = (folder[0] / "numbers.csv").read_text(encoding="utf-8").splitlines()
    assert csv[0] == "quantity,met,mean,half_95,unit,criterion,values"
    assert len(csv) == 1 + len(folder[1].rows())
    assert [one.attributes["scope"] for one in checks.all("th")] == ["col"] * 4 + ["row"] * len(folder[1].rows())


def test_a_row_gives_half_of_the_95_percent_interval_beside_each_seed():
    row = Row("error", 0.02, (0.01, 0.02, 0.03), "%", "under 5 %", True)
    assert row.cells() == ["error", "yes", "2.0 ± 2.5 % (1.0, 2.0, 3.0)", "under 5 %"]
    assert Row("count", 9.0, (9.0,), "", "", None).cells() == ["count", "–", "9", "–"]


def test_the_page_links_its_files_and_says_how_to_run_it_again_with_all_options(folder):
    page, config = pages.read(folder[0] / "report.html"), json.loads((folder[0] / "config.json").read_text(encoding="utf-8"))
    links = {one.attributes["href"] for one in page.all("a")}
    assert {"checks.html", "numbers.csv", "numbers.json", "dream.png", "config.json", "robustness.svg"} <= links
    assert all((folder[0] / name).exists() for name in links)
    again = page.all("pre")[-1].text
    assert again == config["command"]
    for name, value in folder[1].config.items():
        assert value is None or f"--{name} {value}" in again
    assert again.endswith(f"--out {folder[0]}")
    assert set(config["files"]) == {path.name for path in folder[0].iterdir()}
    assert set(config["files"]) <= set(FILES)


def test_a_page_of_other_settings_is_replaced_only_with_force(folder, tmp_path):
    before = (folder[0] / "report.html").read_bytes()
    with pytest.raises(rp.ArgumentError, match=r"holds some \(seed: 0 there, 1 now\).*force=True"):
        look(model=folder[0].parent / "net.safetensors", seed=1, out=folder[0], progress=False)
    assert (folder[0] / "report.html").read_bytes() == before


def test_the_landscape_is_the_same_for_everyone_and_fills_the_range():
    image = landscape(192, 256)
    assert image.shape == (192, 256)
    assert 0 == image.min() < 0.3 < image.mean() < 0.7 < image.max() == 1
    assert np.array_equal(image, landscape(192, 256))
    assert image[:60].mean() > image[150:].mean() + 0.2             # the sky is brighter than the nearest ridge
    assert np.abs(landscape(96, 128).mean() - image.mean()) < 0.05


@pytest.mark.parametrize("channels", [1, 3])
def test_a_dream_begins_from_the_landscape_in_the_range_and_channels_of_the_networks_images(channels, tmp_path, monkeypatch):
    monkeypatch.setattr(analyses, "SIDE", 192)
    (tmp_path / "mine.py").write_text(COLOURED.format(channels=channels), encoding="utf-8")
    subject = subjects.read_model(tmp_path / "mine.py", subjects.DATA["digits"], subjects.digits())
    image = analyses.dream_image(subject, "1")
    assert (image.shape, image.dtype) == ((channels, 192, 256), np.float32)
    low, high = subject.bounds
    assert (image.min(), image.max()) == pytest.approx((low, high))
    assert np.allclose((image[-1] - low) / (high - low), landscape(192, 256), atol=1e-6)
    assert np.array_equal(analyses.dream_image(subject, "3"), subject.x[0])     # a dense layer takes one size only


def test_networks_and_attacks_do_not_depend_on_the_number_of_processes(monkeypatch):
    train, test = subjects.DATA["digits"].read()
    parts, config = (tuple(a[:60] for a in train), tuple(a[:20] for a in test)), job.Config(epochs=1, seeds=2)
    found = []
    for processes in (1, 2):
        monkeypatch.setattr(Workers, "count", lambda self, tasks, processes=processes: processes)
        found.append(job.train_all(config, subjects.DATA["digits"], parts, progress=False))
    for one, other in zip(*found, strict=True):
        assert (one.kind, one.seed, one.defended, one.error) == (other.kind, other.seed, other.defended, other.error)
        assert one.attacked.single.error == other.attacked.single.error
        assert one.attacked.iterated.error == other.attacked.iterated.error
        for name, array in one.net.state_dict().items():
            np.testing.assert_array_equal(array, other.net.state_dict()[name])
    assert [(one.kind, one.defended, one.seed) for one in found[0]] == [
        (kind, defended, seed) for kind in ("convolutional", "softmax", "2 × 100 tanh") for defended in (False, True)
        for seed in (0, 1)]
    assert [len(one.attacked.iterated.eps) for one in found[1]] == [4] + 11 * [1]        # the first is shown
