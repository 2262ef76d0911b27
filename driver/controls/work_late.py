"""A client that is connected again carries nothing until just before its next loss, or the end of the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from driver.controls.control import Altered, Control, growing, several
from driver.histories.connection_history import ConnectionHistory, connection_histories
from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from driver.histories.work import CARRIED
from wire.events import Event


def alter(history: History) -> Iterator[Altered]:
    """Take out what was carried first after an outage, of the longest times first."""
    late: list[tuple[int, str, Sequence[Event]]] = []
    for name, connections in history.view(connection_histories).items():
        carried = [event for event in history.by(name) if type(event) in CARRIED]
        for back_ns, until_ns in _stretches(history, connections):
            after = [event for event in carried if back_ns <= event.at_ns < until_ns]
            if len(after) > 1:
                late.append((after[-1].at_ns - after[0].at_ns, name, after[:-1]))
    late.sort(key=lambda one: one[0], reverse=True)
    for some in growing(late):
        change = f"what {several(some[0][1], len(some))} carried first after an outage forgotten"
        yield Altered(change, history.altered([event for _, _, events in some for event in events], []))


def _stretches(history: History, connections: ConnectionHistory) -> Iterator[tuple[int, int]]:
    """Yield from when to when a client was connected after each outage that ended."""
    ends_ns = [one.lost_ns for one in connections.outages[1:]] + [history.view(run_timeline).end_ns]
    for outage, until_ns in zip(connections.outages, ends_ns, strict=False):
        if outage.back is not None:
            yield outage.back.at_ns, until_ns


CONTROL = Control(
    "work_late", "A client that is connected again carries nothing for long.", alter, CARRIED, rank=117
)
