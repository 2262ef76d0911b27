"""When a link was connected, by both sides or by one alone, and when its client was away. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from driver.histories.connection_history import ConnectionHistory
from driver.histories.intervals import Interval, difference, union


@dataclass(frozen=True)
class LinkSpans:
    """Sorted, disjoint intervals of one link; what is in none of them is idle: nothing was to be connected.

    `away` is from the break of a connection to the next one that carries.
    """

    connected: list[Interval]
    one_sided: list[Interval]
    away: list[Interval]


def link_spans(connections: ConnectionHistory, end_ns: int) -> LinkSpans:
    """Return a link's spans up to `end_ns`, where what is open ends."""
    both = connections.connected
    one_sided = union(span for _, spans in connections.one_sided for span in spans)
    outages = union((one.broken_ns, one.back_ns or end_ns) for one in connections.outages)
    return LinkSpans(both, one_sided, difference(difference(outages, both), one_sided))
