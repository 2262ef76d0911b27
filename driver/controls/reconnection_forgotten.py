"""A client's last connection is forgotten: it never reconnects."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, growing, several
from driver.histories.connection_history import connection_histories
from driver.histories.events import PhaseEnded
from driver.histories.history import History
from wire.events import Connected, Event

WAITED_NS = 60_000_000_000
"""How long a run waits by default for clients that are not back."""


def alter(history: History) -> Iterator[Altered]:
    """Take the last connection of clients out, of those that had an outage first; then let the run wait for
    them, as it does for clients that are not back: what has to hold soon after a heal is decided by then.
    """
    last = {event.by: event for event in history.of(Connected)}
    clients = history.view(connection_histories)
    order = sorted(clients, key=lambda name: not clients[name].reconnections)
    drained = [event for event in history.of(PhaseEnded) if event.phase == "drain"]
    waited = [replace(event, at_ns=event.at_ns + WAITED_NS) for event in drained]
    runs = [((), (), ""), (drained, waited, f", and {WAITED_NS / 1e9:.0f} s waited")][: 1 + len(drained)]
    for before, after, wait in runs:
        for some in growing([name for name in order if name in last]):
            gone: list[Event] = [last[name] for name in some]
            change = f"the last connection of {several(some[0], len(some))} forgotten{wait}"
            yield Altered(change, history.altered([*gone, *before], after))


CONTROL = Control(
    "reconnection_forgotten",
    "A worker's last connection is taken out.",
    alter,
    (Connected, PhaseEnded),
    rank=100,
)
