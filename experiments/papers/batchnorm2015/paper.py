"""Ioffe & Szegedy 2015: normalization of each layer's input over the batch."""

from ...reproduce.paper import Paper, texts
from .claims import claims
from .page import draw
from .plan import plan

PAPER = Paper("batchnorm2015", texts(__file__), plan, claims, draw)
