"""Counters of one link's standing connection for the next summary, and its silences. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chaos.prober.echoes import EchoMatch, OutstandingEchoes

SILENCE_NS = 700_000_000
MAX_SAMPLES = 200
NO_STAMP = -(1 << 62)
"""The entry of `up_us` for a round trip without a stamp: two clocks may differ by any other value."""
_SLOWER = 3


@dataclass
class LinkCounters:
    """The counters of the next LinkSeen event."""

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
    up_us: list[int] = field(default_factory=list)
    beats_at_ms: list[int] = field(default_factory=list)
    damaged_up: int = 0
    missing_up: int = 0
    repeated_up: int = 0
    rates_at_ms: list[int] = field(default_factory=list)
    rates_took_ms: list[float] = field(default_factory=list)
    rates_sizes_bytes: list[int] = field(default_factory=list)
    rates_up_bytes_per_s: list[int] = field(default_factory=list)
    down_at_ms: list[int] = field(default_factory=list)
    down_took_ms: list[float] = field(default_factory=list)
    down_sizes_bytes: list[int] = field(default_factory=list)
    down_rates_bytes_per_s: list[int] = field(default_factory=list)

    def beat(self, now_ns: int) -> None:
        """Count a beat of the far end."""
        if len(self.beats_at_ms) < MAX_SAMPLES:
            self.beats_at_ms.append((now_ns - self.since_ns) // 1_000_000)

    def burst(self, now_ns: int, bytes_per_s: int, burst: Burst) -> None:
        """Record a burst that was echoed whole."""
        self.rates_at_ms.append((now_ns - self.since_ns) // 1_000_000)
        self.rates_took_ms.append(round((now_ns - burst.sent_ns) / 1e6, 3))
        self.rates_sizes_bytes.append(burst.all_bytes)
        self.rates_bytes_per_s.append(bytes_per_s)
        self.rates_up_bytes_per_s.append(burst.up_bytes_per_s)

    def download(self, now_ns: int, took_ms: float, size_bytes: int, bytes_per_s: int) -> None:
        """Record a whole download."""
        self.down_at_ms.append((now_ns - self.since_ns) // 1_000_000)
        self.down_took_ms.append(round(took_ms, 3))
        self.down_sizes_bytes.append(size_bytes)
        self.down_rates_bytes_per_s.append(bytes_per_s)

    def fields(self) -> dict[str, Any]:
        """Return the fields of LinkSeen."""
        return dict(vars(self))


@dataclass(frozen=True)
class SilenceEnd:
    """A silence that ended on the same connection; `up_ns` and `down_ns` are the longest time of a held
    message in each direction, None without a stamp.
    """

    since_ns: int
    held: int
    whole: bool
    up_ns: int | None = None
    down_ns: int | None = None


class SilenceDetector:
    """Detects when a connection with outstanding messages is silent. Times are monotonic nanoseconds."""

    def __init__(self, now_ns: int) -> None:
        self.last_arrival_ns = now_ns
        self._slowest_ns = 0
        self._silent_since_ns: int | None = None
        self._held_until = 0
        self._held = 0
        self._whole = True
        self._up_ns: int | None = None
        self._down_ns: int | None = None

    def check_silence(self, now_ns: int, echoes: OutstandingEchoes) -> int | None:
        """Return since when the connection is silent, once for each silence; else None."""
        oldest_ns = echoes.oldest_sent_ns
        if self._silent_since_ns is not None or oldest_ns is None:
            return None
        # A slow link answers every message, late.
        patience_ns = max(SILENCE_NS, _SLOWER * self._slowest_ns)
        if now_ns - max(self.last_arrival_ns, oldest_ns) < patience_ns:
            return None
        self._silent_since_ns = self.last_arrival_ns
        return self.last_arrival_ns

    @property
    def silent_since_ns(self) -> int | None:
        """Since when the connection is silent; None while it answers."""
        return self._silent_since_ns

    def on_arrival(self, now_ns: int, echo: EchoMatch, newest_number: int) -> bool:
        """Record an arrival; returns whether it measures a round trip, and not the length of a silence."""
        self.last_arrival_ns = now_ns
        if self._silent_since_ns is not None and not self._held_until:
            self._held_until = newest_number
        if self._held_until:
            self._held += echo.sent is not None
            self._whole = self._whole and not (echo.missing or echo.damaged_bytes or echo.repeated)
            if echo.sent is not None and echo.up_ns is not None:
                down_ns = now_ns - echo.sent.sent_ns - echo.up_ns
                self._up_ns = echo.up_ns if self._up_ns is None else max(self._up_ns, echo.up_ns)
                self._down_ns = down_ns if self._down_ns is None else max(self._down_ns, down_ns)
            return False
        if echo.sent is not None and not echo.sent.bulk:
            rtt_ns = now_ns - echo.sent.sent_ns
            self._slowest_ns = max(rtt_ns, self._slowest_ns * 15 // 16)
        return True

    def end_of_silence(self, echo: EchoMatch) -> SilenceEnd | None:
        """Return the silence that ends with this echo, once all messages that were outstanding have
        arrived; else None.
        """
        if self._silent_since_ns is None or echo.sent is None or echo.sent.number < self._held_until:
            return None
        ended = SilenceEnd(self._silent_since_ns, self._held, self._whole, self._up_ns, self._down_ns)
        self._silent_since_ns, self._held_until, self._held, self._whole = None, 0, 0, True
        self._up_ns = self._down_ns = None
        return ended


class Burst:
    """Throughput of messages sent together at `sent_ns`: the bytes after the first arrival over their time,
    at this end and at the far end.

    Several messages may arrive in one piece; the count begins after the first piece. Where all arrive in one
    piece, the rate is at least all bytes over the time since they were sent.
    """

    def __init__(self, first: int, last: int, sent_ns: int = 0) -> None:
        self.first, self.last, self.sent_ns = first, last, sent_ns
        self._began_ns = 0
        self.all_bytes = self._bytes = 0
        # The times of arrivals at the far end, and the frame sizes: at most one of each message of the burst.
        self._far: list[tuple[int, int]] = []

    @property
    def up_bytes_per_s(self) -> int:
        """The rate at the far end; 0 where it is unknown.

        The far end stamps each message of a piece by itself, so its stamps do not show where the first piece
        ends. Counting from within a piece counts bytes that took no time; so the lowest rate over all begins
        in the first half of the bytes is taken.
        """
        if len(self._far) < 2:
            return 0
        last_ns, left_bytes = self._far[-1][0], sum(size for _, size in self._far)
        least_bytes = left_bytes / 2
        rates: list[float] = []
        for far_ns, size in self._far[:-1]:
            left_bytes -= size
            if rates and left_bytes < least_bytes:
                break
            if far_ns < last_ns:
                rates.append(left_bytes * 1e9 / (last_ns - far_ns))
        return round(min(rates)) if rates else 0

    def on_arrival(
        self, now_ns: int, number: int, wire_bytes: int, far: tuple[int, int] | None = None
    ) -> int | None:
        """Record an echo; returns bytes a second after the last one, else None.

        Args:
            now_ns: the arrival, equal for all echoes of one piece.
            number: of the message that was echoed.
            wire_bytes: size of the echo's frame.
            far: the arrival at the far end, by its own clock, and the size of the frame that arrived there.
        """
        if number == self.first:
            self._began_ns, self.all_bytes = now_ns, wire_bytes
            self._far = [far] if far else []
            return None
        if not self.first < number <= self.last or not self._began_ns:
            return None
        self.all_bytes += wire_bytes
        if far is not None and self._far and self._far[-1][0] <= far[0]:
            self._far.append(far)
        if self._began_ns < now_ns:
            self._bytes += wire_bytes
        if number < self.last:
            return None
        if self._bytes:
            return round(self._bytes * 1e9 / (now_ns - self._began_ns))
        return round(self.all_bytes * 1e9 / (now_ns - self.sent_ns)) if 0 < self.sent_ns < now_ns else None


def count_echo(counts: LinkCounters, now_ns: int, echo: EchoMatch, *, is_round_trip: bool) -> None:
    """Add one arrival to the counters."""
    counts.missing += echo.missing
    counts.missing_up += echo.missing_up
    counts.repeated += echo.repeated
    counts.repeated_up += echo.repeated_up
    if echo.sent is None:
        return
    counts.heard += 1
    counts.compared_bytes += len(echo.sent.data)
    counts.damaged_bytes += echo.damaged_bytes
    counts.damaged_up += echo.damaged_up
    if is_round_trip and not echo.sent.bulk and len(counts.rtt_us) < MAX_SAMPLES:
        counts.rtt_at_ms.append((now_ns - counts.since_ns) // 1_000_000)
        counts.rtt_us.append((now_ns - echo.sent.sent_ns) // 1000)
        counts.up_us.append(NO_STAMP if echo.up_ns is None else echo.up_ns // 1000)
