"""Tables of text: CSV files of every delimiter and encoding, plain and gzipped."""

import contextlib
import csv
import gzip
import io
import re

import numpy as np
from mutations import TEXTS, mutated
from target import DEFLATE, Target, Wrong

import retroprop as rp
from retroprop.datasets.data_set import data_set


class Tables(Target):
    """CSV files: every number of x stands in the file, or says whether a text does; rows and names fit together."""

    factor = 100.0                                                  # a cell of two bytes may become a text of its own
    TEXTS = (*TEXTS, b";", b"\t", b"|", b"\r", b"\r\n", b'""', b"NA", b"?", b"1,5", b"2_0", b"inf", b"\xef\xbb\xbf",
             b"\xfe\xff", b"target", b"id", b"class", b"\xc3\xa9", b"\xe9", b",,,,", b"# ", b"+", b"1e5", b"\xd9\xa1", b"'",
             b"a b")

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "table.csv"
        self.seeds = self.make()

    def allowed(self, content):
        return (DEFLATE * 10 if content[:1] == b"\x1f" else self.factor) * len(content) + 2**20

    def make(self):
        rng, found = np.random.default_rng(0), []
        header = ["id", "a", "b", "kind", "target"]
        rows = [[k, f"{rng.normal():.3f}", rng.integers(9), "xyz"[k % 3], ("yes", "no")[k % 2]] for k in range(12)]
        for delimiter in ",;\t| ":
            for lines in ([header, *rows], rows):
                text = io.StringIO()
                csv.writer(text, delimiter=delimiter).writerows(lines)
                found.append(text.getvalue().encode())
        found.append(found[2].replace(b".", b","))
        found.append(b"4,2,malignant,benign\n17.99,10.38,0\n20.57,17.77,0\n11.42,20.38,1\n12.45,15.7,1\n")
        return [*found, found[0].decode().encode("utf-16"), *(gzip.compress(content, mtime=0) for content in found[:3])]

    def mutate(self, content, rng):
        if content[:1] == b"\x1f" and rng.random() < 0.6:
            return gzip.compress(mutated(gzip.decompress(content), rng, self.TEXTS), 1, mtime=0)
        return mutated(content, rng, self.TEXTS)

    def read(self, content):
        how = {"target": "last", "missing": ("refuse", "drop")[len(content) % 2]}
        with self.measured():
            found = data_set(self.path, **how)
        plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        text = plain.decode("utf-16" if plain[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        tokens = re.split(r'[,;\t|\s"]+', text) + re.split(r'[;\t|\s"]+', text.replace(",", "."))
        numbers = {0.0, 1.0} | {value for token in tokens for value in as_number(token)}
        rows = len(re.split(r"\r\n|\r|\n", text))
        if found.x.shape != (len(found.y), len(found.features)) or len(found.y) > rows or found.x.dtype != np.float64:
            raise Wrong(f"x of {found.x.dtype} and shape {found.x.shape}, y of shape {found.y.shape}, {found.features}")
        strange = set(found.x.ravel().tolist()) - numbers
        if strange or not np.isfinite(found.x).all():
            raise Wrong(f"numbers that are not in the file: {sorted(strange)[:3]}")
        if not all(note.isprintable() for note in (*found.notes, *found.features)):
            raise Wrong(f"notes or names with control characters: {found.notes}")
        try:
            found.targets.encode(found.y)
        except rp.DataError as error:
            return "two classes" in str(error)
        return True


def as_number(token):
    for candidate in (token, token.lstrip("#").lstrip("\ufeff")):
        with contextlib.suppress(ValueError):
            yield float(candidate)
