"""Records of the prober about each link, and what they show between two instants. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TypeVar

from chaos.evidence import (
    CloseKind,
    ConnectOutcome,
    FarEndRecord,
    LinkWindow,
    NewConnection,
    ProbeCounts,
    RoundTrip,
    Silence,
    ThroughputSample,
)
from chaos.prober.counters import NO_STAMP
from chaos.prober.events import FellSilent, HeardAgain, LinkSeen, StreamEnded, StreamOpened, Tried
from driver.histories.history import History
from wire.events import Event, ProbeStreamEnded

_MS = 1_000_000
# Toxiproxy and the prober read the clock at different moments: an effect can appear this much early.
EARLY_NS = 50 * _MS
# An attempt this old at a fault's end was delayed by the fault.
WAITED_NS = 500 * _MS
_at_ns = attrgetter("at_ns")
_FAR_KINDS = {"fin": CloseKind.fin, "rst": CloseKind.rst}
E = TypeVar("E", bound=Event)


@dataclass
class LinkRecord:
    """All events of the prober about one link, in order of time."""

    seen: list[LinkSeen] = field(default_factory=list)
    tried: list[Tried] = field(default_factory=list)
    opened: list[StreamOpened] = field(default_factory=list)
    ended: list[StreamEnded] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)
    far_ends: dict[str, ProbeStreamEnded] = field(default_factory=dict)
    """Ends of its standing connections at their far ends, by the connections' names."""

    def window(self, from_ns: int, until_ns: int) -> LinkWindow:
        """Return what the prober observed from one instant to the other."""
        tries, statuses = self._tried(from_ns, until_ns)
        connects = Counter(one.outcome for one in tries)
        whole = tuple(self._round_trips(from_ns, until_ns))
        about = list(self._summaries(from_ns, until_ns))
        parts = [one for one in about if one.since_ns >= from_ns and one.at_ns <= until_ns] or about
        opened = any(True for _ in _between(self.opened, from_ns, until_ns))
        return LinkWindow(
            from_ns=from_ns,
            until_ns=until_ns,
            rtt_ms=tuple(trip.rtt_ms for trip in whole),
            ends=tuple(
                (one.at_ns, CloseKind(one.how))
                for one in _between(self.ended, from_ns - EARLY_NS, until_ns - EARLY_NS)
            ),
            connects=connects,
            silences=tuple(one for one in self.silences if _overlaps(one, from_ns, until_ns)),
            compared_bytes=sum(one.compared_bytes for one in parts),
            damaged_bytes=sum(one.damaged_bytes for one in parts),
            missing_messages=sum(one.missing for one in parts),
            repeated_messages=sum(one.repeated for one in parts),
            rates_bytes_per_s=tuple(float(rate) for one in parts for rate in one.rates_bytes_per_s),
            statuses=statuses,
            lives=bool(whole or opened or connects[ConnectOutcome.answered]),
            trips=whole,
            tries=tries,
            flows=tuple(flow for one in about for flow in flows(one) if _within(flow, from_ns, until_ns)),
            downs=tuple(flow for one in about for flow in downs(one) if _within(flow, from_ns, until_ns)),
            tallies=tuple(tally(one) for one in parts),
            beats_ns=tuple(at_ns for one in about for at_ns in beats(one) if from_ns <= at_ns <= until_ns),
        )

    def was_connected(self, at_ns: int) -> bool | None:
        """Whether a connection was open just before an instant; None without an event about it."""
        opened = bisect_left(self.opened, at_ns - EARLY_NS, key=_at_ns)
        ended = bisect_left(self.ended, at_ns - EARLY_NS, key=_at_ns)
        if not opened and not ended:
            return None
        last_opened_ns = self.opened[opened - 1].at_ns if opened else 0
        last_ended_ns = self.ended[ended - 1].at_ns if ended else 0
        return last_opened_ns > last_ended_ns

    def far_end(self, at_ns: int) -> FarEndRecord | None:
        """Return the end of the connection that was open just before an instant, as its far end recorded it;
        None without a record.
        """
        if not self.was_connected(at_ns):
            return None
        opened = self.opened[bisect_left(self.opened, at_ns - EARLY_NS, key=_at_ns) - 1]
        ended = self.far_ends.get(opened.stream)
        if ended is None:
            return None
        return FarEndRecord(ended.at_ns, _FAR_KINDS.get(ended.how, CloseKind.given_up), ended.last_message_ns)

    def _summaries(self, from_ns: int, until_ns: int) -> Iterable[LinkSeen]:
        for one in self.seen[bisect_left(self.seen, from_ns, key=_at_ns) :]:
            if one.since_ns >= until_ns:
                return
            yield one

    def _round_trips(self, from_ns: int, until_ns: int) -> Iterable[RoundTrip]:
        """Yield the round trips that began and ended within the window."""
        for one in self._summaries(from_ns, until_ns):
            for trip in trips(one):
                if trip.at_ns <= until_ns and trip.sent_ns >= from_ns:
                    yield trip

    def _tried(
        self, from_ns: int, until_ns: int
    ) -> tuple[tuple[NewConnection, ...], frozenset[tuple[int, int]]]:
        tries = []
        statuses = set()
        for one in self.tried[bisect_left(self.tried, from_ns, key=_at_ns) :]:
            began_ns = one.at_ns - round(one.took_ms * _MS)
            if began_ns > until_ns:
                # Attempts last at most some seconds, and are in the order of their ends.
                if began_ns > until_ns + 10_000 * _MS:
                    break
                continue
            if began_ns < from_ns:
                continue
            if one.at_ns > until_ns - EARLY_NS and began_ns < until_ns - WAITED_NS:
                tries.append(NewConnection(began_ns, until_ns, ConnectOutcome.hung))
            elif one.at_ns <= until_ns:
                tries.append(NewConnection(began_ns, one.at_ns, ConnectOutcome(one.outcome)))
                if one.outcome == ConnectOutcome.rejected:
                    statuses.add((one.status, one.retry_after_s))
        return tuple(tries), frozenset(statuses)


def link_records(history: History) -> dict[str, LinkRecord]:
    """Return link → all events of the prober about it."""
    records: dict[str, LinkRecord] = {}
    for seen in history.of(LinkSeen):
        records.setdefault(seen.link, LinkRecord()).seen.append(seen)
    for tried in history.of(Tried):
        records.setdefault(tried.link, LinkRecord()).tried.append(tried)
    far_ends = {ended.stream: ended for ended in history.of(ProbeStreamEnded)}
    for opened in history.of(StreamOpened):
        record = records.setdefault(opened.link, LinkRecord())
        record.opened.append(opened)
        if opened.stream in far_ends:
            record.far_ends[opened.stream] = far_ends[opened.stream]
    open_since: dict[str, int] = {}
    for event in history.merged(FellSilent, HeardAgain, StreamEnded):
        if isinstance(event, FellSilent):
            open_since[event.link] = event.since_ns
        elif isinstance(event, HeardAgain | StreamEnded):
            record = records.setdefault(event.link, LinkRecord())
            since_ns = open_since.pop(event.link, None)
            if since_ns is not None:
                healed = isinstance(event, HeardAgain) and event.whole
                up_ms, down_ms = _held(event)
                record.silences.append(Silence(since_ns, event.at_ns, healed, up_ms, down_ms))
            if isinstance(event, StreamEnded):
                record.ended.append(event)
    for link, since_ns in open_since.items():
        records.setdefault(link, LinkRecord()).silences.append(Silence(since_ns, None, healed=False))
    return records


def _within(flow: ThroughputSample, from_ns: int, until_ns: int) -> bool:
    return from_ns <= flow.from_ns and flow.at_ns <= until_ns


def _held(event: HeardAgain | StreamEnded) -> tuple[float | None, float | None]:
    if isinstance(event, StreamEnded) or (event.up_ms < 0 and event.down_ms < 0):
        return None, None
    return event.up_ms, event.down_ms


def _overlaps(silence: Silence, from_ns: int, until_ns: int) -> bool:
    return silence.from_ns < until_ns and (silence.until_ns is None or silence.until_ns > from_ns)


def _between(events: Sequence[E], from_ns: int, until_ns: int) -> Iterable[E]:
    for one in events[bisect_left(events, from_ns, key=_at_ns) :]:
        if one.at_ns >= until_ns:
            return
        yield one


def trips(one: LinkSeen) -> Iterable[RoundTrip]:
    """Yield a summary's round trips."""
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
    """Yield a summary's echoed bursts."""
    lists = (one.rates_at_ms, one.rates_took_ms, one.rates_sizes_bytes, one.rates_bytes_per_s)
    for place, (at_ms, took_ms, size_bytes, rate) in enumerate(zip(*lists, strict=False)):
        at_ns = one.since_ns + int(at_ms) * _MS
        up = one.rates_up_bytes_per_s[place] if place < len(one.rates_up_bytes_per_s) else 0
        yield ThroughputSample(at_ns - round(took_ms * _MS), at_ns, int(size_bytes), rate, up)


def downs(one: LinkSeen) -> Iterable[ThroughputSample]:
    """Yield a summary's downloads."""
    lists = (one.down_at_ms, one.down_took_ms, one.down_sizes_bytes, one.down_rates_bytes_per_s)
    for at_ms, took_ms, size_bytes, rate in zip(*lists, strict=False):
        at_ns = one.since_ns + int(at_ms) * _MS
        yield ThroughputSample(at_ns - round(took_ms * _MS), at_ns, int(size_bytes), rate)


def beats(one: LinkSeen) -> Iterable[int]:
    """Yield the instants of unsolicited messages from the far end."""
    return (one.since_ns + at_ms * _MS for at_ms in one.beats_at_ms)


def tally(one: LinkSeen) -> ProbeCounts:
    """Return a summary's counts. What has no stamp counts as lost or altered on the way back."""
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
