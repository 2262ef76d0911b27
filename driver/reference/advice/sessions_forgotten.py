"""Workers resumed sessions that the coordinator had deleted."""

from __future__ import annotations

from driver.histories.history import History
from driver.metrics import Metrics
from driver.reference.advice.advice import coordinator_setting, figure, number
from driver.report.advice import Advice, Adviser, Findings


def advise(history: History, metrics: Metrics, findings: Findings) -> Advice | None:
    if not number(metrics, "sessions_reset"):
        return None
    return Advice(
        "sessions_forgotten",
        "Keep sessions for longer than the longest outage (session_ttl_ms).",
        f"{figure(metrics, 'sessions_reset')} of {figure(metrics, 'reconnections_after_loss')} "
        f"reconnections found "
        "their session gone, and began a new one.",
        "A session that is resumed sends only what the other side lacks, and gives no attempt up.",
        ("sessions_reset", "reconnections_after_loss"),
        (coordinator_setting(history, "session_ttl_ms", 2.0),),
    )


ADVISER = Adviser(rank=90, advise=advise)
