"""What a history tells about how coordinator and workers were set: their journals' first lines. Pure."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from driver.histories.history import COORDINATOR, History
from wire.events import ProcessStarted
from wire.settings import CoordinatorSettings, WorkerSettings

S = TypeVar("S", bound=msgspec.Struct)

RESUMES_FASTER = 4
"""The coordinator lets those who resume in so many times faster than those who begin."""
ADVISED_BASE_S, ADVISED_CAP_LEAST_S = 0.1, 1.0


def settings_told(history: History) -> CoordinatorSettings:
    """The coordinator's settings; the defaults where no line tells them, or another version wrote it."""
    for event in reversed(history.of(ProcessStarted)):
        if event.by == COORDINATOR:
            return _read(event.settings, CoordinatorSettings)
    return CoordinatorSettings()


def are_told(history: History) -> bool:
    """Whether the coordinator told its settings."""
    return any(event.by == COORDINATOR for event in history.of(ProcessStarted))


def advised_s(history: History) -> tuple[float, float]:
    """Base and cap that the coordinator advises a fleet of that size."""
    told = settings_told(history)
    fleet = max(told.fleet, len(history.workers))
    return ADVISED_BASE_S, max(ADVISED_CAP_LEAST_S, fleet / told.admission_per_s)


def own_s(history: History) -> tuple[float | None, float | None]:
    """Base and cap that the workers were set to; None: they take what they are advised."""
    for event in history.of(ProcessStarted):
        if event.by in history.workers:
            own = _read(event.settings, WorkerSettings)
            base_ms, cap_ms = own.base_ms, own.cap_ms
            return (
                None if base_ms is None else base_ms / 1e3,
                None if cap_ms is None else cap_ms / 1e3,
            )
    return None, None


def _read(raw: msgspec.Raw, kind: type[S]) -> S:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.MsgspecError:
        return kind()
