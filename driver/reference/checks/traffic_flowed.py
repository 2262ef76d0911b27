"""Traffic flowed, also before the first fault, and every fault met some: else a run proves nothing."""

from __future__ import annotations

from driver.checks.check import Check, Param, Params, once_passed
from driver.checks.finding import Finding, passed, unknown
from driver.checks.link_traffic import NAME, judge_system
from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from driver.metrics import Metrics
from wire.task_events import TaskDone


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Return passed or unknown, never failed: a run without traffic proves nothing."""
    done = [event for event in history.of(TaskDone) if event.outcome == "completed"]
    first_fault_ns = history.view(run_timeline).first_fault_ns
    before = sum(1 for event in done if first_fault_ns is None or event.at_ns < first_fault_ns)
    if len(done) < params["tasks"]:
        because = f"only {len(done)} tasks were completed; {params['tasks']:g} are needed"
        return unknown(NAME, because, measured=len(done), threshold=params["tasks"])
    if before < params["before"]:
        because = (
            f"only {before} tasks were completed before the first fault; {params['before']:g} are needed"
        )
        return unknown(NAME, because, measured=before, threshold=params["before"])
    because = f"{len(done)} tasks were completed, {before} of them before the first fault"
    return passed(
        NAME, because, measured=len(done), threshold=params["tasks"], margin=len(done) - params["tasks"]
    )


CHECK = Check(
    name=NAME,
    rank=10,
    claim="Enough tasks were completed, also before the first fault. Of a foreign system: links carried "
    "traffic before the first fault, and each fault met some; of loads one operation or more.",
    judge=judge,
    broken_by=("result_forgotten",),
    on_system=judge_system,
    always=True,
    decided=once_passed,
    fails=False,
    params={
        "tasks": Param(20, "tasks completed in all, at least", least=1, on_system=False),
        "before": Param(5, "tasks completed before the first fault, at least", least=0, on_system=False),
    },
)
