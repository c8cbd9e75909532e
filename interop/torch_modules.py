"""Networks from live PyTorch modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import modules as rp
from ..arguments import Seed, floating_dtype, generator, in_a_line
from ..errors import ArgumentError, RetropropError
from ..modules import Module, Parameter
from .extras import needs

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
LAST = -1


def from_torch(module: Any, *, rng: Seed = None) -> Module:
    """Build the network that a PyTorch module is: the same outputs and gradients, in its dtype, from copies of its numbers.

    Parameters
    ----------
    module : torch.nn.Module
        An ``nn.Sequential``, also of others, or one of the modules in ``interop.torch_modules.FORMS``. Names and modes stay; a
        parameter that requires no gradient becomes a frozen one; parameters that two modules share stay shared.
    rng : None, int or numpy.random.Generator
        Source of the masks of Dropout, which are not those of PyTorch.

    Returns
    -------
    Module

    Raises
    ------
    ArgumentError
        A module has no form here, or an option that ours has not; it is named. Or PyTorch is not installed (extra ``torch``).

    Notes
    -----
    Softmax and LogSoftmax must have ``dim=-1``, the last axis; ``dim=1`` is allowed after Flatten, where it is that axis. Other
    modules do not tell whether their input is rows or has more axes. BatchNorm and LayerNorm without parameters of their own
    have frozen ones here, 1 and 0.

    Examples
    --------
    ::

        model = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
        net = rp.interop.from_torch(model)
    """
    with needs("torch", "from_torch"):
        import torch
    if not isinstance(module, torch.nn.Module):
        raise ArgumentError(f"from_torch: module must be a torch.nn.Module, got {in_a_line(module)}")
    return Builder(torch, module, rng).built("", module)


class Refused(Exception):
    """Why a module has no form here."""


class Builder:
    """Builds modules from those of PyTorch, and knows what all have in common: dtype, shared parameters, generator."""

    def __init__(self, torch: Any, root: Any, rng: Seed) -> None:
        self.torch, self.rng = torch, generator(rng)
        self.rows = False                                           # whether what comes next has certainly rows as its input
        self.parameters: dict[int, Parameter] = {}                  # by the id of PyTorch's
        self.with_buffers: list[Any] = []
        tensors = [*root.named_parameters(), *((name, one) for name, one in root.named_buffers() if one.is_floating_point())]
        kinds = {str(tensor.dtype).removeprefix("torch."): name for name, tensor in reversed(tensors)}
        if len(kinds) > 1 or not kinds.keys() <= {"float32", "float64"}:
            found = " and ".join(f"{kind} ({name})" for kind, name in kinds.items())
            raise ArgumentError(f"from_torch: module must have parameters of one dtype, float32 or float64, got {found}; "
                                "convert it with module.float()")
        self.dtype = floating_dtype(next(iter(kinds), "float32"))

    def built(self, path: str, module: Any) -> Module:
        """Return ours for one of PyTorch's modules."""
        try:
            self.check_plain(module)
            if isinstance(module, self.torch.nn.Sequential):
                found = self.sequential(path, module)
            else:
                found = FORMS[type(module).__name__](self, module)
        except (Refused, RetropropError) as error:
            if isinstance(error, ArgumentError) and str(error).startswith("from_torch"):
                raise                                               # of an inner module
            where = f"{path}: {in_a_line(module)}" if path else in_a_line(module)
            raise ArgumentError(f"from_torch: {where} has no form here: {error}") from None
        found.training = bool(module.training)
        return found

    def check_plain(self, module: Any) -> None:
        """Refuse what is not computed by a class of PyTorch that has a form, alone."""
        kind = type(module)
        sequential = isinstance(module, self.torch.nn.Sequential) and kind.forward is self.torch.nn.Sequential.forward
        if not sequential and (not kind.__module__.startswith("torch.nn.modules.") or kind.__name__ not in FORMS):
            raise Refused(f"there is one for Sequential, {', '.join(FORMS)}")
        if any(getattr(module, name, None) for name in HOOKS) or "forward" in vars(module):
            raise Refused("it has hooks, or a forward of its own")

    def sequential(self, path: str, module: Any) -> Module:
        inner = {name: self.built(f"{path}.{name}".lstrip("."), one) for name, one in module._modules.items()}
        named = not all(map(str.isdigit, inner))
        return (rp.Sequential(**inner) if named else rp.Sequential(*inner.values())) if inner else rp.Identity()

    def fill(self, ours: Module, module: Any) -> Module:
        """Copy weight and bias; those that PyTorch's has not become frozen, or stay None."""
        for name in ("weight", "bias"):
            theirs: Any = getattr(module, name, None)
            own: Any = getattr(ours, name, None)
            if theirs is None:
                if own is not None:
                    own.frozen = True
            elif id(theirs) in self.parameters:
                setattr(ours, name, self.parameters[id(theirs)])
            else:
                own.data = numbers(theirs)
                own.frozen = not theirs.requires_grad
                self.parameters[id(theirs)] = own
        return ours


def numbers(tensor: Any) -> Any:
    return np.array(tensor.detach().cpu().numpy())


def as_pixels(size: Any) -> Any:
    """Return a size of PyTorch in its short form: 3 for (3, 3) and [3, 3]."""
    return size if not isinstance(size, (tuple, list)) else size[0] if size[0] == size[1] else tuple(size)


def demand(module: Any, **expected: Any) -> None:
    """Refuse a module unless its options are those that ours has."""
    for name, value in expected.items():
        if as_pixels(getattr(module, name)) != value:
            raise Refused(f"{name} must be {value!r}, got {getattr(module, name)!r}")


def linear(make: Builder, module: Any) -> Module:
    with_bias = module.bias is not None
    return make.fill(rp.Linear(module.in_features, module.out_features, with_bias, dtype=make.dtype, rng=0), module)


def conv2d(make: Builder, module: Any) -> Module:
    demand(module, groups=1, padding_mode="zeros")
    padding = 0 if module.padding == "valid" else module.padding
    if padding == "same":
        around = [d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True)]
        if any(total % 2 for total in around):
            raise Refused(f"padding='same' must be equal on both sides, got {around} pixels in all")
        padding = tuple(total // 2 for total in around)
    make.rows = False
    kernel, stride, padding, dilation = map(as_pixels, (module.kernel_size, module.stride, padding, module.dilation))
    return make.fill(rp.Conv2d(module.in_channels, module.out_channels, kernel, stride, padding, dilation,
                               module.bias is not None, dtype=make.dtype, rng=0), module)


def batch_norm(make: Builder, module: Any) -> Module:
    demand(module, track_running_stats=True)
    if module.momentum is None:
        raise Refused("momentum must be a number, got None")
    if any(module is other for other in make.with_buffers):
        raise Refused("it is in two places, which share its running statistics")
    make.with_buffers.append(module)
    ours = rp.BatchNorm(module.num_features, module.eps, module.momentum, dtype=make.dtype)
    ours.running_mean[...], ours.running_var[...] = numbers(module.running_mean), numbers(module.running_var)
    return make.fill(ours, module)


def layer_norm(make: Builder, module: Any) -> Module:
    if len(module.normalized_shape) != 1:
        raise Refused(f"normalized_shape must be one axis, the last, got {tuple(module.normalized_shape)}")
    return make.fill(rp.LayerNorm(module.normalized_shape[0], module.eps, dtype=make.dtype), module)


def embedding(make: Builder, module: Any) -> Module:
    demand(module, max_norm=None, scale_grad_by_freq=False)
    if module.padding_idx is not None and module.weight[module.padding_idx].any():
        raise Refused("the row of padding_idx must be 0")
    make.rows = False
    count, size = module.num_embeddings, module.embedding_dim
    return make.fill(rp.Embedding(count, size, module.padding_idx, dtype=make.dtype, rng=0), module)


def windows(module: Any) -> tuple[Any, Any, Any]:
    """Return kernel_size, stride and padding of a pooling."""
    size, stride, padding = map(as_pixels, (module.kernel_size, module.stride, module.padding))
    return size, None if stride == size else stride, padding


def max_pool(make: Builder, module: Any) -> Module:
    demand(module, dilation=1, ceil_mode=False, return_indices=False)
    make.rows = False
    return rp.MaxPool2d(*windows(module))


def average_pool(make: Builder, module: Any) -> Module:
    demand(module, ceil_mode=False, divisor_override=None)
    if as_pixels(module.padding) != 0:
        demand(module, count_include_pad=True)
    make.rows = False
    return rp.AvgPool2d(*windows(module))


def global_pool(make: Builder, module: Any) -> Module:
    if as_pixels(module.output_size) != 1:
        raise Refused(f"output_size must be 1, got {module.output_size!r}")
    make.rows = False
    return rp.Sequential(rp.GlobalAvgPool2d(), rp.Reshape(-1, 1, 1))


def upsample(make: Builder, module: Any) -> Module:
    demand(module, mode="nearest", size=None)
    factors = module.scale_factor if isinstance(module.scale_factor, tuple) else (module.scale_factor,) * 2
    if any(factor != int(factor) for factor in factors):
        raise Refused(f"scale_factor must be integers, got {module.scale_factor}")
    make.rows = False
    return rp.Upsample2d((int(factors[0]), int(factors[1])))


def flatten(make: Builder, module: Any) -> Module:
    demand(module, start_dim=1, end_dim=-1)
    make.rows = True
    return rp.Flatten()


def unflatten(make: Builder, module: Any) -> Module:
    demand(module, dim=1)
    if -1 in module.unflattened_size or not all(isinstance(size, int) for size in module.unflattened_size):
        raise Refused(f"unflattened_size must be integers of at least 1, got {module.unflattened_size}")
    make.rows = False
    return rp.Reshape(*module.unflattened_size)


def over_last_axis(kind: type[Module]) -> Callable[[Builder, Any], Module]:
    def form(make: Builder, module: Any) -> Module:
        if module.dim == 1 and not make.rows:
            raise Refused("dim must be -1, got 1, which is the last axis of rows alone, and only after Flatten are there rows "
                          "for certain; write dim=-1")
        if module.dim not in (1, LAST):
            raise Refused(f"dim must be -1, the last axis, got {module.dim}")
        return kind()
    return form


def dropout(make: Builder, module: Any) -> Module:
    return rp.Dropout(module.p, channelwise=type(module).__name__ != "Dropout", rng=make.rng)


def gelu(make: Builder, module: Any) -> Module:
    demand(module, approximate="none")
    return rp.GELU()


def hardtanh(make: Builder, module: Any) -> Module:
    demand(module, min_val=-1, max_val=1)
    return rp.HardTanh()


def softplus(make: Builder, module: Any) -> Module:
    demand(module, beta=1)
    if module.threshold < 20:                                       # from 20 on, log(1 + e^x) is x to 2e-9
        raise Refused(f"threshold must be at least 20, got {module.threshold}")
    return rp.Softplus()


FORMS: dict[str, Callable[[Builder, Any], Module]] = {
    "Linear": linear, "Conv2d": conv2d, "BatchNorm1d": batch_norm, "BatchNorm2d": batch_norm, "LayerNorm": layer_norm,
    "Embedding": embedding, "Dropout": dropout, "Dropout1d": dropout, "Dropout2d": dropout,
    "MaxPool2d": max_pool, "AvgPool2d": average_pool,
    "AdaptiveAvgPool2d": global_pool, "Upsample": upsample, "Flatten": flatten, "Unflatten": unflatten,
    "Identity": lambda make, module: rp.Identity(), "ReLU": lambda make, module: rp.ReLU(),
    "LeakyReLU": lambda make, module: rp.LeakyReLU(module.negative_slope), "ELU": lambda make, module: rp.ELU(module.alpha),
    "GELU": gelu, "SiLU": lambda make, module: rp.SiLU(), "Sigmoid": lambda make, module: rp.Sigmoid(),
    "Tanh": lambda make, module: rp.Tanh(), "Softsign": lambda make, module: rp.Softsign(), "Softplus": softplus,
    "Hardtanh": hardtanh, "Softmax": over_last_axis(rp.Softmax), "LogSoftmax": over_last_axis(rp.LogSoftmax),
}
