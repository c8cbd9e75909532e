"""A run with weights, accumulation, clipping, augmentation, EMA and Norms goes on bit for bit, also within an epoch."""

import numpy as np
import pytest

import retroprop as rp

X, Y = rp.datasets.blobs(40, rng=0)
X = X.astype("float32")
WEIGHT = np.arange(40) % 3.0


class Killed(Exception):
    pass


def kill(step):
    class Kill(rp.Callback):
        count = 0

        def after_step(self, run):
            Kill.count += 1
            if Kill.count == step:
                raise Killed

    return Kill()


def stream():
    return ((X[k:k + 8], Y[k:k + 8], WEIGHT[k:k + 8]) for k in range(0, 40, 8))


def drawn(rng):
    """A stream that draws from the generator of fit."""
    return lambda: ((X[i], Y[i], WEIGHT[i]) for i in (rng.integers(40, size=8) for _ in range(5)))


def run(data, path, *callbacks, resume=False):
    rng = np.random.default_rng(5)
    data = drawn(rng) if data == "drawn" else data
    net = rp.Sequential(rp.Linear(2, 5, rng=0), rp.BatchNorm(5), rp.Dropout(0.2, rng=1), rp.Linear(5, 3, rng=2))
    sgd = rp.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01, decay_biases=False)
    ema, weights = rp.EMA(0.9), {} if callable(data) else {"sample_weight": WEIGHT, "class_weight": [1, 2, 3]}
    history = rp.fit(net, rp.CrossEntropy(), sgd, data, epochs=2, batch_size=8, **weights, accumulate=2, clip=0.1, rng=rng,
                     augment=[rp.datasets.Noise(0.1)], metrics=["accuracy"], validation=(X, Y, WEIGHT), progress=False,
                     callbacks=[ema, rp.Norms(), *callbacks, rp.Checkpoint(path, every="1 steps")], resume=resume)
    del history["seconds"]
    return net.state_dict() | ema.state_dict()["average"], dict(history)


@pytest.mark.parametrize(("source", "step"), [                      # of 3 in each epoch: of batches 1-2, 3-4 and 5
    ("arrays", 2), ("arrays", 5), ("map", 5), ("stream", 5), ("drawn", 2)])
def test_a_killed_run_with_all_options_goes_on_bit_for_bit(source, step, tmp_path):
    np.save(tmp_path / "x.npy", X)
    data = {"arrays": (X, Y), "map": (np.load(tmp_path / "x.npy", mmap_mode="r"), Y), "stream": stream}.get(source, source)
    expected, whole = run(data, tmp_path / "whole")
    with pytest.raises(Killed):
        run(data, tmp_path / "run", kill(step))
    found, history = run(data, tmp_path / "run", resume=tmp_path / "run")
    assert history == whole
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
