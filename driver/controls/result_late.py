"""A task's latency is lengthened to the end of the run."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, growing, replaced, several
from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from wire.events import TaskDone


def alter(history: History) -> Iterator[Altered]:
    """Record results at the end of the run, those of the newest tasks first."""
    end_ns = history.view(run_timeline).end_ns
    done = [event for event in reversed(history.of(TaskDone)) if event.at_ns < end_ns]
    for some in growing(done):
        pairs = [
            (event, replace(event, at_ns=end_ns, started_ns=event.started_ns and event.started_ns // 2))
            for event in some
        ]
        yield Altered(
            f"the result of {several(some[0].task, len(some))} held back to the end of the run",
            replaced(history, pairs),
        )


CONTROL = Control("result_late", "A task's result comes at the end of the run.", alter, (TaskDone,), rank=40)
