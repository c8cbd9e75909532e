"""Saxe, McClelland & Ganguli 2014: deep linear networks."""

from ...reproduce.paper import Paper, texts
from .claims import claims
from .page import draw
from .plan import plan

PAPER = Paper("saxe2014", texts(__file__), plan, claims, draw)
