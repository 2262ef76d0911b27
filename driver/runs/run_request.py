"""What one run is asked to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from driver.labs.fault_runner import RunHands
from driver.labs.guardian import Guardian
from driver.labs.hands import LabHands
from driver.labs.lab import HOST, Lab
from driver.scenarios.plan import Plan


@dataclass(frozen=True)
class Request:
    """What is to be run, and where runs are kept. `make_hands` gives faults hands; tests give them others."""

    plan: Plan
    scenario_yaml: str
    results: Path
    argv: Sequence[str] = ()
    host: str = HOST
    port: int | None = None
    prober: bool = True
    keep: bool = False
    make_hands: Callable[[Lab, Guardian], RunHands] = LabHands
