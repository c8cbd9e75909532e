"""What is fuzzed: files as the library writes or reads them, and how to tell a right result from a wrong one."""

import contextlib
import gzip
import io
import json
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
from mutations import TEXTS, mutated, mutated_json, set_float

import retroprop as rp
from retroprop.experiments.lab.loop import Checkpoint
from retroprop.experiments.scripts import script
from retroprop.experiments.sweeps.store import Store
from retroprop.experiments.sweeps.trials import Done, Trial

DEFLATE = 1200                                                      # a compressed byte gives up to 1,032 bytes


class Wrong(AssertionError):
    """A result that is not right."""


class Target:
    """A kind of file.

    ``seeds`` are the contents of whole files. ``read`` reads one, raises Wrong if the result is not what the file says, and
    returns whether it was taken (False: refused without an error). The memory that it takes is at most ``factor`` times the
    size of the file, and 1 MB.
    """

    factor = 40.0

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "file"
        self.seeds = self.make()

    def mutate(self, content, rng):
        return mutated(content, rng)

    def write(self, content):
        self.path.write_bytes(content)


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
             "U16": "u2", "U8": "u1", "BOOL": "?"}
    end = 8 + int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8:end]), content[end:]
    header.pop("__metadata__", None)
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])], "<" + kinds[entry["dtype"]]).reshape(entry["shape"])
            for name, entry in header.items()}


class Idx(Target):
    """IDX files, plain and gzipped, read and mapped."""

    factor = DEFLATE

    def make(self):
        rng, found = np.random.default_rng(0), []
        for code, kind, shape in ((8, "u1", (20, 4, 5)), (8, "u1", (30,)), (9, "i1", (4, 4)), (0x0B, "i2", (5, 3)),
                                  (0x0C, "i4", (2, 2, 3)), (0x0D, "f4", (3, 4)), (0x0E, "f8", (7,)), (8, "u1", (0, 3)),
                                  (8, "u1", (200, 28, 28)), (8, "u1", ())):
            array = (rng.random(shape) * 100).astype(">" + kind)
            lengths = b"".join(length.to_bytes(4, "big") for length in shape)
            found.append(bytes([0, 0, code, len(shape)]) + lengths + array.tobytes())
        return found + [gzip.compress(content, mtime=0) for content in found]

    def mutate(self, content, rng):
        if content[:1] == b"\x1f" and rng.random() < 0.6:
            return gzip.compress(mutated(gzip.decompress(content), rng), mtime=0)
        return mutated(content, rng)

    def read(self, content):
        mapped = len(content) % 2 == 1
        found = rp.datasets.read_idx(self.path, mapped=mapped)
        plain = gzip.decompress(content) if content[:1] == b"\x1f" else content
        shape = [int.from_bytes(plain[4 + 4 * k:8 + 4 * k], "big") for k in range(plain[3])]
        kind = {8: "u1", 9: "i1", 0x0B: "i2", 0x0C: "i4", 0x0D: "f4", 0x0E: "f8"}[plain[2]]
        np.testing.assert_array_equal(found, np.frombuffer(plain[4 + 4 * plain[3]:], ">" + kind).reshape(shape))
        return True


class Mnist(Idx):
    """A folder with the four files of MNIST, one of which is damaged."""

    NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")

    def make(self):
        rng = np.random.default_rng(0)
        arrays = [rng.integers(256, size=(n, 4, 4)) if k == 0 else np.arange(n) % 10 for n in (12, 5) for k in range(2)]
        self.whole = [bytes([0, 0, 8, a.ndim]) + b"".join(n.to_bytes(4, "big") for n in a.shape) + a.astype("u1").tobytes()
                      for a in arrays]
        self.inner = self.folder / "mnist"
        self.inner.mkdir()
        return [content for whole in self.whole for content in (whole, gzip.compress(whole, mtime=0))]

    def write(self, content):
        """Write the three others, and this one in the place of the file that it resembles."""
        place = len(content) % 4
        for k, (name, whole) in enumerate(zip(self.NAMES, self.whole, strict=True)):
            (self.inner / name).write_bytes(content if k == place and content not in self.seeds else whole)

    def read(self, content):
        (x, y), (x_test, y_test) = rp.datasets.load(self.inner)
        for part, labels in ((x, y), (x_test, y_test)):
            if len(part) != len(labels) or part.dtype != np.float32 or labels.dtype != np.int64 or not (part >= 0).all() or \
                    not (part <= 1).all() or part.shape[1] != x.shape[1]:
                raise Wrong(f"x of {part.dtype} and shape {part.shape}, y of {labels.dtype} and shape {labels.shape}")
        return True


class Npz(Target):
    """Data sets in NPZ files, stored and compressed."""

    factor = DEFLATE

    def __init__(self, folder):
        super().__init__(folder)
        self.path = folder / "file.npz"

    def make(self):
        rng, found = np.random.default_rng(0), []
        for x in (rng.random((6, 3)), rng.random((6, 2, 2)).astype("f4"), rng.integers(9, size=(6, 4)), rng.random((3, 6)).T):
            for write in (np.savez, np.savez_compressed):
                for parts in ({"x": x, "y": np.arange(6) % 2}, {"x": x, "y": x[:, 0], "x_test": x[:2], "y_test": x[:2, 0]}):
                    file = io.BytesIO()
                    write(file, **parts)
                    found.append(file.getvalue())
        return found

    def mutate(self, content, rng):
        if rng.random() < 0.4:
            return mutated(content, rng)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:       # arrays with right checksums reach deeper
            members = {member.filename: archive.read(member) for member in archive.infolist()}
            method = archive.infolist()[0].compress_type
        changed = list(members)[rng.integers(len(members))]
        members[changed] = mutated(members[changed], rng)
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as archive:
            for name, member in members.items():
                archive.writestr(name, member)
        return file.getvalue()

    def read(self, content):
        (x, y), test = rp.datasets.load(self.path)
        with np.load(self.path, allow_pickle=False) as archive:
            for name, found in zip(("x", "y", "x_test", "y_test"), (x, y, *(test or ())), strict=False):
                np.testing.assert_array_equal(found, archive[name].astype(found.dtype), err_msg=name)
                if not np.isfinite(found).all() or found.dtype not in (np.float32, np.float64, np.int64):
                    raise Wrong(f"{name} is of {found.dtype}, or not finite")
        return True


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
        found = self.store.find(self.trial)
        if (found is None) is (content == self.whole) or found not in (None, self.done):
            raise Wrong(f"the run came back as {found}")
        return found is not None


class Progress(Target):
    """Checkpoints of unfinished runs: the state and the progress that names it."""

    def make(self):
        self.checkpoint = self.folder / "checkpoint"
        with Checkpoint(self.checkpoint, 100) as saved:
            saved.save(7, *self.network(), [{"step": 0, "error": 0.5}, {"step": 5, "error": 0.25}])
        self.whole = {path.name: path.read_bytes() for path in sorted(self.checkpoint.iterdir())}
        self.of = {content: name for name, content in self.whole.items()}
        return list(self.whole.values())

    def network(self):
        net = rp.Sequential(rp.Linear(6, 5, rng=0), rp.Dropout(0.2, rng=1))
        return net, rp.SGD(net.parameters(), lr=0.1, momentum=0.9)

    def write(self, content):
        name = "progress.json" if b"sha256" in content[:30] or content[:1] == b"{" else "7.safetensors"
        for other, whole in self.whole.items():
            (self.checkpoint / other).write_bytes(content if other == name else whole)

    def read(self, content):
        step, readings = Checkpoint(self.checkpoint, 100).resume(*self.network())
        if (step == 7) is not (content in self.of) or (step, readings[-1:]) not in ((0, []), (7, [{"step": 5, "error": 0.25}])):
            raise Wrong(f"step {step} with readings {readings}")
        return step == 7


class Scripts(Target):
    """Scripts of the user's, executed by the loader: a network, or an error that names the script and the line."""

    factor = float("inf")                                           # a script may ask for any memory; the process has a limit
    SEEDS = ("""import numpy as np
import retroprop as rp

net = rp.Sequential(rp.Linear(4, 8, rng=0), rp.Tanh(), rp.Linear(8, 2, rng=1))
x = np.ones((5, 4))
y = np.array([0, 1, 0, 1, 1])
loss = rp.CrossEntropy()
""", """import retroprop as rp

class Double(rp.Module):
    def forward(self, x, out=None):
        self.point = None
        return 2 * x

    def backward(self, g, out=None):
        return 2 * g

def build(width, depth=2):
    return [layer for k in range(depth) for layer in (rp.Linear(width, width, rng=k), rp.ReLU())]

net = rp.Sequential(*build(width=3), Double())
""")
    TEXTS = (*TEXTS, b"net", b"rp", b"x", b"y", b"loss", b"lambda: 0", b"raise ValueError('a\\nb')", b"raise SystemExit(3)",
             b"1/0", b"return", b"yield", b"import nothing", b"'''", b"\t", b"    ", b"def f(): f()\nf()\n",
             b"# coding: utf-7\n", b"del net\n", b"net = 3\n", b"x = None\n", b"rp.Dropout(0.5)", b"print(net)\n",
             b"class E(Exception):\n __str__ = None\nraise E\n")

    def make(self):
        self.path = self.folder / "script.py"
        return [text.encode() for text in self.SEEDS]

    def mutate(self, content, rng):
        return mutated(content, rng, self.TEXTS)

    def read(self, content):
        with open(os.devnull, "w", encoding="utf-8") as nothing, contextlib.redirect_stderr(nothing):
            found = script.read(str(self.path))
        if not isinstance(found.net, rp.Module) or found.path != str(self.path):
            raise Wrong(f"the script gave {found}")
        return True


TARGETS = {"states": States, "idx": Idx, "mnist": Mnist, "npz": Npz, "runs": Runs, "progress": Progress, "scripts": Scripts}


def sandbox(folder, name):
    """Return the target of this name in an empty folder."""
    place = Path(folder) / name
    place.mkdir(parents=True)
    return TARGETS[name](place)
