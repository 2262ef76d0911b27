"""Events of one kind come again and again."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import GROWTH, Altered, Control
from driver.histories.history import History
from wire.events import Event
from wire.task_events import Assigned, CheckpointCommitted, CheckpointCreated

KINDS: tuple[type[Event], ...] = (Assigned, CheckpointCreated, CheckpointCommitted)
MOST = GROWTH**3


def alter(history: History) -> Iterator[Altered]:
    """Repeat all events of a kind, each directly after itself, more and more often."""
    for kind in KINDS:
        events = history.of(kind)
        times = 1
        while events and times <= MOST:
            again = [
                replace(one, at_ns=one.at_ns + number) for one in events for number in range(1, times + 1)
            ]
            tag = kind.__struct_config__.tag
            yield Altered(f"all {len(events):,} {tag} events {times} times more", history.altered([], again))
            times *= GROWTH


CONTROL = Control("events_repeated", "Events of a kind come again.", alter, KINDS, rank=905)
