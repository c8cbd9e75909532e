"""Glorot & Bengio 2010 (its start only)."""

from __future__ import annotations

from .glorot_start import claims, draw, plan
from .paper import Paper

PAPER = Paper("glorot2010", "Understanding the difficulty of training deep feedforward neural networks",
              "X. Glorot, Y. Bengio 2010.", "The start.", plan, claims, draw)
