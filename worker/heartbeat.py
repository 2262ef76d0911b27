"""When to send a heartbeat, and when to declare a link dead. Pure; one timer for each connection, so that no
state of an older connection remains.
"""

from __future__ import annotations

from typing import Final

from worker.phi import PhiAccrual

_MS: Final = 1_000_000


class HeartbeatTimer:
    """Heartbeats of one connection.

    The first is due at once, since leases may be about to end; the second after `first_gap` (0 to 1) of an
    interval, so that a fleet that reconnects together does not send in step; the others an interval apart.

    A link is dead when no frame arrives for `timeout_ms` after a heartbeat, so a half-open link is detected
    within interval + timeout. With `detector` it is also dead when the gaps between answers make such a
    silence all but impossible (phi.py).
    """

    def __init__(
        self, now_ns: int, interval_ms: int, timeout_ms: int, first_gap: float, detector: PhiAccrual | None
    ) -> None:
        self._interval_ns = interval_ms * _MS
        self._timeout_ns = timeout_ms * _MS
        self._first_gap_ns = int(first_gap * self._interval_ns)
        self._detector = detector
        self._next_ns = now_ns
        self._sent = 0
        self._answers = 0
        self._unanswered_since_ns: int | None = None
        self._answered_ns = now_ns
        self._excluded_ns = 0
        self.last_frame_ns = now_ns
        self.due = False

    def on_frame(self, now_ns: int) -> None:
        """Record the arrival of a whole frame."""
        self.last_frame_ns = now_ns
        self._unanswered_since_ns = None
        self._excluded_ns = 0

    def on_answer(self, now_ns: int) -> None:
        """Record the answer to a heartbeat."""
        self._answers += 1
        # The gap between the first two answers is the random one.
        if self._detector is not None and self._answers > 2:
            self._detector.learn(now_ns - self._answered_ns)
        self._answered_ns = now_ns

    def exclude_pause(self, late_ns: int) -> None:
        """Subtract `late_ns` from the silence: this process itself was paused or starved for that time."""
        self._excluded_ns += late_ns
        if self._unanswered_since_ns is not None:
            self._unanswered_since_ns += late_ns

    def tick(self, now_ns: int) -> None:
        """Set `due` when the time of the next heartbeat has come. The timeout counts from here, even where a
        full send buffer delays the frame.
        """
        if now_ns < self._next_ns:
            return
        self.due = True
        if self._unanswered_since_ns is None:
            self._unanswered_since_ns = now_ns
        self._sent += 1
        gap_ns = self._first_gap_ns if self._sent == 1 else self._interval_ns
        self._next_ns = max(self._next_ns + gap_ns, now_ns + gap_ns // 2)

    def timeout_at_ns(self) -> int | None:
        """Return when the link is dead if no frame arrives before; None while no heartbeat is unanswered."""
        if self._unanswered_since_ns is None:
            return None
        limit_ns = self._unanswered_since_ns + self._timeout_ns
        learned_ns = self._detector.limit_ns() if self._detector is not None else None
        if learned_ns is None:
            return limit_ns
        silent_at_ns = self.last_frame_ns + self._excluded_ns + learned_ns
        return min(limit_ns, max(silent_at_ns, self._unanswered_since_ns))

    def deadline_ns(self) -> int:
        """Return the time of the next heartbeat or timeout, whichever is earlier."""
        timeout_at_ns = self.timeout_at_ns()
        return self._next_ns if timeout_at_ns is None else min(self._next_ns, timeout_at_ns)
