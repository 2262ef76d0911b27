"""The journal event of each row that has one, written once the row is durable."""

from __future__ import annotations

from coordinator.rows import CheckpointRow, ResultRow, RowWithEvent, TaskRow
from wire import task_events
from wire.events import Event, Journal
from wire.priority import Priority

_NAMES = tuple(priority.name for priority in Priority)


def append_row_event(journal: Journal, row: RowWithEvent) -> None:
    """Append the event of `row`."""
    at_ns, wall_s = journal.now()
    journal.append(_line(row, at_ns, wall_s, journal.by))


def _line(row: RowWithEvent, at_ns: int, wall_s: float, by: str) -> Event:
    if isinstance(row, ResultRow):
        return task_events.TaskDone(
            at_ns=at_ns, wall_s=wall_s, by=by, task=row.task_id, token=row.token, worker=row.worker,
            outcome=row.outcome, error=row.error, attempts=row.attempts, started_ns=row.started_ns,
            ended_ns=row.ended_ns, redone_steps=row.redone_steps,
        )  # fmt: skip
    if isinstance(row, TaskRow):
        return task_events.TaskSubmitted(
            at_ns=at_ns, wall_s=wall_s, by=by, task=row.task_id, priority=_NAMES[row.priority],
            intended_ns=row.intended_ns,
        )  # fmt: skip
    assert isinstance(row, CheckpointRow)
    return task_events.CheckpointCommitted(
        at_ns=at_ns, wall_s=wall_s, by=by, task=row.task_id, token=row.token, worker=row.worker,
        step=row.checkpoint.step, size_bytes=len(row.checkpoint.state),
    )  # fmt: skip
