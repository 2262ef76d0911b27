"""Catalogue of advice for any system: each module of this package declares one `ADVISER`."""

from __future__ import annotations

from driver.histories.history import History
from driver.metrics import Metrics
from driver.report.advice import Advice, Adviser, Findings, given_by
from wire.declarations import attribute, declarations

ADVISERS: tuple[Adviser, ...] = tuple(
    declarations(
        "driver.advice",
        attribute("ADVISER", Adviser),
        "`ADVISER = Adviser(…)`",
        besides=("catalogue", "findings"),
        rank=lambda adviser: adviser.rank,
    ).values()
)


def advise(history: History, metrics: Metrics, findings: Findings) -> list[Advice]:
    """Return all advice that a run of a system of one's own gives cause for, by rank."""
    return given_by(ADVISERS, history, metrics, findings)
