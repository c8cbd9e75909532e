"""``retroprop look``: the page shows the computed numbers, a saved net can be read again, and bad input is refused."""

import contextlib
import io
import json
from dataclasses import replace

import numpy as np
import pages
import pytest

import retroprop as rp
from retroprop.__main__ import main
from retroprop.experiments.look import analyses, findings, subjects
from retroprop.experiments.look.job import look

NET = """
import retroprop as rp
net = rp.Sequential(rp.Conv2d({channels}, 4, 3, padding=1, rng=0), rp.Tanh(), rp.Flatten(), rp.Linear({size}, {classes}, rng=1),
                    rp.Softmax())
"""
OWN = NET.format(channels=3, size=80, classes=3) + """
import numpy as np
x = np.random.default_rng(0).uniform(-1, 2, (6, 3, 4, 5))
"""


@pytest.fixture(scope="module", autouse=True)
def few():
    """Use fewer images."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"ATTACKED": 40, "RANDOMIZED": 12, "SHOWN": 2, "SIDE": 24, "STEPS": 3}.items():
            patch.setattr(analyses, name, value)
        yield


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The folder of a short run on the digits, and what it printed."""
    folder = tmp_path_factory.mktemp("look") / "new"
    with contextlib.redirect_stdout(io.StringIO()) as printed, pytest.MonkeyPatch.context() as patch:
        patch.setitem(subjects.DATA, "digits", fewer(subjects.DATA["digits"], 500))
        assert main(["look", "--quick", "--out", str(folder), "--seeds", "2"]) == 0
    return folder, printed.getvalue()


def fewer(images, count):
    """The data set with ``count`` training images."""
    train, test = images.read()
    return images._replace(read=lambda: (tuple(a[:count] for a in train), test))


def shortened(images):
    """The data set with 50 training images, and recipes of one epoch."""
    recipes = {kind: replace(recipe, epochs=1) for kind, recipe in images.recipes.items()}
    return fewer(images, 50)._replace(recipes=recipes)


def numbers(folder):
    return json.loads((folder / "numbers.json").read_text(encoding="utf-8"))


def by_name(folder):
    return {row["quantity"]: row for row in numbers(folder)["numbers"]}


def trained(folder):
    net = subjects.digits_net(5)
    rp.load(net, folder / "net.safetensors")
    return net, *subjects.digits()[1]


def test_the_page_holds_every_number_that_is_printed(digits):
    folder, printed = digits
    page = (folder / "report.html").read_text(encoding="utf-8")
    checks, rows = pages.rows(pages.read(folder / "checks.html")), numbers(folder)
    assert len(rows["numbers"]) == 24
    for row in rows["numbers"]:
        cells = findings.Row(**row | {"values": tuple(row["values"])}).cells()
        assert list(cells) in checks
        assert all(cell in printed for cell in cells)
    assert pages.rows(pages.parsed(page)) == rows["defences"]
    assert len(rows["defences"]) == 1 + 2 * 3
    assert page.count("<img") == 9
    again = f"retroprop look --data digits --model {folder / 'net.safetensors'} --out {folder}-again"
    assert f"<pre>{again}</pre>" in page
    assert rows["command"].endswith(f"--out {folder}")
    share = findings.written(rows["numbers"][2]["values"][0], "")
    assert rows["numbers"][2]["quantity"] == findings.ON_FOREGROUND
    assert f"is {share} (gradient)" in page


def test_the_numbers_are_those_of_the_network_that_was_written(digits):
    folder, _ = digits
    net, x, y = trained(folder)
    found = by_name(folder)
    assert found["accuracy of the convolutional net"]["values"][0] == pytest.approx(rp.accuracy(net.predict(x), y))
    foreground = x[:40, 0] > 0
    share = rp.saliency.share(rp.saliency.gradient(net, x[:40]), foreground).mean() / foreground.mean()
    assert found[findings.ON_FOREGROUND]["values"][0] == pytest.approx(share)
    curve = rp.adversarial.robustness(net, rp.CrossEntropy(), x[:40], y[:40], [0.1, 0.25], bounds=(0, 1), rng=0)
    errors = [found[f"convolutional: error at ε = {eps}"]["values"][0] for eps in ("0.1", "0.25")]
    assert errors == pytest.approx(curve.error)
    again = rp.saliency.randomization(net, x[:12], rng=0).correlations.mean(1)
    assert found["rank correlation of saliency, all layers randomized"]["values"][0] == pytest.approx(again[-1])


@pytest.mark.long
def test_only_a_full_run_is_judged_by_the_mean_of_its_seeds(digits, monkeypatch):
    quick = by_name(digits[0])
    assert len(quick["accuracy of the convolutional net"]["values"]) == 2
    assert {row["met"] for row in quick.values()} == {None}
    said = "This run is not judged: the criteria are for a full run, of 40 epochs and 3 seeds."
    assert pages.read(digits[0] / "checks.html").all("h1")[0].text == said
    assert said in digits[1]
    monkeypatch.setitem(subjects.DATA, "digits", shortened(subjects.DATA["digits"]))
    looked = look(progress=False)
    found = {row.quantity: row for row in looked.rows()}
    row = found["accuracy of the convolutional net"]
    assert (row.value, row.met) == (pytest.approx(np.mean(row.values)), row.value >= 0.987)
    plain, defended = (found[f"softmax: error at ε = 0.1{end}"] for end in ("", ", after adversarial training"))
    assert defended.met == (defended.value <= plain.value / 2)
    judged = [row.met for row in looked.rows() if row.met is not None]
    assert f"{sum(judged)} of {len(judged)} criteria are met by the mean over 3 seeds." in str(looked)


@pytest.mark.long
def test_a_network_that_was_written_is_looked_into_without_training(digits, tmp_path, capsys):
    folder, _ = digits
    assert main(["look", "--model", str(folder / "net.safetensors"), "--out", str(tmp_path), "--json", "--layer", "0"]) == 0
    rows = {row["quantity"]: row for row in json.loads(capsys.readouterr().out)}
    net, x, y = trained(folder)
    assert rows["error"]["value"] == pytest.approx(1 - rp.accuracy(net.predict(x), y))
    assert rows["error at ε = 0.1, one step"]["value"] == by_name(folder)["convolutional: error at ε = 0.1"]["values"][0]
    assert {row["met"] for row in rows.values()} == {None}
    assert rows["octaves of the dream in which its objective grows"]["criterion"].startswith("of ")
    assert not (tmp_path / "net.safetensors").exists()
    assert "layer 0 (Conv2d)" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.long
def test_the_networks_of_the_shapes_are_compared(monkeypatch):
    easy = rp.datasets.EASY_SHAPESET
    monkeypatch.setitem(subjects.DATA, "shapes", subjects.DATA["shapes"]._replace(
        read=lambda: (rp.datasets.shapeset(200, **easy, rng=0), rp.datasets.shapeset(60, **easy, rng=1))))
    found = look("shapes", epochs=1, seeds=1, progress=False)
    conv, dense = found.rows()[:2]
    assert [one.kind for one in found.trained] == ["convolutional", "5 × 100 tanh"]
    assert (conv.value, dense.value) == pytest.approx(tuple(one.error for one in found.trained))
    assert conv.criterion == f"at most half of the dense net's, {50 * dense.value:.1f} %"
    assert found.single.eps == (0.1, 0.2, 0.3, 0.5)                 # of a range from -1 to 1


@pytest.mark.parametrize("target", [pytest.param("", marks=pytest.mark.long), "y = np.array([0, 1, 2, 0, 1, 2])"])
def test_a_network_of_the_user_s_on_images_of_the_user_s_in_colour(target, tmp_path):
    (tmp_path / "mine.py").write_text(OWN + target, encoding="utf-8")
    image = rp.plots.write_image(np.random.default_rng(1).random((3, 4, 5)), tmp_path / "image.png")
    found = look(model=tmp_path / "mine.py", image=image, out=tmp_path / "out", progress=False)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    names = [row.quantity for row in found.rows()]
    assert ("no error can be given" in page) == (not target)
    assert any(name.startswith("answers that change") for name in names) == (not target)
    assert any(name.startswith("error") for name in names) == bool(target)
    if not target:
        assert np.isnan(found.subject.error)
        assert not any(text in page for text in ("ts error", "misclassifies", "correctly"))
    assert "stretched over the range of colours" in page
    assert found.dream.before.shape == (3, 4, 5)
    assert found.dream.layer == "1"
    assert rp.plots.read_image(tmp_path / "out" / "dream.png").shape == (3, 4, 5)
    assert found.subject.bounds == (found.subject.x.min(), found.subject.x.max())


@pytest.mark.parametrize(("y", "numbers", "names"), [
    ("[0, 2, 0, 2, 2, 0]", [0, 2, 0, 2, 2, 0], ("0", "1", "2")),   # numbers of outputs, of which one does not occur
    ("[1, 2, 3, 1, 2, 3]", [0, 1, 2, 0, 1, 2], ("1", "2", "3")),
    ("['cat', 'dog', 'ant'] * 2", [1, 2, 0, 1, 2, 0], ("ant", "cat", "dog"))])
def test_labels_of_the_user_s_are_the_net_s_classes_in_order(y, numbers, names, tmp_path):
    (tmp_path / "mine.py").write_text(f"{OWN}y = {y}", encoding="utf-8")
    subject = subjects.read_model(tmp_path / "mine.py", subjects.DATA["digits"], subjects.digits())
    assert (subject.y.tolist(), subject.classes) == (numbers, names)


def test_another_network_in_the_folder_is_not_overwritten(digits, tmp_path, monkeypatch):
    monkeypatch.setattr("retroprop.experiments.look.job.write_page", lambda looked, folder: None)
    (tmp_path / "mine.py").write_text(OWN, encoding="utf-8")
    (tmp_path / "net.safetensors").write_bytes((digits[0] / "net.safetensors").read_bytes())
    look(model=tmp_path / "mine.py", out=tmp_path, progress=False)
    trained(tmp_path)                                               # still a state of the digits' net


@pytest.mark.long
def test_what_is_not_a_number_is_a_dash_on_the_page_and_null_in_the_file(tmp_path, monkeypatch, capsys):
    (tmp_path / "mine.py").write_text(OWN, encoding="utf-8")
    undefined = analyses.saliency.randomization
    monkeypatch.setattr(analyses.saliency, "randomization", lambda *a, **k: replace(
        found := undefined(*a, **k), correlations=np.full_like(found.correlations, np.nan)))
    assert main(["look", "--model", str(tmp_path / "mine.py"), "--out", str(tmp_path)]) == 0
    name = "rank correlation of saliency, all layers randomized"
    row = json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)["numbers"]
    assert {one["quantity"]: (one["value"], one["values"]) for one in row}[name] == (None, [None])
    assert [name, "–", "–", "–"] in pages.rows(pages.read(tmp_path / "checks.html"))
    assert findings.written(float("nan"), "%") == "–"


@pytest.mark.parametrize(("between", "wanted"), [("rp.BatchNorm(4), rp.Tanh()", "2"), ("rp.Tanh(), rp.BatchNorm(4)", "1"),
                                                 ("rp.BatchNorm(4), rp.MaxPool2d(2)", "0")])
def test_the_layer_of_the_dream_is_the_activation_after_the_last_convolution_normalized_or_not(between, wanted):
    modules = eval(f"[{between}]", {"rp": rp})
    assert analyses.dream_layer(rp.Sequential(rp.Conv2d(1, 4, 3, rng=0), *modules, rp.Flatten(), rp.Linear(5, 3))) == wanted


def test_only_images_that_the_network_knows_are_shown_and_counted_as_fooled(digits):
    net, x, y = trained(digits[0])
    subject = subjects.of_data(net, subjects.DATA["digits"], (x, y), (x, y))
    found = analyses.examples(subject, 100)
    right = net.predict(x[:40]).argmax(1) == y[:40]
    moved = rp.adversarial.fgsm(net, rp.CrossEntropy(), x[:40], y[:40], 0.1, bounds=(0, 1))
    assert 0 < found.known == right.sum() == len(found.x) < 40
    assert found.fooled == (right & (net.predict(moved).argmax(1) != y[:40])).sum()
    changed = net.predict(found.moved).argmax(1) != net.predict(found.x).argmax(1)
    assert changed.sum() == found.fooled
    assert changed[:found.fooled].all()


@pytest.mark.long
def test_a_dense_layer_has_units_and_bright_colours_are_scaled(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(OWN + "x = 255 * (x + 1) / 3", encoding="utf-8")
    drawn = {}
    for name in ("saliency", "randomization", "dream"):
        inner = getattr(rp.plots, name)
        monkeypatch.setattr(rp.plots, name, lambda first, *a, name=name, inner=inner, **k: inner(
            drawn.setdefault(name, first), *a, **k))
    look(model=tmp_path / "mine.py", layer="3", out=tmp_path, progress=False)
    for pixels in (drawn["saliency"], drawn["randomization"].x, drawn["dream"].before):
        assert 0 <= pixels.min() < 0.1
        assert 0.9 < pixels.max() <= 1
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "the first 3 units of layer 3 (Linear): the image of norm 1 that activates it most. Each image is" in page
    assert "Left: the first image of the data." in page


def test_a_dream_keeps_the_size_of_the_image(digits, tmp_path):
    image = rp.plots.write_image(np.random.default_rng(1).random((3, 21, 30)), tmp_path / "image.png")
    found = look(model=digits[0] / "net.safetensors", image=image, progress=False)
    assert found.dream.image.shape == (1, 21, 30)


def test_what_cannot_be_looked_at_is_said_in_one_line_before_anything_is_written(tmp_path, capsys):
    def refused(text, *arguments):
        assert main(["look", "--out", str(tmp_path / "out"), *map(str, arguments)]) == 2
        printed = capsys.readouterr()
        assert (printed.out, printed.err.count("\n")) == ("", 1)
        assert text in printed.err
        assert not (tmp_path / "out").exists()

    def written(name, text):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    no_image = written("image.png", "no image")
    rp.save(rp.Sequential(rp.Linear(2, 3, rng=0)), tmp_path / "other.safetensors")
    refused("layer must be one of '0', '1', '2', '3', '4', '5', '6', '7', got 'conv3'", "--layer", "conv3")
    refused("must be a PNG or JPEG file, but cannot be read as one", "--image", no_image)
    refused("none.png", "--image", tmp_path / "none.png")
    refused("other.safetensors holds no state of the network for handwritten digits", "--model", tmp_path / "other.safetensors")
    refused("not a whole safetensors file", "--model", written("broken.safetensors", "x"))
    refused("model must be a .safetensors file or a .py script", "--model", no_image)
    refused("none.py", "--model", tmp_path / "none.py")
    refused("net must take images of shape (500, 1, 8, 8)", "--model",
            written("a.py", NET.format(channels=3, size=8, classes=3)))
    refused("net must give a score for each of the 10 classes of handwritten digits", "--model",
            written("b.py", NET.format(channels=1, size=256, classes=3)))
    refused("of two classes or more", "--model", written("c.py", NET.format(channels=1, size=256, classes=1)))
    refused("x must be images", "--model", written("d.py", OWN + "x = x.reshape(6, -1)"))
    refused("y must hold at least two classes, got only 3", "--model", written("e.py", OWN + "y = np.full(6, 3)"))
    refused("y must hold classes from 0 to 2, or 3 different labels, one for each score of net, got 1, 5", "--model",
            written("g.py", OWN + "y = [1, 1, 5, 1, 5, 5]"))
    refused("y must hold a label for each of 6 images, got shape (2,)", "--model", written("h.py", OWN + "y = [1, 2]"))
    refused("x must hold finite numbers", "--model", written("f.py", OWN + "x = x * np.nan"))
    refused("x must not have masked values, got 1 of", "--model", written("g.py", OWN + "x = np.ma.masked_equal(x, x.max())"))
    refused("x must fit float32", "--model", written("h.py", OWN + "x = x * 1e39"))
    refused("y must not have masked values", "--model", written("i.py", OWN + "y = np.ma.masked_equal([0, 1, 2, 0, 1, 2], 0)"))
    refused("epochs must be an integer of at least 1", "--epochs", 0)
    refused("seed must be an integer of at least 0", "--seed", -1)
    wide = rp.plots.write_image(np.zeros((12, 12)), tmp_path / "wide.png")
    refused("image of 12 × 12 pixels does not fit the network up to layer '7'", "--layer", "7", "--image", wide)


def test_a_channel_that_is_silent_where_the_search_starts_is_named_and_left_empty():
    net = rp.Sequential(rp.Conv2d(1, 3, 3, bias_init=rp.Constant(-9.0), rng=0), rp.ReLU(), rp.Flatten(),
                        rp.Linear(108, 10, rng=1))
    subject = subjects.of_data(net, subjects.DATA["digits"], *subjects.digits())
    found = analyses.channels(subject, "1", 0)
    assert found.targets == ("channel 0: silent", "channel 1: silent", "channel 2: silent")
    assert not found.images.any()


def test_an_image_that_would_take_minutes_is_refused(tmp_path):
    image = rp.plots.write_image(np.zeros((1001, 1000)), tmp_path / "large.png")
    with pytest.raises(rp.DataError, match="image must have at most 1,000,000 pixels, got 1000 x 1001"):
        look(image=image, epochs=1, seeds=1, progress=False)
