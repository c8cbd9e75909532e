"""Glorot & Bengio 2010: why deep networks were hard to train, and a start that made it easier."""

from __future__ import annotations

from ...reports.page import Figures, Page
from ...sweeps.trials import Trial
from ..claims import Claim
from ..paper import Paper, Results, Scale
from . import start_plan as glorot_start
from . import training_claims as glorot_training_claims
from . import training_page as glorot_training_page
from . import training_plan as glorot_training


def plan(scale: Scale) -> list[Trial]:
    return [*glorot_start.plan(scale), *glorot_training.plan(scale)]


def claims(results: Results) -> list[Claim]:
    return [*glorot_start.claims(results), *glorot_training_claims.claims(results)]


def draw(results: Results, page: Page, figures: Figures) -> None:
    glorot_start.draw(results, page, figures)
    glorot_training_page.draw(results, page, figures)


PAPER = Paper(
    "glorot2010", "Why deep networks were hard to train, and a start that helps",
    "X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.",
    "Deep networks that start from the usual small random weights learn slowly or not at all. The paper looks at activations "
    "and gradients layer by layer to see why, and derives a start that keeps their variances alike in all layers. The paper: "
    "1 to 5 hidden layers of 1000 units, 5 million steps of SGD on batches of 10, on Shapeset-3x2 (images of one or two "
    "shapes, made without end), MNIST, CIFAR-10 and Small-ImageNet. Here, unless run at the paper's scale: at the start "
    "Shapeset-3x2 and layers of 100, 300 and 1000 units; in training 5 hidden layers of 100 units, some thousand steps, on "
    "1797 digits of 8×8 pixels and on an easy Shapeset of three classes. Standard is U(±1/√n), equation 1; normalized (N) is "
    "equation 16, GlorotUniform.",
    plan, claims, draw)
