"""A Hypothesis strategy that draws random graphs."""

import numpy as np
from hypothesis import strategies as st

import retroprop as rp

BATCH, WIDTH = 3, 2
JOINS = (lambda seed: rp.Add(), lambda seed: rp.Multiply(),
         lambda seed: rp.Function(lambda x, y: np.sin(x) * y, lambda x, y: np.cos(x) * y, lambda x, y: np.sin(x)),
         lambda seed: rp.Sequential(rp.Concat(), rp.Linear(2 * WIDTH, WIDTH, dtype="float64", rng=seed)))
CURVES = (rp.Tanh, rp.Sigmoid, rp.Softplus, rp.SiLU, rp.Softmax, rp.Identity, lambda: rp.Function(np.sin, np.cos),
          lambda: rp.BatchNorm(WIDTH, dtype="float64"), lambda: rp.Dropout(0.3, rng=5))
KINDS = ("linear", "curve", "join", "chain", "fork")


def fork():
    """Return a graph of two outputs, one of which another node reads, and an Add that joins them."""
    inner = rp.Graph({"t": (rp.Tanh(), "x"), "m": (rp.Multiply(), "t", "x")}, inputs="x", outputs=("t", "m"))
    return rp.Sequential(inner, rp.Add())


@st.composite
def graphs(draw):
    """A graph of up to eight nodes and three inputs. Linears may share a weight; every unread node is an output."""
    inputs = [f"x{k}" for k in range(draw(st.integers(1, 3)))]
    nodes, linears, unread = {}, [], dict.fromkeys(inputs)
    for k in range(draw(st.integers(1, 8))):
        known = [*inputs, *nodes]
        choose = st.sampled_from(list(unread) if draw(st.booleans()) and unread else known)
        kind = draw(st.sampled_from(KINDS))
        sources = [draw(choose)] + ([draw(st.sampled_from(known))] if kind == "join" else [])
        if kind in ("linear", "chain"):
            module = rp.Linear(WIDTH, WIDTH, dtype="float64", rng=k)
            if linears and draw(st.booleans()):
                module.weight = draw(st.sampled_from(linears)).weight
            linears.append(module)
            module = rp.Sequential(rp.Tanh(), module) if kind == "chain" else module
        else:
            module = (fork() if kind == "fork" else draw(st.sampled_from(CURVES))() if kind == "curve"
                      else draw(st.sampled_from(JOINS))(k))
        nodes[f"n{k}"] = (module, *sources)
        for source in sources:
            unread.pop(source, None)
        unread[f"n{k}"] = None
    outputs = [name for name in nodes if name in unread or draw(st.integers(0, 4)) == 0]  # nodes may read some of them
    for k, name in enumerate(name for name in inputs if name in unread):
        nodes[f"i{k}"] = (rp.Softsign(), name)
        outputs.append(f"i{k}")
    shuffled = draw(st.permutations(list(nodes)))
    return rp.Graph({name: nodes[name] for name in shuffled}, inputs=one_or_all(inputs), outputs=one_or_all(outputs))


def one_or_all(names):
    return names[0] if len(names) == 1 else tuple(names)
