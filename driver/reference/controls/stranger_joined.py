"""A worker joins that is not in the plan."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, name_of, when
from driver.histories.history import History
from wire.events import WorkerJoined

NAME = "worker-of-a-control"


def alter(history: History) -> Iterator[Altered]:
    """Let the last worker that joined have been another one."""
    joined = history.last(WorkerJoined)
    if joined is not None:
        change = f"{NAME} joined beside {name_of(joined.worker)} {when(history, joined.at_ns)}"
        yield Altered(change, history.altered([], [replace(joined, worker=NAME)]))


CONTROL = Control(
    "stranger_joined", "A worker that is not in the plan joins.", alter, (WorkerJoined,), rank=150
)
