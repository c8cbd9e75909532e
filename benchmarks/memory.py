"""The peak of memory of ``fit``, with validation data and without: ``python -m benchmarks.memory WORKLOAD VALIDATION``."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np

from .workers import memory as used
from .workloads import WORKLOADS, Workload, problem

VALIDATION = 2000                                                   # examples
WATCHED = {workload.name: workload for workload in (
    *(WORKLOADS[name] for name in ("W2", "W3", "W5", "W6", "W6s")),
    Workload("conv", (3, 32, 32), (*(("conv", 32), "relu") * 2, "pool", ("conv", 64), "relu", "pool", "flatten", 10), 32))}


def memory(quick: bool) -> list[dict[str, Any]]:
    """Measure the peak of training with and without validation, each in a process of its own, and print both."""
    rows = []
    for name in ("W2", "conv") if quick else WATCHED:
        alone, validated = (peak_of(name, count) for count in (0, VALIDATION))
        if alone is None or validated is None:
            print("    this system does not tell how much memory a process uses")
            return []
        rows.append({"workload": name, "validation": VALIDATION, "training_mb": alone, "validated_mb": validated})
        print(f"    {WATCHED[name]}: {alone:.1f} MB, with {VALIDATION} validation examples {validated:.1f} MB, "
              f"{validated / alone:.2f} times as much", flush=True)
    return rows


def peak_of(name: str, validation: int) -> float | None:
    """Return the megabytes beyond network and data in a new process; None where the system does not tell."""
    command = [sys.executable, "-m", "benchmarks.memory", name, str(validation)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(said) if said.strip() else None


def trained(workload: Workload, validation: int) -> float | None:
    """Train for an epoch of some batches; return the megabytes that were needed beyond the network and the data."""
    import retroprop as rp

    from .peers.retroprop_steps import network
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


if __name__ == "__main__":
    grown = trained(WATCHED[sys.argv[1]], int(sys.argv[2]))
    print("" if grown is None else grown)
