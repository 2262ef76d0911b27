"""How often the prober probes a link. The usual rate is cheap; the window of a fault needs a higher one."""

from __future__ import annotations

from typing import TypeVar

import msgspec

# A fault shorter than _SHORT_S is probed _PROBES_IN_SHORT times while it lasts, within these bounds.
_SHORT_S = 4.0
_PROBES_IN_SHORT = 8.0
_MAX_PROBES_PER_S = 20.0
_MAX_CONNECTS_PER_S = 10.0
_FOLLOWS_PER_S = 0.2
_SPARED_BYTES = 8_192
_SPARED_EVERY_S = 2.5
_SPARED_BURSTS_PER_S = 40.0

S = TypeVar("S", bound=msgspec.Struct)


class ProbeRate(msgspec.Struct, frozen=True, kw_only=True):
    """Round trips and new connections a second; bytes a second to compare; the size of a burst that measures
    throughput, and the seconds between two bursts.

    `patient`: a silent standing connection is kept until it ends; else it is given up once new ones are
    answered.
    """

    probes_per_s: float = 1.0
    connects_per_s: float = 0.05
    volume_bytes_per_s: int = 0
    burst_bytes: int = 0
    burst_every_s: float = 60.0
    patient: bool = False

    def at_least(self, other: ProbeRate) -> ProbeRate:
        """Return the higher of two rates in each respect."""
        return ProbeRate(
            probes_per_s=max(self.probes_per_s, other.probes_per_s),
            connects_per_s=max(self.connects_per_s, other.connects_per_s),
            volume_bytes_per_s=max(self.volume_bytes_per_s, other.volume_bytes_per_s),
            burst_bytes=max(self.burst_bytes, other.burst_bytes),
            burst_every_s=min(self.burst_every_s, other.burst_every_s),
            patient=self.patient or other.patient,
        )


class ProbeWindow(msgspec.Struct, frozen=True):
    """Probe these links at this rate in that time (CLOCK_MONOTONIC)."""

    from_ns: int
    until_ns: int
    links: list[str]
    rate: ProbeRate


def rate_at(link: str, now_ns: int, usual: ProbeRate, windows: list[ProbeWindow]) -> ProbeRate:
    """Return the rate of a link at an instant: the highest of the usual rate and all windows."""
    rate = usual
    for window in windows:
        if window.from_ns <= now_ns < window.until_ns and link in window.links:
            rate = rate.at_least(window.rate)
    return rate


def rate_for_duration(rate: ProbeRate, for_s: float | None) -> ProbeRate:
    """Return a rate that probes a short fault several times while it lasts."""
    if for_s is None or for_s >= _SHORT_S:
        return rate
    often = _PROBES_IN_SHORT / for_s
    connects = (
        rate.connects_per_s if rate.connects_per_s < _FOLLOWS_PER_S else min(_MAX_CONNECTS_PER_S, often)
    )
    return ProbeRate(
        probes_per_s=max(rate.probes_per_s, min(_MAX_PROBES_PER_S, often)),
        connects_per_s=max(rate.connects_per_s, connects),
        volume_bytes_per_s=rate.volume_bytes_per_s,
        burst_bytes=rate.burst_bytes,
        burst_every_s=rate.burst_every_s,
        patient=rate.patient,
    )


def spared_link_rate(links: int) -> ProbeRate:
    """Return the rate that detects slowness of a spared link: low, and lower with more links."""
    bursts = max(_SPARED_EVERY_S, links / _SPARED_BURSTS_PER_S)
    return ProbeRate(probes_per_s=2.0, burst_bytes=_SPARED_BYTES, burst_every_s=bursts)


def throughput_rate(rate_bytes_per_s: int, for_s: float | None) -> ProbeRate:
    """Return a rate that measures throughput of about `rate_bytes_per_s` several times while a fault lasts.

    A burst lasts long enough to measure the rate, and leaves the link to the client most of the time. Some
    bursts precede the fault, since its limit is compared with the link's own rate.
    """
    burst_bytes = max(2_048, min(128_000, rate_bytes_per_s // 10))
    takes_s = burst_bytes / rate_bytes_per_s
    return ProbeRate(
        burst_bytes=burst_bytes, burst_every_s=max(1.0, min((for_s or 10.0) / 4, 1.5), 4 * takes_s)
    )


def read_windows(data: bytes) -> list[ProbeWindow]:
    """Return the windows in a file's bytes. Raises ValueError."""
    try:
        return msgspec.json.decode(data, type=list[ProbeWindow])
    except msgspec.MsgspecError as error:
        raise ValueError(f"probe windows: {error}") from None


def write_windows(windows: list[ProbeWindow]) -> bytes:
    """Return a file's bytes."""
    return msgspec.json.encode(windows)
