"""Every test command of a directory ended with 0: a command is a test that its author wrote."""

from __future__ import annotations

from driver.checks.check import Check, Params
from driver.checks.finding import Finding, passed, show, unknown, violated
from driver.histories.history import DRIVER, History
from driver.histories.journal_kinds import LOAD
from driver.histories.system_events import FAIL, OK, TEST_COMMANDS, Operation
from driver.metrics import Metrics

NAME = "test_commands_passed"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Return failed for a command with another exit code; unknown for one that did not end by itself."""
    ran = [one for one in history.of(Operation) if one.op in TEST_COMMANDS]
    failing = [one for one in ran if one.outcome == FAIL]
    if failing:
        because = f"{len(failing)} of {len(ran)} test commands did not end with 0: {failing[0].detail}"
        return violated(NAME, because, len(failing), show(history, failing))
    open_ended = [one for one in ran if one.outcome != OK]
    if open_ended:
        because = (
            f"{len(open_ended)} of {len(ran)} test commands have no end of their own: {open_ended[0].detail}"
        )
        return unknown(NAME, because, evidence=show(history, open_ended))
    if not ran:
        return unknown(NAME, "no test command was run")
    return passed(NAME, f"each of {len(ran)} test commands ended with 0", measured=0, threshold=0, margin=0)


CHECK = Check(
    name=NAME,
    rank=120,
    claim="Every test command of a `composer:` load ended with 0, those after the faults included.",
    judge=judge,
    broken_by=("operation_refused",),
    on_system=judge,
    requires=(DRIVER, LOAD),
)
