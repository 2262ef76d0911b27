"""All advice, by its rank. A new piece of advice is a module of this package."""

from __future__ import annotations

from driver.histories.history import History
from driver.metrics import Metrics
from driver.report.advice.advice import Advice, Adviser
from wire.declarations import attribute, declarations

ADVISERS: tuple[Adviser, ...] = tuple(
    declarations(
        "driver.report.advice",
        attribute("ADVISER", Adviser),
        "`ADVISER = Adviser(…)`",
        besides=("advice", "catalogue"),
        rank=lambda adviser: adviser.rank,
    ).values()
)


def advise(history: History, metrics: Metrics) -> list[Advice]:
    """All advice that a run gives cause for."""
    return [advice for adviser in ADVISERS if (advice := adviser.advise(history, metrics)) is not None]
