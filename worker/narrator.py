"""Turns events into the few lines that a person wants to read in the worker's log."""

from __future__ import annotations

from collections.abc import Callable

from wire import events
from wire.events import Event, Journal

_MS = 1_000_000


class Narrator:
    """One line for each connection, loss and end; failed attempts ever more sparsely (1, 2, 4, 8, …)."""

    def __init__(self, name: str, say: Callable[[str], object], now_ns: Callable[[], int]) -> None:
        self._name = name
        self._say = say
        self._now_ns = now_ns
        self._lost_ns = now_ns()
        self._tells: dict[type[Event], Callable[..., str]] = {
            events.Connected: self._connected,
            events.Lost: self._lost,
            events.ConnectFailed: self._connect_failed,
            events.GaveUp: lambda reason, detail: f"gives up: {reason}: {detail}",
            events.FrameRefused: lambda peer, fault, detail: f"refused a frame of {peer}: {fault}: {detail}",
            events.LeaseExpired: lambda task, token: f"stopped {task} (token {token}): its lease ran out",
            events.ProcessStopping: lambda reason: f"stops: {reason}",
        }

    def __call__(self, event: type[Event], /, **fields: object) -> None:
        """Tell of an event, if it is worth telling."""
        tell = self._tells.get(event)
        if tell is not None and (line := tell(**fields)):
            self._say(f"{self._name} {line}\n")

    def _connected(self, attempt: int, outcome: str, because: str, **_: object) -> str:
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
        return f"cannot connect (attempt {attempt}, {kind}): {detail}"


class NarratedJournal(Journal):
    """A journal that also tells people what is worth telling of what it is called with."""

    def __init__(
        self,
        by: str,
        write: Callable[[bytes], object],
        monotonic_ns: Callable[[], int],
        wall_s: Callable[[], float],
        narrator: Narrator,
    ) -> None:
        super().__init__(by, write, monotonic_ns, wall_s)
        self._narrator = narrator

    def __call__(self, kind: type[Event], /, **fields: object) -> None:
        """Append one event, and tell of it."""
        super().__call__(kind, **fields)
        self._narrator(kind, **fields)
