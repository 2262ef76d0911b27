"""When a session is to be looked at next: one lazy heap for the whole fleet, so that an idle worker costs
nothing.
"""

from __future__ import annotations

import heapq

from coordinator.session import NEVER_NS, Session


class SessionTimers:
    """The earliest time for each session. An entry that a later decision overtook is skipped when it comes
    up.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Session]] = []
        self._serial = 0

    def at(self, session: Session, due_ns: int) -> None:
        """Look at `session` at `due_ns`, or earlier if that was arranged before."""
        if due_ns < session.due_ns:
            session.due_ns = due_ns
            self._serial += 1
            heapq.heappush(self._heap, (due_ns, self._serial, session))

    def pop(self, now_ns: int) -> Session | None:
        """A session that is due, or None. It is due no more until `at` says so."""
        while self._heap and self._heap[0][0] <= now_ns:
            due_ns, _, session = heapq.heappop(self._heap)
            if due_ns == session.due_ns:
                session.due_ns = NEVER_NS
                return session
        return None

    def next_ns(self) -> int:
        """When `pop` may have something; at most too early."""
        return self._heap[0][0] if self._heap else NEVER_NS
