"""The command line: what each command prints, its exit status, and what it says of input that cannot be used."""

import json
import subprocess
import sys
from dataclasses import fields
from functools import partial
from inspect import signature

import numpy as np
import pytest

import retroprop as rp
from retroprop.__main__ import main
from retroprop.experiments.compare import job as compare_job
from retroprop.experiments.look import job as look_job
from retroprop.experiments.reproduce import job as reproduce_job
from retroprop.experiments.scripts import check as check_job
from retroprop.inspection.contract.cases import LOSSES, MODULES

NET = """
import numpy as np
import retroprop as rp

net = rp.Sequential(rp.Linear(3, 4, rng=1), rp.Tanh(), rp.Linear(4, 2, rng=2))
"""
BATCH = """
x = np.linspace(-1, 1, 15).reshape(5, 3)
y = np.array([0, 1, 1, 0, 1])
loss = rp.CrossEntropy()
"""
OWN = """
import numpy as np
import retroprop as rp

FACTOR = 3

class Scale(rp.Module):
    def forward(self, x):
        self.point = x
        return FACTOR * x

    def backward(self, g):
        return SLOPE * g

net = Scale()
x = np.ones((2, 3)) * [[1], [2]]
"""


@pytest.fixture
def script(tmp_path):
    """Writes a file of the user's; returns its path."""
    def write(text, name="mynet.py"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return write


@pytest.fixture
def run(capsys):
    """Runs a command; returns its exit status, what it printed, and what it said on standard error."""
    def command(*arguments):
        status = main(arguments)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return command


def refused(run, text, *arguments):
    """Demand exit status 2, nothing printed, and one line that says this."""
    status, out, err = run(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("retroprop: ")
    assert text in err


# All commands


def test_python_m_retroprop_is_the_command():
    command = [sys.executable, "-m", "retroprop", "compare", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "--batch-norm" in done.stdout


def test_the_help_of_compare_describes_the_less_known_initializations(capsys):
    with pytest.raises(SystemExit):
        main(["compare", "--help"])
    said = "".join(capsys.readouterr().out.split())                 # lines may break anywhere
    assert "Standard,LSUV,'N(0,s)'" in said
    assert "StandardisU[-1/√fan_in,1/√fan_in],LSUVisOrthogonal,thenscaledontrainingexamples" in said


@pytest.mark.parametrize("command", ["compare", "look", "check", "graph", "tape", "initializers"])
def test_help_describes_each_command_and_gives_an_example(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"example: retroprop {command} " in capsys.readouterr().out


@pytest.mark.parametrize("command", ["check", "graph", "tape"])
def test_what_is_wrong_with_a_file_is_said_in_one_line(command, script, run, tmp_path):
    refused(run, "none.py", command, str(tmp_path / "none.py"))
    refused(run, str(tmp_path), command, str(tmp_path))
    refused(run, "mynet.py must define net, a retroprop Module, got a, b", command, script("a = b = 1"))
    refused(run, "mynet.py must define net, a retroprop Module, got nothing", command, script(""))
    refused(run, "mynet.py: net must be a Module, got 3", command, script("net = 3"))
    refused(run, "mynet.py: loss must be a Loss, got 'mse'", command, script(NET + "loss = 'mse'"))
    refused(run, "mynet.py, line 3: ZeroDivisionError: division by zero", command,
            script("def f():\n    # here\n    return 1 / 0\n\nf()"))
    refused(run, "mynet.py, line 2: ArgumentError: in_features must be an integer", command,
            script("import retroprop as rp\nnet = rp.Linear(0, 3)"))
    refused(run, "mynet.py: SyntaxError: ", command, script("net ="))
    refused(run, "mynet.py, line 2: SystemExit: 3", command, script("import sys\nsys.exit(3)"))


def test_a_file_is_run_as_python_runs_it_but_not_as_main(script, run, capsys):
    script("width = 4", "beside.py")
    path = script("import sys\nimport beside\nprint('hello', sys.argv[1:])\nimport retroprop as rp\n"
                  "net = rp.Sequential(rp.Linear(3, beside.width))\nif __name__ == '__main__':\n    1 / 0")
    folders = sys.path.copy()
    status, out, err = run("graph", path)
    assert status == 0
    assert "Linear(3, 4), output" in out
    assert err == "hello []\n"                                      # what it prints is not part of ours
    assert sys.path == folders
    sys.modules.pop("beside")


def test_x_is_drawn_where_the_file_has_none(script, run, capsys):
    refused(run, "must define x, a batch; or give its shape (--shape 5,3)", "tape", script(NET))
    refused(run, "mynet.py defines x: leave out --shape", "tape", script(NET + BATCH), "--shape", "5,3")
    refused(run, "--shape gives the shape of x in FILE", "tape", "--shape", "5,3")
    refused(run, "x must have shape (..., 3), got (5, 4)", "tape", script(NET), "--shape", "5,4")
    for command in ("check", "tape"):
        refused(run, "--shape 5,4 does not fit ", command, script(NET), "--shape", "5,4")
        refused(run, "mynet.py: net has 1 input: give --shape once for each, got 2", command, script(NET), "--shape", "5,3",
                "--shape", "5,3")
    refused(run, "mynet.py defines y and must define loss too, or neither", "check",
            script(NET + "x = np.ones((5, 3))\ny = np.zeros(5)"))
    concat = script("import retroprop as rp\nnet = rp.Concat()")
    status, out, _ = run("tape", concat, "--shape", "5,3", "--shape", "5,2", "--json")
    inputs = json.loads(out)[0]["inputs"]
    assert (status, [tensor["shape"] for tensor in inputs]) == (0, [[5, 3], [5, 2]])
    for wrong in ("5,a", "5,0", "", "5,"):
        with pytest.raises(SystemExit) as ended:
            main(["tape", script(NET), "--shape", wrong])
        assert ended.value.code == 2
        assert f"must be integers of at least 1, such as 5,3, got '{wrong}'" in capsys.readouterr().err


@pytest.mark.parametrize(("function", "settings"), [(rp.compare, compare_job.Config), (rp.compare, compare_job.Workers),
                                                    (look_job.look, look_job.Config)])
def test_a_job_s_function_has_the_settings_and_defaults_of_its_command(function, settings):
    parameters = signature(function).parameters
    for one in fields(settings):
        assert parameters[one.name].default == one.default, one.name


# compare


def test_the_command_prints_the_table_and_writes_the_report(tmp_path, capsys, monkeypatch):
    arguments = ["compare", "--depth", "1", "--width", "10", "--epochs", "1", "--seeds", "1", "--init", "Glorot", "N(0,1)",
                 "--out", str(tmp_path / "out"), "--jobs", "2"]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert "within 1 epoch" in printed.out.splitlines()[0]
    header, _, glorot, *_ = next(part for part in printed.out.split("\n\n") if part.startswith("initialization")).splitlines()
    assert header.split("  ")[0] == "initialization"
    assert glorot.startswith("Glorot")
    assert (tmp_path / "out" / "report.html").exists()
    monkeypatch.setattr(compare_job, "write_report", lambda *arguments: None)
    assert main([*arguments, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)     # NaN and Infinity are not JSON
    assert [row["init"] for row in rows] == ["Glorot", "N(0, 1)"]
    assert rows[0]["p"] is None


def test_the_command_says_what_is_wrong_in_one_line(tmp_path, capsys):
    assert main(["compare", "--init", "Xavier", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("retroprop: --init must be one of Glorot, ")
    assert main(["compare", "--data", "nofile"]) == 2
    assert capsys.readouterr().err.startswith("retroprop: --data must be one of digits, ")
    assert main(["compare", "--batch-size", "0"]) == 2
    assert capsys.readouterr().err == "retroprop: --batch-size must be an integer of at least 1, got 0\n"
    assert main(["compare", "--data", str(tmp_path / "none.npz")]) == 2
    assert "none.npz" in capsys.readouterr().err


# check


def test_check_holds_every_module_and_loss_against_finite_differences(run):
    status, out, _ = run("check")
    lines = out.splitlines()
    assert status == 0
    assert [line.split("  ")[0] for line in lines[2:-2]] == [one.name for one in (*MODULES, *LOSSES)]
    assert all(line.endswith("passed") for line in lines[2:-2])
    assert lines[-1].startswith("passed: ")


def test_check_fails_where_a_module_does(run, monkeypatch):
    right = rp.Softsign.backward
    few = [case for case in MODULES if case.name in ("Softsign()", "Tanh()", "ReLU()")]
    monkeypatch.setattr(check_job, "check_cases", partial(check_job.check_cases, few))
    monkeypatch.setattr(rp.Softsign, "backward", lambda self, g, out=None: right(self, g, out) * 1.001)
    status, out, _ = run("check")
    failed = [line.split()[0] for line in out.splitlines() if line.endswith("FAILED")]
    assert (status, failed) == (1, ["Softsign()"])
    assert "FAILED: Softsign() in training mode: dC/dx[" in out


def test_check_compares_the_gradients_of_a_users_cost(script, run):
    status, out, _ = run("check", script(NET + BATCH))
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()[2:-1]] == ["0.weight", "0.bias", "2.weight", "2.bias", "x"]
    status, out, _ = run("check", script(OWN.replace("SLOPE", "2") + "y, loss = np.zeros((2, 3)), rp.MSE()"))
    assert status == 1
    assert "FAILED: x[1, 0]: finite differences give 6, backpropagation 4" in out


def test_check_tries_the_laws_on_a_net_without_a_loss(script, run):
    status, out, _ = run("check", script(NET), "--shape", "5,3")
    assert (status, out.partition(",")[0]) == (0, f"passed: all {len(rp.inspection.CHECKS)} laws of the contract")
    assert run("check", script(OWN.replace("SLOPE", "FACTOR")))[0] == 0
    status, out, err = run("check", script(OWN.replace("SLOPE", "2")))
    assert (status, err) == (1, "")
    assert out.startswith("FAILED: Scale(): backward is the transposed jacobian: in training mode, dC/dx[0, 2]: ")
    loss = "import numpy as np\nimport retroprop as rp\nnet = rp.MSE()\nx, y = np.eye(2, 3), np.ones((2, 3)) / 2"
    assert run("check", script(loss))[0] == 0


# graph


def test_graph_prints_what_reads_what(script, run):
    status, out, _ = run("graph")
    assert status == 0
    cells = [line.split("  ") for line in out.splitlines()[2:]]
    assert [(row[0], row[-1].strip()) for row in cells] == [
        ("x1", "input"), ("x2", "input"), ("y1", "x1"), ("y2", "x1, x2"), ("y3", "y1, y2"), ("z", "y3, x2")]
    status, out, _ = run("graph", script(NET))
    assert status == 0
    assert out.splitlines()[-1].split() == ["2", "Linear(4,", "2),", "output", "1"]
    refused(run, "graph: net must be a Graph or a Sequential, got Tanh()", "graph",
            script("import retroprop as rp\nnet = rp.Tanh()"))


def test_graph_prints_sources_for_drawings(script, run):
    path = script(NET)
    net = rp.Sequential(rp.Linear(3, 4, rng=1), rp.Tanh(), rp.Linear(4, 2, rng=2))
    assert run("graph", path, "--format", "graphviz")[1] == net.graphviz() + "\n"
    assert run("graph", path, "--format", "mermaid")[1] == net.mermaid() + "\n"


def test_graph_draws(script, run, tmp_path):
    image = tmp_path / "new" / "net.svg"
    assert run("graph", script(NET + BATCH), "--out", str(image))[0] == 0
    assert image.read_text(encoding="utf-8").startswith("<?xml")
    assert run("graph", "--out", str(tmp_path / "net.png"))[0] == 0
    assert (tmp_path / "net.png").read_bytes()[1:4] == b"PNG"
    refused(run, "path must end in .png or .svg, got", "graph", "--out", str(tmp_path / "net.jpg"))


def test_the_image_has_the_losses_gradient_at_the_output(script, run, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(rp.plots, "graph", lambda net, x, g: seen.append(g) or rp.plots.activation(rp.Tanh()))
    one = NET.replace("2, rng=2", "1, rng=2")
    for text in (NET, one + "x = np.ones((5, 3))", one + "x, y, loss = np.ones((5, 3)), np.ones((5, 1)), rp.BCEWithLogits()"):
        assert run("graph", script(text), "--out", str(tmp_path / "net.svg"))[0] == 0
    nothing, ones, losses = seen
    assert nothing is None
    np.testing.assert_array_equal(ones, np.ones((5, 1)))
    assert (losses < 0).all()


# tape


def test_tape_prints_the_worked_example_of_the_lecture(run):
    status, out, _ = run("tape")
    assert status == 0
    assert out.startswith("s = W x + b, p = σ(s)")
    rows = {(line.split()[1], line.split()[2 + line.split()[2].isdigit()].partition("(")[0]): line.split("  ")[-1]
            for line in out.splitlines()[4:]}
    assert rows["forward", "Linear"] == "0 -2"
    assert rows["forward", "Sigmoid"] == "0.5 0.1192"
    assert rows["forward", "BCE"] == "0.41"                         # (-log 0.5 - log 0.8808) / 2
    assert rows["backward", "BCE"] == "-1 0.5677"
    assert rows["backward", "Sigmoid"] == "-0.25 0.0596"            # (p - y) / 2
    assert rows["backward", "Linear"] == "-0.25 0.25 0.0596 -0.0596"
    assert rows["update", "Linear"] == "-0.4404 -0.1308; -0.1904"


def test_tape_of_a_users_net_is_one_step(script, run):
    phases = [("forward", "Sequential"), ("forward", "CrossEntropy"), ("backward", "CrossEntropy"), ("backward", "Sequential"),
              ("update", "Sequential")]
    for text, expected in ((NET + BATCH, phases), (NET + BATCH + "loss = None", [phases[k] for k in (0, 3, 4)])):
        status, out, _ = run("tape", script(text), "--json")
        outer = [(record["phase"], record["module"].partition("(")[0]) for record in json.loads(out) if not record["depth"]]
        assert (status, outer) == (0, expected)
    refused(run, "mynet.py defines a loss and must define y", "tape", script(NET + BATCH + "y = None"))
    refused(run, "net must be a network, got the loss MSE()", "tape", script("import retroprop as rp\nx = 1\nnet = rp.MSE()"))


def test_the_json_of_a_tape_has_null_for_inf_and_nan(script, run):
    path = script("import numpy as np\nimport retroprop as rp\nnet, x = rp.Identity(), np.array([[np.inf, np.nan, 1]])")
    status, out, _ = run("tape", path, "--json")
    records = json.loads(out, parse_constant=pytest.fail)           # NaN and Infinity are not JSON
    assert (status, records[0]["outputs"][0]["numbers"]) == (0, [[None, None, 1]])
    assert len(json.loads(run("tape", "--json")[1])) == 10


def test_an_error_in_a_users_module_names_its_line(script, run):
    refused(run, "mynet.py, line 13: NameError: name 'SLOPE' is not defined", "tape", script(OWN))
    refused(run, "mynet.py, line 13: NameError: name 'SLOPE' is not defined", "check",
            script(OWN + "y, loss = np.zeros((2, 3)), rp.MSE()"))


def test_tape_draws(run, tmp_path):
    assert run("tape", "--out", str(tmp_path / "timeline.png"))[0] == 0
    assert (tmp_path / "timeline.png").read_bytes()[1:4] == b"PNG"


@pytest.mark.long
def test_reproduce_prints_claims_and_writes_a_page(run, tmp_path, monkeypatch):
    """A paper of few and short runs, of one seed: nothing is judged."""
    status, out, err = run("reproduce", "saxe2014", "--scale", "quick", "--seeds", "1", "--jobs", "2", "--out", str(tmp_path))
    assert status == 0
    assert "measured " in out
    assert "Nothing is judged" in out
    assert f"The page is {tmp_path}/quick/saxe2014/report.html" in err
    assert (tmp_path / "quick/saxe2014/report.html").stat().st_size > 10_000
    monkeypatch.setattr(reproduce_job, "write", lambda reproduced, folder, whole: None)
    status, out, _ = run("reproduce", "saxe2014", "--scale", "quick", "--seeds", "1", "--out", str(tmp_path), "--json")
    assert {row["reproduced"] for row in json.loads(out)} == {None}


def test_reproduce_refuses_what_it_cannot_read(run, tmp_path):
    status, out, err = run("reproduce", "he2015", "--scale", "paper", "--data", str(tmp_path / "none"), "--out", str(tmp_path))
    assert (status, out) == (2, "")
    assert "must hold the four files of MNIST" in err


def test_an_unknown_argument_is_refused_with_the_usage_of_the_command(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["compare", "--seed", "3"])
    err = capsys.readouterr().err
    assert ended.value.code == 2
    assert err.startswith("usage: retroprop compare ")
    assert "unrecognized arguments: --seed 3" in err


def test_errors_of_a_command_name_its_options_and_no_arguments_of_functions(capsys, tmp_path):
    (tmp_path / "mine.csv").write_text("a,b\n" + "1,2.5\n2,4.5\n,3.5\n" * 9)
    data = ["compare", "--data", str(tmp_path / "mine.csv")]
    for more, said in (([], "retroprop: --target must be the column of "), (["--target", "b"], "; --missing drop leaves"),
                       (["--target", "b", "--missing", "drop", "--stratify"], "retroprop: --stratify must be left out for b")):
        assert main([*data, *more]) == 2
        assert said in capsys.readouterr().err
