"""A client is connected again only just before its next loss, or the end of the run."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, growing, replaced, several
from driver.histories.connection_history import Outage, connection_histories
from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from wire.events import Connected, Connecting, Event

Pair = tuple[Event, Event]


def alter(history: History) -> Iterator[Altered]:
    """Hold connections back, and then the attempts that they end as well; the last outages first."""
    late = latest_returns(history)
    for with_attempt, what in ((False, "the connection"), (True, "the attempt and the connection")):
        for some in growing(late):
            pairs = [
                pair for outage, at_ns in some for pair in moved(outage, at_ns, with_attempt=with_attempt)
            ]
            change = f"{what} after an outage of {several(some[0][0].client, len(some))} held back"
            yield Altered(change, replaced(history, pairs))


def latest_returns(history: History) -> list[tuple[Outage, int]]:
    """Return the outages that a connection ended, each with the latest instant before the next loss."""
    found = []
    end_ns = history.view(run_timeline).end_ns
    for connections in history.view(connection_histories).values():
        ends = [min(one.broken_ns, one.lost_ns) for one in connections.outages[1:]] + [end_ns]
        for outage, until_ns in zip(connections.outages, ends, strict=False):
            if outage.back is not None and outage.back.at_ns < until_ns - 2:
                found.append((outage, until_ns - 1))
    return sorted(found, key=lambda one: one[0].lost_ns, reverse=True)


def moved(outage: Outage, at_ns: int, *, with_attempt: bool) -> Iterator[Pair]:
    """Yield the connection that ended an outage, and its attempt if asked for, each with its event at
    `at_ns`.
    """
    assert outage.back is not None
    yield outage.back, replace(outage.back, at_ns=at_ns)
    if with_attempt and outage.attempts:
        yield outage.attempts[-1].began, replace(outage.attempts[-1].began, at_ns=at_ns - 1)


CONTROL = Control(
    "reconnection_late", "A worker is connected again much later.", alter, (Connected, Connecting), rank=110
)
