"""Predictions on few examples: ``predict``, the forward of a network in evaluation mode, and ``evaluate``."""

from __future__ import annotations

from dataclasses import replace

from ..contest import prepared, summary, team, timed_by_turns, with_threads
from ..peers import EVALUATIONS, PREDICTIONS, like
from ..settings import Settings
from ..tables import Row, by_case, columns, microseconds, multiple, relative, table
from ..turns import ratio
from ..workloads import WORKLOADS

NETWORKS, EXAMPLES = ("W1", "W2", "W6s"), (1, 8, 64)


def measure(settings: Settings) -> list[Row]:
    """Time them on one BLAS thread; ratios are to ``predict`` or ``evaluate``, and theirs to the forward."""
    rows = []
    predictions, evaluations = like(settings.peers, PREDICTIONS), like(settings.peers, EVALUATIONS)
    with team(with_threads((*predictions, *evaluations), 1)) as workers:
        for name in NETWORKS:
            for count in EXAMPLES[:1] if settings.quick else EXAMPLES:
                workload = replace(WORKLOADS[name], batch=count)
                ready = {peer: base for group, base in ((predictions, "predict"), (evaluations, "evaluate"))
                         for peer in prepared(workload, {peer: workers[peer] for peer in group})}
                times = timed_by_turns(workers, ready, settings.pace)
                found = [{"workload": name, "examples": count, "task": base, "peer": peer, **summary(times, peer, base)}
                         | ({"to_forward": ratio(times, peer, "forward")._asdict()} if peer == base else {})
                         for peer, base in ready.items()]
                print(f"    {name}, {count} examples: " + ", ".join(
                    f"{(PREDICTIONS | EVALUATIONS)[row['peer']].label} {microseconds(row)} us" for row in found), flush=True)
                rows += found
    return rows


def blocks(rows: list[Row]) -> dict[str, list[str]]:
    found = {}
    for block, peers, own in (("predictions", PREDICTIONS, "predict"), ("evaluations", EVALUATIONS, "evaluate")):
        others = [peer for peer in columns(rows, peers) if peer not in (own, "forward")]
        found[block] = table(
            ["Microseconds", own, "evaluation forward", f"{own} / forward", *(peers[peer].label for peer in others),
             *(f"{peers[peer].label} / {own}" for peer in others)],
            ([f"{name}, {count} example{'s' * (count > 1)}", microseconds(case[own]), microseconds(case["forward"]),
              multiple(case[own]["to_forward"]), *(microseconds(case.get(peer)) for peer in others),
              *(relative(case.get(peer)) for peer in others)]
             for (name, count), case in by_case(rows, ("workload", "examples")).items()))
    return found
