"""The events of the prober's journal, `prober.jsonl`: changes at once, counts in summaries."""

from __future__ import annotations

import msgspec

from wire.events import Event, ProbeStreamEnded


class StreamOpened(Event, tag="stream_opened", frozen=True):
    """The standing connection over a link is open. `stream` is its name, by which its far end records its
    end (wire/probe_stream.py).
    """

    link: str
    took_ms: float
    stream: str = ""


class StreamEnded(Event, tag="stream_ended", frozen=True):
    """The standing connection ended. `how`: fin, torn (FIN inside a frame), rst, protocol (bytes that are no
    WebSocket frame), given_up (silent while new connections were answered: one end waits for bytes that were
    damaged).
    """

    link: str
    how: str
    last_heard_ns: int
    detail: str = ""


class FellSilent(Event, tag="fell_silent", frozen=True):
    """No echo has arrived since `since_ns`, though messages are outstanding; the connection is open."""

    link: str
    since_ns: int


class HeardAgain(Event, tag="heard_again", frozen=True):
    """The silence ended on the same connection. `whole`: every outstanding message arrived, once and in
    order. `up_ms` and `down_ms`: the longest time of one of them in each direction, by two clocks; -1 without
    a stamp.
    """

    link: str
    since_ns: int
    held: int
    whole: bool
    up_ms: float = -1.0
    down_ms: float = -1.0


class Tried(Event, tag="tried", frozen=True):
    """One new connection: answered, refused, reset, closed (accepted and ended), hung, rejected (an HTTP
    error), damaged.

    `retry_after_s` is a rejection's Retry-After, -1 without one.
    """

    link: str
    outcome: str
    took_ms: float
    status: int = 0
    retry_after_s: int = -1


class LinkSeen(Event, tag="link_seen", frozen=True):
    """Counts of the standing connection since `since_ns`.

    `rtt_us[i]` is a round trip that ended `rtt_at_ms[i]` after `since_ns`; `up_us[i]` is its part to the far
    end, by two clocks, so that only differences are meaningful. Of `compared_bytes` that were echoed,
    `damaged_bytes` differed; the `_up` counts are those of the direction to the far end. `beats_at_ms` are
    messages that the far end sent unasked.

    `rates_bytes_per_s` are the rates of echoed bursts, `rates_up_bytes_per_s[i]` at the far end; burst i of
    `rates_sizes_bytes[i]` was echoed whole `rates_at_ms[i]` after `since_ns`, `rates_took_ms[i]` after it was
    sent. The `down_` lists are the same of downloads.

    `out_bytes` and `in_bytes` are the whole traffic, new connections included.
    """

    link: str
    since_ns: int
    sent: int
    heard: int
    rtt_at_ms: list[int]
    rtt_us: list[int]
    out_bytes: int
    in_bytes: int
    compared_bytes: int = 0
    damaged_bytes: int = 0
    missing: int = 0
    repeated: int = 0
    rates_bytes_per_s: list[int] = msgspec.field(default_factory=list)
    up_us: list[int] = msgspec.field(default_factory=list)
    beats_at_ms: list[int] = msgspec.field(default_factory=list)
    damaged_up: int = 0
    missing_up: int = 0
    repeated_up: int = 0
    rates_at_ms: list[int] = msgspec.field(default_factory=list)
    rates_took_ms: list[float] = msgspec.field(default_factory=list)
    rates_sizes_bytes: list[int] = msgspec.field(default_factory=list)
    rates_up_bytes_per_s: list[int] = msgspec.field(default_factory=list)
    down_at_ms: list[int] = msgspec.field(default_factory=list)
    down_took_ms: list[float] = msgspec.field(default_factory=list)
    down_sizes_bytes: list[int] = msgspec.field(default_factory=list)
    down_rates_bytes_per_s: list[int] = msgspec.field(default_factory=list)


ProberEvent = StreamOpened | StreamEnded | FellSilent | HeardAgain | Tried | LinkSeen | ProbeStreamEnded
"""The last one where the prober itself serves the far end."""
