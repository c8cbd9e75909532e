"""A convolution for tests of pictures of any size."""

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
