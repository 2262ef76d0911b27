"""What is asked for with one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from driver.labs.fault_lab import FaultLab
from driver.labs.fault_runner import RunActuator
from driver.labs.lab_actuator import LabActuator
from driver.labs.lease_renewer import LeaseRenewer
from driver.results.judged_run import JudgedRun
from driver.results.run_folder import FaultFreeRun
from driver.scenarios.plan import Plan


@dataclass(frozen=True)
class RunRequest:
    """A plan and the folder of all runs.

    `keep`: leave a fresh lab up afterwards. `goes_on`: leave this one up, for another run on it. `report`:
    write the reports. `whole_load`: the load lasts to its planned end. `fault_free`: what the same plan
    showed without faults. `show` shows the verdict, as soon as there is one.
    `make_actuator` makes the actuator of the faults; tests replace it.
    """

    plan: Plan
    scenario_yaml: str
    results: Path
    argv: Sequence[str] = ()
    keep: bool = False
    goes_on: bool = False
    report: bool = True
    whole_load: bool = False
    fault_free: FaultFreeRun | None = None
    show: Callable[[JudgedRun], None] = lambda judged: None
    make_actuator: Callable[[FaultLab, LeaseRenewer], RunActuator] = LabActuator
