"""Mishkin & Matas 2016: an initialization that is fitted to the data, layer by layer."""

from ...reproduce.paper import Paper, texts
from .claims import claims
from .page import draw
from .plan import plan

PAPER = Paper("lsuv2016", texts(__file__), plan, claims, draw)
