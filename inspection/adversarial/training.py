"""Adversarial training, as a callback of ``fit``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...arguments import real
from ...errors import ArgumentError
from ...training.callbacks import Callback, Run
from .attacks import fgsm
from .ball import Bounds, checked_bounds
from .objective import checked_examples
from .robustness import Attack, checked_shape, title


class AdversarialTraining(Callback):
    r"""A callback of ``fit`` that replaces part of each batch by adversarial examples of the current network.

    Parameters
    ----------
    eps : float, at least 0
        Size of the attack.
    share : float in (0, 1], default 0.5
        Share of the examples that are replaced. A remaining fraction of an example is carried over to the next batch.
    attack : function, default fgsm
        Called as ``attack(net, loss, x, y, eps, bounds=bounds)``. Madry et al. use ``pgd`` with ``share=1``.
    bounds : pair (low, high), default None
        As in ``fgsm``.

    Notes
    -----
    Goodfellow et al. minimize :math:`(1 - \alpha) C(x) + \alpha C(x')`, with α = 1/2. Batches are random, so
    that the cost of a mixed batch has this expectation, with α the share. The batch keeps its size, and a step its cost, apart
    from the attack. As in the paper, the x' count as constants: no gradient is propagated through the attack.

    The network is in evaluation mode during the attack, so that Dropout draws no mask for it, and the running statistics of
    BatchNorm come from the mixed batches alone. ``history["cost"]`` is the cost of the mixed batches.

    References
    ----------
    Goodfellow, Shlens & Szegedy 2015, "Explaining and harnessing adversarial examples", section 6.

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.digits()
    >>> net, loss = rp.Sequential(rp.Linear(64, 50, rng=0), rp.Tanh(), rp.Linear(50, 10, rng=1)), rp.CrossEntropy()
    >>> adversarial = AdversarialTraining(0.1, bounds=(0, 1))
    >>> history = rp.fit(net, loss, rp.SGD(net.parameters(), lr=0.1), (x, y), epochs=5, rng=0, callbacks=[adversarial])
    """

    def __init__(self, eps: float, share: float = 0.5, attack: Attack = fgsm, bounds: Bounds | None = None) -> None:
        self.eps, self.share = real("eps", eps, 0), real("share", share, 0, 1, above=True)
        if not callable(attack):
            raise ArgumentError(f"attack must be a function, such as adversarial.fgsm, got {attack!r}")
        self.attack, self.bounds, self.owed = attack, bounds, 0.0   # examples to replace, carried over from earlier batches

    def before_training(self, run: Run) -> None:
        self.owed = 0.0
        x, _ = checked_examples(run.net, run.loss, *run.data)
        if self.bounds is not None:
            checked_bounds(self.bounds, x)                          # of all examples, before the first step

    def before_batch(self, run: Run) -> None:
        self.owed += self.share * len(run.y)
        count = min(round(self.owed), len(run.y))
        self.owed -= count
        if count:
            x, y = run.x[:count], run.y[:count]
            adversarial = checked_shape(self.attack(run.net, run.loss, x, y, self.eps, bounds=self.bounds), x)
            run.x = np.concatenate([adversarial, run.x[count:]], dtype=run.x.dtype)

    def state_dict(self) -> dict[str, float]:
        """Return the fraction of an example that is carried over."""
        return {"owed": self.owed}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another AdversarialTraining with these settings was."""
        self.owed = real("owed", state["owed"])

    def __repr__(self) -> str:
        options = f", bounds={self.bounds!r}" if self.bounds is not None else ""
        return f"AdversarialTraining({self.eps:g}, share={self.share:g}, attack={title(self.attack)}{options})"
