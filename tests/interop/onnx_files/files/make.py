"""Makes the files of one tool: ``python make.py torch`` (or sklearn, keras, jax) in an environment with that tool.

Writes ``<tool>_<name>.onnx`` and ``<tool>.npz`` with inputs (``<name>:x``) and the outputs that the tool itself computes
(``<name>:y0``, ...). README.md has the versions.
"""

import sys
import warnings

import numpy as np

rng = np.random.default_rng(0)
ARRAYS = {}


def keep(name, inputs, outputs):
    """Keep inputs and outputs of a file."""
    outputs = outputs if isinstance(outputs, (tuple, list)) else [outputs]
    ARRAYS[f"{name}:x"] = np.asarray(inputs)
    ARRAYS.update({f"{name}:y{k}": np.asarray(output) for k, output in enumerate(outputs)})


def of_torch():
    import torch
    import torch.nn.functional as F
    from torch import nn
    torch.manual_seed(0)

    class Images(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.norm = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)
            self.conv2, self.fc = nn.Conv2d(4, 6, (3, 2), stride=2, padding=1, dilation=(1, 2)), nn.Linear(24, 5)

        def forward(self, x):
            x = F.max_pool2d(torch.sigmoid(self.norm(self.conv1(x))), 2)
            x = F.silu(self.conv2(x))
            return F.log_softmax(self.fc(x.view(x.size(0), -1)), 1)

    class Pools(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.Linear(4, 3)

        def forward(self, x):
            x = F.avg_pool2d(F.leaky_relu(self.conv(x), 0.2), 3, 2, 1)
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.inner, self.out = nn.LayerNorm(6), nn.Linear(6, 6), nn.Linear(6, 3)

        def forward(self, x):
            return self.out(x + F.gelu(self.inner(self.norm(x)))).softmax(-1)

    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 3), nn.Linear(4, 3)

        def forward(self, x):
            a, b = torch.tanh(self.a(x)), torch.sigmoid(self.b(x))
            return torch.cat([a * b, a], 1), F.hardtanh(a + b)

    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.fc = nn.Embedding(7, 4), nn.Linear(12, 3)

        def forward(self, x):
            return self.fc(F.relu(self.words(x)).flatten(1))

    chain = nn.Sequential(nn.Linear(5, 6), nn.ELU(0.7), nn.Linear(6, 6), nn.Softplus(), nn.Dropout(0.3), nn.Linear(6, 6),
                          nn.Softsign(), nn.BatchNorm1d(6), nn.Linear(6, 2, bias=False))
    shape = {"chain": (chain, (3, 5)), "images": (Images(), (3, 1, 8, 6)), "pools": (Pools(), (3, 2, 8, 8)),
             "block": (Block(), (3, 6)), "block3": (Block(), (3, 2, 6)), "two": (Two(), (3, 4)), "words": (Words(), (3, 3))}
    for name, (net, size) in shape.items():
        with torch.no_grad():
            for parameter in (*net.parameters(), *net.buffers()):
                if parameter.dtype.is_floating_point:
                    parameter += torch.rand_like(parameter) * 0.5
        net.eval()
        x = torch.randint(0, 7, size) if name == "words" else torch.randn(*size)
        for kind, options in {
                "": {"dynamo": False, "input_names": ["x"], "dynamic_axes": {"x": {0: "batch"}}},
                "_opset11": {"dynamo": False, "opset_version": 11},
                "_dynamo": {"dynamo": True, "dynamic_shapes": ({0: torch.export.Dim("batch")},)}}.items():
            if (name, kind) in {("two", "_opset11"), ("words", "_opset11"), ("two", "_dynamo"), ("words", "_dynamo")}:
                continue
            torch.onnx.export(net, (x,), f"torch_{name}{kind}.onnx", **options)
            with torch.no_grad():
                keep(name + kind, x, net(x))


def of_sklearn():
    import onnx
    from skl2onnx import to_onnx
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    x = rng.standard_normal((60, 4)).astype("float32") + 1
    three, two = x[:, :3].argmax(1), (x[:, 0] > 1).astype(int)
    amount = x @ rng.standard_normal(4)
    options = {"hidden_layer_sizes": (5,), "max_iter": 50, "random_state": 0}
    nets = {"classes": MLPClassifier(**options).fit(x, three),
            "strings": MLPClassifier(**options, activation="tanh").fit(x, np.array(["a", "b", "c"])[three]),
            "binary": MLPClassifier(**options, activation="logistic").fit(x, two),
            "labels": MLPClassifier(**options).fit(x, np.stack([two, 1 - two], 1)),
            "amount": MLPRegressor(**options, activation="identity").fit(x, amount),
            "double": MLPRegressor(**options).fit(x, amount),
            "scaled": make_pipeline(StandardScaler(), MLPRegressor(**options)).fit(x, amount)}
    for name, net in nets.items():
        given = x.astype("float64") if name == "double" else x
        zipmap = {"options": {"zipmap": False}} if name in ("binary", "labels") else {}
        opset = {"target_opset": 11} if name == "amount" else {}
        onnx.save(to_onnx(net, given[:1], **zipmap, **opset), f"sklearn_{name}.onnx")
        predict = getattr(net, "predict_proba", lambda given, net=net: net.predict(given)[:, None])
        y = predict(given[:7])
        keep(name, given[:7], np.stack([1 - y, y], -1).transpose(0, 2, 1).reshape(7, -1) if name == "labels" else y)


def of_keras():
    import keras
    from keras import layers
    keras.utils.set_random_seed(0)
    x = layers.Input((4,))
    block = keras.Model(x, layers.Dense(2)(layers.add([x, layers.Dense(4, activation="silu")(x)])))
    nets = {"dense": keras.Sequential([layers.Input((4,)), layers.Dense(6, activation="elu"), layers.BatchNormalization(),
                                       layers.Dropout(0.3), layers.Dense(3, activation="softmax")]),
            "images": keras.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(3, 3, padding="same", activation="softplus"),
                                        layers.BatchNormalization(), layers.GlobalAveragePooling2D(), layers.Dense(3)]),
            "block": block}
    for name, net in nets.items():
        for weight in net.weights:
            weight.assign(weight + rng.uniform(0.1, 0.5, weight.shape))
        given = rng.standard_normal((5, *net.input_shape[1:])).astype("float32")
        keep(name, given, net(given))
        net.export(f"keras_{name}.onnx", format="onnx", verbose=False)


def of_jax():
    import jax.numpy as jnp
    import onnx
    from flax import nnx
    from jax2onnx import to_onnx

    class Net(nnx.Module):
        def __init__(self):
            self.a, self.b = nnx.Linear(4, 6, rngs=nnx.Rngs(0)), nnx.Linear(6, 3, rngs=nnx.Rngs(1))

        def __call__(self, x):
            return nnx.softmax(self.b(nnx.silu(self.a(x)) + nnx.gelu(self.a(x), approximate=False)))

    class Log(Net):
        def __call__(self, x):
            return nnx.log_softmax(self.b(jnp.tanh(self.a(x))))

    for name, net in {"softmax": Net(), "log": Log()}.items():
        given = rng.standard_normal((5, 4)).astype("float32")
        net.b.bias.value = net.b.bias.value + 0.5
        onnx.save(to_onnx(net, inputs=[("B", 4)]), f"jax_{name}.onnx")
        keep(name, given, net(given))


def strip(tool):
    """Leave out what exporters note about the code, such as paths of files, and empty files."""
    from pathlib import Path

    import onnx
    for path in Path().glob(f"{tool}_*.onnx"):
        model = onnx.load(path, load_external_data=False)
        for part in (model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info,
                     *model.graph.initializer):
            part.ClearField("metadata_props")
            part.ClearField("doc_string")
        del model.graph.value_info[:]
        path.write_bytes(model.SerializeToString())
    for path in Path().glob(f"{tool}_*.data"):
        if not path.stat().st_size:
            path.unlink()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    tool = sys.argv[1]
    globals()[f"of_{tool}"]()
    strip(tool)
    np.savez_compressed(f"{tool}.npz", **ARRAYS)
