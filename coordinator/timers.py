"""Timers of all sessions in one lazy heap, so that an idle worker costs nothing."""

from __future__ import annotations

import heapq

from coordinator.session import NEVER_NS, Session


class SessionTimers:
    """The earliest due time of each session. An outdated entry is skipped when it comes up."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Session]] = []
        self._serial = 0

    def at(self, session: Session, due_ns: int) -> None:
        """Set the session's timer to `due_ns`, unless it is due earlier."""
        if due_ns < session.due_ns:
            session.due_ns = due_ns
            self._serial += 1
            heapq.heappush(self._heap, (due_ns, self._serial, session))

    def pop(self, now_ns: int) -> Session | None:
        """Return a session whose timer is due, or None. Its timer is then unset until `at` sets it."""
        while self._heap and self._heap[0][0] <= now_ns:
            due_ns, _, session = heapq.heappop(self._heap)
            if due_ns == session.due_ns:
                session.due_ns = NEVER_NS
                return session
        return None

    def next_ns(self) -> int:
        """Return when `pop` may have a session; never too late."""
        return self._heap[0][0] if self._heap else NEVER_NS
