"""Figures: that they draw the right numbers, and refuse bad arguments."""

import re
import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawn import assert_draws_in_figure, assert_draws_on_axes, labels
from matplotlib.colors import to_rgba
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop import plots
from retroprop.errors import ArgumentError, DataError, PhaseError, ShapeError
from retroprop.inspection import GradientNoise, layer_statistics

X = np.random.default_rng(0).standard_normal((40, 2)).astype("float32")
Y = (X[:, 0] > 0).astype(int)
HISTORY = {"epoch": [1, 2, 3], "cost": [3.0, 2.0, 1.0], "validation_cost": [3.0, 1.5, 2.0],
           "validation_accuracy": [0.1, 0.5, 0.4]}

NOISE = GradientNoise((1, 4, 16), (2.1, 0.9, 0.5), sigma=2.0, length=0.7, examples=40, draws=9)


def refuses(error, text):
    """Return ``pytest.raises`` for an error whose text begins with ``text``."""
    return pytest.raises(error, match=f"^{re.escape(text)}")


def net(outputs=3, hidden=5, end=()):
    return rp.Sequential(rp.Linear(2, hidden, rng=1), rp.Tanh(), rp.Linear(hidden, 4, rng=2), rp.Tanh(),
                         rp.Linear(4, outputs, rng=3), *end)


def ran(batch=3):
    """Return a network after forward and backward."""
    made, loss = net(), rp.CrossEntropy()
    loss.forward(made.forward(X[:batch]), Y[:batch])
    made.backward(loss.backward())
    return made


def records(init=None, **options):
    init = init or rp.GlorotUniform()
    made = rp.Sequential(rp.Linear(2, 9, weight_init=init, rng=1), rp.Tanh(), rp.Linear(9, 8, weight_init=init, rng=2),
                         rp.ReLU(), rp.Linear(8, 3, weight_init=init, rng=3))
    return layer_statistics(made, X, rp.CrossEntropy(), Y, **options)


# All figures


def test_importing_retroprop_does_not_import_matplotlib():
    script = "import retroprop, sys; assert not {'matplotlib', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_no_global_is_set(tmp_path):
    before = dict(mpl.rcParams)
    plots.save(plots.learning_curves(HISTORY), tmp_path, "curves")
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("draw", [
    lambda ax: plots.activation(rp.Tanh(), title="a message", ax=ax),
    lambda ax: plots.decision_boundary(net(2), X, Y, title="a message", ax=ax),
    lambda ax: plots.representation(net(), X, Y, 1, title="a message", ax=ax),
    lambda ax: plots.gradient_noise(NOISE, title="a message", ax=ax),
    lambda ax: plots.learning_curves(HISTORY, title="a message", ax=ax),
    lambda ax: plots.learning_curves_by({"a": [HISTORY]}, title="a message", ax=ax),
])
def test_axes_are_drawn_on_and_returned(draw):
    assert_draws_on_axes(draw)


@pytest.mark.parametrize("draw", [lambda figure: plots.layer_histograms(records(), title="a message", figure=figure),
                                  lambda figure: plots.outer_products(ran(), 0, title="a message", figure=figure),
                                  lambda figure: plots.saturation([[0, 0.1]], title="a message", figure=figure)])
def test_figures_are_drawn_into_and_returned(draw):
    assert_draws_in_figure(draw)


def test_save_writes_the_same_bytes_again(tmp_path):
    for name in ("once", "again"):
        png, svg = plots.save(plots.activation(rp.Tanh(), at=1), tmp_path / name, "tanh", dpi=50)
        assert (png, svg) == (tmp_path / name / "tanh.png", tmp_path / name / "tanh.svg")
    for kind in ("png", "svg"):
        assert (tmp_path / f"once/tanh.{kind}").read_bytes() == (tmp_path / f"again/tanh.{kind}").read_bytes()
    assert b"<dc:date>" not in svg.read_bytes()
    with refuses(ArgumentError, "save: figure must be a Figure or Axes, got 3"):
        plots.save(3, tmp_path, "tanh")


# Activation functions


def test_activation_draws_function_derivative_and_tangent():
    module = rp.Sigmoid()
    ax = plots.activation(module, at=1.0, span=4)
    f, derivative, tangent, point = ax.lines[-4:]
    x, y = f.get_data()
    s = 1 / (1 + np.exp(-x))
    assert (x[0], x[-1]) == (-4, 4)
    assert_allclose(y, s, rtol=1e-12)
    assert_allclose(derivative.get_ydata(), s * (1 - s), rtol=1e-9)
    at = 1 / (1 + np.exp(-1))
    assert_allclose(tangent.get_ydata(), at + at * (1 - at) * (x - 1), rtol=1e-9)
    assert_allclose(point.get_data(), [[1], [at]])
    assert labels(ax) == ["f(x)", "f '(x)", "tangent at 1: slope 0.197"]
    assert ax.get_ylabel() == "Sigmoid()"
    assert module.point is None


def test_a_derivative_that_jumps_is_drawn_with_a_gap():
    derivative = plots.activation(rp.ReLU()).lines[-1].get_ydata()
    assert np.isnan(derivative).sum() == 1
    assert set(derivative[~np.isnan(derivative)]) == {0, 1}
    assert np.isnan(plots.activation(rp.HardTanh()).lines[-1].get_ydata()).sum() == 2
    assert not np.isnan(plots.activation(rp.Identity()).lines[-1].get_ydata()).any()


@pytest.mark.parametrize("module", [rp.Softmax(), rp.LogSoftmax(), rp.Linear(1, 1, rng=0), rp.BatchNorm(1),
                                    rp.Flatten(), rp.Dropout(rng=0), "tanh"], ids=repr)
def test_activation_refuses_other_modules(module):
    with refuses(ArgumentError, "activation: module must be a function of each element, without parameters, got "):
        plots.activation(module)


def test_activation_refuses_points_outside():
    with refuses(ArgumentError, "at must be a number in [-6, 6], got 7"):
        plots.activation(rp.Tanh(), at=7)
    with refuses(ArgumentError, "span must be a number in (0, inf), got 0"):
        plots.activation(rp.Tanh(), span=0)


# Networks


def boundary(ax):
    """Vertices of the black lines."""
    lines = [c for c in ax.collections if getattr(c, "filled", None) is False]
    return [path.vertices for line in lines for path in line.get_paths()]


@pytest.mark.parametrize("end", [[rp.Sigmoid()], []], ids=["probability", "logit"])
def test_the_boundary_of_one_output_is_where_both_classes_are_equally_probable(end):
    made = net(1, end=[type(module)() for module in end])
    ax = plots.decision_boundary(made, X, Y)
    (line,) = boundary(ax)
    assert_allclose(made.predict(line), 0.5 if end else 0, atol=2e-3)
    assert [c.get_offsets().shape for c in ax.collections[:2]] == [((Y == 0).sum(), 2), ((Y == 1).sum(), 2)]
    assert_allclose(ax.collections[0].get_offsets(), X[Y == 0])
    bar = ax.figure.axes[1]
    assert bar.get_ylabel() == "probability of class 1"
    assert labels(bar) == ["class 0", "class 1"]
    bar = plots.decision_boundary(made, X, Y, names=["cat", "dog"]).figure.axes[1]
    assert (bar.get_ylabel(), labels(bar)) == ("probability of dog", ["cat", "dog"])


def test_two_outputs_are_drawn_as_one_would_be():
    made = net(2)
    lines = np.concatenate(boundary(plots.decision_boundary(made, X, Y[:, None])))
    logits = made.predict(lines)
    assert_allclose(logits[:, 0], logits[:, 1], atol=5e-3)


def test_with_several_classes_the_colour_is_that_of_the_most_probable():
    made = net(3)
    labels3 = np.arange(40) % 3
    ax = plots.decision_boundary(made, X, labels3)
    assert labels(ax) == ["class 0", "class 1", "class 2"]
    assert len({c.get_paths()[0].vertices.tobytes() for c in ax.collections[:3]}) == 3      # markers differ
    (image,) = ax.images
    left, right, low, high = image.get_extent()
    centre = made.predict([[(left + right) / 2, (low + high) / 2]])
    drawn = 1 - image.get_array()[120, 120]
    pure = 1 - np.array(to_rgba(plots.canvas.COLORS[int(centre.argmax())])[:3])
    assert_allclose(drawn / drawn.max(), pure / pure.max(), rtol=1e-6)


def test_a_constant_network_has_no_boundary():
    sure = rp.Sequential(rp.Linear(2, 1, weight_init=rp.Zeros(), bias_init=rp.Constant(3.0)), rp.Sigmoid())
    assert boundary(plots.decision_boundary(sure, X, Y)) == []


def test_decision_boundary_refuses():
    with refuses(ShapeError, "decision_boundary: x must have shape (N, 2), points of the plane, got (40, 3)"):
        plots.decision_boundary(net(), np.zeros((40, 3)), Y)
    with refuses(ShapeError, "y must have as many examples as x, 40, got 3"):
        plots.decision_boundary(net(), X, Y[:3])
    with refuses(ShapeError, "y must hold one class for each example, shape (40,), got (40, 2)"):
        plots.decision_boundary(net(), X, np.zeros((40, 2)))
    with refuses(DataError, "y must hold classes 0, 1, ..., got [-1, 1]"):
        plots.decision_boundary(net(), X, 2 * Y - 1)
    with refuses(DataError, "x must be finite"):
        plots.decision_boundary(net(), X * np.nan, Y)
    with refuses(ShapeError, "decision_boundary: net must have an output for each class up to 2"):
        plots.decision_boundary(net(1), X, np.arange(40) % 3)
    with refuses(ArgumentError, "names must hold a name for each of 3 classes, got 2"):
        plots.decision_boundary(net(3), X, Y, names=["cat", "dog"])


def test_a_representation_of_two_units_is_drawn_directly():
    made = net(hidden=2)
    assert labels(plots.representation(made, X, Y, 1, names=["cat", "dog"])) == ["cat", "dog"]
    ax = plots.representation(made, X, Y, 1)
    z = made[1].forward(made[0].forward(X))
    for k in range(2):
        assert_array_equal(ax.collections[k].get_offsets(), z[k == Y])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("unit 0 of module 1", "unit 1 of module 1")
    assert labels(ax) == ["class 0", "class 1"]


def test_more_units_are_projected_on_their_principal_components():
    made = net()
    ax = plots.representation(made, X, Y, "1")
    z = made[1].forward(made[0].forward(X)).astype(float)
    values, vectors = np.linalg.eigh(np.cov(z.T))
    drawn = np.concatenate([c.get_offsets() for c in ax.collections])
    projected = (z - z.mean(0)) @ vectors[:, :-3:-1]
    projected = np.concatenate([projected[Y == 0], projected[Y == 1]])
    assert_allclose(np.abs(drawn), np.abs(projected), atol=1e-5)
    share = 100 * values[-1] / values.sum()
    assert ax.get_xlabel() == f"principal component 1 of 5 units ({share:.0f} % of variance)"


def test_a_representation_is_of_evaluation_mode_and_does_not_change_the_network():
    made = rp.Sequential(rp.Sequential(rp.BatchNorm(2), rp.Dropout(0.5, rng=0)), rp.Linear(2, 3, rng=1))
    for layer in (0, -2, "0", "0.1"):
        ax = plots.representation(made, X, Y, layer)
        assert_allclose(ax.collections[0].get_offsets(), X[Y == 0], rtol=1e-4)
    assert made[0][1].training
    assert_array_equal(made[0][0].running_mean, 0)


def test_many_classes_are_drawn_as_their_numbers():
    ax = plots.representation(net(), X, np.arange(40) % 10, 1)
    assert len(ax.collections) == 10
    assert ax.get_legend() is None


def test_representation_refuses():
    paths = "layer must be an index or one of the paths 0, 1, 2, 3, 4, got "
    for layer, shown in ((9, "9"), ("first", "'first'"), (-6, "-6"), (True, "True"), (1.0, "1.0")):
        with refuses(ArgumentError, f"representation: {paths}{shown}"):
            plots.representation(net(), X, Y, layer)
    with refuses(ShapeError, "representation: module 4 must have at least two units, got output of shape (40, 1)"):
        plots.representation(net(1), X, Y, 4)


# Training


def test_learning_curves_draw_the_columns():
    ax = plots.learning_curves(HISTORY)
    cost, validation, best = ax.lines
    assert_array_equal(cost.get_data(), [HISTORY["epoch"], HISTORY["cost"]])
    assert_array_equal(validation.get_data(), [HISTORY["epoch"], HISTORY["validation_cost"]])
    assert_array_equal(best.get_data(), [[2], [1.5]])
    assert labels(ax) == ["cost", "validation cost", "lowest, 1.5 at epoch 2"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "cost")
    (accuracy,) = plots.learning_curves({"validation_accuracy": [0.5, 0.7]}, ["validation_accuracy"]).lines
    assert_array_equal(accuracy.get_data(), [[1, 2], [0.5, 0.7]])


def test_learning_curves_take_a_history_of_fit():
    made = net(2)
    sgd = rp.SGD(made.parameters(), lr=0.1)
    history = rp.fit(made, rp.CrossEntropy(), sgd, (X, Y), epochs=3, rng=0, progress=False)
    assert_array_equal(plots.learning_curves(history).lines[0].get_ydata(), history["cost"])


def test_learning_curves_by_draw_median_and_range():
    runs = {"a": [{"cost": [1, 5]}, {"cost": [2, 4]}, {"cost": [6, 0]}], "b": [{"cost": [3, 3]}]}
    ax = plots.learning_curves_by(runs, "cost")
    a, b = ax.lines
    assert_array_equal(a.get_data(), [[1, 2], [2, 4]])
    assert_array_equal(b.get_ydata(), [3, 3])
    (band,) = ax.collections
    assert_allclose(np.ptp(band.get_paths()[0].vertices, axis=0), [1, 6])
    assert labels(ax) == ["a", "b"]
    assert ax.get_legend().get_title().get_text() == "median, and range of 3 runs"


def test_runs_that_end_early_are_marked():
    runs = {"a": [{"cost": [3, 2, 1]}, {"cost": [5, 4]}, {"cost": [9, np.inf, np.nan]}], "b": [{"cost": [np.nan]}]}
    ax = plots.learning_curves_by(runs, "cost")
    assert labels(ax) == ["a (2 of 3 ended early)", "b (1 of 1 ended early)"]
    median, crosses, nothing = ax.lines
    assert_array_equal(median.get_ydata(), [5, 3, 1])
    assert_array_equal(crosses.get_data(), [[2, 1], [4, 9]])
    assert nothing.get_xdata().size == 0


def test_learning_curves_refuse():
    with refuses(ArgumentError, "learning_curves: columns must name at least one column; history has no column"):
        plots.learning_curves({})
    with refuses(ArgumentError, "learning_curves: column 'error' is not in the history, which has 'epoch', 'cost', "):
        plots.learning_curves(HISTORY, ["error"])
    with refuses(ArgumentError, "learning_curves: column 'cost' must have a number for each epoch, and at least one, "
                                "got shape (2,) for 3 epochs"):
        plots.learning_curves(HISTORY | {"cost": [1, 2]})
    for empty in ({}, {"a": []}):
        with refuses(ArgumentError, "learning_curves_by: runs must hold at least one history for each label, got {"):
            plots.learning_curves_by(empty)
    with refuses(ArgumentError, "learning_curves_by: column 'validation_cost' is not in the history, which has 'cost'"):
        plots.learning_curves_by({"a": [{"cost": [1]}]})


# Layers


def test_histograms_are_of_the_hidden_activations():
    made = records()
    (ax,) = plots.layer_histograms(made, bins=20).axes
    assert [text.get_text() for text in ax.get_yticklabels()] == ["layer 1", "layer 2"]
    assert len(ax.patches) == 4                                     # an area and its outline for each layer
    z = [made[1].activation.ravel(), made[3].activation.ravel()]
    edges = np.linspace(min(a.min() for a in z), max(a.max() for a in z), 21)
    for outline, a, base in zip(ax.patches[1::2], z, (1, 0), strict=True):
        heights, drawn_edges, baseline = outline.get_data()
        counts = np.histogram(a, edges)[0]
        assert_allclose(drawn_edges, edges, rtol=1e-6)
        assert_allclose(heights - base, 0.86 * counts / counts.max())
        assert baseline == base
    assert [note.get_text() for note in ax.texts] == [f"std {a.std():.2g}" for a in z]


def test_histograms_of_gradients_on_a_logarithmic_scale():
    made = records()
    (ax,) = plots.layer_histograms(made, "gradient", log=True).axes
    assert ax.get_xscale() == "log"
    assert ax.get_xlabel() == "magnitude of gradient dC/ds"
    dead = made[2].gradient == 0
    assert dead.any()
    assert ax.texts[1].get_text() == f"std {made[2].gradient.std():.2g}\n{100 * dead.mean():.0f} % are 0"
    edges = ax.patches[1].get_data().edges
    assert_allclose(np.diff(np.log(edges)), np.log(edges[1] / edges[0]), rtol=1e-6)


def test_several_initializations_share_their_scales():
    groups = {"Glorot": records(), "wide": records(rp.Normal(1.0)), "zeros": records(rp.Normal(1e-9))}
    for log in (False, True):
        axs = plots.layer_histograms(groups, "gradient", log=log).axes
        assert [ax.get_title() for ax in axs] == list(groups)
        assert len({ax.get_xlim() for ax in axs}) == 1


def test_values_that_are_not_finite_are_left_out_and_reported():
    made = records()
    made[1].activation[0, 0] = np.nan
    made[3].activation[...] = np.inf
    (ax,) = plots.layer_histograms(made).axes
    assert [note.get_text() for note in ax.texts][1] == "100 % not finite"


def test_layer_histograms_refuse():
    for empty in ({}, None):
        with refuses(ArgumentError, "records must hold at least one labelled entry, got "):
            plots.layer_histograms(empty)
    with refuses(ArgumentError, "layer_histograms: records of '' must hold at least one hidden activation function"):
        plots.layer_histograms([])
    with refuses(ArgumentError, "layer_histograms: records of 'a' hold no gradients: call layer_statistics with loss"):
        plots.layer_histograms({"a": layer_statistics(net(), X)}, "gradient")
    with refuses(ArgumentError, "layer_histograms: records of '' hold no activations: call layer_statistics with arr"):
        plots.layer_histograms(records(arrays=False))
    with refuses(ArgumentError, "what must be one of 'activation', 'gradient', got 'weight'"):
        plots.layer_histograms(records(), "weight")
    with refuses(ArgumentError, "layer_histograms: records must come from layer_statistics, got [3] for 'a'"):
        plots.layer_histograms({"a": [3]})
    with refuses(ArgumentError, "bins must be an integer of at least 1, got 0"):
        plots.layer_histograms(records(), bins=0)


def test_saturation_draws_one_line_per_layer():
    shares = {"Glorot": [[0, 0.1], [0.2, 0.3], [0.4, 0.5]], "wide": [[0.9, 1.0], [0.8, 0.7]]}
    figure = plots.saturation(shares)
    assert [ax.get_title() for ax in figure.axes] == ["Glorot", "wide"]
    for ax, table in zip(figure.axes, shares.values(), strict=True):
        assert_array_equal([line.get_ydata() for line in ax.lines], np.transpose(table))
        assert_array_equal(ax.lines[0].get_xdata(), range(len(table)))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["layer 1", "layer 2"]


def test_five_panels_stand_in_two_rows():
    axs = plots.saturation({name: [[0.1], [0.2]] for name in "abcde"}).axes
    assert [ax.get_visible() for ax in axs] == 5 * [True] + [False]
    assert [ax.get_xlabel() for ax in axs[:5]] == ["", "", "epoch", "epoch", "epoch"]


def test_saturation_refuses():
    with refuses(ShapeError, "saturation: shares must have shape (epochs, layers), got (2,) for 'a'"):
        plots.saturation({"a": [0.1, 0.2]})
    with refuses(ArgumentError, "saturation: shares must be in [0, 1], got values from 0 to 50"):
        plots.saturation([[0, 50]])
    with refuses(ArgumentError, "shares must hold at least one labelled entry, got {}"):
        plots.saturation({})


# Single examples


@pytest.mark.parametrize(("batch", "shown"), [(1, 1), (3, 3), (7, 3)])
@pytest.mark.parametrize("layer", [2, "2"])
def test_outer_products_and_their_sum_are_drawn(batch, shown, layer):
    made = ran(batch)
    figure = plots.outer_products(made, layer)
    made.update()
    linear, images = made[2], [np.asarray(ax.images[0].get_array()) for ax in figure.axes if ax.images]
    x, g = linear.point, linear.gradient
    for i in range(shown):
        row, column, product = images[3 * i:3 * i + 3]
        assert_array_equal(row, x[i:i + 1])
        assert_array_equal(column, g[i:i + 1].T)
        assert_allclose(product, np.outer(g[i], x[i]))
    assert_allclose(images[3 * shown], linear.weight.grad, rtol=1e-5, atol=1e-7)
    texts = [text.get_text() for ax in figure.axes for text in ax.texts]
    assert texts == ["+"] * (shown - 1) + (["="] if batch == shown else ["+", f"… {batch - shown}\nmore  ="])


def test_outer_products_have_the_scale_of_the_sum_if_all_are_drawn():
    for batch, same in ((3, True), (7, False)):
        figure = plots.outer_products(ran(batch), 2)
        names = [ax.get_xlabel() for ax in figure.axes]
        scales = [ax.images[0].norm.vmax for ax in figure.axes if ax.get_xlabel()]
        assert len(set(scales[:3])) == 1
        assert (scales[0] == scales[-1]) == same
        wide = "" if same else f"\n(scale {scales[-1] / scales[0]:.2g} times as wide)"
        assert [name for name in names if "weight" in name] == ["2.weight.grad, 4 × 5" + wide]


def test_a_linear_alone_has_outer_products():
    layer = rp.Linear(2, 3, rng=0)
    layer.forward(X[:4])
    layer.backward(np.zeros((4, 3)))
    figure = plots.outer_products(layer, examples=2)
    assert [ax.get_xlabel() for ax in figure.axes if "weight" in ax.get_xlabel()] == [
        "weight.grad, 3 × 2\n(scale 1 times as wide)"]


def test_outer_products_refuse():
    with refuses(ArgumentError, "outer_products: net must be a Module, got 'net'"):
        plots.outer_products("net", 0)
    text = "outer_products: layer must be a"
    with refuses(ArgumentError, f"{text}n index or one of the paths 0, 1, 2, 3, 4, got 5"):
        plots.outer_products(ran(), 5)
    with refuses(ArgumentError, f"{text} Linear, got Tanh()"):
        plots.outer_products(ran(), 1)
    with refuses(ArgumentError, f"{text} Linear, got Sequential("):
        plots.outer_products(ran())
    with refuses(PhaseError, "Linear(2, 5): no forward has run"):
        plots.outer_products(net(), 0)
    with refuses(ArgumentError, "examples must be an integer of at least 1, got 0"):
        plots.outer_products(ran(), 0, examples=0)
    layer = rp.Linear(2, 3, rng=0)
    layer.forward(np.ones((4, 5, 2)))
    layer.backward(np.ones((4, 5, 3)))
    with refuses(ShapeError, "outer_products: x of Linear(2, 3) must have shape (batch, 2), for one product per example, got "
                             "(4, 5, 2)"):
        plots.outer_products(layer)
    assert not plt.get_fignums()


def test_gradient_noise_draws_the_law_and_the_measurements():
    ax = plots.gradient_noise(NOISE)
    law, measured, length = ax.lines
    assert_allclose(law.get_data(), [(1, 4, 16), (2, 1, 0.5)])
    assert_allclose(measured.get_data(), [(1, 4, 16), (2.1, 0.9, 0.5)])
    assert set(length.get_ydata()) == {0.7}
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert labels(ax) == ["predicted: σ/√k, σ = 2", "measured, 9 draws", "length of the gradient\nof all 40 examples"]
    with refuses(ArgumentError, "gradient_noise: result must come from retroprop.gradient_noise, got [1]"):
        plots.gradient_noise([1])


def test_noise_that_is_zero_is_drawn():
    plots.gradient_noise(GradientNoise((1,), (0.0,), sigma=0.0, length=1.0, examples=1, draws=1)).figure.canvas.draw()
