"""The catalogue of advice: one file and one line here."""

from __future__ import annotations

from driver.histories.history import History
from driver.metrics import Metrics
from driver.report.advice import (
    attempts_in_vain,
    back_too_late,
    checkpoints_unused,
    detection_dominates,
    fleet_in_step,
    flood_not_kept_up,
    leases_too_short,
    other_policy,
    reconnects_too_often,
    sessions_forgotten,
    success_too_low,
    zombies_linger,
)
from driver.report.advice.advice import Advice, Adviser

ADVISERS: tuple[Adviser, ...] = (
    success_too_low.advise,
    reconnects_too_often.advise,
    other_policy.advise,
    back_too_late.advise,
    detection_dominates.advise,
    zombies_linger.advise,
    fleet_in_step.advise,
    attempts_in_vain.advise,
    sessions_forgotten.advise,
    flood_not_kept_up.advise,
    checkpoints_unused.advise,
    leases_too_short.advise,
)


def advise(history: History, metrics: Metrics) -> list[Advice]:
    """All advice that a run gives cause for."""
    return [advice for adviser in ADVISERS if (advice := adviser(history, metrics)) is not None]
