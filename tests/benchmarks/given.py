"""Rows as the parts measure them, with given numbers."""


def spread(median):
    return {"median": median, "low": round(median - 0.1, 3), "high": round(median + 0.2, 3)}


def row(peer, us, ratio, **others):
    return {"peer": peer, "us": spread(us), "ratio": spread(ratio), "error": 0.0, "memory_mb": us / 2, **others}


STEPS = [row(peer, us, us / 20, workload="W1", threads=count)
         for count in (1, 2) for peer, us in (("by-hand", 12), ("retroprop", 20), ("floor", 4), ("jax", 16 * count))]
GROWTH = [row(peer, us(size), us(size) / (size + 8), grows=grows, size=size, threads=1)
          for grows in ("width", "depth", "batch", "inputs") for size in (8, 16, 32, 64)
          for peer, us in (("retroprop", lambda n: n + 8), ("jax", lambda n: n + 40 if n < 32 else n))]
BUSY = [{"workload": "W3", "busy": busy, "way": way, "us": spread(us), "ratio": spread(ratio)}
        for busy in (0, 2) for way, us, ratio in (("retroprop", 130, 1.25), ("one", 240, 2.5), ("all", 100 + 900 * busy, 1.0),
                                                  ("torch", 65, 0.5))]
PREDICT = [row(peer, us, ratio, workload="W2", examples=1, task=task, to_forward=spread(us / 50))
           for task, peer, us, ratio in (
               ("predict", "predict", 75, 1), ("predict", "forward", 50, 0.75), ("predict", "jax-apply", 60, 0.75),
               ("evaluate", "evaluate", 100, 1), ("evaluate", "jax-evaluate", 150, 1.5))]
JVP = [row(peer, us, ratio, kind=kind, workload=name) for kind, name, peer, us, ratio in (
    ("sweep", "W1", "backward", 10, 0.5), ("sweep", "W1", "jvp", 20, 1), ("sweep", "W1", "jax-jvp", 15, 0.75),
    ("jacobian", "W2", "jacobian-backward", 30, 1.5), ("jacobian", "W2", "jacobian-forward", 20, 1),
    ("jacobian", "W2", "jax-jacfwd", 40, 2), ("jacobian", "W2", "jax-jacrev", 60, 2))]
GRAPHS = [{"chain": chain, "form": form, "input_gradient": given, "ratio": spread(1.0)}
          for chain in ("2-16-16-1, batch 32", "64-64-32-10, batch 32") for form in ("Graph", "after a tape")
          for given in (False, True)]
MACHINE = {"date": "2026-11-30", "cpu": "a processor", "cores": 2, "system": "Linux", "python": "3.11.7", "blas": "a BLAS",
           "versions": {"retroprop": "0.1.0"}}
RESULTS = {
    "machine": MACHINE, "steps": STEPS, "growth": GROWTH, "busy": BUSY, "predict": PREDICT, "jvp": JVP, "graphs": GRAPHS,
    "per-example": [{"network": "64-32-10", "call": call, "speed": spread(5.0)} for call in ("gradients", "norms")],
    "memory": [{"workload": "W6", "validation": 2000, "training_mb": 16.0, "validated_mb": 20.0}],
    "imports": [{"import": "NumPy", "ms": 76.14}],
    "experiment": [{"job": "retroprop", "seconds": 4.567, "Glorot": 0.019, "Standard": 0.043}]}
