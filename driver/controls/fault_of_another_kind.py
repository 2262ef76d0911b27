"""A fault of another kind is claimed: what was observed must not prove it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from chaos.catalogue import FAULTS
from driver.controls.control import Altered, Control, name_of, replaced
from driver.histories.events import FaultBegun, Receipt
from driver.histories.history import History
from driver.judging.receipt_rebuild import rebuild_receipts

OTHERS = ("stall", "refuse", "pause", "unplug")
"""Kinds that are claimed instead, of links and of containers; none of them needs parameters."""
NO_PARAMETERS = msgspec.Raw(b"{}")


def alter(history: History) -> Iterator[Altered]:
    """Claim another kind of the same layer for each fault, and make its receipt of what was observed."""
    for begun in history.of(FaultBegun):
        if not begun.called_ns or begun.kind not in FAULTS:
            continue
        layer = FAULTS[begun.kind].layer
        kind = next(one for one in OTHERS if FAULTS[one].layer is layer and one != begun.kind)
        copy = replaced(history, [(begun, replace(begun, kind=kind, params=NO_PARAMETERS))])
        rebuild_receipts(copy, history.clients)
        copy.changed |= {Receipt}
        yield Altered(f"{kind} claimed for {name_of(begun.fault)}, which was {name_of(begun.kind)}", copy)


CONTROL = Control(
    "fault_of_another_kind", "A fault of another kind is claimed.", alter, (FaultBegun, Receipt), rank=200
)
