"""The public names of ``retroprop.interop``; each is imported when it is first used."""

from .torch_modules import from_torch as from_torch
