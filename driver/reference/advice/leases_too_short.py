"""Attempts were stopped because their lease expired while their worker ran."""

from __future__ import annotations

from driver.histories.history import History
from driver.metrics import Metrics
from driver.reference.advice.advice import coordinator_setting, figure, number
from driver.report.advice import Advice, Adviser, Findings

SHARE = 0.05


def advise(history: History, metrics: Metrics, findings: Findings) -> Advice | None:
    expired, tasks = number(metrics, "leases_expired"), number(metrics, "tasks_submitted")
    if not tasks or expired < SHARE * tasks:
        return None
    return Advice(
        "leases_too_short",
        "Lengthen the lease (lease_ms) beyond the outages that an attempt is to survive.",
        f"{figure(metrics, 'leases_expired')} attempts of {figure(metrics, 'tasks_submitted')} tasks were "
        f"stopped by "
        f"their own worker when their lease ran out; {figure(metrics, 'attempts_lost')} attempts were lost "
        f"in all.",
        "An attempt that outlives the outage is not done again.",
        ("leases_expired", "attempts_lost"),
        (coordinator_setting(history, "lease_ms", 2.0),),
    )


ADVISER = Adviser(rank=120, advise=advise)
