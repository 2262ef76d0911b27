"""What a report shows of the reference system's runs. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from driver.forensics.words import REFERENCE
from driver.histories.connection_history import ConnectionHistory
from driver.histories.history import History
from driver.metrics.metric import Unit
from driver.metrics.quantities import write
from driver.reference.advice import advise
from driver.reference.report.curves import curves
from driver.reference.report.distributions import distributions
from driver.reference.report.lanes import worker_lanes
from driver.reference.report.tables import subject_tables
from driver.reference.report.task_rates import task_rates
from driver.report.subject import ReportSubject, Tile, connection_tiles


def _task_tiles(_: History, values: Mapping[str, float | None]) -> list[Tile]:
    done, submitted = (write(values[f"tasks_{name}"], Unit.count) for name in ("completed", "submitted"))
    lost, twice = (write(values[f"tasks_{name}"], Unit.count) for name in ("lost", "duplicated"))
    return [
        ("Tasks completed", f"{done} of {submitted}"),
        ("Lost · counted twice", f"{lost} · {twice}"),
        *connection_tiles(values),
    ]


def _task_load(_: History, values: Mapping[str, float | None]) -> str:
    done, failed = (write(values[f"tasks_{name}"], Unit.count) for name in ("completed", "failed"))
    return f"{write(values['tasks_submitted'], Unit.count)} tasks, {done} completed, {failed} failed"


def _lives(_: History, one: ConnectionHistory) -> str:
    return str(one.starts)


REFERENCE_SUBJECT = ReportSubject(
    REFERENCE,
    worker_lanes,
    curves,
    distributions,
    subject_tables,
    _task_tiles,
    _task_load,
    advise,
    ("Lives", _lives),
    ("Completed/s", task_rates),
    "The coordinator and the whole",
)
"""The reference system."""
