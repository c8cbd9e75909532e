"""Files of data: IDX, the folder of MNIST, and NPZ."""

import contextlib
import gzip
import io
import math
import zipfile
import zlib

import numpy as np
from mutations import mutated
from target import DEFLATE, Target, Wrong

import retroprop as rp


class Idx(Target):
    """IDX files, plain and gzipped, read and mapped; some hold much more than their size."""

    def allowed(self, content):
        """Return a bound that also depends on what the header asks for, as far as the file can hold that."""
        start = content
        if content[:1] == b"\x1f":
            with contextlib.suppress(EOFError, OSError, zlib.error), gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
                start = file.read(1024)
        asked = math.prod(int.from_bytes(start[4 + 4 * k:8 + 4 * k], "big") for k in range(start[3])) if len(start) > 3 else 0
        return super().allowed(content) + min(3 * asked, DEFLATE * len(content))

    def make(self):
        rng, found = np.random.default_rng(0), []
        for code, kind, shape in ((8, "u1", (20, 4, 5)), (8, "u1", (30,)), (9, "i1", (4, 4)), (0x0B, "i2", (5, 3)),
                                  (0x0C, "i4", (2, 2, 3)), (0x0D, "f4", (3, 4)), (0x0E, "f8", (7,)), (8, "u1", (0, 3)),
                                  (8, "u1", (200, 28, 28)), (8, "u1", ())):
            array = (rng.random(shape) * 100).astype(">" + kind)
            lengths = b"".join(length.to_bytes(4, "big") for length in shape)
            found.append(bytes([0, 0, code, len(shape)]) + lengths + array.tobytes())
        found.append(bytes([0, 0, 8, 1]) + (2**22).to_bytes(4, "big") + bytes(2**22))
        return found + [gzip.compress(content, mtime=0) for content in found]

    def mutate(self, content, rng):
        kind, zipped = rng.random(), content[:1] == b"\x1f"
        if kind < 0.4:
            return mutated(content, rng)
        plain = bytearray(gzip.decompress(content)) if zipped else bytearray(content)
        if kind < 0.7 and plain[3]:
            k, length = 4 + 4 * int(rng.integers(plain[3])), rng.choice((0, 1, 7, 64, 1000, 2**31, 2**32 - 1))
            plain[k:k + 4] = int(length).to_bytes(4, "big")
        else:
            plain = mutated(plain, rng)
        return gzip.compress(plain, 1, mtime=0) if zipped else bytes(plain)

    def read(self, content):
        mapped = len(content) % 2 == 1
        with self.measured():
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
        with self.measured():
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
        with self.measured():
            (x, y), test = rp.datasets.load(self.path)
        with np.load(self.path, allow_pickle=False) as archive:
            for name, found in zip(("x", "y", "x_test", "y_test"), (x, y, *(test or ())), strict=False):
                np.testing.assert_array_equal(found, archive[name].astype(found.dtype), err_msg=name)
                if not np.isfinite(found).all() or found.dtype not in (np.float32, np.float64, np.int64):
                    raise Wrong(f"{name} is of {found.dtype}, or not finite")
        return True
