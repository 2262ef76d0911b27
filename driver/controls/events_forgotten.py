"""All events of one kind are forgotten."""

from __future__ import annotations

from collections.abc import Iterator

from driver.controls.control import Altered, Control
from driver.histories.history import History


def alter(history: History) -> Iterator[Altered]:
    """Take all events of a kind out, the rarest kind first."""
    for kind in sorted(history.kinds, key=lambda one: len(history.of(one))):
        events = history.of(kind)
        yield Altered(
            f"all {len(events):,} {kind.__struct_config__.tag} events forgotten", history.altered(events, [])
        )


CONTROL = Control("events_forgotten", "All events of a kind are taken out.", alter, rank=900)
