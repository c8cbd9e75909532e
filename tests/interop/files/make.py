"""Write the files of other libraries that the tests read: ``python make.py keras torch scikit_learn``.

Of each library a network with its default settings: its weights, its outputs on some data, and its outputs after it has been
trained for 100 steps of SGD, on batches of 16 that follow each other in the order of the data.
"""

import os
import sys
from pathlib import Path

import numpy as np

HERE, BATCH, STEPS = Path(__file__).parent, 16, 100
RNG = np.random.default_rng(2018)
X = RNG.integers(-9, 10, (320, 2, 6, 6)).astype("int8")             # divided by 5
Y = (X[:, 0, :3].mean((1, 2), dtype=float) > 0).astype("int8") + (X[:, 1, 3:].mean((1, 2), dtype=float) > 0)


def batches(x, y):
    """Yield the batches of 100 steps."""
    for step in range(STEPS):
        rows = slice(start := step % (len(x) // BATCH) * BATCH, start + BATCH)
        yield x[rows], y[rows]


def keras():
    """BatchNormalization with its defaults, after a convolution and after a dense layer; SGD with momentum."""
    os.environ["KERAS_BACKEND"] = "jax"
    import keras
    layers = keras.layers
    keras.utils.set_random_seed(1)
    model = keras.Sequential([
        keras.Input((6, 6, 2)), layers.Conv2D(3, 3), layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D(),
        layers.Flatten(), layers.Dense(7), layers.BatchNormalization(), layers.Activation("tanh"), layers.Dense(3)])
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = (X / 5).astype("float32").transpose(0, 2, 3, 1), Y
    for xb, yb in batches(x[::-1], y[::-1]):                        # so that the statistics are not those of the start
        model.train_on_batch(xb, yb)
    model.optimizer = None
    model.save_weights(HERE / "keras.weights.h5")
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    write("keras", f"keras {keras.__version__} on jax", **run(
        lambda: model(x, training=False), lambda: model(x[:BATCH], training=True), lambda: [
            model.train_on_batch(xb, yb) for xb, yb in batches(x, y)]))
    plain = keras.Sequential([keras.Input((3,)), layers.Dense(4), layers.BatchNormalization(momentum=0.8, epsilon=0.01),
                              layers.Dense(4, use_bias=False), layers.BatchNormalization(scale=False), layers.Dense(2)])
    plain.set_weights([RNG.uniform(0.1, 1, array.shape) for array in plain.get_weights()])
    plain.save(HERE / "plain.keras")
    plain.save(HERE / "plain.h5", include_optimizer=False)
    write("plain", f"keras {keras.__version__} on jax", x=(z := X[:9, 0, 0, :3] / 5), predicted=plain(z, training=False))


def torch():
    """BatchNorm2d and BatchNorm1d with their defaults; SGD with Nesterov's momentum and weight decay, also of biases."""
    import torch
    from safetensors.torch import save_file
    nn = torch.nn
    torch.manual_seed(1)
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 7),
                          nn.BatchNorm1d(7), nn.Tanh(), nn.Linear(7, 3))
    x, y = torch.tensor((X / 5).astype("float32")), torch.tensor(Y.astype(int))
    save_file(model.state_dict(), HERE / "torch.safetensors")
    sgd = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, nesterov=True, weight_decay=1e-3)

    def train():
        for xb, yb in batches(x, y):
            sgd.zero_grad()
            nn.functional.cross_entropy(model.train()(xb), yb).backward()
            sgd.step()
    with torch.no_grad():
        found = run(lambda: model.eval()(x).numpy(), lambda: model.train()(x[:BATCH]).numpy(), torch.enable_grad()(train))
    write("torch", f"torch {torch.__version__}", **found)


def scikit_learn():
    """MLPClassifier and MLPRegressor with their defaults, but fewer units and the solver "sgd" (Nesterov's momentum)."""
    import warnings

    import sklearn
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    warnings.simplefilter("ignore")
    x, arrays = X[:, 0].reshape(len(X), -1) / 5, {}
    for name, kind, y in (("classes", MLPClassifier, Y), ("values", MLPRegressor, values(x))):
        mlp = kind(hidden_layer_sizes=(8, 6), solver="sgd", learning_rate_init=0.01, alpha=0.1, max_iter=5, random_state=1)
        mlp.fit(x, y)
        del mlp._optimizer                                          # its velocity is 0 again
        predict = mlp.predict_proba if name == "classes" else mlp.predict
        arrays |= {f"{name}.weight{k}": array.copy() for k, array in enumerate(mlp.coefs_)}
        arrays |= {f"{name}.bias{k}": array.copy() for k, array in enumerate(mlp.intercepts_)}
        found = run(lambda predict=predict: predict(x), None, lambda mlp=mlp, y=y: [
            mlp.partial_fit(xb, yb) for xb, yb in batches(x, y)])
        arrays |= {f"{name}.{key}": array for key, array in found.items()}
    write("scikit_learn", f"scikit-learn {sklearn.__version__}", **arrays)


def values(x):
    """Two numbers to predict."""
    return np.c_[x[:, 0] * x[:, 1], x[:, 2]]


def run(predict, forward, train, dtype="float32"):
    """Return the outputs in evaluation and of a batch in training, and both again after training."""
    found = {}
    for when in ("before", "after"):
        found[when] = np.array(predict(), dtype)
        if forward is not None:
            found[f"{when}, training"] = np.array(forward(), dtype)
        if when == "before":
            train()
    return found


def write(name, version, **arrays):
    np.savez_compressed(HERE / f"{name}.npz", version=version, **arrays)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        {"keras": keras, "torch": torch, "scikit_learn": scikit_learn}[name]()
