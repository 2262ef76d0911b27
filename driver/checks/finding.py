"""What a check answers: passed, failed or unknown, because what, by what margin, shown by which lines."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from driver.histories.history import History
from driver.histories.run_timeline import RunTimeline, run_timeline
from wire.events import Event

SHOWN = 5


class Status(StrEnum):
    """`unknown` is what makes a run inconclusive: the history cannot say."""

    passed = "passed"
    failed = "failed"
    unknown = "unknown"


class Evidence(msgspec.Struct, frozen=True):
    """One line of the history.

    `where` is `journal.jsonl:line`; `at_s` counts from the run's zero.
    """

    where: str
    at_s: float
    text: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One answer.

    `margin` is how far `measured` is on the good side of `threshold` (negative: on the bad one).
    """

    check: str
    status: Status
    because: str
    measured: float | None = None
    threshold: float | None = None
    margin: float | None = None
    unit: str = ""
    evidence: tuple[Evidence, ...] = ()


def show(history: History, events: Iterable[Event]) -> tuple[Evidence, ...]:
    """The lines of `events`, the first few of them, as evidence."""
    run = history.view(run_timeline)
    shown = list(events)[:SHOWN]
    return tuple(
        Evidence(str(history.where(event)), round(run.at_s(event.at_ns), 6), describe(event, run))
        for event in shown
    )


def describe(event: Event, run: RunTimeline) -> str:
    """Return an event in one line: its process, its kind and its fields, instants in seconds of the run."""
    told = []
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if name in ("at_ns", "wall_s", "by") or isinstance(value, msgspec.Raw):
            continue
        if name.endswith("_ns"):
            name, value = name.removesuffix("_ns") + "_s", _in_seconds(value, run)
        text = f"[{len(value)}]" if isinstance(value, list) and len(value) > 5 else str(value)
        told.append(f"{name}={text[:80]}")
    return f"{event.by} {event.__struct_config__.tag} {' '.join(told)}"


def _in_seconds(value: object, run: RunTimeline) -> object:
    """Instants, alone or several of them; 0 stands for none."""
    if isinstance(value, dict):
        return {name: _in_seconds(one, run) for name, one in value.items()}
    if isinstance(value, list):
        return [_in_seconds(one, run) for one in value]
    return round(run.at_s(value), 3) if isinstance(value, int) and value else "none"


def passed(check: str, because: str, **more: object) -> Finding:
    """A finding that what the check claims holds."""
    return _finding(check, Status.passed, because, more)


def failed(check: str, because: str, **more: object) -> Finding:
    """A finding that it does not hold, and the evidence."""
    return _finding(check, Status.failed, because, more)


def unknown(check: str, because: str, **more: object) -> Finding:
    """A finding that the history cannot say."""
    return _finding(check, Status.unknown, because, more)


def _finding(check: str, status: Status, because: str, more: dict[str, object]) -> Finding:
    return msgspec.convert({"check": check, "status": status, "because": because, **more}, Finding)
