"""Metrics: every number of a run, defined once in its family's module and measured from the history alone.

Imports `driver.histories` and `wire`; pure.
Begin with `catalogue`, which lists the families, and `metric`, which defines units and statistics.
"""

from driver.metrics.catalogue import METRICS, SYSTEM_METRICS, Metrics, measure, measure_on_demand

__all__ = ["METRICS", "SYSTEM_METRICS", "Metrics", "measure", "measure_on_demand"]
