"""Overload ends with its trigger: no storm that sustains itself, no latency that stays high."""

from __future__ import annotations

from driver.checks.check import Check, Param, Params
from driver.checks.finding import Finding, failed, passed, show, unknown, violated
from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from driver.metrics import Metrics
from driver.metrics.metric import percentile
from driver.reference.task_history import TaskHistory, task_index
from wire.events import ConnectFailed, ConnectionLost, Event

NAME = "no_metastable_state"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Compare the median latency before the first fault with that `settle_s` and more after the last heal."""
    run = history.view(run_timeline)
    if run.first_fault_ns is None or not run.heals or run.last_load_ns is None:
        return unknown(NAME, "without a fault that ended, and load, there is no trigger to compare")
    from_ns = run.heals[-1] + int(params["settle_s"] * 1e9)
    tasks = history.view(task_index).accepted
    before = [task for task in tasks if 0 < task.intended_ns < run.first_fault_ns]
    after = [task for task in tasks if task.intended_ns >= from_ns]
    if len(before) < params["tasks"] or len(after) < params["tasks"]:
        because = (
            f"{len(before)} tasks were meant to start before the first fault and {len(after)} later than "
            f"{params['settle_s']:g} s after the last heal; {params['tasks']:g} each are needed"
        )
        return unknown(NAME, because, measured=min(len(before), len(after)), threshold=params["tasks"])
    still: list[Event] = [
        e for e in history.merged(ConnectionLost, ConnectFailed) if from_ns <= e.at_ns < run.end_ns
    ]
    if still:
        because = (
            f"{len(still)} connections broke or failed, {params['settle_s']:g} s and more after the last heal"
        )
        return violated(NAME, because, len(still), show(history, still))
    was_s, is_s = _median_s(before, run.end_ns), _median_s(after, run.end_ns)
    bound_s = was_s * params["factor"] + params["slack_s"]
    numbers = {"measured": is_s, "threshold": bound_s, "margin": bound_s - is_s, "unit": "s"}
    if is_s > bound_s:
        because = (
            f"the median latency was {was_s:.3f} s before the faults, and stays {is_s:.3f} s after the heal"
        )
        return failed(NAME, because, **numbers)
    because = (
        f"the median latency was {was_s:.3f} s before the faults, and is {is_s:.3f} s after the last heal"
    )
    return passed(NAME, because, **numbers)


def _median_s(tasks: list[TaskHistory], end_ns: int) -> float:
    # A task without a result counts with its wait so far: otherwise an overload would hide itself.
    waits = sorted(
        (min(task.result.at_ns if task.result else end_ns, end_ns) - task.start_ns) / 1e9 for task in tasks
    )
    return percentile(waits, 50) or 0.0


CHECK = Check(
    name=NAME,
    rank=200,
    claim="Overload ends with the last fault.",
    judge=judge,
    broken_by=("result_late", "outage_claimed"),
    time_sensitive=True,
    params={
        "settle_s": Param(10, "seconds after the last heal that are left out"),
        "tasks": Param(10, "tasks needed before the first fault and after settling, each", least=1),
        "factor": Param(3, "how many times the median latency before the first fault is allowed", least=1),
        "slack_s": Param(0.25, "seconds allowed beyond that"),
    },
)
