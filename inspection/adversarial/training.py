"""Training against attacks."""

from __future__ import annotations

import numpy as np

from ...arguments import real
from ...errors import ArgumentError
from ...training.callbacks import Callback, Run
from .attacks import fgsm
from .ball import Bounds, checked_bounds
from .robustness import Attack, checked_shape, title


class AdversarialTraining(Callback):
    r"""A callback of ``fit``: part of each batch is replaced by adversarial examples of the network at that moment.

    Parameters
    ----------
    eps : float, at least 0
        Size of the attack.
    share : float in (0, 1], default 0.5
        Of the examples. What is left over of a fraction of an example counts in the next batch.
    attack : function, default fgsm
        Called as ``attack(net, loss, x, y, eps, bounds=bounds)``; of Madry et al. it is ``pgd``, with ``share=1``.
    bounds : pair (low, high), default None
        As in ``fgsm``.

    Notes
    -----
    Goodfellow et al. minimize :math:`(1 - \alpha) C(x) + \alpha C(x')`, with α = 1/2. As the batches are drawn at random, the
    cost of a mixed one has that for its mean, with α the share; the batch keeps its size, and a step its price, the attack
    aside. The x' are constants to the step, as in the paper: nothing is propagated through their making.

    The attack sees the network in evaluation mode, so that Dropout draws nothing for it and the running statistics of a
    BatchNorm are those of what was learned from, which is the mixed batch. ``history["cost"]`` is of the mixed batches too.

    References
    ----------
    Goodfellow, Shlens & Szegedy 2015, "Explaining and harnessing adversarial examples", section 6.

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.digits()
    >>> net, loss = rp.Sequential(rp.Linear(64, 50, rng=0), rp.Tanh(), rp.Linear(50, 10, rng=1)), rp.CrossEntropy()
    >>> against = AdversarialTraining(0.1, bounds=(0, 1))
    >>> history = rp.fit(net, loss, rp.SGD(net.parameters(), lr=0.1), (x, y), epochs=5, rng=0, callbacks=[against])
    """

    def __init__(self, eps: float, share: float = 0.5, attack: Attack = fgsm, bounds: Bounds | None = None) -> None:
        self.eps, self.share = real("eps", eps, 0), real("share", share, 0, 1, above=True)
        if not callable(attack):
            raise ArgumentError(f"attack must be a function, such as adversarial.fgsm, got {attack!r}")
        self.attack, self.bounds = attack, bounds

    def before_training(self, run: Run) -> None:
        self.owed = 0.0                                             # examples that are still to be replaced

    def before_batch(self, run: Run) -> None:
        if self.bounds is not None:
            checked_bounds(self.bounds, run.x)                      # of all: which are attacked is chance
        self.owed += self.share * len(run.y)
        count = min(round(self.owed), len(run.y))
        self.owed -= count
        if count:
            x, y = run.x[:count], run.y[:count]
            moved = checked_shape(self.attack(run.net, run.loss, x, y, self.eps, bounds=self.bounds), x)
            run.x = np.concatenate([moved, run.x[count:]], dtype=run.x.dtype)

    def __repr__(self) -> str:
        options = f", bounds={self.bounds!r}" if self.bounds is not None else ""
        return f"AdversarialTraining({self.eps:g}, share={self.share:g}, attack={title(self.attack)}{options})"
