"""The event log of the page: events that are worth a line, as text, the newest kept. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chaos.actuator import name_list
from driver.histories import events as driver
from driver.histories.server_events import ClientGone, ClientLost, client_of
from wire import events
from wire.events import Event

KEPT_LINES = 500

EventTexts = Mapping[type[Event], Callable[[Any], str]]
EVENT_TEXT: EventTexts = {
    events.ProcessStarted: lambda e: f"started as {e.role}" + (f", epoch {e.epoch}" if e.epoch else ""),
    events.ProcessStopping: lambda e: f"stopped in order: {e.reason}",
    events.Connected: lambda e: f"connected ({e.outcome}) at attempt {e.attempt}",
    events.ConnectionLost: lambda e: f"lost its connection: {e.kind}",
    events.ReconnectAbandoned: lambda e: f"gave up for good: {e.reason}",
    ClientLost: lambda e: f"lost {client_of(e)}: {e.kind}",
    ClientGone: lambda e: f"session of {client_of(e)} ended: {e.reason}",
    events.FrameRefused: lambda e: f"refused a frame of {e.peer}: {e.fault}",
    events.RefusalsOmitted: lambda e: f"{e.count} more of {e.kind} ({e.cause}) {client_of(e)}".rstrip(),
    driver.PhaseBegun: lambda e: f"phase: {e.phase}",
    driver.FaultBegun: lambda e: f"{e.kind} begins on {name_list(e.targets)}",
    driver.FaultEnded: lambda e: (
        f"{e.kind} ends on {name_list(e.targets)}" + (f": {e.detail}" if e.detail else "")
    ),
    driver.FaultFailed: lambda e: f"{e.kind} could not begin: {e.detail}",
    driver.Healed: lambda e: f"not healed: {name_list(e.left)}" if e.left else "healed, and verified",
    driver.Receipt: lambda e: f"{e.kind} {'is proved' if e.proved else 'is not proved'}: {e.because}",
    driver.LabTrouble: lambda e: f"trouble: {e.what}: {e.detail}",
    driver.Aborted: lambda e: f"ended early: {e.because}",
    driver.ReportNote: lambda e: e.text,
}
"""The text of each type of event that has a line; other events have none."""


@dataclass(frozen=True)
class EventLine:
    """One line. `number` counts from 1."""

    number: int
    event: Event
    text: str


class EventLog:
    """The newest KEPT_LINES lines, of EVENT_TEXT and of `more`. `count` is the number of all lines so far."""

    def __init__(self, more: EventTexts | None = None) -> None:
        self.count = 0
        self._texts = {**EVENT_TEXT, **(more or {})}
        self._lines: deque[EventLine] = deque(maxlen=KEPT_LINES)

    def add(self, event: Event) -> None:
        """Append the line of an event, if its type has one."""
        if text_of := self._texts.get(type(event)):
            self.count += 1
            self._lines.append(EventLine(self.count, event, text_of(event)))

    def up_to(self, number: int) -> list[EventLine]:
        """Return the kept lines with a number of at most `number`."""
        return [line for line in self._lines if line.number <= number]

    def after(self, number: int) -> list[EventLine]:
        """Return the kept lines with a number above `number`."""
        return [line for line in self._lines if line.number > number]
