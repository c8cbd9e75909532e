"""Runs of ``fit`` with all that a checkpoint must hold, and a digest of all their bits."""

import hashlib
import json

import numpy as np

import retroprop as rp

N, EPOCHS = 61, 5                                                   # a single example remains, and joins another batch
X = np.random.default_rng(1).standard_normal((N, 6)).astype("float32")
Y = np.random.default_rng(2).integers(3, size=N)
HELD_OUT = X[:20] + np.float32(0.25), Y[:20]


class Noise(rp.Callback):
    """A callback with a generator of its own."""

    def __init__(self):
        self.rng, self.costs = np.random.default_rng(7), []

    def before_batch(self, run):
        run.x = run.x + self.rng.normal(0, 0.1, run.x.shape).astype("float32")

    def after_epoch(self, run):
        self.costs.append(run.cost)

    def state_dict(self):
        return {"rng": self.rng.bit_generator.state, "costs": self.costs}

    def load_state_dict(self, state):
        self.rng.bit_generator.state, self.costs = state["rng"], state["costs"]


def shifted(x, rng):
    return x + rng.normal(0, 0.1, (len(x), 1)).astype("float32")


class Thaw(rp.Callback):
    """Parameters and a mode that change at epoch 3."""

    def before_training(self, run):
        run.net[0].weight.frozen = True

    def after_epoch(self, run):
        if run.epoch == 2:
            run.net[0].weight.frozen = False
            run.net[5].eval()                                       # a Dropout


def network():
    return rp.Sequential(rp.Linear(6, 8, rng=0), rp.BatchNorm(8), rp.ReLU(), rp.Dropout(0.2, rng=1), rp.Linear(8, 5, rng=2),
                         rp.Dropout(0.1, rng=3), rp.Linear(5, 3, rng=4))


def groups(net):
    parameters = net.parameters()
    return [{"params": parameters[:2], "weight_decay": 0.01}, {"params": parameters[2:], "lr": 0.02}]


def simple(path):
    """SGD by epochs: the least that a run has."""
    net = network()
    return net, rp.SGD(net.parameters(), lr=0.1), [rp.Checkpoint(path)], {"rng": 0, "batch_size": 10}


def adam(path):
    net = network()
    optimizer = rp.Adam(net.parameters(), lr=0.02)
    hooks = [rp.Checkpoint(path, every="4 steps", best="validation_cost", keep=3), rp.CosineLR(optimizer, EPOCHS), Noise(),
             Thaw(), rp.MaxNorm(1.0), rp.EarlyStopping(2)]
    return net, optimizer, hooks, {"rng": 1, "batch_size": 10, "validation": HELD_OUT}


def nesterov(path):
    net = network()
    optimizer = rp.SGD(groups(net), lr=0.05, momentum=0.9, nesterov=True)
    hooks = [Thaw(), rp.OneCycleLR(optimizer, 0.2, EPOCHS * 8), rp.EarlyStopping(1, "f1_score"), Noise(),
             rp.Checkpoint(path, every="1 step", keep=2)]
    rng = np.random.Generator(np.random.MT19937(3))
    return net, optimizer, hooks, {"rng": rng, "batch_size": 8, "validation": HELD_OUT, "metrics": ["f1_score"], "clip": 0.5}


def accumulated(path):
    net = network()
    optimizer = rp.RMSprop(net.parameters(), lr=0.01)
    hooks = [rp.ReduceOnPlateau(optimizer, patience=0, factor=0.5), rp.adversarial.AdversarialTraining(0.1, share=0.3),
             rp.WarmupLR(optimizer, 4, by="step"), rp.EMA(0.9), rp.Norms(),
             rp.Checkpoint(path, every="0 seconds", best="validation_accuracy")]
    return net, optimizer, hooks, {"rng": net[3].rng, "batch_size": 4, "validation": HELD_OUT, "accumulate": 3,
                                   "sample_weight": np.linspace(0.5, 1.5, N), "augment": shifted}


RUNS = {run.__name__: run for run in (simple, adam, nesterov, accumulated)}


def trained(name, path, resume=False, callbacks=()):
    """Train, and return a digest of all that a run leaves, and its history."""
    net, optimizer, hooks, options = RUNS[name](path)
    rng = options["rng"] = np.random.default_rng(options["rng"])
    history = rp.fit(net, rp.CrossEntropy(), optimizer, (X, Y), epochs=EPOCHS, progress=False, resume=resume,
                     callbacks=[*hooks, *callbacks], **options)
    state, found = optimizer.state_dict(), hashlib.sha256()
    arrays = [*net.state_dict().items(), *state["state"].items()]
    for hook in hooks:
        if isinstance(hook, (rp.EarlyStopping, rp.EMA)):
            arrays += hook.state.items()
    for part, array in arrays:
        found.update(f"{part} {array.dtype} {array.shape}".encode() + array.tobytes())
    columns = {column: values for column, values in history.items() if column != "seconds"}
    others = [hook.state_dict() for hook in hooks if isinstance(hook, (Noise, rp.Schedule, rp.ReduceOnPlateau))]
    rest = [columns, history.stopped, state["groups"], others, [parameter.frozen for parameter in net.parameters()],
            [module.training for _, module in net.named_modules()],
            [each.bit_generator.state for each in (rng, net[3].rng, net[5].rng)]]
    found.update(json.dumps(rest, default=lambda array: array.tolist()).encode())
    return found.hexdigest(), history
