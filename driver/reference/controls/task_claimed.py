"""Tasks are claimed that were submitted, or refused, and never done."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import GROWTH, Altered, Control
from driver.histories.history import DRIVER, History
from driver.reference.load_events import TasksRefused
from wire.task_events import TaskSubmitted

NAME = "task-of-a-control"


def alter(history: History) -> Iterator[Altered]:
    """Submit more and more tasks beside the last one; then refuse as many."""
    last = history.last(TaskSubmitted)
    if last is None:
        return
    counts = [GROWTH**power for power in range(7)]
    for count in counts:
        tasks = [replace(last, task=f"{NAME}-{number}", at_ns=last.at_ns + 1) for number in range(count)]
        yield Altered(f"{count:,} more tasks submitted and never done", history.altered([], tasks))
    for count in counts:
        refused = TasksRefused(
            at_ns=last.at_ns + 1, wall_s=0.0, by=DRIVER,
            tasks=[f"{NAME}-{number}" for number in range(count)], because=["claimed"] * count,
        )  # fmt: skip
        yield Altered(f"{count:,} more tasks refused", history.altered([], [refused]))


CONTROL = Control(
    "task_claimed", "A task is submitted that is never done.", alter, (TaskSubmitted, TasksRefused), rank=45
)
