"""What one run is asked to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from driver.labs.fault_runner import RunActuator
from driver.labs.lab import HOST, Lab
from driver.labs.lab_actuator import LabActuator
from driver.labs.lease_renewer import LeaseRenewer
from driver.scenarios.plan import Plan


@dataclass(frozen=True)
class Request:
    """What is to be run, and where runs are kept. Tests replace `make_actuator`."""

    plan: Plan
    scenario_yaml: str
    results: Path
    argv: Sequence[str] = ()
    host: str = HOST
    port: int | None = None
    prober: bool = True
    keep: bool = False
    make_actuator: Callable[[Lab, LeaseRenewer], RunActuator] = LabActuator
