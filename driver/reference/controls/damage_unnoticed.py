"""Nothing notices the bytes that a fault altered."""

from __future__ import annotations

from collections.abc import Iterator

from driver.controls.control import Altered, Control, name_of
from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from wire.events import ConnectFailed, ConnectionLost, Event, FrameRefused, HandshakeRefused

NOTICES = (FrameRefused, HandshakeRefused, ConnectionLost, ConnectFailed)
LATE_NS = 3_000_000_000


def alter(history: History) -> Iterator[Altered]:
    """Take out all that noticed a fault, in its window and a moment after it, for each fault."""
    every: list[Event] = [event for kind in NOTICES for event in history.of(kind)]
    for window in history.view(run_timeline).faults:
        until_ns = (window.ended_ns or window.began_ns) + LATE_NS
        gone = [event for event in every if window.began_ns <= event.at_ns <= until_ns]
        if gone:
            change = f"all {len(gone)} losses and refusals under {name_of(window.fault)} forgotten"
            yield Altered(change, history.altered(gone, []))


CONTROL = Control("damage_unnoticed", "What noticed a fault is taken out.", alter, NOTICES, rank=190)
