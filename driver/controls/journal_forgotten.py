"""A process leaves no journal, or one that is cut short."""

from __future__ import annotations

from collections.abc import Iterator

from driver.controls.control import Altered, Control, name_of
from driver.histories.history import History


def alter(history: History) -> Iterator[Altered]:
    """Cut the journal of each process that must have one to nothing, the smallest journal first."""
    for process in sorted(history.expected, key=lambda name: len(history.by(name))):
        events = history.by(process)
        if events:
            yield Altered(f"the journal of {name_of(process)} lost", history.altered(events, []))


CONTROL = Control("journal_forgotten", "A process's journal is lost.", alter, rank=240)
