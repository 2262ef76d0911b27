"""Catalogue of metrics: each family is one module and one line here."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from driver.histories.connection_history import connection_histories
from driver.histories.history import History
from driver.metrics import checkpoints, connection, faults, lab, messages, resources, storm, tasks
from driver.metrics.metric import Metric, Values

FAMILIES: dict[str, ModuleType] = {
    "Connections": connection,
    "Tasks": tasks,
    "Messages": messages,
    "Checkpoints": checkpoints,
    "Storm": storm,
    "Faults": faults,
    "Resources": resources,
    "Lab": lab,
}

METRICS: dict[str, Metric] = {
    metric.name: metric for family in FAMILIES.values() for metric in family.METRICS
}


@dataclass(frozen=True)
class Metrics:
    """A run's numbers, by metric name in the metric's unit.

    A value that the history does not determine is None; a threshold on it is unknown, never passed.
    """

    values: Values
    reconnections_per_worker: dict[str, int]


def measure(history: History) -> Metrics:
    """Return all metrics of a history."""
    values: Values = {}
    for family in FAMILIES.values():
        values.update(family.measure(history))
    workers = history.view(connection_histories)
    return Metrics(values, {name: len(worker.reconnections) for name, worker in workers.items()})
