"""The driver acted in time: its own delays are no fault of the system."""

from __future__ import annotations

from driver.checks.check import Check, Param, Params, of_any_load
from driver.checks.finding import Finding, passed, unknown
from driver.histories.history import History
from driver.histories.machine_load import driver_delays
from driver.histories.run_timeline import run_timeline
from driver.metrics import Metrics

NAME = "driver_was_punctual"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Return passed or unknown, never failed: a paused or starved driver proves nothing of the system."""
    worst = max(driver_delays(history), key=lambda one: one.late_s, default=None)
    if worst is None:
        return unknown(NAME, "the driver did nothing that was due at a time")
    limit_s = params["at_most_s"]
    numbers = {
        "measured": worst.late_s, "threshold": limit_s, "margin": limit_s - worst.late_s, "unit": "s",
    }  # fmt: skip
    if worst.late_s > limit_s:
        at_s = history.view(run_timeline).at_s(worst.due_ns)
        because = (
            f"the driver itself was late by {worst.late_s:.1f} s with {worst.what} (due at {at_s:.1f} s): it "
            "was paused, or had no processor"
        )
        return unknown(NAME, because, **numbers)
    return passed(
        NAME, f"the driver was late by {worst.late_s * 1e3:.0f} ms at most, with {worst.what}", **numbers
    )


CHECK = Check(
    name=NAME,
    rank=150,
    claim="The driver began and ended faults, and its load, when they were due.",
    judge=judge,
    broken_by=("driver_late",),
    on_system=judge,
    always=True,
    decided=of_any_load,
    fails=False,
    params={"at_most_s": Param(1.0, "seconds by which the driver may be late")},
)
