"""Troubles that wait for an event of the history, and not for a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.simulation.plan import Trouble
from wire import events

ANCHORS: Final = (
    "ProcessStarted", "BackoffStarted", "Connecting", "Connected", "ConnectionLost", "AssignmentReceived",
    "Started", "Finished", "ResultAcknowledged", "Dropped", "CheckpointCreated", "WorkerJoined", "WorkerLost",
    "TaskSubmitted", "Assigned", "AttemptAbandoned", "TaskDone", "ResultRefused", "CheckpointCommitted",
    "CheckpointRefused", "HandshakeRefused", "FrameRefused",
)  # fmt: skip
"""Kinds of events that a trouble can wait for."""


class Armed:
    """A trouble that waits for its event, and what begins it."""

    def __init__(self, trouble: Trouble, begin: Callable[[], None]) -> None:
        self.trouble = trouble
        self.begin = begin
        self._left = trouble.nth
        self._worker = f"worker-{trouble.worker}"

    def sees(self, event: events.Event, name: str) -> bool:
        """Count an event of the kind `name`; whether it is the one that is waited for."""
        if name != self.trouble.when:
            return False
        # Of the coordinator's events those about the worker count, and those about none.
        about = getattr(event, "worker", "") or (event.by if event.by != "coordinator" else "")
        if about and about != self._worker:
            return False
        self._left -= 1
        return self._left == 0
