"""Networks on images (all layers but the last take any size), and images for them."""

from functools import cache

import retroprop as rp


def small():
    """Return a net with three scores, from images of 5 x 6 with two channels."""
    maps = rp.Sequential(rp.Conv2d(2, 4, 3, padding=1, rng=0), rp.Tanh(), rp.Conv2d(4, 3, 3, 2, padding=1, rng=1))
    return rp.Sequential(maps, rp.Flatten(), rp.Dropout(0.5, rng=2), rp.Linear(27, 3, rng=3), rp.Softmax())


@cache
def digits_net():
    """Return a small convolutional net, trained on the digits; its stride of 2 leaves patterns in dreams."""
    x, y = images_of_digits()
    maps = rp.Sequential(rp.Conv2d(1, 8, 3, padding=1, rng=0), rp.ReLU(), rp.Conv2d(8, 16, 3, 2, padding=1, rng=1), rp.ReLU())
    net = rp.Sequential(maps, rp.Flatten(), rp.Linear(256, 10, rng=2))
    loss, sgd = rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1)
    rp.fit(net, loss, sgd, (x[:1297], y[:1297]), epochs=10, batch_size=16, rng=0, progress=False)
    assert rp.accuracy(net.predict(x[1297:]), y[1297:]) > 0.9
    return net


def images_of_digits():
    x, y = rp.datasets.digits()
    return x.reshape(-1, 1, 8, 8), y


def sheet():
    """Return one image of 64 x 64 with 64 digits."""
    return images_of_digits()[0][:64].reshape(8, 8, 8, 8).swapaxes(1, 2).reshape(64, 64)
