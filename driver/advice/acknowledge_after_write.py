"""What was acknowledged, or sent, is not there at the end: it was answered before it was safe."""

from __future__ import annotations

from driver.advice.findings import cited, failed_claims
from driver.histories.history import History
from driver.metrics import Metrics
from driver.report.advice import Advice, Adviser, Findings


def advise(history: History, metrics: Metrics, findings: Findings) -> Advice | None:
    lost = failed_claims(findings, "every_acknowledged", "every_sent", "counter", "queue")
    if not lost:
        return None
    return Advice(
        "acknowledge_after_write",
        "Acknowledge after the write is durable, and take a message off its queue only once its work is done "
        "(at least once); retry what has no answer.",
        cited(lost[0]),
        "What was interrupted is done again instead of being lost; its write must be idempotent then.",
        (),
    )


ADVISER = Adviser(rank=20, advise=advise)
