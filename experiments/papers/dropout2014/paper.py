"""Srivastava et al. 2014: what dropout does to networks that over-fit."""

from __future__ import annotations

from ..paper import Paper
from .claims import claims
from .page import draw
from .plan import plan

PAPER = Paper(
    name="dropout2014",
    title="Dropout: a simple way to prevent neural networks from overfitting",
    citation="N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, 2014, Dropout: a simple way to prevent "
             "neural networks from overfitting. Journal of Machine Learning Research 15, 1929-1958.",
    asks="Does dropping units at random in training keep a network from over-fitting, and how? The paper's networks have up to "
         "8192 units a layer, and their data are MNIST, images, speech and text. Here, at the small scales, networks of two "
         "hidden layers of rectified linear units learn digits of 8×8 pixels, of which 30 % have a wrong label, drawn from the "
         "other nine: so they over-fit as large networks do on hard data. (On right labels they hardly do, and dropout does "
         "not help: figure 10.) He's start, lr 0.05, momentum 0.9, batches of 50; p is 0.5 for hidden units and 0.8 for the "
         "input, unless said otherwise. Errors are those of 500 test examples, with right labels. p is the paper's, the "
         "probability of keeping a unit.",
    plan=plan, claims=claims, draw=draw)
