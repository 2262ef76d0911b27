"""Connections are lost that no fault explains."""

from __future__ import annotations

from driver.histories.connection_history import LOSS, connection_histories
from driver.histories.history import History
from driver.histories.intervals import holds, union
from driver.histories.run_timeline import EARLY_EFFECT_NS, run_timeline
from driver.metrics import Metrics
from driver.reference.advice.advice import figure
from driver.report.advice import Advice, Adviser, Findings


def advise(history: History, metrics: Metrics, findings: Findings) -> Advice | None:
    """Return the advice where losses outside faults exceed one for each worker."""
    run = history.view(run_timeline)
    unexplained = 0
    for worker, connections in history.view(connection_histories).items():
        # A connection breaks before its loss is detected: the break is what a fault explains.
        spans = union(
            (window.due_ns - EARLY_EFFECT_NS, (window.ended_ns or run.end_ns) + EARLY_EFFECT_NS)
            for window in run.faults_on(worker)
        )
        unexplained += sum(
            outage.how == LOSS and not holds(spans, outage.broken_ns) for outage in connections.outages
        )
    if unexplained <= max(1, len(run.clients)):
        return None
    return Advice(
        "reconnects_too_often",
        "Find out why connections break outside faults: a longer heartbeat timeout, or slower reconnection.",
        f"{unexplained} connections were lost while no fault affected their worker: "
        f"up to {figure(metrics, 'reconnections_per_worker_max')} reconnections of one worker.",
        f"Without them there would be {unexplained} reconnections fewer.",
        ("reconnections_after_loss", "reconnections_per_worker_max"),
    )


ADVISER = Adviser(rank=20, advise=advise)
