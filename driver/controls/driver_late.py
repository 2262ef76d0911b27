"""The driver acts late."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, name_of, replaced, when
from driver.histories.events import FaultBegun, MachineSample
from driver.histories.history import History
from driver.histories.work import REQUESTED, delayed_requests

LATE_NS = 3_600_000_000_000


def alter(history: History) -> Iterator[Altered]:
    """Let the driver be an hour late: with the begin of a fault, with its loop, with a request."""
    for begun in [one for one in history.of(FaultBegun) if one.called_ns and one.planned_ns][:1]:
        late = replace(begun, called_ns=begun.called_ns + LATE_NS)
        yield Altered(f"the begin of {name_of(begun.fault)} an hour late", replaced(history, [(begun, late)]))
    for sample in history.of(MachineSample)[:1]:
        slow = replace(sample, loop_lag_ms=LATE_NS / 1e6)
        change = f"the driver's loop an hour late {when(history, sample.at_ns)}"
        yield Altered(change, replaced(history, [(sample, slow)]))
    for name, requested, delayed in delayed_requests(history, LATE_NS):
        yield Altered(f"{name_of(name)} submitted an hour late", replaced(history, [(requested, delayed)]))


CONTROL = Control(
    "driver_late",
    "The driver acts an hour late.",
    alter,
    (FaultBegun, MachineSample, *REQUESTED),
    rank=270,
)
