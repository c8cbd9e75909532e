"""The public names of ``retroprop.interop``; each is imported when it is first used."""

from .perceptrons import from_opencv as from_opencv, from_scikit_learn as from_scikit_learn
from .torch_modules import from_torch as from_torch
