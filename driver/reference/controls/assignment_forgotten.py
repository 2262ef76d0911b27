"""An assignment is forgotten: its attempt has effects that were given to nobody."""

from __future__ import annotations

from collections.abc import Iterator

from driver.controls.control import Altered, Control, growing, several
from driver.histories.history import History
from wire.task_events import Assigned


def alter(history: History) -> Iterator[Altered]:
    """Take assignments out, with all others of the same task."""
    tasks = list(dict.fromkeys(event.task for event in history.of(Assigned)))
    for some in growing(tasks):
        names = set(some)
        gone = [event for event in history.of(Assigned) if event.task in names]
        yield Altered(f"the assignment of {several(some[0], len(some))} forgotten", history.altered(gone, []))


CONTROL = Control("assignment_forgotten", "A task's assignments are taken out.", alter, (Assigned,), rank=50)
