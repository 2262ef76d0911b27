"""Every fault has a receipt: observers other than its injector saw it on its targets alone."""

from __future__ import annotations

from driver.checks.check import Check, Param, Params, once_passed
from driver.checks.finding import Finding, passed, show, unknown
from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from driver.metrics import Metrics

NAME = "faults_were_proved"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Return passed or unknown, never failed: with an unproved fault the run proves nothing."""
    run = history.view(run_timeline)
    if run.failed:
        first = run.failed[0]
        count = "1 fault" if len(run.failed) == 1 else f"{len(run.failed)} faults"
        because = f"{count} could not begin: {first.fault} ({first.kind}): {first.detail}"
        return unknown(NAME, because, evidence=show(history, run.failed))
    planned = int(params["planned"])
    if len(run.faults) < planned:
        stop = f": {run.failed_phase.detail}" if run.failed_phase else ""
        return unknown(NAME, f"only {len(run.faults)} of {planned} planned faults were begun{stop}")
    bare = [window for window in run.faults if window.receipt is None]
    if bare:
        because = f"{len(bare)} of {len(run.faults)} faults have no receipt: {bare[0].fault} ({bare[0].kind})"
        return unknown(NAME, because, evidence=show(history, [window.begun for window in bare]))
    unproved = [window.receipt for window in run.faults if window.receipt and not window.receipt.proved]
    if unproved:
        count = "1 fault is" if len(unproved) == 1 else f"{len(unproved)} faults are"
        because = f"{count} not proved: {unproved[0].fault}: {unproved[0].because}"
        return unknown(NAME, because, evidence=show(history, unproved))
    endless = [window for window in run.faults if window.ended_ns is None]
    if endless:
        return unknown(
            NAME,
            f"no event records the end of {endless[0].fault}",
            evidence=show(history, [endless[0].begun]),
        )
    if not run.faults:
        return passed(NAME, "no fault was planned, and none was begun")
    count = "the fault has" if len(run.faults) == 1 else f"all {len(run.faults)} faults have"
    return passed(NAME, f"{count} a receipt as proof", measured=len(run.faults))


CHECK = Check(
    name=NAME,
    rank=20,
    claim="Every fault began, was observed on its targets and on no other link, and ended.",
    judge=judge,
    broken_by=("fault_of_another_kind", "evidence_forgotten", "receipt_forgotten", "fault_claimed"),
    on_system=judge,
    always=True,
    decided=once_passed,
    fails=False,
    params={"planned": Param(0, "faults of the plan (set by the run)")},
)
