"""Where a history has gaps: what rests on an event not being there is not proved where one may be missing."""

from __future__ import annotations

from driver.histories.course import course
from driver.histories.events import ContainerSeen
from driver.histories.history import COORDINATOR, DRIVER, History
from wire.events import ProcessStarted, ProcessStopping

WORKERS = "workers"
ALIVE = ("running", "paused", "restarting", "created")
EVERYBODY = (DRIVER, COORDINATOR, WORKERS)


def gaps(history: History) -> dict[str, str]:
    """The processes whose journal may lack lines, and why. A line that a kill tore is no gap."""
    found: dict[str, str] = {}
    for name, phase in history.view(course).phases.items():
        if phase.outcome == "stopped":
            # Whoever stops a run takes from the system the time to do what was expected of it.
            found[DRIVER] = f"the run was stopped in its phase {name}"
    for damage in history.damage:
        if damage.what == "hole":
            found[damage.journal] = damage.because
    for damage in history.damage:
        if damage.what in ("damaged", "refused") and damage.journal not in found:
            found[damage.journal] = (
                f"{damage.lines} lines of {damage.journal}.jsonl are {damage.what} ({damage.because})"
            )
        elif damage.what == "foreign" or (damage.what == "missing" and damage.journal in history.journals):
            found.setdefault(damage.journal, f"{damage.journal}: {damage.because}")
    for process in history.expected:
        if not history.by(process) and process not in found:
            found[process] = f"{process} left no journal"
        elif process not in found and not _ended(history, process):
            found[process] = f"{process}.jsonl stops without a last line"
    return found


def gap_among(history: History, roles: tuple[str, ...]) -> str:
    """The first gap in the journals of some roles, as a sentence; "" when they are whole."""
    for process, because in history.view(gaps).items():
        role = process if process not in history.workers else WORKERS
        if role in roles:
            return because
    return ""


def _ended(history: History, process: str) -> bool:
    """Whether a journal goes on to its process's end: in order, by a fault, or one that the engine saw."""
    if process == DRIVER:
        last_words = isinstance(history.by(DRIVER)[-1], ProcessStopping)
        return "collect" in history.view(course).phases and (last_words or not history.sealed)
    last = next(
        (e for e in reversed(history.by(process)) if isinstance(e, ProcessStarted | ProcessStopping)), None
    )
    if isinstance(last, ProcessStopping):
        return True
    if any(seen.container == process and seen.status not in ALIVE for seen in history.of(ContainerSeen)):
        return True
    newest_ns = history.by(process)[-1].at_ns
    return any(
        process in window.targets and window.began_ns >= newest_ns and window.ended_ns is None
        for window in history.view(course).faults
    )
