"""A plan: a scenario with every target and time fixed by the seed. Pure.

Times are seconds after the load's start. The steady state is due at `warmup_s`; a run that reaches it later
shifts its whole timeline by the delay.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from chaos.catalogue import make
from chaos.fault import Fault
from driver.scenarios.scenario import KnownIssue
from driver.scenarios.workload import Workload


class _FrozenModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PlannedFault(_FrozenModel):
    """One fault at one time. `for_s` is None for an instantaneous one. `entry`: its timeline entry."""

    id: str
    entry: str
    fault: str
    params: dict[str, Any]
    targets: tuple[str, ...]
    at_s: float
    for_s: float | None
    seed: int

    def build(self) -> Fault:
        """Return the fault. Raises chaos.catalogue.FaultError for one that the catalogue lacks."""
        return make(self.fault, self.params)

    @property
    def end_s(self) -> float:
        """When it ends."""
        return self.at_s + (self.for_s or 0.0)


class PlannedSystem(_FrozenModel):
    """The foreign system of a plan: how it is started, and the targets that it has.

    `files` are absolute paths; `services` are the numbers of replicas by name, `links` the links' names.
    `workload` and `observe` are as the scenario has them, with paths relative to `home`.
    """

    name: str
    home: str = ""
    files: tuple[str, ...]
    profiles: tuple[str, ...] = ()
    ports: dict[str, tuple[int, ...]] = {}
    egress: tuple[str, ...] = ()
    bypass: tuple[str, ...] = ()
    services: dict[str, int]
    links: tuple[str, ...]
    workload: dict[str, Any] | None = None
    observe: dict[str, Any] = {}


class Plan(_FrozenModel):
    """All inputs of a run, stored with it so that it can be repeated.

    `system` is the foreign system, which has no `workers`; None for the reference system.
    """

    scenario: str
    claim: str
    seed: int
    workers: int
    duration_s: float
    warmup_s: float
    converge_s: float
    faults: tuple[PlannedFault, ...]
    system: PlannedSystem | None = None
    workload: Workload | None = None
    worker: dict[str, Any] = {}
    coordinator: dict[str, Any] = {}
    expect: tuple[str | dict[str, Any], ...] = ()
    checks: tuple[str | dict[str, Any], ...] = ()
    controls: bool = False
    abort_when: tuple[str, ...] = ()
    known_issues: tuple[KnownIssue, ...] = ()
    variables: dict[str, Any] = {}
    quick: bool = False

    def to_json(self) -> str:
        """Return the plan as JSON; `Plan.model_validate_json` reads it."""
        return self.model_dump_json(by_alias=True, indent=1)
