"""Catalogue of metrics: a family of them is a module of this package."""

from __future__ import annotations

from dataclasses import dataclass

from driver.histories.connection_history import connection_histories
from driver.histories.history import History
from driver.metrics.metric import Metric, MetricFamily, Values
from wire.declarations import attribute, declarations, named

_FOUND = declarations(
    "driver.metrics",
    attribute("FAMILY", MetricFamily),
    "`FAMILY = MetricFamily(…)`",
    besides=("by_worker", "catalogue", "metric", "quantities", "signals", "trade_off", "worst"),
    rank=lambda family: family.rank,
)
FAMILIES: tuple[MetricFamily, ...] = tuple(_FOUND.values())
METRICS: dict[str, Metric] = named(_FOUND, lambda family: [(one.name, one) for one in family.metrics])
"""All metrics by their names."""


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
    for family in FAMILIES:
        values.update(family.measure(history))
    workers = history.view(connection_histories)
    return Metrics(values, {name: len(worker.reconnections) for name, worker in workers.items()})
