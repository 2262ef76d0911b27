"""The settings of server and clients, from the first lines of their journals. Pure."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from driver.histories.history import SERVER, History
from driver.typed_json import decode_json
from wire.errors import DECODE_ERRORS
from wire.events import ProcessStarted
from wire.settings import CoordinatorSettings, WorkerSettings

S = TypeVar("S", bound=msgspec.Struct)

RESUMES_FASTER = 4
"""By this factor the server admits resumed sessions faster than new ones."""
ADVISED_BASE_S, ADVISED_CAP_LEAST_S = 0.1, 0.4


def server_settings(history: History) -> CoordinatorSettings:
    """Return the server's settings; the defaults where no line has them, or another version wrote it."""
    for event in reversed(history.of(ProcessStarted)):
        if event.by == SERVER:
            return _read(event.settings, CoordinatorSettings)
    return CoordinatorSettings()


def server_settings_known(history: History) -> bool:
    """Return whether the history has the server's settings."""
    return any(event.by == SERVER for event in history.of(ProcessStarted))


def advised_s(history: History) -> tuple[float, float]:
    """Return the base and cap that the server advises for a fleet of that size, in seconds."""
    told = server_settings(history)
    fleet = max(told.fleet, len(history.clients))
    return ADVISED_BASE_S, max(ADVISED_CAP_LEAST_S, fleet / told.admission_per_s)


def own_s(history: History) -> tuple[float | None, float | None]:
    """Return the base and cap in the clients' settings, in seconds; None: they use the server's
    advice.
    """
    told = client_settings(history)
    return _in_s(told.base_ms), _in_s(told.cap_ms)


def client_settings(history: History) -> WorkerSettings:
    """Return the settings of the first client in the history; all have the same. Without one, the
    defaults.
    """
    for event in history.of(ProcessStarted):
        if event.by in history.clients:
            return _read(event.settings, WorkerSettings)
    return WorkerSettings()


def _in_s(length_ms: float | None) -> float | None:
    return None if length_ms is None else length_ms / 1e3


def _read(raw: msgspec.Raw, kind: type[S]) -> S:
    try:
        return decode_json(raw, kind)
    except DECODE_ERRORS:
        return kind()
