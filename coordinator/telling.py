"""The one journal line of each row that is worth one, written once the row is durable."""

from __future__ import annotations

from coordinator.rows import CheckpointRow, ResultRow, TaskRow, Told
from wire import events
from wire.events import Journal


def tell(journal: Journal, row: Told) -> None:
    """Write the line of `row`."""
    match row:
        case TaskRow():
            journal(
                events.Submitted, task=row.task_id, priority=row.priority.name, intended_ns=row.intended_ns
            )
        case ResultRow():
            journal(
                events.TaskDone, task=row.task_id, token=row.token, worker=row.worker, outcome=row.outcome,
                error=row.error, attempts=row.attempts, started_ns=row.started_ns, ended_ns=row.ended_ns,
                redone_steps=row.redone_steps,
            )  # fmt: skip
        case CheckpointRow():
            journal(
                events.CheckpointCommitted, task=row.task_id, token=row.token, worker=row.worker,
                step=row.checkpoint.step, size_bytes=len(row.checkpoint.state),
            )  # fmt: skip
