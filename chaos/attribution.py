"""Which observations on a link another, simultaneous fault may have caused: they prove nothing. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from chaos.evidence import (
    ConnectOutcome,
    LinkEvidence,
    LinkWindow,
    NewConnection,
    OtherFault,
    RoundTrip,
    Symptom,
    ThroughputSample,
)

# An effect is observed up to this much before and after the times that Toxiproxy recorded.
EARLY_NS = 50_000_000
LATE_NS = 1_000_000_000
OWN_NS = 300_000_000
_FAILING = frozenset({Symptom.turned_away, Symptom.silent, Symptom.ended, Symptom.damaged})
_LATE = frozenset({Symptom.late_up, Symptom.late_down})


def without_other_faults(seen: LinkEvidence, own: frozenset[Symptom]) -> LinkEvidence:
    """Return the observations without the samples that another fault on the link can explain.

    The end of a connection at the begin of a fault that ends connections (`own` are its symptoms) belongs to
    that fault. Counts without a time are left as they are.
    """
    if not seen.others:
        return seen
    begin_ns = seen.during.from_ns if Symptom.ended in own else None
    return replace(
        seen,
        before=_window(seen.before, seen.others, None),
        during=_window(seen.during, seen.others, begin_ns),
        after=_window(seen.after, seen.others, None),
    )


def _window(window: LinkWindow, others: tuple[OtherFault, ...], begin_ns: int | None) -> LinkWindow:
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
            or not _under(at_ns - LATE_NS, at_ns + EARLY_NS, others, {Symptom.ended})
        ),
        flows=tuple(one for one in window.flows if not _slowed(one, others)),
        downs=tuple(one for one in window.downs if not _slowed(one, others)),
        rates_bytes_per_s=(
            tuple(one.bytes_per_s for one in window.flows if not _slowed(one, others))
            if window.flows
            else window.rates_bytes_per_s
        ),
    )


def _explained(one: NewConnection, others: tuple[OtherFault, ...]) -> bool:
    """Return whether another fault can have caused this outcome. No fault causes an answer."""
    if one.outcome is ConnectOutcome.answered:
        return False
    traces = {Symptom.refused} if one.outcome is ConnectOutcome.refused else _FAILING
    return _under(one.began_ns, one.at_ns, others, traces)


def _trip(trip: RoundTrip, others: tuple[OtherFault, ...]) -> RoundTrip | None:
    if _under(trip.sent_ns, trip.at_ns, others, {Symptom.silent}):
        return None
    up = _under(trip.sent_ns, trip.at_ns, others, {Symptom.late_up})
    down = _under(trip.sent_ns, trip.at_ns, others, {Symptom.late_down})
    if not up and not down:
        return trip
    return replace(trip, up_ms=None if up else trip.up_ms, down_ms=None if down else trip.down_ms)


def _slowed(flow: ThroughputSample, others: tuple[OtherFault, ...]) -> bool:
    return _under(flow.from_ns, flow.at_ns, others, {Symptom.slow_up, Symptom.slow_down, Symptom.silent})


def _under(
    from_ns: int, until_ns: int, others: tuple[OtherFault, ...], traces: frozenset[Symptom] | set[Symptom]
) -> bool:
    """Return whether another fault with one of these symptoms was on, or had just ended, in that time."""
    return any(
        other.traces & traces and other.from_ns - EARLY_NS < until_ns and from_ns < other.until_ns + EARLY_NS
        for other in others
    )
