"""Write PyTorch's values, in float64, to the file that `tests/test_pytorch.py` compares retroprop with.

    python -m benchmarks.pytorch_reference [file.npz]           # from a checkout, with torch 2.13 on the CPU

The tables in the test file use the same names of cases. Each run writes the same bytes.
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

FILE = Path(__file__).parents[1] / "tests" / "pytorch_reference.npz"
EXTREMES = [0.0, 1.0, -1.0, 30.0, -30.0, 800.0, -800.0, 1e4, -1e4, 1e-9]
ULPS = [0.0, 1.0, np.nextafter(0, 1), np.nextafter(1, 0), 0.5]      # probabilities: the ends, and one ulp from them
STEPS = 20


class Recorder(dict):
    """Arrays by path; tensors are detached, and all values copied."""

    def __setitem__(self, name, value):
        super().__setitem__(name, np.array(torch.as_tensor(value).detach().numpy(), np.float64, order="C"))

    def save(self, file):
        """Write all numbers as one vector, with names and shapes: half a file of small arrays would be headers."""
        shapes = np.array([array.shape + (-1,) * (4 - array.ndim) for array in self.values()], np.int16)
        numbers = np.concatenate([array.reshape(-1) for array in self.values()])
        np.savez_compressed(file, allow_pickle=False, names=np.array(list(self)), shapes=shapes, numbers=numbers)


def tensor(rng, shape):
    return torch.tensor(rng.standard_normal(shape))


# Modules: some batches through each, the last one in evaluation mode, the others in training mode

def elementwise(rng):
    """A random batch, and one that also holds the extremes."""
    extreme = torch.tensor(EXTREMES).double().reshape(5, 2)
    return [tensor(rng, (5, 4)), torch.cat([tensor(rng, (5, 2)), extreme], 1), tensor(rng, (1, 3))]


def of_shapes(*shapes):
    return lambda rng: [tensor(rng, shape) for shape in shapes]


def rows(rng):
    """Batches of rows of numbers, some of them far apart or equal."""
    far = torch.tensor([[800, -800, 0], [1e4, 1e4, 1e4], [-1e4, -1e4, -1e4 - 1], [0, 1e-9, -1e-9], [-800, -801, -799]]).double()
    return [tensor(rng, (5, 3)), far, tensor(rng, (2, 3, 4)), tensor(rng, (1, 1))]


def net():
    inner = nn.Sequential(nn.Linear(6, 4), nn.Tanh())
    return nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.ReLU(), inner, nn.Dropout(0), nn.Linear(4, 2))


def convolutional():
    return nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Sequential(nn.Conv2d(3, 2, 3), nn.Tanh()), nn.AvgPool2d(2, 1), nn.Flatten(), nn.Linear(2, 3))


MODULES = {
    "Identity": (nn.Identity, elementwise),
    "Sigmoid": (nn.Sigmoid, elementwise),
    "Tanh": (nn.Tanh, elementwise),
    "ReLU": (nn.ReLU, elementwise),
    "LeakyReLU": (nn.LeakyReLU, elementwise),
    "LeakyReLU of slope 0.2": (lambda: nn.LeakyReLU(0.2), elementwise),
    "ELU": (nn.ELU, elementwise),
    "ELU of alpha 0.7": (lambda: nn.ELU(0.7), elementwise),
    "GELU": (nn.GELU, elementwise),
    "SiLU": (nn.SiLU, elementwise),
    "Softplus": (nn.Softplus, elementwise),
    "Softsign": (nn.Softsign, elementwise),
    "HardTanh": (nn.Hardtanh, elementwise),
    "Softmax": (lambda: nn.Softmax(-1), rows),
    "LogSoftmax": (lambda: nn.LogSoftmax(-1), rows),
    "Flatten": (nn.Flatten, of_shapes((5, 3), (5, 2, 3, 4), (1, 3, 2))),
    "Reshape": (lambda: nn.Unflatten(1, (2, 3, -1)), of_shapes((5, 12), (2, 18), (1, 6))),
    "Dropout of 0": (lambda: nn.Dropout(0), of_shapes((5, 3), (1, 4))),
    "Dropout in eval": (lambda: nn.Dropout(0.5), of_shapes((5, 3))),
    "Linear": (lambda: nn.Linear(3, 4), of_shapes((5, 3), (2, 5, 3), (1, 3), (3,))),
    "Linear without bias": (lambda: nn.Linear(3, 4, bias=False), of_shapes((5, 3), (2, 2, 5, 3))),
    "LayerNorm": (lambda: nn.LayerNorm(4), of_shapes((5, 4), (2, 3, 5, 4), (1, 4))),
    "LayerNorm of eps 0.1": (lambda: nn.LayerNorm(4, 0.1), of_shapes((5, 4), (4,))),
    "BatchNorm": (lambda: nn.BatchNorm1d(3), of_shapes((5, 3), (2, 3), (7, 3), (1, 3))),
    "BatchNorm of momentum 0.3": (lambda: nn.BatchNorm1d(3, 0.01, 0.3), of_shapes((5, 3), (6, 3), (5, 3))),
    "BatchNorm of images": (lambda: nn.BatchNorm2d(3), of_shapes((5, 3, 2, 4), (1, 3, 4, 2), (2, 3, 1, 1), (1, 3, 2, 1))),
    "Conv2d": (lambda: nn.Conv2d(3, 4, 3), of_shapes((2, 3, 5, 4), (1, 3, 3, 3))),
    "Conv2d, padded, strided, dilated": (lambda: nn.Conv2d(2, 3, (3, 2), (2, 1), (2, 1), (1, 3)),
                                         of_shapes((2, 2, 5, 4), (1, 2, 6, 5))),
    "Conv2d without bias": (lambda: nn.Conv2d(2, 3, 1, 2, bias=False), of_shapes((2, 2, 3, 4))),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), of_shapes((2, 2, 4, 6), (1, 2, 5, 7))),
    "MaxPool2d, overlapping, padded": (lambda: nn.MaxPool2d((3, 2), (2, 1), 1), of_shapes((2, 1, 7, 5), (1, 1, 6, 6))),
    "AvgPool2d": (lambda: nn.AvgPool2d(2), of_shapes((2, 2, 4, 6), (1, 2, 5, 7))),
    "AvgPool2d, overlapping, padded": (lambda: nn.AvgPool2d((3, 2), (2, 1), 1), of_shapes((2, 1, 7, 5), (1, 1, 6, 6))),
    "GlobalAvgPool2d": (lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), of_shapes((2, 2, 3, 4), (1, 2, 1, 1))),
    "Upsample2d": (lambda: nn.Upsample(scale_factor=(2, 3)), of_shapes((2, 2, 3, 4), (1, 2, 1, 1))),
    "Dropout2d in eval": (lambda: nn.Dropout2d(0.5), of_shapes((5, 3, 2, 2))),
    "convolutional net": (convolutional, of_shapes((3, 1, 8, 9), (2, 1, 8, 9), (2, 1, 8, 9))),
    "Sequential": (net, of_shapes((5, 3), (8, 3), (5, 3), (1, 3))),
}


def modules(record):
    for name, (build, batches) in MODULES.items():
        rng = np.random.default_rng(list(name.encode()))
        module, xs = build().double(), batches(rng)
        for parameter in module.parameters():
            parameter.data = tensor(rng, parameter.shape)
        for key, value in module.state_dict().items():
            record[f"modules/{name}/state/{key}"] = value
        for k, x in enumerate(xs):
            at = f"modules/{name}/{k}"
            module.train(k < len(xs) - 1)
            module.zero_grad()
            x.requires_grad_()
            y = module(x)
            g = tensor(rng, y.shape)
            y.backward(g)
            record[f"{at}/x"], record[f"{at}/y"], record[f"{at}/g"], record[f"{at}/gx"] = x, y, g, x.grad
            for key, parameter in module.named_parameters():
                record[f"{at}/grad/{key}"] = parameter.grad
            for key, buffer in module.named_buffers():
                record[f"{at}/buffer/{key}"] = buffer


# Losses: each with pairs of predictions and targets

def hinge(reduction):
    """The hinge loss, which PyTorch does not have, in PyTorch's operations."""
    def cost(s, y):
        costs = torch.clamp(1 - (2 * y - 1) * s, min=0)
        return costs if reduction == "none" else getattr(costs, reduction)()
    return cost


def probabilities(rng):
    p = torch.tensor([p for p in ULPS for _ in ULPS], dtype=torch.float64)
    y = torch.tensor(ULPS * len(ULPS), dtype=torch.float64)
    return [(torch.sigmoid(tensor(rng, (5, 3))), torch.tensor(rng.random((5, 3)))), (p, y), (p[1:2], y[:1])]


def logits(rng):
    x = torch.tensor([x for x in EXTREMES for _ in range(3)]).double()
    return [(3 * tensor(rng, (5, 3)), torch.tensor(rng.random((5, 3)))), (x, torch.tensor([0, 0.3, 1.0] * 10).double()),
            (x[15:16], torch.zeros(1).double())]


def values(rng):
    p = tensor(rng, (6, 4))
    y = 2 * tensor(rng, (6, 4))
    y[0] = p[0]                                                     # one row of differences of 0
    return [(p, y), (torch.tensor(EXTREMES).double(), tensor(rng, 10)), (tensor(rng, (1, 1)), tensor(rng, (1, 1)))]


def scores(rng):
    far = torch.tensor(EXTREMES[3:]).double()
    return [(2 * tensor(rng, (5, 3)), torch.tensor(rng.integers(0, 2, (5, 3))).double()),
            (far, torch.tensor([0, 1, 0, 1, 1, 0, 1]).double()), (tensor(rng, 1), torch.ones(1).double())]


def classes(rng):
    y = torch.tensor([2, 0, 1, 1, 2])
    far = torch.tensor([[800.0, -800, 0], [-1e4, 1e4, 0], [1e4, 1e4, -1e4], [0, 0, 0], [-800, -801, 800]]).double()
    return [(2 * tensor(rng, (5, 3)), y), (far, y), (tensor(rng, (1, 3)), y[:1])]


def mixtures(rng):
    return [(x, torch.tensor(rng.dirichlet([1, 1, 1], len(x)))) for x, _ in classes(rng)]


def log_probabilities(rng):
    return [(torch.log_softmax(x, -1), y) for x, y in classes(rng)]


WEIGHT = torch.tensor([0.5, 2.0, 3.0]).double()
LOSSES = {
    "BCE": (nn.BCELoss, probabilities),
    "BCEWithLogits": (nn.BCEWithLogitsLoss, logits),
    "MSE": (nn.MSELoss, values),
    "L1": (nn.L1Loss, values),
    "Huber": (nn.HuberLoss, values),
    "Huber of delta 0.3": (partial(nn.HuberLoss, delta=0.3), values),
    "Hinge": (hinge, scores),
    "CrossEntropy": (nn.CrossEntropyLoss, classes),
    "CrossEntropy with weight": (partial(nn.CrossEntropyLoss, WEIGHT), classes),
    "CrossEntropy of probabilities": (nn.CrossEntropyLoss, mixtures),
    "CrossEntropy of probabilities with weight": (partial(nn.CrossEntropyLoss, WEIGHT), mixtures),
    "NLL": (nn.NLLLoss, log_probabilities),
    "NLL with weight": (partial(nn.NLLLoss, WEIGHT), log_probabilities),
}


def losses(record):
    for name, (build, pairs) in LOSSES.items():
        rng = np.random.default_rng(list(name.encode()))
        for k, (prediction, target) in enumerate(pairs(rng)):
            at = f"losses/{name}/{k}"
            record[f"{at}/prediction"], record[f"{at}/target"] = prediction, target
            for kind in ("mean", "sum", "none"):
                x = prediction.clone().requires_grad_()
                cost = build(reduction=kind)(x, target)
                g = torch.ones(()).double() if cost.ndim == 0 else tensor(rng, cost.shape)
                cost.backward(g)
                record[f"{at}/{kind}/cost"], record[f"{at}/{kind}/g"], record[f"{at}/{kind}/gx"] = cost, g, x.grad


# Optimizers: the path of two parameters, with the same gradients for each rule

OPTIMIZERS = {
    "SGD": (torch.optim.SGD, {"lr": 0.1}),
    "SGD with momentum": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    "SGD with nesterov": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.8, "nesterov": True}),
    "SGD with all": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
    "Adam": (torch.optim.Adam, {"lr": 0.1}),
    "Adam with all": (torch.optim.Adam, {"lr": 0.1, "betas": (0.7, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    "AdamW": (torch.optim.AdamW, {"lr": 0.1}),
    "AdamW with all": (torch.optim.AdamW, {"lr": 0.1, "betas": (0.7, 0.9), "eps": 1e-3, "weight_decay": 0.3}),
    "RMSprop": (torch.optim.RMSprop, {}),
    "RMSprop with momentum": (torch.optim.RMSprop, {"lr": 0.02, "momentum": 0.8}),
    "RMSprop with all": (torch.optim.RMSprop, {"lr": 0.02, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.1, "momentum": 0.8}),
    "Adagrad": (torch.optim.Adagrad, {"lr": 0.1}),
    "Adagrad with all": (torch.optim.Adagrad, {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "eps": 1e-3}),
}


def optimizers(record):
    rng = np.random.default_rng(0)
    starts = [tensor(rng, (4, 3)), tensor(rng, (4,))]
    gradients = [[tensor(rng, start.shape) for start in starts] for _ in range(STEPS)]
    for i, start in enumerate(starts):
        record[f"optim/start/{i}"], record[f"optim/gradients/{i}"] = start, torch.stack([pair[i] for pair in gradients])
    for name, (build, options) in OPTIMIZERS.items():
        for scenario in ("plain", "groups", "lr", "frozen"):
            weight, bias = parameters = [nn.Parameter(start.clone()) for start in starts]
            groups = [{"params": [weight]}, {"params": [bias], "lr": 0.03, "weight_decay": 0.2}]
            optimizer = build(groups if scenario == "groups" else parameters, **options)
            path = []
            for step, pair in enumerate(gradients):
                if scenario == "lr" and step in (5, 12):            # as in the tests
                    for group in optimizer.param_groups:
                        group["lr"] *= 0.3
                for parameter, gradient in zip(parameters, pair, strict=True):
                    parameter.grad = gradient.clone()
                if scenario == "frozen" and 4 <= step < 9:
                    weight.grad = None
                optimizer.step()
                path.append(torch.cat([parameter.detach().reshape(-1) for parameter in parameters]))
            record[f"optim/{name}/{scenario}"] = torch.stack(path)
    record["clip/max_norm"] = max_norms = np.array([0.5, 3.0, 100.0])
    for k, max_norm in enumerate(max_norms):
        parameters = [nn.Parameter(start.clone()) for start in starts]
        for parameter, gradient in zip(parameters, gradients[0], strict=True):
            parameter.grad = gradient.clone()
        record[f"clip/{k}/norm"] = nn.utils.clip_grad_norm_(parameters, max_norm)
        for i, parameter in enumerate(parameters):
            record[f"clip/{k}/grad/{i}"] = parameter.grad


def training(record):
    """Train a small network with all parts together: costs, parameters and running statistics after each step."""
    rng = np.random.default_rng(1)
    net = nn.Sequential(nn.Linear(3, 6, bias=False), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 4), nn.Softplus(),
                        nn.Linear(4, 3)).double()
    for parameter in net.parameters():
        parameter.data = tensor(rng, parameter.shape)
    record["training/x"], record["training/y"] = x, y = tensor(rng, (STEPS, 5, 3)), torch.tensor(rng.integers(0, 3, (STEPS, 5)))
    for key, value in net.state_dict().items():
        record[f"training/start/{key}"] = value
    loss, adam, costs, path = nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=0.05), [], {}
    for xb, yb in zip(x, y, strict=True):
        adam.zero_grad()
        cost = loss(net(xb), yb)
        cost.backward()
        adam.step()
        costs.append(cost.detach())
        for key, value in net.state_dict().items():
            path.setdefault(key, []).append(value.clone())
    record["training/costs"] = torch.stack(costs)
    for key, states in path.items():
        record[f"training/path/{key}"] = torch.stack(states)


def main(file=FILE):
    record = Recorder()
    for fill in (modules, losses, optimizers, training):
        fill(record)
    record.save(file)
    print(f"torch {torch.__version__}: {len(record)} arrays, {Path(file).stat().st_size:,} bytes in {file}")


if __name__ == "__main__":
    main(*sys.argv[1:])
