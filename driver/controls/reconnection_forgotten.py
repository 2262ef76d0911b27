"""A client's last connection is forgotten: it never reconnects."""

from __future__ import annotations

from collections.abc import Iterator

from driver.controls.control import Altered, Control, growing, several
from driver.histories.connection_history import connection_histories
from driver.histories.history import History
from wire.events import Connected


def alter(history: History) -> Iterator[Altered]:
    """Take the last connection of clients out, of those that had an outage first."""
    last = {event.by: event for event in history.of(Connected)}
    clients = history.view(connection_histories)
    order = sorted(clients, key=lambda name: not clients[name].reconnections)
    for some in growing([name for name in order if name in last]):
        gone = [last[name] for name in some]
        yield Altered(
            f"the last connection of {several(some[0], len(some))} forgotten", history.altered(gone, [])
        )


CONTROL = Control(
    "reconnection_forgotten", "A worker's last connection is taken out.", alter, (Connected,), rank=100
)
