"""Forward mode: a sweep of ``jvp`` beside one of ``backward``, and Jacobians in both modes."""

from __future__ import annotations

from dataclasses import replace

from ..contest import compete, show, team, with_threads
from ..peers import JACOBIANS, TANGENTS, like
from ..settings import Settings
from ..tables import Row, by_case, columns, inverse, microseconds, multiple, relative, table
from ..workloads import WORKLOADS, Workload, mlp

SWEEPS = {workload.name: workload for workload in (
    *(WORKLOADS[name] for name in ("W1", "W2", "W4-10")),
    Workload("residual graph", (64,), (64, *(("residual", 64),) * 3, 10), 32))}
ONE = {workload.name: replace(workload, batch=1) for workload in (
    WORKLOADS["W1"], WORKLOADS["W2"], mlp("16-64-64-64", 16, 64, 2, 64, "tanh", 1))}


KINDS = {"sweep": (SWEEPS, TANGENTS), "jacobian": (ONE, JACOBIANS)}
BASES = {"backward": "jvp", "jvp": "jvp", "torch-jvp": "jvp", "jax-jvp": "jvp", "jacobian-backward": "jacobian-forward",
         "jacobian-forward": "jacobian-forward", "jax-jacrev": "jacobian-backward", "jax-jacfwd": "jacobian-forward"}


def measure(settings: Settings) -> list[Row]:
    """Time them on one BLAS thread. Ratios are to retroprop's forward mode; of JAX's backward mode, to its backward mode."""
    rows = []
    for kind, (workloads, peers) in KINDS.items():
        with team(with_threads(like(settings.peers, peers), 1)) as workers:
            for name, workload in workloads.items():
                print(f"{kind}: {workload}")
                found = compete(workload, workers, BASES, settings.pace)
                show(found)
                rows += [{"kind": kind, "workload": name, **row} for row in found]
    return rows


def blocks(rows: list[Row]) -> dict[str, list[str]]:
    made = {}
    for kind, (workloads, peers) in KINDS.items():
        own = [row for row in rows if row["kind"] == kind]
        names, (backward, forward, *_) = columns(own, peers), peers
        others = [peer for peer in names if peer not in (backward, forward)]
        made[kind] = table(
            ["Microseconds", *(peers[peer].label for peer in names), f"{peers[forward].label} / {peers[backward].label}",
             *(f"{peers[peer].label} / {peers[BASES[peer]].label}" for peer in others)],
            ([str(workloads[name]), *(microseconds(case.get(peer)) for peer in names),
              multiple(inverse(case[backward]["ratio"])), *(relative(case.get(peer)) for peer in others)]
             for (name,), case in by_case(own, ("workload",)).items()))
    return made
