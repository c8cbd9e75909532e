"""The peak of memory of ``fit``, with validation data and without."""

from __future__ import annotations

import numpy as np

from ..alone import in_a_process
from ..settings import Settings
from ..tables import Row, rounded, short, table
from ..workers import memory as used
from ..workloads import WORKLOADS, Workload, problem

VALIDATION = 2000                                                   # examples
WATCHED = {workload.name: workload for workload in (
    *(WORKLOADS[name] for name in ("W2", "W3", "W5", "W6", "W6s")),
    Workload("conv", (3, 32, 32), (*(("conv", 32), "relu") * 2, "pool", ("conv", 64), "relu", "pool", "flatten", 10), 32))}


def measure(settings: Settings) -> list[Row]:
    """Measure the peak of training with and without validation, each in a process of its own."""
    rows = []
    for name in ("W2", "W6s") if settings.quick else WATCHED:
        training, validated = (in_a_process("memory", name, count) for count in (0, VALIDATION))
        if training is None or validated is None:
            print("    this system does not tell how much memory a process uses")
            return []
        rows.append({"workload": name, "validation": VALIDATION, "training_mb": training, "validated_mb": validated})
        print(f"    {WATCHED[name]}: {training:.1f} MB, with {VALIDATION} validation examples {validated:.1f} MB, "
              f"{validated / training:.2f} times as much", flush=True)
    return rows


def blocks(rows: list[Row]) -> dict[str, list[str]]:
    return {"memory of validation": table(["Megabytes beyond network and data", "training", "with validation", "ratio"], (
        [str(WATCHED[row["workload"]]), rounded(row["training_mb"]), rounded(row["validated_mb"]),
         short(row["validated_mb"] / row["training_mb"])] for row in rows))}


def alone(name: str, validation: int) -> float | None:
    """Train for an epoch of some batches; return the megabytes that were needed beyond the network and the data."""
    import retroprop as rp

    from ..peers.retroprop_steps import network
    workload = WATCHED[name]
    given = problem(workload)
    net = network(workload, given)
    rng = np.random.default_rng(1)
    shape = max(validation, 1), *workload.shape
    held_out = rng.standard_normal(shape, dtype="float32"), rng.integers(workload.layers[-1], size=shape[0])
    sgd, before = rp.SGD(net.parameters(), lr=1e-3, momentum=0.9), used("VmRSS")
    rp.fit(net, rp.CrossEntropy(), sgd, (given.x, given.y), epochs=1, batch_size=workload.batch, rng=0, progress=False,
           validation=held_out if validation else None).raise_if_interrupted()
    peak = used("VmHWM")
    return None if before is None or peak is None else peak - before
