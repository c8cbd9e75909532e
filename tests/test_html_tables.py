"""What notebooks show of tables: headings, escaped text, and the colours of the page."""

import pickle
from itertools import pairwise

import pages
import pytest

import retroprop as rp
from retroprop.printing import html_table


def shown(result):
    html = result._repr_html_()
    assert "color" not in html
    page = pages.parsed(html)
    return page, [[cell.text for cell in row.inside if cell.tag in ("th", "td")] for row in page.all("tr")]


def test_text_is_escaped_and_headings_are_those_of_columns():
    html = html_table([["name", "<b>"], ["a & b", "<script>x</script>"]], above="a < b", below="'c'")
    assert "<script>" not in html
    assert "<b>" not in html
    page = pages.parsed(html)
    assert [one.text for one in page.all("td")] == ["a & b", "<script>x</script>"]
    assert [one.attributes["scope"] for one in page.all("th")] == ["col", "col"]
    assert [one.text for one in page.all("p")] == ["a < b", "'c'"]
    assert ["right" in one.attributes["style"] for one in page.all("td")] == [False, True]


def test_a_history_shows_its_epochs_and_of_many_the_first_and_the_last():
    history = rp.History()
    assert shown(history)[0].all("p")[0].text == "no epoch"
    for epoch in range(1, 51):
        history.append({"epoch": float(epoch), "cost": 1 / epoch} | ({"rate": 0.25} if epoch > 48 else {}))
    history.stopped = "<it is enough>"
    page, rows = shown(history)
    assert rows[:3] == [["epoch", "cost", "rate"], ["1", "1", ""], ["2", "0.5", ""]]
    assert rows[11] == ["…", "…", "…"]
    assert rows[-3:] == [["48", "0.02083", ""], ["49", "0.02041", "0.25"], ["50", "0.02", "0.25"]]
    assert len(rows) == 22
    assert page.all("p")[0].text == "stopped: <it is enough>"


def test_a_summary_is_a_text_and_a_table():
    summary = rp.Sequential(rp.Linear(3, 4, rng=0), rp.Tanh()).summary((1, 3))
    _, rows = shown(summary)
    assert rows[1:] == [["0 Linear(3, 4)", "(1, 4)", "16", "64 B"], ["1 Tanh()", "(1, 4)", "0", "0 B"],
                        ["total", "", "16", "64 B"]]
    assert isinstance(summary, str)
    assert summary.splitlines()[0].split("  ")[0] == "module"
    assert pickle.loads(pickle.dumps(summary))._repr_html_() == summary._repr_html_()


def test_a_tape_shows_its_records():
    net = rp.Sequential(rp.Tanh())
    tape = rp.tape(net)
    assert shown(tape)[0].all("p")[0].text == "(nothing was recorded)"
    with tape:
        net.forward([[1.0, 2.0]])
    _, rows = shown(tape)
    assert rows[0][:4] == ["#", "phase", "module", "in"]
    assert [row[2] for row in rows[1:]] == ["Sequential(Tanh())", "  0 Tanh()"]


@pytest.mark.parametrize(("scale", "first"), [(1000, "1"), (1, None)])
def test_a_diagnosis_shows_its_findings(scale, first):
    x, y = rp.datasets.blobs(40, rng=0)
    net = rp.Sequential(rp.Linear(2, 4, rng=0), rp.Tanh(), rp.Linear(4, len(set(y)), rng=1))
    page, rows = shown(rp.diagnose(net, scale * (x - x.mean(axis=0)) / x.std(axis=0), y))
    assert page.all("p")[0].text == "With CrossEntropy(), assumed because the labels are integers:"
    assert (rows[1][0] if rows else None) == first
    assert "remedy" in rows[0] if rows else page.all("p")[1].text.startswith("Nothing found")


def test_a_graph_is_drawn_with_what_its_text_says():
    """In the colours of the page, with a name for screen readers that holds every row of the text; names are escaped."""
    net = rp.Graph({"<b>&'\"": (rp.Multiply(), "x", "x2"), "z": (rp.Add(), "<b>&'\"", "x")}, inputs=("x", "x2"), outputs="z")
    page = pages.parsed(net._repr_html_())
    [svg], [title] = page.all("svg"), page.all("title")
    assert (svg.attributes["role"], svg.attributes["stroke"]) == ("img", "currentColor")
    assert title.text == "x: input; x2: input; <b>&'\": Multiply() of x, x2; z: Add(), output of <b>&'\", x"
    assert sorted(one.text for one in page.all("text")) == ["<b>&'\"", "Add()", "Multiply()", "x", "x2", "z"]
    assert {one.attributes["fill"] for one in page.all("text")} == {"currentColor"}
    assert len(page.all("path")) == 4
    assert [one.attributes.get("stroke-width") for one in page.all("rect")] == [None, None, None, "2.5"]
    for line in str(net).splitlines()[2:]:
        assert all(word in title.text for word in line.replace(",", "").split())


def test_boxes_of_a_drawing_lie_in_it_and_do_not_overlap():
    nodes = {f"n{k}": (rp.Add(), f"n{k - 1}" if k else "x", "x") for k in range(6)}
    [svg] = pages.parsed(rp.Graph(nodes, inputs="x", outputs="n5")._repr_html_()).all("svg")
    _, _, width, height = map(float, svg.attributes["viewbox"].split())
    boxes = [[float(box.attributes[name]) for name in ("x", "y", "width", "height")] for box in svg.all("rect")]
    assert all(0 < x < x + w < width and 0 < y < y + h < height for x, y, w, h in boxes)
    assert all(a[0] + a[2] < b[0] for a, b in pairwise(sorted(boxes)))


def test_a_large_graph_is_a_table():
    nodes = {f"n{k}": (rp.Tanh(), f"n{k - 1}" if k else "x") for k in range(61)}
    net = rp.Graph(nodes, inputs="x", outputs="n60")
    _, rows = shown(net)
    assert [" ".join(row).split() for row in rows] == [line.split() for line in str(net).splitlines() if line.strip("-")]


def test_a_sequential_is_its_summary_of_the_last_forward():
    net = rp.Sequential(rp.Linear(3, 4, rng=0), rp.Tanh())
    assert shown(net)[1] == [["module", "parameters", "memory"], ["0 Linear(3, 4)", "16", "64 B"], ["1 Tanh()", "0", "0 B"],
                             ["total", "16", "64 B"]]
    net.forward([[1.0, 2.0, 3.0]] * 5)
    assert shown(net) == shown(net.summary((5, 3)))
