"""A task's result is recorded twice."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, growing, several
from driver.histories.history import History
from wire.task_events import TaskDone


def alter(history: History) -> Iterator[Altered]:
    """Record results again, a nanosecond later."""
    for some in growing(history.of(TaskDone)):
        again = [replace(event, at_ns=event.at_ns + 1) for event in some]
        yield Altered(
            f"the result of {several(some[0].task, len(some))} recorded twice", history.altered([], again)
        )


CONTROL = Control(
    "result_repeated", "A task's result is recorded a second time.", alter, (TaskDone,), rank=20
)
