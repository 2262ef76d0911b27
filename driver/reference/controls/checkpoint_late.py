"""A checkpoint becomes durable at the end of the run."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, growing, replaced, several
from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from wire.task_events import CheckpointCommitted


def alter(history: History) -> Iterator[Altered]:
    """Hold checkpoints back, the first of the run first."""
    end_ns = history.view(run_timeline).end_ns
    for some in growing([one for one in history.of(CheckpointCommitted) if one.at_ns < end_ns]):
        pairs = [(one, replace(one, at_ns=end_ns)) for one in some]
        change = f"the checkpoint of {several(some[0].task, len(some))} durable at the end of the run"
        yield Altered(change, replaced(history, pairs))


CONTROL = Control(
    "checkpoint_late", "A checkpoint becomes durable late.", alter, (CheckpointCommitted,), rank=195
)
