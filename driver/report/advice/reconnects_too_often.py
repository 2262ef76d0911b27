"""Workers lose connections that no fault explains."""

from __future__ import annotations

from driver.histories.connection_history import LOSS, connection_histories
from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from driver.metrics import Metrics
from driver.report.advice.advice import Advice, figure

_AFTER_NS = 5_000_000_000
"""A fault explains a loss for this long after its end: a half-open connection is detected late."""


def advise(history: History, metrics: Metrics) -> Advice | None:
    """Return the advice where losses outside faults exceed one for each worker."""
    run = history.view(run_timeline)
    unexplained = 0
    for worker, connections in history.view(connection_histories).items():
        spans = [(window.due_ns, window.ended_ns or run.end_ns) for window in run.faults_on(worker)]
        unexplained += sum(
            outage.how == LOSS
            and not any(from_ns <= outage.lost_ns <= until_ns + _AFTER_NS for from_ns, until_ns in spans)
            for outage in connections.outages
        )
    if unexplained <= max(1, len(run.workers)):
        return None
    return Advice(
        "reconnects_too_often",
        "Find out why connections break outside faults: a longer heartbeat timeout, or slower reconnection.",
        f"{unexplained} connections were lost while no fault affected their worker: "
        f"up to {figure(metrics, 'reconnections_per_worker_max')} reconnections of one worker.",
        f"Without them there would be {unexplained} reconnections fewer.",
        ("reconnections_after_loss", "reconnections_per_worker_max"),
    )
