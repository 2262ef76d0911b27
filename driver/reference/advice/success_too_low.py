"""Fewer than 95 % of the tasks succeeded."""

from __future__ import annotations

from collections import Counter

from driver.histories.history import History
from driver.metrics import Metrics
from driver.reference.advice.advice import figure
from driver.reference.task_history import task_index
from driver.report.advice import Advice, Adviser, Findings

LEAST = 0.95


def advise(history: History, metrics: Metrics, findings: Findings) -> Advice | None:
    rate = metrics.values["task_success_rate"]
    if rate is None or rate >= LEAST:
        return None
    results = [life.result for life in history.view(task_index).accepted if life.result]
    errors = Counter(result.error for result in results if result.outcome != "completed")
    common = (
        f" The commonest error, {errors.most_common(1)[0][1]} times: {errors.most_common(1)[0][0]}"
        if errors
        else ""
    )
    return Advice(
        "success_too_low",
        "Look first at the tasks that failed.",
        f"Only {figure(metrics, 'task_success_rate')} of the tasks succeeded: "
        f"{figure(metrics, 'tasks_failed')} failed "
        f"and {figure(metrics, 'tasks_lost')} have no result.{common}",
        "Where attempts ran out under faults, a greater max_attempts and shorter leases bring them through.",
        ("task_success_rate", "tasks_failed", "tasks_lost"),
    )


ADVISER = Adviser(rank=10, advise=advise)
