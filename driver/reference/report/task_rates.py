"""Rates of completed tasks around a fault. Pure."""

from __future__ import annotations

from driver.histories.history import History
from driver.metrics.faults import FaultEffect
from driver.report.operation_rates import Rates


def task_rates(_: History, effect: FaultEffect) -> Rates:
    """Return the completions of tasks."""
    return effect.before_per_s, effect.during_per_s, effect.after_per_s
