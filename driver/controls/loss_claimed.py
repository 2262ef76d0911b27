"""A client is claimed to have lost its connection for good, while the server still has it."""

from __future__ import annotations

from collections.abc import Iterator

from driver.controls.control import Altered, Control, growing, several
from driver.histories.connection_history import connection_histories
from driver.histories.history import History
from wire.events import ConnectionLost


def alter(history: History) -> Iterator[Altered]:
    """End the last connection of clients in its middle, of more and more of them."""
    lost = []
    for name, connections in history.view(connection_histories).items():
        if connections.by_client:
            begin_ns, end_ns = connections.by_client[-1]
            at_ns = (begin_ns + end_ns) // 2
            lost.append(
                ConnectionLost(
                    at_ns=at_ns, wall_s=0.0, by=name, session="", kind="closed", detail="", silent_ms=0.0
                )
            )
    for some in growing(lost):
        change = f"a loss of {several(some[0].by, len(some))} claimed that nothing followed"
        yield Altered(change, history.altered([], some))


CONTROL = Control(
    "loss_claimed", "A worker loses its connection for good.", alter, (ConnectionLost,), rank=145
)
