"""What of all that was seen on a link another fault of that time may have done: it proves nothing. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from chaos.evidence import Attempt, Flow, LinkSeen, Other, Outcome, Trace, Trip, Window

# An effect is seen up to this much before and after the times that Toxiproxy wrote down.
EARLY_NS = 50_000_000
LATE_NS = 1_000_000_000
OWN_NS = 300_000_000
_FAILING = frozenset({Trace.turned_away, Trace.silent, Trace.ended, Trace.damaged})
_LATE = frozenset({Trace.late_up, Trace.late_down})


def apart(seen: LinkSeen, own: frozenset[Trace]) -> LinkSeen:
    """The same without every sample that another fault on that link can explain. What ends a connection at
    the very begin of a fault that ends connections (`own` is what it leaves) is that fault's. Counts that
    have no time of their own are left as they are.
    """
    if not seen.others:
        return seen
    begin_ns = seen.during.from_ns if Trace.ended in own else None
    return replace(
        seen,
        before=_window(seen.before, seen.others, None),
        during=_window(seen.during, seen.others, begin_ns),
        after=_window(seen.after, seen.others, None),
    )


def _window(window: Window, others: tuple[Other, ...], begin_ns: int | None) -> Window:
    trips = tuple(kept for trip in window.trips if (kept := _trip(trip, others)) is not None)
    tries = tuple(one for one in window.tries if not _explained(one, others))
    whole = tuple(trip for trip in trips if not _under(trip.sent_ns, trip.at_ns, others, _LATE))
    return replace(
        window,
        trips=trips,
        rtt_ms=tuple(trip.rtt_ms for trip in whole) if window.trips else window.rtt_ms,
        tries=tries,
        connects=Counter(one.outcome for one in tries) if window.tries else window.connects,
        ends=tuple(
            (at_ns, how)
            for at_ns, how in window.ends
            if (begin_ns is not None and abs(at_ns - begin_ns) < OWN_NS)
            or not _under(at_ns - LATE_NS, at_ns + EARLY_NS, others, {Trace.ended})
        ),
        flows=tuple(one for one in window.flows if not _slowed(one, others)),
        downs=tuple(one for one in window.downs if not _slowed(one, others)),
        rates_bytes_per_s=(
            tuple(one.bytes_per_s for one in window.flows if not _slowed(one, others))
            if window.flows
            else window.rates_bytes_per_s
        ),
    )


def _explained(one: Attempt, others: tuple[Other, ...]) -> bool:
    """Whether another fault can have made this of an attempt. None makes one be answered."""
    if one.outcome is Outcome.answered:
        return False
    traces = {Trace.refused} if one.outcome is Outcome.refused else _FAILING
    return _under(one.began_ns, one.at_ns, others, traces)


def _trip(trip: Trip, others: tuple[Other, ...]) -> Trip | None:
    if _under(trip.sent_ns, trip.at_ns, others, {Trace.silent}):
        return None
    up = _under(trip.sent_ns, trip.at_ns, others, {Trace.late_up})
    down = _under(trip.sent_ns, trip.at_ns, others, {Trace.late_down})
    if not up and not down:
        return trip
    return replace(trip, up_ms=None if up else trip.up_ms, down_ms=None if down else trip.down_ms)


def _slowed(flow: Flow, others: tuple[Other, ...]) -> bool:
    return _under(flow.from_ns, flow.at_ns, others, {Trace.slow_up, Trace.slow_down, Trace.silent})


def _under(
    from_ns: int, until_ns: int, others: tuple[Other, ...], traces: frozenset[Trace] | set[Trace]
) -> bool:
    """Whether another fault with one of these traces was on, or had just ended, in that time."""
    return any(
        other.traces & traces and other.from_ns - EARLY_NS < until_ns and from_ns < other.until_ns + EARLY_NS
        for other in others
    )
