"""How closely the prober looks at a link. The usual look is cheap; faults need a closer one."""

from __future__ import annotations

from typing import TypeVar

import msgspec

# A fault shorter than this is looked at so often while it lasts, within these bounds.
_SHORT_S = 4.0
_LOOKS_IN_SHORT = 8.0
_MOST_PROBES_PER_S = 20.0
_MOST_CONNECTS_PER_S = 10.0
_FOLLOWS_PER_S = 0.2
_SPARED_BYTES = 8_192
_SPARED_EVERY_S = 2.5
_SPARED_BURSTS_PER_S = 40.0

S = TypeVar("S", bound=msgspec.Struct)


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Round trips and new connections a second; bytes a second to compare; bytes of a burst that measures
    throughput, and seconds between two of those.
    """

    probes_per_s: float = 1.0
    connects_per_s: float = 0.05
    volume_bytes_per_s: int = 0
    burst_bytes: int = 0
    burst_every_s: float = 60.0

    def closer(self, other: Look) -> Look:
        """The closer of two looks in each respect."""
        return Look(
            probes_per_s=max(self.probes_per_s, other.probes_per_s),
            connects_per_s=max(self.connects_per_s, other.connects_per_s),
            volume_bytes_per_s=max(self.volume_bytes_per_s, other.volume_bytes_per_s),
            burst_bytes=max(self.burst_bytes, other.burst_bytes),
            burst_every_s=min(self.burst_every_s, other.burst_every_s),
        )


class Watch(msgspec.Struct, frozen=True):
    """Look so at these links in that time (CLOCK_MONOTONIC)."""

    from_ns: int
    until_ns: int
    links: list[str]
    look: Look


class ProberSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """STORMLAB_PROBER: which workers' links to watch (`worker-1` … `worker-N`), and the ceilings of all looks
    together.

    When `links` times a look's rate is more than a ceiling, every link gets its equal part of it.
    """

    links: int = 0
    usual: Look = Look()
    probes_per_s: float = 400.0
    connects_per_s: float = 100.0
    volume_bytes_per_s: int = 2_000_000
    seed: int = 0


def look_at(link: str, now_ns: int, usual: Look, watches: list[Watch]) -> Look:
    """How closely to look at a link now."""
    look = usual
    for watch in watches:
        if watch.from_ns <= now_ns < watch.until_ns and link in watch.links:
            look = look.closer(watch.look)
    return look


def shared(look: Look, settings: ProberSettings) -> Look:
    """A look within the ceilings, when every link is looked at like this."""
    links = max(1, settings.links)
    return Look(
        probes_per_s=min(look.probes_per_s, settings.probes_per_s / links),
        connects_per_s=min(look.connects_per_s, settings.connects_per_s / links),
        volume_bytes_per_s=min(look.volume_bytes_per_s, settings.volume_bytes_per_s // links),
        burst_bytes=look.burst_bytes,
        burst_every_s=look.burst_every_s,
    )


def in_time(look: Look, for_s: float | None) -> Look:
    """The same look, close enough to fall on a short fault some times while it lasts."""
    if for_s is None or for_s >= _SHORT_S:
        return look
    often = _LOOKS_IN_SHORT / for_s
    connects = (
        look.connects_per_s if look.connects_per_s < _FOLLOWS_PER_S else min(_MOST_CONNECTS_PER_S, often)
    )
    return Look(
        probes_per_s=max(look.probes_per_s, min(_MOST_PROBES_PER_S, often)),
        connects_per_s=max(look.connects_per_s, connects),
        volume_bytes_per_s=look.volume_bytes_per_s,
        burst_bytes=look.burst_bytes,
        burst_every_s=look.burst_every_s,
    )


def spared_look(links: int) -> Look:
    """A look that notices when a link becomes slow that a fault should spare: small, and smaller the more
    links there are.
    """
    bursts = max(_SPARED_EVERY_S, links / _SPARED_BURSTS_PER_S)
    return Look(probes_per_s=2.0, burst_bytes=_SPARED_BYTES, burst_every_s=bursts)


def burst_look(rate_bytes_per_s: int, for_s: float | None) -> Look:
    """A look that measures throughput of about this rate, some times while a fault lasts.

    A burst takes long enough for the rate to show, and leaves the link to the worker most of the time. Some
    come before the fault: what the link carries by itself is what its limit is held against.
    """
    burst_bytes = max(2_048, min(128_000, rate_bytes_per_s // 10))
    takes_s = burst_bytes / rate_bytes_per_s
    return Look(burst_bytes=burst_bytes, burst_every_s=max(1.0, min((for_s or 10.0) / 4, 1.5), 4 * takes_s))


def read_watches(data: bytes) -> list[Watch]:
    """The watches in a watch file's bytes. Raises ValueError."""
    try:
        return msgspec.json.decode(data, type=list[Watch])
    except msgspec.MsgspecError as error:
        raise ValueError(f"watch file: {error}") from None


def write_watches(watches: list[Watch]) -> bytes:
    """A watch file's bytes."""
    return msgspec.json.encode(watches)
