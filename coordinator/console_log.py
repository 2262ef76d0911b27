"""Console output on standard error: the few journal events that a person wants to follow."""

from __future__ import annotations

import sys
import time

from wire import events
from wire.events import Event

LINES = {
    events.WorkerJoined: "{worker} connected ({outcome})",
    events.WorkerLost: "{worker} lost ({kind}: {detail}) after {silent_ms:.0f} ms of silence",
    events.WorkerGone: "{worker} gone ({reason})",
    events.HandshakeRefused: "{worker} turned away ({reason}: {detail})",
    events.FrameRefused: "{peer} sent a bad frame ({fault}: {detail})",
}
CAUSES = {events.HandshakeRefused: "reason", events.FrameRefused: "fault"}
"""Events that can come in floods are printed once a second for each cause."""


def print_line(line: str) -> None:
    """Print one line with the process's name."""
    print(f"coordinator {line}", file=sys.stderr, flush=True)


class CoordinatorConsole:
    """Prints the events in LINES."""

    def __init__(self) -> None:
        self._printed_s: dict[object, float] = {}

    def __call__(self, kind: type[Event], /, **fields: object) -> None:
        """Print the event's line, if it has one and is due."""
        if kind in LINES and self._is_due(kind, fields):
            print_line(LINES[kind].format(**fields))

    def _is_due(self, kind: type[Event], fields: dict[str, object]) -> bool:
        if kind not in CAUSES:
            return True
        cause, now_s = (kind, fields[CAUSES[kind]]), time.monotonic()
        if now_s - self._printed_s.get(cause, -1.0) < 1:
            return False
        self._printed_s[cause] = now_s
        return True
