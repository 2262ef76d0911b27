"""What one link's standing connection shows over time: counts for the next summary, and silences. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chaos.prober.echoes import Echo, Echoes

SILENCE_NS = 700_000_000
MAX_SAMPLES = 200
_SLOWER = 3


@dataclass
class Counts:
    """The next LinkSeen, still growing."""

    since_ns: int
    sent: int = 0
    heard: int = 0
    rtt_at_ms: list[int] = field(default_factory=list)
    rtt_us: list[int] = field(default_factory=list)
    out_bytes: int = 0
    in_bytes: int = 0
    compared_bytes: int = 0
    damaged_bytes: int = 0
    missing: int = 0
    repeated: int = 0
    rates_bytes_per_s: list[int] = field(default_factory=list)

    def fields(self) -> dict[str, Any]:
        """As LinkSeen has them."""
        return dict(vars(self))


@dataclass(frozen=True)
class Ended:
    """A silence that ended on the same connection."""

    since_ns: int
    held: int
    whole: bool


class Pulse:
    """Whether a connection that is asked still answers. Times are monotonic nanoseconds."""

    def __init__(self, now_ns: int) -> None:
        self.last_heard_ns = now_ns
        self._slowest_ns = 0
        self._silent_since_ns: int | None = None
        self._held_until = 0
        self._held = 0
        self._whole = True

    def fell_silent(self, now_ns: int, echoes: Echoes) -> int | None:
        """Since when it is silent, told once for each silence; None while it is not, or was told already."""
        oldest_ns = echoes.oldest_sent_ns
        if self._silent_since_ns is not None or oldest_ns is None:
            return None
        # A link that is merely slow answers everything, late.
        patience_ns = max(SILENCE_NS, _SLOWER * self._slowest_ns)
        if now_ns - max(self.last_heard_ns, oldest_ns) < patience_ns:
            return None
        self._silent_since_ns = self.last_heard_ns
        return self.last_heard_ns

    @property
    def silent_since_ns(self) -> int | None:
        """Since when it is silent; None while it answers."""
        return self._silent_since_ns

    def heard(self, now_ns: int, echo: Echo, newest_number: int) -> bool:
        """Something came back. Answers whether its round trip is one, and not the length of a silence."""
        self.last_heard_ns = now_ns
        if self._silent_since_ns is not None and not self._held_until:
            self._held_until = newest_number
        if self._held_until:
            self._held += echo.sent is not None
            self._whole = self._whole and not (echo.missing or echo.damaged_bytes or echo.repeated)
            return False
        if echo.sent is not None and not echo.sent.bulk:
            rtt_ns = now_ns - echo.sent.sent_ns
            self._slowest_ns = max(rtt_ns, self._slowest_ns * 15 // 16)
        return True

    def silence_over(self, echo: Echo) -> Ended | None:
        """The silence that this echo was the last of, if it was: all that was outstanding when it ended has
        come.
        """
        if self._silent_since_ns is None or echo.sent is None or echo.sent.number < self._held_until:
            return None
        ended = Ended(self._silent_since_ns, self._held, self._whole)
        self._silent_since_ns, self._held_until, self._held, self._whole = None, 0, 0, True
        return ended


class Burst:
    """Throughput of messages sent in one go: the bytes after the first that came, over the time that they
    took.

    Several may come in one piece; all of the first piece is where counting begins.
    """

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last
        self._began_ns = 0
        self._bytes = 0

    def heard(self, now_ns: int, number: int, wire_bytes: int) -> int | None:
        """Bytes a second, once the last echo is here; `now_ns` is the same for all that came in one piece."""
        if number == self.first:
            self._began_ns = now_ns
        elif self.first < number <= self.last and 0 < self._began_ns < now_ns:
            self._bytes += wire_bytes
            if number == self.last:
                return round(self._bytes * 1e9 / (now_ns - self._began_ns))
        return None


def count_echo(counts: Counts, now_ns: int, echo: Echo, *, is_round_trip: bool) -> None:
    """Add one arrival to the counts."""
    counts.missing += echo.missing
    counts.repeated += echo.repeated
    if echo.sent is None:
        return
    counts.heard += 1
    counts.compared_bytes += len(echo.sent.data)
    counts.damaged_bytes += echo.damaged_bytes
    if is_round_trip and not echo.sent.bulk and len(counts.rtt_us) < MAX_SAMPLES:
        counts.rtt_at_ms.append((now_ns - counts.since_ns) // 1_000_000)
        counts.rtt_us.append((now_ns - echo.sent.sent_ns) // 1000)
