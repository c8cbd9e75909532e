"""A budget of time: drawing takes at most its share, on whatever clock."""

from contextlib import suppress

import pytest

from retroprop.training.watching.live import FIRST, Budget


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize("epoch", [0.001, 0.3, 20.0])
@pytest.mark.parametrize("cost", [0.002, 0.2, 5.0])
def test_drawing_takes_at_most_its_share_and_not_much_less(epoch, cost):
    clock = Clock()
    budget, drawn = Budget(0.1, clock), 0
    for _ in range(3000):
        clock.now += epoch
        if budget.allows():
            with budget.drawing():
                clock.now += cost
            drawn += 1
        elapsed = clock.now - 100
        assert budget.spent <= 0.1 * elapsed or drawn == 1          # what the first one takes is not known before
    most = min(3000, 0.1 * elapsed / cost)
    assert most / 1.5 - 2 <= drawn <= most + 1


def test_nothing_is_drawn_at_once_and_a_drawing_that_failed_counts():
    clock = Clock()
    budget = Budget(0.1, clock)
    assert not budget.allows()
    clock.now += FIRST / 0.1
    assert budget.allows()
    with suppress(KeyboardInterrupt), budget.drawing():
        clock.now += 3
        raise KeyboardInterrupt
    assert (budget.spent, budget.last) == (3, 3)
