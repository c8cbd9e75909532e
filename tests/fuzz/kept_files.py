"""Files that the library keeps: networks with optimizers, finished runs, and checkpoints of unfinished ones."""

import json
import struct

import numpy as np
from mutations import mutated, mutated_json, set_float
from target import Target, Wrong

import retroprop as rp
from retroprop.experiments.lab.loop import Unfinished
from retroprop.experiments.sweeps.progress import read_progress
from retroprop.experiments.sweeps.store import Store
from retroprop.experiments.sweeps.trials import Done, Trial


class States(Target):
    """Networks and optimizers in safetensors files: loaded as the file says, or else nothing has changed."""

    def make(self):
        self.net = rp.Sequential(rp.Linear(6, 5, rng=0), rp.BatchNorm(5), rp.Dropout(0.2, rng=1), rp.Linear(5, 3, rng=2))
        self.adam = rp.Adam(self.net.parameters())
        data = np.random.default_rng(0).standard_normal((20, 6)), np.arange(20) % 3
        rp.fit(self.net, rp.CrossEntropy(), self.adam, data, epochs=1, rng=0, progress=False)
        rp.save(self.net, self.path, self.adam)
        return [self.path.read_bytes()]

    def mutate(self, content, rng):
        kind = rng.random()
        if kind < 0.2:
            return mutated(content, rng)
        end = 8 + int.from_bytes(content[:8], "little")
        header, data = content[8:end], bytearray(content[end:])     # a header whose length is right reaches deeper
        if kind < 0.35:
            header = mutated(header, rng)
        elif kind < 0.5:
            set_float(data, rng, None)
        else:
            tables = json.loads(header)
            if kind < 0.6:
                tables = mutated_json(tables, rng)
            elif kind < 0.7:
                notes = mutated(tables["__metadata__"]["retroprop"].encode(), rng).decode(errors="replace")
            else:
                notes = json.dumps(mutated_json(json.loads(tables["__metadata__"]["retroprop"]), rng))
            if kind >= 0.6:
                tables["__metadata__"]["retroprop"] = notes
            header = json.dumps(tables).encode()
        return struct.pack("<Q", len(header)) + header + data

    def state(self):
        """All that a file can change, in a form that is quickly compared."""
        adam = self.adam.state_dict()
        arrays = self.net.state_dict() | adam["state"]
        draws = repr(self.net[2].rng.bit_generator.state)
        return [array.tobytes() for array in arrays.values()], list(arrays), adam["groups"], draws

    def read(self, content):
        before = self.state()
        try:
            with self.measured():
                rp.load(self.net, self.path, self.adam)
        except rp.RetropropError:
            if self.state() != before:
                raise Wrong("a file that was refused has changed the network or its optimizer") from None
            raise
        saved = safetensors(content)
        for name, array in (*self.net.state_dict().items(),
                            *(("optimizer:" + name, array) for name, array in self.adam.state_dict()["state"].items())):
            if not np.isfinite(array).all() or (name.endswith(("var", "square", "steps")) and (array < 0).any()):
                raise Wrong(f"{name} has values that cannot be")
            if f"{name.rpartition('.')[0]}.steps" in saved and saved[f"{name.rpartition('.')[0]}.steps"] == 0:
                continue                                            # the state of an optimizer begins with the first step
            if not np.array_equal(array, saved[name].astype(array.dtype)):
                raise Wrong(f"{name} is {array}, but {saved[name]} in the file")
        with np.errstate(all="ignore"):                             # the file's numbers may be as large as they can be
            self.net.forward(np.ones((2, 6)))                       # draws from the generator
        return True


def safetensors(content):
    """The arrays of a safetensors file, read without the package."""
    kinds = {"F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1", "U64": "u8", "U32": "u4",
             "U16": "u2", "U8": "u1", "BOOL": "?", "BF16": "u2"}
    end = 8 + int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8:end]), content[end:]
    header.pop("__metadata__", None)
    arrays = {name: np.frombuffer(data[slice(*entry["data_offsets"])], "<" + kinds[entry["dtype"]]).reshape(entry["shape"])
              for name, entry in header.items()}
    halves = {name: array.astype("<u4") << 16 for name, array in arrays.items() if header[name]["dtype"] == "BF16"}
    return arrays | {name: array.view("<f4") for name, array in halves.items()}


def run(*, k, checkpoint=None):
    """The function of a trial, which is never called."""


class Runs(Target):
    """Kept runs: a file that has changed in any way is as good as none."""

    def make(self):
        self.store, self.trial = Store(self.folder / "runs"), Trial(run, {"k": 3, "data": "digits"})
        readings = [{"step": k, "error": 1 / (k + 1)} for k in range(30)]
        self.done = Done(self.trial, {"readings": readings, "diverged": None}, 1.5)
        self.store.keep(self.done)
        self.path = self.store.path(self.trial)
        self.whole = self.path.read_bytes()
        return [self.whole]

    def read(self, content):
        with self.measured():
            found = self.store.find(self.trial)
        if (found is None) is (content == self.whole) or found not in (None, self.done):
            raise Wrong(f"the run came back as {found}")
        return found is not None


class Progress(Target):
    """Checkpoints of unfinished runs."""

    def make(self):
        with Unfinished(self.path, 100) as saved:
            saved.save(7, *self.network(), [{"step": 0, "error": 0.5}, {"step": 5, "error": 0.25}])
        self.whole = self.path.read_bytes()
        return [self.whole]

    def network(self):
        net = rp.Sequential(rp.Linear(6, 5, rng=0), rp.Dropout(0.2, rng=1))
        return net, rp.SGD(net.parameters(), lr=0.1, momentum=0.9)

    def read(self, content):
        net, sgd = self.network()
        with self.measured():
            step, readings = Unfinished(self.path, 100).resume(net, sgd)
            read_progress(self.path)
        whole = 7, [{"step": 5, "error": 0.25}]
        if (step == 7) is not (content == self.whole) or (step, readings[-1:]) not in ((0, []), whole):
            raise Wrong(f"step {step} with readings {readings}")
        return step == 7
