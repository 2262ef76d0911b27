"""A fault is claimed on a client that stayed connected: it must have disconnected it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from driver.controls.control import Altered, Control, name_of, when
from driver.histories.connection_history import connection_histories
from driver.histories.events import FaultBegun, FaultEnded, Receipt
from driver.histories.history import DRIVER, History
from driver.histories.run_timeline import run_timeline
from wire.events import Event

FAULT, KIND = "fault-of-a-control", "refuse"
SETTLED_NS = 1_000_000_000
"""After the begin of a connection: a shorter outage before it could be the fault's."""
DETECTED_NS = 12_000_000_000
"""Before a connection's end: a loss this soon after the fault could be its detection."""


def alter(history: History) -> Iterator[Altered]:
    """Claim a proved fault while a client was connected: in the longest connection that lasts to the end, and
    in the longest of all, but for its last seconds.
    """
    end_ns = history.view(run_timeline).end_ns
    connected = [
        (until_ns - from_ns, from_ns, until_ns, name)
        for name, connections in history.view(connection_histories).items()
        for from_ns, until_ns in connections.by_client
    ]
    lasting = [one for one in connected if one[2] >= end_ns]
    for some, spare_ns in ((lasting, 1), (connected, DETECTED_NS)):
        length_ns, from_ns, until_ns, client = max(some, default=(0, 0, 0, ""))
        if length_ns > SETTLED_NS + spare_ns:
            events = _claimed(client, from_ns + SETTLED_NS, until_ns - spare_ns)
            since = when(history, from_ns).removeprefix("at ")
            change = f"{KIND} claimed on {name_of(client)} from {since} on"
            yield Altered(change, history.altered([], events))


def _claimed(client: str, begin_ns: int, end_ns: int) -> list[Event]:
    begun = FaultBegun(
        at_ns=begin_ns, wall_s=0.0, by=DRIVER, fault=FAULT, kind=KIND, targets=[client],
        params=msgspec.Raw(b"{}"), planned_ns=begin_ns, cuts=True, changes=[],
    )  # fmt: skip
    ended = FaultEnded(
        at_ns=end_ns, wall_s=0.0, by=DRIVER, fault=FAULT, kind=KIND, targets=[client], planned_ns=end_ns
    )
    receipt = Receipt(
        at_ns=end_ns, wall_s=0.0, by=DRIVER, fault=FAULT, kind=KIND, proved=True,
        because="claimed by a control", hit=[client], missed=[], spared=[], strayed=[], observers=[],
    )  # fmt: skip
    return [begun, ended, receipt]


CONTROL = Control(
    "fault_claimed", "A fault is claimed on a worker that stayed connected.", alter,
    (FaultBegun, FaultEnded, Receipt), rank=220,
)  # fmt: skip
