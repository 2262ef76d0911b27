"""What a piece of advice is: what to change, because of which figures, and what that should bring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from driver.histories.history import History
from driver.metrics import METRICS, Metrics
from driver.scenarios.quantities import write


@dataclass(frozen=True)
class Advice:
    """One recommendation. `evidence` names the metrics that it rests on."""

    name: str
    change: str
    because: str
    brings: str
    evidence: tuple[str, ...]


Adviser = Callable[[History, Metrics], Advice | None]


def figure(metrics: Metrics, name: str) -> str:
    """A metric's value for people."""
    return write(metrics.values[name], METRICS[name].unit)


def number(metrics: Metrics, name: str) -> float:
    """A metric's value, 0 where it is unknown: advice is given on what is known alone."""
    return metrics.values[name] or 0.0
