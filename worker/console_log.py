"""The worker's console log: a line for each of a few events of its journal."""

from __future__ import annotations

from collections.abc import Callable

from wire import events, task_events
from wire.events import Event

_MS = 1_000_000
_NO_LINK_FROM = 4
"""From this attempt on, refusals to a worker that was never connected may mean that it has no link."""
_NO_LINK = "Links are made by `python lab.py up --workers N`, and by nothing else"


class ConsoleLog:
    """Writes a line for each connection, loss and end; of failed attempts only numbers 1, 2, 4, 8, …"""

    def __init__(self, name: str, write: Callable[[str], object], now_ns: Callable[[], int]) -> None:
        self._name = name
        self._write = write
        self._now_ns = now_ns
        self._lost_ns = now_ns()
        self._was_connected = False
        self._lines: dict[type[Event], Callable[..., str]] = {
            events.Connected: self._connected,
            events.ConnectionLost: self._lost,
            events.ConnectFailed: self._connect_failed,
            events.ReconnectAbandoned: lambda reason, detail: f"gives up: {reason}: {detail}",
            events.FrameRefused: lambda peer, fault, detail: f"refused a frame of {peer}: {fault}: {detail}",
            task_events.LeaseExpired: lambda task, token: (
                f"stopped {task} (token {token}): its lease ran out"
            ),
            events.ProcessStopping: lambda reason: f"stops: {reason}",
        }

    def __call__(self, event: type[Event], /, **fields: object) -> None:
        """Write the event's line, if it has one."""
        line_of = self._lines.get(event)
        if line_of is not None and (line := line_of(**fields)):
            self._write(f"{self._name} {line}\n")

    def _connected(self, attempt: int, outcome: str, because: str, **_: object) -> str:
        self._was_connected = True
        away_ms = (self._now_ns() - self._lost_ns) / _MS
        tries = "attempt" if attempt == 1 else "attempts"
        why = f", {because}" if because else ""
        return f"connected ({outcome}{why}) after {attempt} {tries}, {away_ms:.0f} ms"

    def _lost(self, kind: str, detail: str, **_: object) -> str:
        self._lost_ns = self._now_ns()
        if kind == "stopped":
            return f"closed its connection: {detail}"
        return f"lost the coordinator ({kind}): {detail}"

    def _connect_failed(self, attempt: int, kind: str, detail: str, **_: object) -> str:
        if attempt & (attempt - 1):
            return ""
        line = f"cannot connect (attempt {attempt}, {kind}): {detail}"
        if attempt < _NO_LINK_FROM or kind != "refused" or self._was_connected:
            return line
        return f"{line}. {_NO_LINK}"
