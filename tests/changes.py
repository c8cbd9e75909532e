"""The changes that mutants make: to a returned array, to gradients, to a phase, to an attribute."""

from weakref import WeakKeyDictionary

import numpy as np
from facts import same_numbers
from mutants import backward, update

from retroprop import Parameter

# To an array: given x or g, and the result


def scaled(factor):
    def change(self, given, result, out):
        result *= factor
        return result
    return change


def without(where):
    def change(self, given, result, out):
        result[where] = 0
        return result
    return change


def without_term(term):
    """Add the term that a normalization subtracts: ``term(self, g)``."""

    def change(self, g, gx, out):
        gx += term(self, g)
        return gx
    return change


def mean_term(weighed):
    """Return the mean of g, or of g times the normalized x, as in the backward of a normalization."""

    def term(self, g):
        if hasattr(self, "running_mean"):                           # BatchNorm: over all axes except that of the features
            axes, feature = tuple(k for k in range(g.ndim) if k != 1), self.scratch.feature
            factor = self.point.of_batch * self.point.factor
            normal = self.point.centred * self.point.scale[feature]
        else:
            g, axes, factor, normal = g * self.weight.data, -1, self.point.scale, self.point.x
        return factor * (normal * (g * normal).mean(axes, keepdims=True) if weighed else g.mean(axes, keepdims=True))

    return term


def write_into_given(self, given, result, out):
    given *= 0.5
    return result


def view_of_given(self, given, result, out):
    return given.reshape(result.shape) if out is None and same_numbers(given, result) else result


def own_buffer():
    """Return the same array every time."""
    buffers = WeakKeyDictionary()

    def change(self, given, result, out):
        kept = buffers.setdefault(self, result)
        if out is not None or (kept.shape, kept.dtype) != (result.shape, result.dtype):
            return result
        kept[...] = result
        return kept

    return change


def fresh(self, given, result, out):
    return np.array(result)


def in_float64(self, given, result, out):
    return np.float64(result) if isinstance(result, float) else result.astype(np.float64)


def noisy(self, given, result, out):
    noise = 1e-3 * np.random.default_rng().standard_normal(np.shape(result))
    if isinstance(result, float):
        return result + float(noise)
    result += noise.astype(result.dtype)
    return result


# To gradients, phases and attributes


def to_other_examples(self, g, gx, out):
    gx[...] = gx[::-1].copy()
    return gx


def by_example(method, change):
    """Spoil the arrays that ``example_gradients`` or ``example_squared_norms`` returns."""

    def changes(kind):
        right = getattr(kind, method)
        return {method: lambda self: {name: change(each) for name, each in right(self).items()}}

    return changes


def scale_gradients(factor):
    def change(self, before):
        for parameter in self.parameters():
            parameter.grad *= factor(self) if callable(factor) else factor
    return change


def add_before(self, before):
    for parameter, grad in zip(self.parameters(), before, strict=True):
        parameter.grad += grad


def forget_last(self, before):
    self.parameters()[-1].grad = before[-1]


def touch_gradients(self, g, gx, out):
    for parameter in self.parameters():
        parameter.grad += 1
    return gx


def lose_point(self, g, gx, out):
    del self.point
    return gx


def mask_last_example(self, g):
    g[-1] = 0
    return g


def the_first_ever():
    first = WeakKeyDictionary()
    return lambda self, g: first.setdefault(self, g) if first.get(self, g).shape == g.shape else g


def move_buffers(self, t, y, out):
    for _, buffer in self.named_buffers():
        buffer += 1
    return y


def run_backward(whole, kind):
    def spoilt(self, t):
        y = whole(self, t)
        self.backward(np.ones_like(y))
        return y
    return spoilt


def scale_tangent(whole, kind):
    def spoilt(self, t):
        y = whole(self, t)
        if isinstance(t, np.ndarray):
            t *= 0.5
        return y
    return spoilt


def view_of_tangent(whole, kind):
    def spoilt(self, t):
        return t.reshape(whole(self, t).shape)
    return spoilt


def add_to_out(unchecked, kind):
    def spoilt(self, g, out=None, **options):
        kept = 0 if out is None else out.copy()
        gx = unchecked(self, g, out, **options)
        if gx is not None:
            gx += kept
        return gx
    return spoilt


def write_out_first(unchecked, kind):
    def spoilt(self, x, out=None):
        if out is not None:
            out[...] = 0
        return unchecked(self, x, out)
    return spoilt


def read_in_memory_order(unchecked, kind):
    def spoilt(self, x, out=None):
        return unchecked(self, x.ravel(order="K").reshape(x.shape), out)
    return spoilt


def train_always(unchecked, kind):
    def spoilt(self, x, out=None):
        modes = [(module, module.training) for _, module in self.named_modules()]
        self.train()
        y = unchecked(self, x, out)
        for module, mode in modes:
            module.training = mode
        return y
    return spoilt


def forget_first(whole, kind):
    def spoilt(self, *inputs, **options):
        self.clear_evaluation()
        return whole(self, *inputs, **options)
    return spoilt


def pass_over_out(whole, kind):
    def spoilt(self, g, out=None, **options):
        fits = out is not None and (out.shape, out.dtype) == self._signature
        return whole(self, g, out if fits else None, **options)
    return spoilt


def go_on_when_frozen(whole, kind):
    return lambda self: whole.__wrapped__(self)


def double(whole, kind):
    return lambda self, *inputs, **options: 2 * whole(self, *inputs, **options)


def keep_only(whole, kind):
    def spoilt(self, g, out=None, *, input_gradient=True):
        if input_gradient:
            return whole(self, g, out)
        self.gradient = g
        return None
    return spoilt


def never_none(whole, kind):
    def spoilt(self, g, out=None, *, input_gradient=True):
        gx = whole(self, g, out, input_gradient=input_gradient)
        return g if gx is None else gx
    return spoilt


def update_from_result(kind):
    """Make update read the array that backward returned."""
    returned = WeakKeyDictionary()

    def keep(self, g, gx, out):
        returned[self] = gx, gx.sum()
        return gx

    def read(self, before):
        gx, total = returned.get(self, (np.zeros(1), 0))
        for parameter in self.parameters():
            parameter.grad += gx.sum() - total

    return backward(keep)(kind) | update(read)(kind)


def prepare_once(kind):
    prepare, kept = kind.prepare, WeakKeyDictionary()
    return {"prepare": lambda self, *shape: kept[self] if self in kept else kept.setdefault(self, prepare(self, *shape))}


def forget_a_name(kind):
    state_dict = kind.state_dict
    return {"state_dict": lambda self: dict(list(state_dict(self).items())[:-1])}


def predict_and_stay(self, x, batch_size=None):
    return self.eval().forward(x)


def predict_and_forget(self, x, batch_size=None):
    mode = self.training
    y = self.eval().forward(x)
    self.train(mode)
    return y


def shallow_copy(self, memo):
    other = type(self).__new__(type(self))
    vars(other).update(vars(self))
    return other


def views(self):
    return {name: parameter.data for name, parameter in self._named(Parameter)} | dict(self.named_buffers())
