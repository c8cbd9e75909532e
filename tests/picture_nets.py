"""Networks that take pictures, of any size up to their last layers, and pictures for them."""

from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import retroprop as rp


class Convolution(rp.Module):
    """3 x 3, with a border of zeros."""

    def __init__(self, inputs, outputs, stride=1, rng=None):
        super().__init__()
        self.stride = stride
        self.weight = rp.Parameter(rp.HeNormal()((outputs, inputs, 3, 3), rng), "weight")

    def output_shape(self, input_shape):
        if len(input_shape) != 4 or input_shape[1] != self.weight.shape[1] or min(input_shape[2:]) < 3:
            raise rp.ShapeError(f"x must have shape (batch, {self.weight.shape[1]}, 3 or more, 3 or more), got {input_shape}")
        return (input_shape[0], len(self.weight.data), *((n - 1) // self.stride + 1 for n in input_shape[2:]))

    def forward(self, x):
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = sliding_window_view(padded, (3, 3), (2, 3))[:, :, ::self.stride, ::self.stride]
        self.point = windows, padded.shape
        return np.einsum("nchwij,ocij->nohw", windows, self.weight.data, optimize=True)

    def backward(self, g):
        gx = np.zeros(self.point[1], g.dtype)
        spread = np.einsum("nohw,ocij->nchwij", g, self.weight.data, optimize=True)
        height, width = g.shape[2:]
        for i, j in np.ndindex(3, 3):
            gx[:, :, i:, j:][:, :, ::self.stride, ::self.stride][:, :, :height, :width] += spread[..., i, j]
        return np.ascontiguousarray(gx[:, :, 1:-1, 1:-1])

    def update(self):
        self.weight.grad[...] = np.einsum("nchwij,nohw->ocij", self.point[0], self.gradient, optimize=True)


def small():
    """Scores of three classes from pictures of 5 x 6, after layers with maps of their own."""
    maps = rp.Sequential(Convolution(2, 4, rng=0), rp.Tanh(), Convolution(4, 3, 2, rng=1))
    return rp.Sequential(maps, rp.Flatten(), rp.Dropout(0.5, rng=2), rp.Linear(27, 3, rng=3), rp.Softmax())


@cache
def digits_net():
    """A small convolutional net that knows the digits; a stride of 2 leaves patterns in what is dreamt."""
    x, y = pictures_of_digits()
    maps = rp.Sequential(Convolution(1, 8, rng=0), rp.ReLU(), Convolution(8, 16, 2, rng=1), rp.ReLU())
    net = rp.Sequential(maps, rp.Flatten(), rp.Linear(256, 10, rng=2))
    loss, sgd = rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1)
    rp.fit(net, loss, sgd, (x[:1297], y[:1297]), epochs=5, batch_size=16, rng=0, progress=False)
    assert rp.accuracy(net.predict(x[1297:]), y[1297:]) > 0.9
    return net


def pictures_of_digits():
    x, y = rp.datasets.digits()
    return x.reshape(-1, 1, 8, 8), y


def sheet():
    """64 digits in one picture of 64 x 64."""
    return pictures_of_digits()[0][:64].reshape(8, 8, 8, 8).swapaxes(1, 2).reshape(64, 64)
