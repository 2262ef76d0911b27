"""What a history tells about how coordinator and workers were set: their journals' first lines. Pure."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from driver.histories.history import COORDINATOR, History
from wire.errors import DECODE_ERRORS
from wire.events import ProcessStarted
from wire.settings import CoordinatorSettings, WorkerSettings

S = TypeVar("S", bound=msgspec.Struct)

RESUMES_FASTER = 4
"""The coordinator lets those who resume in so many times faster than those who begin."""
ADVISED_BASE_S, ADVISED_CAP_LEAST_S = 0.1, 0.4


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
    told = worker_settings_told(history)
    return _in_s(told.base_ms), _in_s(told.cap_ms)


def worker_settings_told(history: History) -> WorkerSettings:
    """The settings of the first worker that tells them, which is set like all; else the defaults."""
    for event in history.of(ProcessStarted):
        if event.by in history.workers:
            return _read(event.settings, WorkerSettings)
    return WorkerSettings()


def _in_s(length_ms: float | None) -> float | None:
    return None if length_ms is None else length_ms / 1e3


def _read(raw: msgspec.Raw, kind: type[S]) -> S:
    try:
        return msgspec.json.decode(raw, type=kind)
    except DECODE_ERRORS:
        return kind()
