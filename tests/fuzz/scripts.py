"""Scripts of the user's."""

import contextlib
import os

from mutations import TEXTS, mutated
from target import Target, Wrong

import retroprop as rp
from retroprop.experiments.scripts import script


class Scripts(Target):
    """Scripts of the user's, executed by the loader: a network, or an error that names the script and the line."""

    factor, patient = float("inf"), True                            # a script may take what its process may take
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
        names = dict(vars(rp))                                      # a mutated script may assign to them: rp.Linear = ...
        try:
            with open(os.devnull, "w", encoding="utf-8") as nothing, contextlib.redirect_stderr(nothing), self.measured():
                found = script.read(str(self.path))
        finally:
            vars(rp).update(names)
        if not isinstance(found.net, rp.Module) or found.path != str(self.path):
            raise Wrong(f"the script gave {found}")
        return True
