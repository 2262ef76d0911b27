"""An attempt to connect fails late: just before the next one begins."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from msgspec.structs import replace

from driver.controls.control import Altered, Control, growing, replaced, several
from driver.histories.connection_history import connection_histories
from driver.histories.history import History
from wire.events import BackoffStarted, ConnectFailed, Event


def alter(history: History) -> Iterator[Altered]:
    """Hold failures back, those of the longest outages first."""
    late: list[tuple[int, Event, Event]] = []
    for name, connections in history.view(connection_histories).items():
        failures = {event.at_ns: event for event in history.by(name) if isinstance(event, ConnectFailed)}
        for outage in connections.outages:
            for one, following in pairwise(outage.attempts):
                at_ns = following.began.at_ns - 1
                failed = failures.get(one.ended_ns)
                if failed is not None and at_ns > one.ended_ns:
                    late.append((at_ns - one.ended_ns, failed, replace(failed, at_ns=at_ns)))
    late.sort(key=lambda one: one[0], reverse=True)
    for some in growing(late):
        change = f"a failure to connect of {several(some[0][1].by, len(some))} held back"
        yield Altered(change, replaced(history, [(failed, moved) for _, failed, moved in some]))


CONTROL = Control(
    "failure_late", "An attempt to connect fails late.", alter, (ConnectFailed, BackoffStarted), rank=115
)
