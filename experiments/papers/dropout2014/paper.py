"""Srivastava et al. 2014: what dropout does to networks that over-fit."""

from ...reproduce.paper import Paper, texts
from .claims import claims
from .page import draw
from .plan import plan

PAPER = Paper("dropout2014", texts(__file__), plan, claims, draw)
