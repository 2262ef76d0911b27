"""Every metric of a run, defined once (in its family's file), measured from the history alone."""

from driver.metrics.catalogue import METRICS, Metrics, measure

__all__ = ["METRICS", "Metrics", "measure"]
