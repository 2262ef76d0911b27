"""Catalogue of metrics: a family of them is a module of this package."""

from __future__ import annotations

from dataclasses import dataclass, field

from driver.histories.connection_history import connection_histories
from driver.histories.history import History
from driver.metrics.metric import Metric, MetricFamily, Values
from wire.declarations import attribute, declarations, named

_FOUND = declarations(
    "driver.metrics",
    attribute("FAMILY", MetricFamily),
    "`FAMILY = MetricFamily(…)`",
    besides=("by_client", "catalogue", "metric", "quantities", "signals", "trade_off", "worst"),
    rank=lambda family: family.rank,
    more=("driver.reference.metrics",),
)
FAMILIES: tuple[MetricFamily, ...] = tuple(_FOUND.values())
FAMILY_OF: dict[str, MetricFamily] = {metric.name: family for family in FAMILIES for metric in family.metrics}
METRICS: dict[str, Metric] = named(_FOUND, lambda family: [(one.name, one) for one in family.metrics])
"""All metrics by their names."""
SYSTEM_METRICS: dict[str, Metric] = {
    one.name: one for family in FAMILIES if family.on_system for one in family.metrics if one.on_system
}
"""The metrics that a foreign system has."""


@dataclass(frozen=True)
class Metrics:
    """A run's numbers, by metric name in the metric's unit.

    A value that the history does not determine is None; a threshold on it is unknown, never passed. Of a run
    on many hosts, `clock_bounds` says by how much the values of some metrics may be wrong, because the clocks
    of the hosts are known within bounds.
    """

    values: Values
    reconnections_per_client: dict[str, int]
    clock_bounds: dict[str, float] = field(default_factory=dict)


def measure(history: History) -> Metrics:
    """Return all metrics of a history."""
    values: Values = {}
    for family in FAMILIES:
        values.update(_measured(family, history))
    clients = history.view(connection_histories)
    return Metrics(values, {name: len(client.reconnections) for name, client in clients.items()})


def measure_on_demand(history: History) -> Metrics:
    """Return the metrics of a history, each measured with its family when its value is first read."""
    return Metrics(_OnDemand(history), {})


def _measured(family: MetricFamily, history: History) -> Values:
    """Return the values of a family; None for those that the history's system does not have."""
    if not history.containers:
        return history.view(family.measure)
    found = history.view(family.measure) if family.on_system else {}
    return {one.name: found.get(one.name) if one.on_system else None for one in family.metrics}


class _OnDemand(Values):
    """Values by name, whose families are measured when one of their values is read."""

    def __init__(self, history: History) -> None:
        super().__init__()
        self._history = history

    def __missing__(self, name: str) -> float | None:
        return _measured(FAMILY_OF[name], self._history)[name]

    def get(self, name: str, default: float | None = None) -> float | None:  # type: ignore[override]
        """Return the value of a metric; `default` for a name that is none."""
        return self[name] if name in FAMILY_OF else default
