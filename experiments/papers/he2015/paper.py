"""He, Zhang, Ren & Sun 2015: an initialization for rectifiers."""

from ...reproduce.paper import Paper, texts
from .claims import claims
from .page import draw
from .plan import plan

PAPER = Paper("he2015", texts(__file__), plan, claims, draw)
