"""Every process left a whole journal: else nobody knows what happened."""

from __future__ import annotations

from driver.checks.check import Check, Params
from driver.course import course
from driver.findings import Finding, passed, show, unknown
from driver.history import DRIVER, History
from driver.metrics import Metrics
from wire.events import ProcessStarted, ProcessStopping

NAME = "journals_complete"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Never failed. A last line that a kill tore is no gap: what it would have said was not done yet."""
    if not history.journals:
        return unknown(NAME, "there is no journal at all")
    whole = [name for name in history.journals if history.journals[name].events]
    empty = sorted(set(history.expected) - set(whole))
    if empty:
        return unknown(
            NAME, f"{len(empty)} processes left no journal: {', '.join(empty[:5])}", measured=len(empty)
        )
    damage = [found for found in history.damage if found.what == "damaged"]
    if damage:
        first = damage[0]
        lines = sum(found.lines for found in damage)
        return unknown(
            NAME, f"{lines} lines are damaged: {first.journal}.jsonl {first.because}", measured=lines
        )
    open_ended = [name for name in history.expected if name != DRIVER and not _ended(history, name)]
    if open_ended:
        name = open_ended[0]
        because = f"{len(open_ended)} journals stop without a last line: {', '.join(open_ended[:5])}"
        return unknown(NAME, because, measured=len(open_ended), evidence=show(history, history.by(name)[-1:]))
    if DRIVER in history.expected and "collect" not in history.view(course).phases:
        return unknown(NAME, "the driver's journal ends before the run was collected")
    torn = [found.journal for found in history.damage if found.what == "torn"]
    aside = f"; the last line of {', '.join(torn)} was torn by a kill" if torn else ""
    return passed(NAME, f"{len(whole)} journals with {history.count} events are whole{aside}", measured=0)


def _ended(history: History, process: str) -> bool:
    """Whether the newest life of a process ended in order, or by a fault that was meant to end it."""
    last = next(
        (e for e in reversed(history.by(process)) if isinstance(e, ProcessStarted | ProcessStopping)), None
    )
    if isinstance(last, ProcessStopping):
        return True
    newest_ns = history.by(process)[-1].at_ns
    return any(
        process in window.targets and window.began_ns >= newest_ns and window.ended_ns is None
        for window in history.view(course).faults
    )


CHECK = Check(name=NAME, claims="Every process left a whole journal.", judge=judge, always=True)
