"""Gaps in journals: where events may be missing, the absence of an event proves nothing."""

from __future__ import annotations

from driver.histories.events import FinalContainerState, JournalNoted
from driver.histories.history import DRIVER, SERVER, History
from driver.histories.journal_kinds import LOAD, OBSERVER, is_door
from driver.histories.run_timeline import run_timeline
from driver.histories.system_events import LoadEnded, Operation
from wire.events import ProcessStarted, ProcessStopping

CLIENTS = "workers"
ALIVE = ("running", "paused", "restarting", "created")
ALL_ROLES = (DRIVER, SERVER, CLIENTS, LOAD, OBSERVER)


def gaps(history: History) -> dict[str, str]:
    """Return the processes whose journal may lack lines, with why. A line that a kill tore is no gap."""
    found: dict[str, str] = {}
    for name, phase in history.view(run_timeline).phases.items():
        if phase.outcome == "stopped":
            # A run that is stopped gives the system no time to do what is expected of it.
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
    if because := _load_gap(history):
        found.setdefault(LOAD, because)
    return found


def _load_gap(history: History) -> str:
    """Return why operations of a load may be missing, as a clause; "" where all were written."""
    ends = {end.load: end for end in history.of(LoadEnded)}
    for name, end in ends.items():
        if end.trouble:
            return f"operations of load {name} may be missing: {end.trouble}"
    endless = sorted({one.load for one in history.of(Operation)} - ends.keys())
    return f"{LOAD}.jsonl has no end of load {endless[0]}" if endless else ""


def gap_among(history: History, roles: tuple[str, ...]) -> str:
    """Return the first gap in the journals of some roles, as a clause; "" when they are whole."""
    for process, because in history.view(gaps).items():
        if not _roles(history, process).isdisjoint(roles):
            return because
    return ""


def _roles(history: History, process: str) -> set[str]:
    """Return the roles of a process. Of a foreign system its doors say what both ends of a link do."""
    if process in history.clients:
        return {CLIENTS}
    return {SERVER, CLIENTS} if history.containers and is_door(process) else {process}


def _ended(history: History, process: str) -> bool:
    """Whether a journal reaches its process's end: in order, by a fault, or as the engine reports; or its
    collection, where the process ran on.
    """
    if process == DRIVER:
        stopped = isinstance(history.by(DRIVER)[-1], ProcessStopping)
        return "collect" in history.view(run_timeline).phases and (stopped or not history.sealed)
    last = next(
        (e for e in reversed(history.by(process)) if isinstance(e, ProcessStarted | ProcessStopping)), None
    )
    if isinstance(last, ProcessStopping):
        return True
    if any(
        seen.container == process and seen.status not in ALIVE for seen in history.of(FinalContainerState)
    ):
        return True
    if any(noted.journal == process and noted.goes_on for noted in history.of(JournalNoted)):
        return True
    newest_ns = history.by(process)[-1].at_ns
    return any(
        process in window.targets and window.began_ns >= newest_ns and window.ended_ns is None
        for window in history.view(run_timeline).faults
    )
