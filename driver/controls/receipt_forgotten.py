"""A fault has no receipt; in a run without faults, one that is claimed."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from driver.controls.control import Altered, Control, growing, several, when
from driver.histories.events import FaultBegun, Receipt
from driver.histories.history import DRIVER, History
from driver.histories.run_timeline import run_timeline


def alter(history: History) -> Iterator[Altered]:
    """Take receipts out; without one, claim a fault that has none."""
    for some in growing(history.of(Receipt)):
        change = f"the receipt of {several(some[0].fault, len(some))} taken away"
        yield Altered(change, history.altered(some, []))
    if not history.of(FaultBegun):
        run = history.view(run_timeline)
        at_ns = (run.zero_ns + run.end_ns) // 2
        begun = FaultBegun(
            at_ns=at_ns, wall_s=0.0, by=DRIVER, fault="fault-of-a-control", kind="refuse", targets=[],
            params=msgspec.Raw(b"{}"), planned_ns=at_ns,
        )  # fmt: skip
        yield Altered(
            f"a fault claimed {when(history, at_ns)} that nothing proves", history.altered([], [begun])
        )


CONTROL = Control(
    "receipt_forgotten", "A fault's receipt is taken away.", alter, (Receipt, FaultBegun), rank=230
)
