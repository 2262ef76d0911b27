"""Workers reconnect more often than faults cut them off."""

from __future__ import annotations

from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from driver.metrics import Metrics
from driver.report.advice.advice import Advice, figure, number

OFTEN = 2.0


def advise(history: History, metrics: Metrics) -> Advice | None:
    run = history.view(run_timeline)
    workers = max(1, len(run.workers))
    cuts = sum(
        1 for window in run.faults if window.cuts for name in run.workers if window.reaches(name, run.workers)
    )
    reconnections = number(metrics, "reconnections_after_loss")
    if reconnections <= OFTEN * max(cuts, workers):
        return None
    return Advice(
        "reconnects_too_often",
        "Find out why connections break again: a longer heartbeat timeout, or a gentler way back.",
        f"{reconnections:.0f} reconnections, where faults cut workers off {cuts} times: "
        f"up to {figure(metrics, 'reconnections_per_worker_max')} for one worker.",
        f"One reconnection a cut would save {reconnections - cuts:.0f} of them.",
        ("reconnections_after_loss", "reconnections_per_worker_max"),
    )
