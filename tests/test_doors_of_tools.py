"""Every argument of a public function that takes an array is a door: see ``doors.py``. A new function must be added here."""

import inspect
from dataclasses import is_dataclass
from functools import partial

import numpy as np
from doors import LARGE, LENGTHS, NUMBERS, QUIET, SCALAR, Door, table

import retroprop as rp
from retroprop import adversarial, datasets, features, plots, saliency
from retroprop.inspection.contract.cases import LOSSES, MODULES

RNG = np.random.default_rng(0)
X, CLASSES, VALUES = RNG.standard_normal((6, 3)), np.array([0, 1, 2, 2, 1, 0]), RNG.standard_normal((6, 2))
IMAGES = RNG.uniform(0.2, 0.8, (6, 1, 4, 4))
NOTHING = frozenset()
UNLIKE = frozenset({"strings", "objects", "complex"})               # are told
AS_IT_IS = NUMBERS | LARGE | UNLIKE                                 # only its rows are moved
LABELS = LARGE | frozenset({"infinite", "strings"})
OWN_WORDS = frozenset({"missing"})                                  # are refused in the words of labels


def net(outputs=3):
    return rp.Sequential(rp.Linear(3, 4, rng=0), rp.Tanh(), rp.Linear(4, outputs, rng=1))


def image_net():
    return rp.Sequential(rp.Conv2d(1, 2, 3, padding=1, rng=0), rp.Tanh(), rp.Flatten(), rp.Linear(32, 3, rng=1))


def planar_net():
    return rp.Sequential(rp.Linear(2, 3, rng=0))


def trained(data, validation=None, **options):
    network = net()
    history = rp.fit(network, rp.CrossEntropy(), rp.SGD(network.parameters(), lr=0.1), data, epochs=1, batch_size=4,
                     validation=validation, rng=0, progress=False, **options)
    return network.state_dict(), [history[name] for name in history if name != "seconds"]


def minimized(x, y):
    network = net()
    return rp.minimize(network, rp.CrossEntropy(), x, y, max_iter=2)["cost"], network.state_dict()


def fitted(x, y):
    network = net(2)
    return rp.least_squares(network, x, y, "trf", max_iter=2)["cost"], network.state_dict()


def stored(targets):
    rp.save_model(rp.Identity(), "model", targets=targets)
    return rp.load_model("model").targets.classes.classes


def ranged(data):
    network = net()
    sgd = rp.SGD(network.parameters(), lr=0.1)
    found = rp.lr_range_test(network, rp.CrossEntropy(), sgd, data, batch_size=4, steps=5, rng=0)
    return found.rates, found.costs


def scaled(x):
    network = net()
    rp.lsuv(network, x, rng=0)
    return network.state_dict()


def steps(result):
    return result.steps, result.central


def rows(check):
    return [(row.name, row.numerical, row.computed) for row in check.rows]


def on_batch(name, call, loss=rp.CrossEntropy, y=CLASSES, outputs=3, takes=NOTHING):
    """The two doors of a tool that takes a network, its loss and a batch."""
    return [Door(name, "x", X, lambda a: call(net(outputs), loss(), a, y), takes),
            Door(name, "y", y, lambda a: call(net(outputs), loss(), X, a))]


def of_net(name, call, takes=NOTHING):
    """The doors x and classes of a saliency method."""
    return [Door(name, "x", X, lambda a: call(net(), a, CLASSES), takes),
            Door(name, "classes", CLASSES, lambda a: call(net(), X, a), SCALAR)]


DOORS = [
    # training
    Door("fit", "data[0]", X, lambda a: trained((a, CLASSES))),
    Door("fit", "data[1]", CLASSES, lambda a: trained((X, a)), frozenset({"strings"})),
    Door("minimize", "x", X, lambda a: minimized(a, CLASSES)),
    Door("minimize", "y", CLASSES, lambda a: minimized(X, a), frozenset({"strings"})),
    Door("least_squares", "x", X, lambda a: fitted(a, VALUES)),
    Door("least_squares", "y", VALUES, lambda a: fitted(X, a)),
    Door("lr_range_test", "data[0]", X, lambda a: ranged((a, CLASSES))),
    Door("lr_range_test", "data[1]", CLASSES, lambda a: ranged((X, a)), frozenset({"strings"})),
    Door("fit", "validation[0]", X, lambda a: trained((X, CLASSES), (a, CLASSES))),
    Door("fit", "validation[1]", CLASSES, lambda a: trained((X, CLASSES), (X, a))),
    Door("fit", "validation[2]", 1.0 + CLASSES, lambda a: trained((X, CLASSES), (X, CLASSES, a)), LARGE),
    Door("fit", "sample_weight", 1.0 + CLASSES, lambda a: trained((X, CLASSES), sample_weight=a), LARGE),
    Door("fit", "class_weight", np.array([1.0, 2.0, 0.5]), lambda a: trained((X, CLASSES), class_weight=a), LARGE),
    Door("save_model", "targets", np.array([5, 2, 7]), stored, LABELS | LENGTHS, OWN_WORDS),
    Door("Model.predict", "x", X, lambda a: rp.Model(net(), datasets.Scaler.of(X)).predict(a), NUMBERS | LENGTHS),
    Door("class_weights", "y", CLASSES, rp.class_weights, LENGTHS | {"strings"}),
    *on_batch("evaluate", rp.evaluate),
    Door("evaluate", "sample_weight", 1.0 + CLASSES,
         lambda a: rp.evaluate(net(), rp.CrossEntropy(), X, CLASSES, sample_weight=a), LARGE),
    Door("accuracy", "prediction", X, lambda a: rp.accuracy(a, CLASSES), LARGE),
    Door("accuracy", "y", CLASSES, lambda a: rp.accuracy(X, a)),
    *(door for call in (rp.confusion_matrix, rp.f1_score, rp.roc_auc_score, rp.top_k_accuracy_score) for door in (
        Door(call.__name__, "prediction", X, lambda a, call=call: call(a, CLASSES), LARGE),
        Door(call.__name__, "y", CLASSES, lambda a, call=call: call(X, a)))),
    *(door for call in (rp.r2_score, rp.mean_absolute_error) for door in (
        Door(call.__name__, "prediction", X, lambda a, call=call: call(a, 2 * X), LARGE),
        Door(call.__name__, "y", X, lambda a, call=call: call(2 * X, a), LARGE))),
    *(Door(call.__name__, "sample_weight", 1.0 + CLASSES, lambda a, call=call, y=y: call(X, y, sample_weight=a), LARGE)
      for call, y in ((rp.accuracy, CLASSES), (rp.confusion_matrix, CLASSES), (rp.f1_score, CLASSES), (rp.r2_score, 2 * X),
                      (rp.roc_auc_score, CLASSES), (rp.top_k_accuracy_score, CLASSES), (rp.mean_absolute_error, 2 * X))),
    Door("lsuv", "x", X, scaled, LENGTHS),
    # data sets
    Door("datasets.batches", "x", X, lambda a: list(datasets.batches(a, CLASSES, batch_size=4, rng=0)), AS_IT_IS),
    Door("datasets.batches", "y", CLASSES, lambda a: list(datasets.batches(X, a, batch_size=4, rng=0)), AS_IT_IS),
    Door("datasets.split", "x", X, lambda a: datasets.split(a, CLASSES, rng=0), AS_IT_IS),
    Door("datasets.split", "y", CLASSES, lambda a: datasets.split(X, a, rng=0), AS_IT_IS),
    Door("datasets.split", "groups", CLASSES, lambda a: datasets.split(X, CLASSES, 2, rng=0, groups=a), LABELS, OWN_WORDS),
    Door("datasets.folds", "y", CLASSES, lambda a: datasets.folds(a, 2, rng=0, stratify=True),
         frozenset({"strings"}), OWN_WORDS),
    Door("datasets.folds", "groups", CLASSES, lambda a: datasets.folds(6, 2, rng=0, groups=a), LABELS, OWN_WORDS),
    Door("datasets.scales_differ", "x", X, datasets.scales_differ, LARGE | LENGTHS),
    Door("datasets.standardize", "x_train", X, lambda a: datasets.standardize(a, X), LARGE | LENGTHS),
    Door("datasets.standardize", "others[0]", X, lambda a: datasets.standardize(X, a), LARGE | LENGTHS),
    # derivatives
    *on_batch("check_gradients", lambda *batch: rows(rp.check_gradients(*batch)), takes=LARGE),
    *on_batch("finite_differences", rp.finite_differences, takes=LARGE),
    *on_batch("hessian_eigenvalues", rp.hessian_eigenvalues, takes=LARGE),
    *on_batch("hessian_vector_product", lambda *batch: rp.hessian_vector_product(*batch, np.ones(31)), takes=LARGE),
    Door("hessian_vector_product", "v", np.arange(31.0),
         lambda a: rp.hessian_vector_product(net(), rp.CrossEntropy(), X, CLASSES, a), LARGE),
    *on_batch("gradient_costs", lambda network, *batch: [row[:3] for row in rp.gradient_costs([network], *batch).rows],
              takes=LARGE),
    *on_batch("step_size_errors", lambda *batch: steps(rp.step_size_errors(*batch, [0.1, 0.01])), takes=LARGE),
    Door("step_size_errors", "steps", np.array([0.01, 0.1]),
         lambda a: steps(rp.step_size_errors(net(), rp.CrossEntropy(), X, CLASSES, a)), LENGTHS | SCALAR | LARGE),
    *on_batch("perturb", lambda *batch: rp.perturb(*batch, "0.weight", (0, 1), [-0.1, 0.1]), takes=LARGE),
    Door("perturb", "deltas", np.array([-0.1, 0.1]),
         lambda a: rp.perturb(net(), rp.CrossEntropy(), X, CLASSES, "0.weight", (0, 1), a), LENGTHS | SCALAR | LARGE),
    Door("numerical_gradient", "a", X.copy(), lambda a: rp.numerical_gradient(lambda v: (v**2).sum(), a),
         NUMBERS | LARGE | LENGTHS | {"empty"},
         frozenset({"list", "big-endian", "read-only", "memory-mapped", "nothing missing"})),      # it is written in place
    Door("numerical_gradient", "entries", np.array([0, 2, 5]),
         lambda a: rp.numerical_gradient(lambda v: (v**2).sum(), X.copy(), entries=a), LENGTHS | {"empty"}),
    Door("jacobian", "x", X, lambda a: rp.jacobian(net(), a), NUMBERS | LENGTHS),
    Door("numerical_jacobian", "x", X, lambda a: rp.numerical_jacobian(net(), a), NUMBERS | LARGE | LENGTHS),
    Door("jacobian_costs", "x", X, lambda a: [cost[:2] for cost in rp.jacobian_costs(net(), a).costs],
         QUIET | LARGE | LENGTHS),
    Door("jvp", "x", X, lambda a: rp.jvp(net(), a, X), NUMBERS),
    Door("jvp", "t", X, lambda a: rp.jvp(net(), X, a), NUMBERS),
    Door("vjp", "x", X, lambda a: rp.vjp(net(), a, X), NUMBERS),
    Door("vjp", "g", X, lambda a: rp.vjp(net(), X, a), NUMBERS),
    Door("path_sum", "x", X, lambda a: rp.path_sum(net(), a, X), NUMBERS),
    Door("path_sum", "g", X, lambda a: rp.path_sum(net(), X, a), NUMBERS),
    Door("check_module", "x", X, lambda a: rp.check_module(rp.Tanh(), a), LENGTHS),
    Door("check_module", "target", CLASSES, lambda a: rp.check_module(rp.CrossEntropy(), X, a)),
    # single examples, and what runs inside
    *on_batch("per_example_gradients", rp.per_example_gradients),
    *on_batch("per_example_norms", rp.per_example_norms),
    *on_batch("gradient_noise", lambda *batch: rp.gradient_noise(*batch, draws=3, rng=0).measured, takes=LARGE),
    Door("layer_statistics", "x", X, lambda a: rp.layer_statistics(net(), a),
         NUMBERS | LENGTHS),
    Door("layer_statistics", "y", CLASSES,
         lambda a: rp.layer_statistics(net(), X, rp.CrossEntropy(), a)),
    Door("diagnose", "x", X, lambda a: str(rp.diagnose(net(), a, CLASSES, rp.CrossEntropy())), QUIET),
    Door("diagnose", "y", CLASSES, lambda a: str(rp.diagnose(net(), X, a, rp.CrossEntropy())), QUIET | LARGE | UNLIKE),
    # saliency
    *of_net("saliency.gradient", saliency.gradient),
    *of_net("saliency.gradient_times_input", saliency.gradient_times_input),
    *of_net("saliency.integrated_gradients", partial(saliency.integrated_gradients, steps=3)),
    *of_net("saliency.smooth_grad", partial(saliency.smooth_grad, samples=2, rng=0)),
    *of_net("saliency.randomization", lambda *batch: saliency.randomization(*batch, rng=0).maps),
    Door("saliency.integrated_gradients", "baseline", X[0],
         lambda a: saliency.integrated_gradients(net(), X, CLASSES, baseline=a, steps=3), SCALAR),
    *of_net("saliency.completeness_error", lambda n, x, c: saliency.completeness_error(n, x, X, c)),
    Door("saliency.completeness_error", "maps", X, lambda a: saliency.completeness_error(net(), X, a, CLASSES), LARGE),
    Door("saliency.completeness_error", "baseline", X[0],
         lambda a: saliency.completeness_error(net(), X, X, CLASSES, baseline=a), SCALAR),
    Door("saliency.occlusion", "x", IMAGES, lambda a: saliency.occlusion(image_net(), a, CLASSES, window=2)),
    Door("saliency.occlusion", "classes", CLASSES, lambda a: saliency.occlusion(image_net(), IMAGES, a, window=2), SCALAR),
    Door("saliency.occlusion", "value", IMAGES[0],
         lambda a: saliency.occlusion(image_net(), IMAGES, CLASSES, window=2, value=a), SCALAR),
    Door("saliency.as_images", "maps", IMAGES, saliency.as_images, NUMBERS | LARGE | LENGTHS | SCALAR | {"empty"}),
    Door("saliency.share", "maps", X, lambda a: saliency.share(a, X > 0), LARGE),
    Door("saliency.share", "region", X > 0, lambda a: saliency.share(X, a)),
    # features
    Door("features.dream", "image", IMAGES[0, 0],
         lambda a: features.dream(image_net(), a, "0", octaves=1, steps=2, rng=0, progress=False).image, LENGTHS),
    Door("features.activation_maximization", "start", IMAGES[0],
         lambda a: features.activation_maximization(image_net(), "3", channel=0, shape=(1, 4, 4), steps=2, start=a).images),
    # attacks
    *on_batch("adversarial.fgsm", partial(adversarial.fgsm, eps=0.1)),
    *on_batch("adversarial.pgd", partial(adversarial.pgd, eps=0.1, steps=2, rng=0)),
    *on_batch("adversarial.robustness", partial(adversarial.robustness, eps=[0.1, 0.2], rng=0)),
    Door("adversarial.fgsm", "bounds[0]", X - 1,
         lambda a: adversarial.fgsm(net(), rp.CrossEntropy(), X, CLASSES, 0.1, bounds=(a, X + 1))),
    # plots
    Door("plots.adversarial", "x", IMAGES[:2], lambda a: plots.adversarial(image_net(), a, IMAGES[:2])),
    Door("plots.adversarial", "moved", IMAGES[:2], lambda a: plots.adversarial(image_net(), IMAGES[:2], a)),
    Door("plots.decision_boundary", "x", X[:, :2],
         lambda a: plots.decision_boundary(planar_net(), a, CLASSES)),
    Door("plots.decision_boundary", "y", CLASSES,
         lambda a: plots.decision_boundary(planar_net(), X[:, :2], a)),
    Door("plots.representation", "x", X, lambda a: plots.representation(net(), a, CLASSES, 0)),
    Door("plots.representation", "y", CLASSES, lambda a: plots.representation(net(), X, a, 0)),
    Door("plots.graph", "x", X, lambda a: plots.graph(net(), a), QUIET | LENGTHS),
    Door("plots.graph", "g", X, lambda a: plots.graph(net(), X, a), QUIET),
    Door("plots.saliency", "x", IMAGES[:2], lambda a: plots.saliency(a, IMAGES[:2]), LARGE),
    Door("plots.saliency", "maps", IMAGES[:2], lambda a: plots.saliency(IMAGES[:2], a), LARGE),
    Door("plots.saturation", "shares", np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]), plots.saturation,
         LENGTHS | {"NaN"}),
    Door("plots.write_image", "image", IMAGES[0, 0], lambda a: plots.write_image(a, "image.png").read_bytes(), LENGTHS),
    Door("plots.learning_curves", "column 'cost'", np.array([3.0, 2.0, 1.0]), lambda a: plots.learning_curves({"cost": a}),
         NUMBERS | LARGE | LENGTHS),
    Door("plots.learning_curves_by", "column 'cost'", np.array([3.0, 2.0, 1.0]),
         lambda a: plots.learning_curves_by({"one": [{"cost": a}]}, "cost"), QUIET | LARGE | LENGTHS),
]
test_a_tool_takes_what_it_can_and_refuses_the_rest_in_one_sentence = table(DOORS)

WITHOUT_ARRAYS = {
    "a base class, whose phases its subclasses inherit": {"Module", "Loss", "Optimizer", "Initializer", "Callback", "Schedule"},
    "takes the shape of an array, or numbers, which `positive_int` and `real` check": {
        "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LeCunNormal", "LeCunUniform", "Normal",
        "Orthogonal", "Standard", "Uniform", "Zeros", "initializers.chain", "initializers.fans", "EarlyStopping", "EMA",
        "MaxNorm", "Norms", "plots.activation", "features.class_model", "adversarial.AdversarialTraining"},
    "takes Parameters": {"SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "clip_grad_norm"},
    "takes a network, its loss and its optimizer, and hands batches on to them": {"Step"},
    "takes an optimizer": {"StepLR", "MultiStepLR", "ExponentialLR", "CosineLR", "WarmupLR", "OneCycleLR", "SequentialLR",
                           "ChainedLR", "ReduceOnPlateau"},
    "draws its data, or reads a file": {
        "datasets.blobs", "datasets.circles", "datasets.digits", "datasets.load", "datasets.mnist", "datasets.moons",
        "datasets.read_idx", "datasets.shapeset", "datasets.sine", "datasets.spirals", "datasets.xor", "load", "save",
        "CSVLog", "Checkpoint", "JSONLog", "LiveView", "TensorBoard", "compare", "load_model", "plots.read_image"},
    "takes a name, or nothing": {"initializers.of", "initializers.starts", "play"},
    "takes a network alone": {"count_paths", "tape", "inspection.Tape", "features.layers", "features.scores",
                              "features.truncated"},
    "takes what another function returned": {
        "inspection.hidden_activations", "inspection.preactivations", "inspection.saturated_shares", "plots.class_models",
        "plots.dream", "plots.gradient_costs", "plots.gradient_noise", "plots.layer_histograms", "plots.outer_products",
        "plots.perturbation", "plots.products", "plots.randomization", "plots.robustness", "plots.save", "plots.step_sizes",
        "plots.timeline", "plots.schedule", "plots.rate_range"},
}

OTHERWISE = {"fit": {"validation"}, "adversarial.pgd": {"bounds"}, "adversarial.robustness": {"bounds"}}     # doors of fgsm


def public_callables():
    """Yield the names of all public classes and functions: as ``rp.name`` if there is one, else with the part's name.

    Errors are left out, and records, which the library's own functions make.
    """
    parts = ("", "initializers", "modules", "losses", "optim", "datasets", "training", "inspection", "saliency", "features",
             "adversarial", "plots")
    for part in parts:
        module = getattr(rp, part) if part else rp
        for name in module.__all__:
            value = getattr(module, name)
            made = isinstance(value, type) and (issubclass(value, (Exception, tuple, list, dict)) or is_dataclass(value))
            if callable(value) and (not made or issubclass(value, rp.Initializer)):
                yield name if getattr(rp, name, None) is value else f"{part}.{name}"


def test_every_public_function_is_in_the_table_or_takes_no_array():
    cases = {type(case.build()).__name__ for case in (*MODULES, *LOSSES)}
    in_table = cases | {"Parameter"} | {door.name for door in DOORS}
    public, exempt = set(public_callables()), set().union(*WITHOUT_ARRAYS.values())
    assert public - in_table - exempt == set()
    assert exempt - public == set()
    assert exempt & in_table == set()


def test_every_argument_that_is_declared_as_an_array_is_a_door():
    """By the annotations ArrayLike, Array, Inputs and Data: an argument that is added later must be added to the table."""
    doors: dict[str, set[str]] = {}
    for door in DOORS:
        doors.setdefault(door.name, set()).add(door.argument.partition("[")[0].removeprefix("column "))
    for name, arguments in doors.items():
        signature = inspect.signature(eval(f"rp.{name}", {"rp": rp}))
        declared = {each.name for each in signature.parameters.values()
                    if str(each.annotation).partition(" ")[0] in ("ArrayLike", "Array", "Inputs", "Data", "Bounds")}
        assert declared - arguments - OTHERWISE.get(name, set()) == set(), name
