"""What the prober saw is taken away: no receipt of a link fault can be made of what is left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from chaos.prober.events import ProberEvent
from driver.controls.control import Altered, Control
from driver.histories.events import ContainersRead, EngineAction, FaultBegun, Receipt
from driver.histories.history import History
from driver.judging.receipt_rebuild import rebuild_receipts
from wire.events import Event

SOURCES: tuple[tuple[str, tuple[type[Event], ...]], ...] = (
    ("all that the prober saw", get_args(ProberEvent)),
    ("all that the engine reported of containers", (ContainersRead, EngineAction)),
)


def alter(history: History) -> Iterator[Altered]:
    """Take the observations of each source out, and make the receipts of what is left."""
    if not any(event.called_ns for event in history.of(FaultBegun)):
        return
    for what, kinds in SOURCES:
        gone = [event for kind in kinds for event in history.of(kind)]
        if gone:
            copy = history.altered(gone, [])
            rebuild_receipts(copy, history.clients)
            copy.changed |= {Receipt}
            yield Altered(f"{what} taken away", copy)


CONTROL = Control("evidence_forgotten", "What shows a fault is taken away.", alter, (Receipt,), rank=210)
