"""Glorot & Bengio 2010: why deep networks were hard to train, and an initialization that helps."""

from ...reproduce.paper import Paper, texts
from .claims import claims
from .page import draw
from .plan import plan

PAPER = Paper("glorot2010", texts(__file__), plan, claims, draw)
