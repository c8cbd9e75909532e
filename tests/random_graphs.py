"""Random graphs, for Hypothesis to draw."""

import numpy as np
from hypothesis import strategies as st

import retroprop as rp

JOINS = (rp.Add, rp.Multiply)
CURVES = (rp.Tanh, rp.Sigmoid, rp.Softplus, rp.SiLU, rp.Softmax, lambda: rp.Function(np.sin, np.cos))


@st.composite
def graphs(draw):
    """A graph of up to eight nodes over up to three inputs, with Linears that may share a weight, all dead ends outputs."""
    inputs = [f"x{k}" for k in range(draw(st.integers(1, 3)))]
    nodes, linears, unread = {}, [], dict.fromkeys(inputs)
    for k in range(draw(st.integers(1, 8))):
        known = [*inputs, *nodes]
        choose = st.sampled_from(list(unread) if draw(st.booleans()) and unread else known)
        kind = draw(st.sampled_from(["linear", "curve", "join", "chain"]))
        sources = [draw(choose)] + ([draw(st.sampled_from(known))] if kind == "join" else [])
        if kind == "linear" or kind == "chain":
            module = rp.Linear(2, 2, dtype="float64", rng=k)
            if linears and draw(st.booleans()):
                module.weight = draw(st.sampled_from(linears)).weight
            linears.append(module)
            module = rp.Sequential(rp.Tanh(), module) if kind == "chain" else module
        else:
            module = draw(st.sampled_from(CURVES if kind == "curve" else JOINS))()
        nodes[f"n{k}"] = (module, *sources)
        for source in sources:
            unread.pop(source, None)
        unread[f"n{k}"] = None
    dead = [name for name in unread if name in nodes]
    for k, name in enumerate(name for name in inputs if name in unread):
        nodes[f"i{k}"] = (rp.Softsign(), name)
        dead.append(f"i{k}")
    shuffled = draw(st.permutations(list(nodes)))
    one = lambda names: names[0] if len(names) == 1 else tuple(names)  # noqa: E731
    return rp.Graph({name: nodes[name] for name in shuffled}, inputs=one(inputs), outputs=one(dead))
