"""A check's result: passed, failed or unknown, with its reason, margin and evidence."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from driver.histories.history import History
from driver.histories.run_timeline import RunTimeline, run_timeline
from wire.events import Event

SHOWN = 5


class Status(StrEnum):
    """A finding's outcome. `unknown`: the history does not determine it, and the run is inconclusive."""

    passed = "passed"
    failed = "failed"
    unknown = "unknown"


class Evidence(msgspec.Struct, frozen=True):
    """One event of the history: `where` is `journal.jsonl:line`, `at_s` counts from the run's zero."""

    where: str
    at_s: float
    text: str


class Red(msgspec.Struct, frozen=True):
    """The control under which a finding that passed does not pass: its name, and what it changed, in words
    that complete the sentence "it does not pass with …".
    """

    control: str
    change: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One result. `margin` is the distance of `measured` from `threshold`, negative on the failing side.

    `red` shows that it could have been otherwise on this very history; None where no controls were run.
    """

    check: str
    status: Status
    because: str
    measured: float | None = None
    threshold: float | None = None
    margin: float | None = None
    unit: str = ""
    evidence: tuple[Evidence, ...] = ()
    red: Red | None = None


def show(history: History, events: Iterable[Event]) -> tuple[Evidence, ...]:
    """Return the first SHOWN of `events` as evidence."""
    run = history.view(run_timeline)
    shown = list(events)[:SHOWN]
    return tuple(
        Evidence(str(history.where(event)), round(run.at_s(event.at_ns), 6), describe(event, run))
        for event in shown
    )


def describe(event: Event, run: RunTimeline) -> str:
    """Return an event in one line: its process, its kind and its fields, instants in seconds of the run."""
    fields = []
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if name in ("at_ns", "wall_s", "by") or isinstance(value, msgspec.Raw):
            continue
        if name.endswith("_ns"):
            name, value = name.removesuffix("_ns") + "_s", _in_seconds(value, run)
        text = f"[{len(value)}]" if isinstance(value, list) and len(value) > 5 else str(value)
        fields.append(f"{name}={text[:80]}")
    return f"{event.by} {event.__struct_config__.tag} {' '.join(fields)}"


def _in_seconds(value: object, run: RunTimeline) -> object:
    """Return instants in seconds of the run, also inside lists and mappings; "none" for 0."""
    if isinstance(value, dict):
        return {name: _in_seconds(one, run) for name, one in value.items()}
    if isinstance(value, list):
        return [_in_seconds(one, run) for one in value]
    return round(run.at_s(value), 3) if isinstance(value, int) and value else "none"


def passed(check: str, because: str, **more: object) -> Finding:
    """Return a finding that the check's claim holds."""
    return _finding(check, Status.passed, because, more)


def failed(check: str, because: str, **more: object) -> Finding:
    """Return a finding that the check's claim does not hold. `more` are fields of Finding."""
    return _finding(check, Status.failed, because, more)


def violated(check: str, because: str, count: int, evidence: tuple[Evidence, ...] = ()) -> Finding:
    """Return a failed finding for `count` violations where none is allowed; a deficit is negative."""
    return failed(check, because, measured=count, threshold=0, margin=-abs(count), evidence=evidence)


def unknown(check: str, because: str, **more: object) -> Finding:
    """Return a finding that the history does not determine the claim."""
    return _finding(check, Status.unknown, because, more)


def _finding(check: str, status: Status, because: str, more: dict[str, object]) -> Finding:
    return msgspec.convert({"check": check, "status": status, "because": because, **more}, Finding)
