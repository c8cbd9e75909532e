"""What ``save`` says of a resumed run: the order of the examples is that of the generator, which the file does not hold."""

import json

import numpy as np
import pytest

import retroprop as rp

X, Y = rp.datasets.blobs(50, rng=0)


def run():
    net = rp.Sequential(rp.Linear(2, 8, rng=0), rp.Dropout(0.2, rng=1), rp.Linear(8, 3, rng=2))
    return net, rp.SGD(net.parameters(), lr=0.1, momentum=0.9)


class Orders(rp.Callback):
    """The order in which the examples came, epoch by epoch."""

    def __init__(self):
        self.seen = []

    def before_batch(self, run):
        self.seen += [[]] if run.batch == 1 else []
        self.seen[-1] += run.x[:, 0].tolist()


def fit(net, sgd, epochs, rng, *callbacks):
    rp.fit(net, rp.CrossEntropy(), sgd, (X, Y), epochs=epochs, batch_size=8, rng=rng, progress=False, callbacks=callbacks)


@pytest.mark.parametrize("ended", [1, 3])
def test_a_run_resumed_with_its_generator_goes_on_bit_for_bit(ended, tmp_path):
    whole, sgd = run()
    fit(whole, sgd, 4, np.random.default_rng(0))

    rng, (net, sgd) = np.random.default_rng(0), run()

    def keep(run):
        if run.epoch == ended:
            rp.save(run.net, tmp_path / "net", run.optimizer)
            (tmp_path / "rng").write_text(json.dumps(rng.bit_generator.state))

    fit(net, sgd, ended, rng, keep)
    rng, (net, sgd) = np.random.default_rng(), run()
    rp.load(net, tmp_path / "net", sgd)
    rng.bit_generator.state = json.loads((tmp_path / "rng").read_text())
    fit(net, sgd, 4 - ended, rng)
    for name, array in whole.state_dict().items():
        np.testing.assert_array_equal(net.state_dict()[name], array, err_msg=name)


def test_the_same_seed_shuffles_a_second_time_as_the_first():
    net, sgd = run()
    first, again, others, one = Orders(), Orders(), Orders(), np.random.default_rng(0)
    fit(net, sgd, 2, 0, first)
    fit(net, sgd, 2, 0, again)
    assert again.seen == first.seen
    fit(net, sgd, 2, one, others)
    fit(net, sgd, 2, one, others)                                   # one Generator draws on
    assert others.seen[:2] == first.seen
    assert len({tuple(order) for order in others.seen}) == 4
