"""A key is stored twice: the request was sent again, or done again, after an answer that did not come."""

from __future__ import annotations

from driver.advice.findings import cited, failed_claims
from driver.histories.history import History
from driver.metrics import Metrics
from driver.report.advice import Advice, Adviser, Findings


def advise(history: History, metrics: Metrics, findings: Findings) -> Advice | None:
    doubled = failed_claims(findings, "no_twice")
    if not doubled:
        return None
    return Advice(
        "idempotent_writes",
        "Make the write idempotent: give each request a key, put a unique index on it, and insert with "
        "ON CONFLICT DO NOTHING or an upsert.",
        cited(doubled[0]),
        "A request that is sent or done again finds its key there and changes nothing.",
        (),
    )


ADVISER = Adviser(rank=10, advise=advise)
