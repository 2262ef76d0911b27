"""The driver acts late."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, name_of, replaced, when
from driver.histories.events import FaultBegun, MachineSample
from driver.histories.history import History
from driver.reference.load_events import TasksAccepted

LATE_NS = 3_600_000_000_000


def alter(history: History) -> Iterator[Altered]:
    """Let the driver be an hour late: with the begin of a fault, with its loop, with a task."""
    for begun in [one for one in history.of(FaultBegun) if one.called_ns and one.planned_ns][:1]:
        late = replace(begun, called_ns=begun.called_ns + LATE_NS)
        yield Altered(f"the begin of {name_of(begun.fault)} an hour late", replaced(history, [(begun, late)]))
    for sample in history.of(MachineSample)[:1]:
        slow = replace(sample, loop_lag_ms=LATE_NS / 1e6)
        change = f"the driver's loop an hour late {when(history, sample.at_ns)}"
        yield Altered(change, replaced(history, [(sample, slow)]))
    for accepted in [one for one in history.of(TasksAccepted) if one.tasks and one.intended_ns][:1]:
        noticed = replace(accepted, noticed_ns=[one + LATE_NS for one in accepted.intended_ns])
        change = f"{name_of(accepted.tasks[0])} submitted an hour late"
        yield Altered(change, replaced(history, [(accepted, noticed)]))


CONTROL = Control(
    "driver_late",
    "The driver acts an hour late.",
    alter,
    (FaultBegun, MachineSample, TasksAccepted),
    rank=270,
)
