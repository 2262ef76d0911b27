"""A task fails that succeeded."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, growing, replaced, several
from driver.histories.history import History
from wire.task_events import TaskDone


def alter(history: History) -> Iterator[Altered]:
    """Turn successes into failures."""
    for some in growing([event for event in history.of(TaskDone) if event.outcome == "completed"]):
        pairs = [(event, replace(event, outcome="failed", error="changed by a control")) for event in some]
        yield Altered(f"{several(some[0].task, len(some))} failed", replaced(history, pairs))


CONTROL = Control("result_failed", "A task that succeeded fails.", alter, (TaskDone,), rank=30)
