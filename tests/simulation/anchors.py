"""Troubles that wait for an event of the history or a frame on a link, and not for a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.simulation.plan import Trouble
from wire import events

EVENTS: Final = (
    "ProcessStarted", "BackoffStarted", "Connecting", "Connected", "ConnectionLost", "AssignmentReceived",
    "Started", "Finished", "ResultAcknowledged", "Dropped", "CheckpointCreated", "WorkerJoined", "WorkerLost",
    "TaskSubmitted", "Assigned", "AttemptAbandoned", "TaskDone", "ResultRefused", "CheckpointCommitted",
    "CheckpointRefused", "HandshakeRefused", "FrameRefused",
)  # fmt: skip
"""Kinds of events that a trouble can wait for."""
FRAMES: Final = ("FrameToCoordinator", "FrameToWorker")
"""Frames on the worker's link, for which it can wait as well."""
ANCHORS: Final = (*EVENTS, *FRAMES)


def worker_of(event: events.Event) -> str:
    """Return the worker that an event is about; "" where it is about none."""
    return getattr(event, "worker", "") or (event.by if event.by != "coordinator" else "")


class Armed:
    """A trouble that waits for its event or frame, and what begins it."""

    def __init__(self, trouble: Trouble, begin: Callable[[], None]) -> None:
        self.trouble = trouble
        self.begin = begin
        self._left = trouble.nth
        self._worker = f"worker-{trouble.worker}"

    def sees(self, name: str, worker: str) -> bool:
        """Count an event or frame of the kind `name`, of this worker or none; whether it is the one that is
        waited for.
        """
        if name != self.trouble.when or (worker and worker != self._worker):
            return False
        self._left -= 1
        return self._left == 0
