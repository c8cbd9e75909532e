"""Models: networks with their architecture, scaler and labels in one sealed file."""

import json
import struct
from hashlib import sha256

import numpy as np
from kept_files import safetensors
from mutations import mutated, mutated_json, set_float
from target import Target, Wrong

import retroprop as rp
from retroprop.datasets import Scaler
from retroprop.training.saving.sealed import BEGIN, BLANK


class Models(Target):
    """Files of save_model: made anew as the file says, or else a clear error, in the memory of the file."""

    def make(self):
        first, second = rp.Linear(3, 3, rng=1), rp.Linear(3, 3, rng=2)
        second.weight = first.weight
        dense = rp.Sequential(fc1=rp.Linear(4, 3, rng=0), norm=rp.BatchNorm(3), drop=rp.Dropout(0.2, rng=1),
                              block=rp.Residual(first, rp.Tanh(), second, shortcut=rp.Identity()), out=rp.Linear(3, 2, rng=3))
        images = rp.Sequential(rp.Conv2d(1, 2, 3, padding=1, weight_init=rp.HeNormal(), rng=0), rp.MaxPool2d((2, 2)),
                               rp.Reshape(2, -1), rp.Flatten(), rp.LayerNorm(8))
        words = rp.Graph({"a": (rp.Embedding(5, 2, padding_idx=0, rng=0), "w"), "y": (rp.Multiply(), "a", "x")},
                         inputs=("w", "x"), outputs="y")
        x = np.random.default_rng(0).standard_normal((6, 4))
        found = []
        for net, options in ((dense, {"preprocessing": Scaler.of(x), "targets": ["cat", "dog"]}), (images, {}),
                             (words, {"preprocessing": (None, Scaler.of(x[:, :2])), "targets": [3, 7]})):
            rp.save_model(net, self.path, **options)
            found.append(self.path.read_bytes())
        return found

    def mutate(self, content, rng):
        kind = rng.random()
        if kind < 0.1:
            return mutated(content, rng)
        end = 8 + int.from_bytes(content[:8], "little")
        tables, data = json.loads(content[8:end]), bytearray(content[end:])
        notes = json.loads(tables["__metadata__"]["retroprop"])
        del notes["sha256"]
        if kind < 0.2:
            set_float(data, rng, None)
        elif kind < 0.3:
            tables = mutated_json(tables, rng)
        elif kind < 0.4:
            notes["model"] = mutated_json(notes["model"], rng)
        else:
            notes["model"]["net"] = mutated_json(notes["model"]["net"], rng)
        if kind >= 0.3 or kind < 0.2:
            tables["__metadata__"]["retroprop"] = f'{{"sha256": "{BLANK}", {json.dumps(notes)[1:]}'
        return resealed(json.dumps(tables).encode(), data)

    def read(self, content):
        with self.measured():
            model = rp.load_model(self.path)
        saved = safetensors(content)
        for name, array in model.net.state_dict().items():
            if not np.array_equal(array, saved[name].astype(array.dtype)) or not np.isfinite(array).all():
                raise Wrong(f"{name} is {array}, but {saved[name]} in the file")
        rp.save_model(model.net, self.path)                         # whatever was made is a network
        again = rp.load_model(self.path).net
        if repr(again) != repr(model.net):
            raise Wrong(f"{model.net} came back as {again}")
        return True


def resealed(header, data):
    """Return the content of a file with the right checksum."""
    content = bytearray(struct.pack("<Q", len(header)) + header + data)
    at = content.find(BEGIN) + len(BEGIN)
    if at >= len(BEGIN):
        content[at:at + len(BLANK)] = BLANK.encode()
        content[at:at + len(BLANK)] = sha256(content).hexdigest().encode()
    return bytes(content)
