"""When to say "I am here", and when to call a link dead. One object a connection, so nothing old is ever
believed.
"""

from __future__ import annotations

from typing import Final

from worker.phi import PhiAccrual

_MS: Final = 1_000_000


class Heartbeat:
    """The first beat goes out at once, since leases may be about to end; the second after `first_gap` of an
    interval, so that a fleet which came back together does not beat together; the others an interval apart.

    A link is silent when a beat was answered by nothing at all for `timeout_ms`, so a half-open link is
    noticed within interval + timeout. With `learner` it is also silent when the answers that it learned from
    make it all but certain.
    """

    def __init__(
        self, now_ns: int, interval_ms: int, timeout_ms: int, first_gap: float, learner: PhiAccrual | None
    ) -> None:
        self._interval_ns = interval_ms * _MS
        self._timeout_ns = timeout_ms * _MS
        self._first_gap_ns = int(first_gap * self._interval_ns)
        self._learner = learner
        self._beat_at_ns = now_ns
        self._beats = 0
        self._answers = 0
        self._asked_ns: int | None = None
        self._answered_ns = now_ns
        self._excused_ns = 0
        self.heard_ns = now_ns
        self.due = False

    def heard(self, now_ns: int) -> None:
        """Something whole came in."""
        self.heard_ns = now_ns
        self._asked_ns = None
        self._excused_ns = 0

    def answered(self, now_ns: int) -> None:
        """A beat's answer came in."""
        self._answers += 1
        # The gap between the first two answers is the random one.
        if self._learner is not None and self._answers > 2:
            self._learner.learn(now_ns - self._answered_ns)
        self._answered_ns = now_ns

    def excuse(self, late_ns: int) -> None:
        """This process itself did not look for `late_ns` (paused, starved): that silence is not the
        link's.
        """
        self._excused_ns += late_ns
        if self._asked_ns is not None:
            self._asked_ns += late_ns

    def beat(self, now_ns: int) -> None:
        """Note whether a beat is due. It counts as asked from here, even where a full buffer keeps it from
        going out.
        """
        if now_ns < self._beat_at_ns:
            return
        self.due = True
        if self._asked_ns is None:
            self._asked_ns = now_ns
        self._beats += 1
        gap_ns = self._first_gap_ns if self._beats == 1 else self._interval_ns
        self._beat_at_ns = max(self._beat_at_ns + gap_ns, now_ns + gap_ns // 2)

    def silent_at_ns(self) -> int | None:
        """When the link will have been silent for too long, if nothing more is heard; None while nothing is
        asked.
        """
        if self._asked_ns is None:
            return None
        limit_ns = self._asked_ns + self._timeout_ns
        learned_ns = self._learner.limit_ns() if self._learner is not None else None
        if learned_ns is None:
            return limit_ns
        return min(limit_ns, max(self.heard_ns + self._excused_ns + learned_ns, self._asked_ns))

    def deadline_ns(self) -> int:
        """When to look again."""
        silent_at_ns = self.silent_at_ns()
        return self._beat_at_ns if silent_at_ns is None else min(self._beat_at_ns, silent_at_ns)
