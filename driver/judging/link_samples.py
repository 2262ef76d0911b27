"""The samples in one of the prober's summaries, each with its time. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from chaos.evidence import ProbeCounts, RoundTrip, ThroughputSample
from chaos.prober.counters import NO_STAMP
from chaos.prober.events import LinkSeen

_MS = 1_000_000


def trips(one: LinkSeen) -> Iterable[RoundTrip]:
    """Its round trips."""
    for place, (at_ms, rtt_us) in enumerate(zip(one.rtt_at_ms, one.rtt_us, strict=False)):
        at_ns = one.since_ns + at_ms * _MS
        up_us = one.up_us[place] if place < len(one.up_us) else NO_STAMP
        known = up_us != NO_STAMP
        yield RoundTrip(
            at_ns - rtt_us * 1000,
            at_ns,
            up_us / 1000 if known else None,
            (rtt_us - up_us) / 1000 if known else None,
        )


def flows(one: LinkSeen) -> Iterable[ThroughputSample]:
    """Its bursts that were echoed."""
    lists = (one.rates_at_ms, one.rates_took_ms, one.rates_sizes_bytes, one.rates_bytes_per_s)
    for place, (at_ms, took_ms, size_bytes, rate) in enumerate(zip(*lists, strict=False)):
        at_ns = one.since_ns + int(at_ms) * _MS
        up = one.rates_up_bytes_per_s[place] if place < len(one.rates_up_bytes_per_s) else 0
        yield ThroughputSample(at_ns - round(took_ms * _MS), at_ns, int(size_bytes), rate, up)


def downs(one: LinkSeen) -> Iterable[ThroughputSample]:
    """Its downloads."""
    lists = (one.down_at_ms, one.down_took_ms, one.down_sizes_bytes, one.down_rates_bytes_per_s)
    for at_ms, took_ms, size_bytes, rate in zip(*lists, strict=False):
        at_ns = one.since_ns + int(at_ms) * _MS
        yield ThroughputSample(at_ns - round(took_ms * _MS), at_ns, int(size_bytes), rate)


def beats(one: LinkSeen) -> Iterable[int]:
    """When the far end sent something by itself."""
    return (one.since_ns + at_ms * _MS for at_ms in one.beats_at_ms)


def tally(one: LinkSeen) -> ProbeCounts:
    """Its counts. Of what has no stamp nothing says which way it went: it counts as on the way back."""
    return ProbeCounts(
        one.since_ns,
        one.at_ns,
        sent=one.sent,
        compared_bytes=one.compared_bytes,
        damaged_up=one.damaged_up,
        damaged_down=one.damaged_bytes - one.damaged_up,
        missing_up=one.missing_up,
        missing_down=one.missing - one.missing_up,
        repeated_up=one.repeated_up,
        repeated_down=one.repeated - one.repeated_up,
    )
