"""A plan: a scenario in which the seed has fixed every target and every time. Pure.

Times are seconds after the load's start. The steady state is due at `warmup_s`; a run that reaches it later
moves its whole timeline by that much, so that times relative to one another stay.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from chaos.catalogue import make
from chaos.fault import Fault
from driver.scenarios.scenario import KnownIssue
from driver.scenarios.workload import Workload


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PlannedFault(_Kept):
    """One fault at one time. `for_s` None: it is over in an instant. `entry` is the timeline entry that it
    comes from.
    """

    id: str
    entry: str
    fault: str
    params: dict[str, Any]
    targets: tuple[str, ...]
    at_s: float
    for_s: float | None
    seed: int

    def made(self) -> Fault:
        """The fault itself."""
        return make(self.fault, self.params)

    @property
    def end_s(self) -> float:
        """When it ends."""
        return self.at_s + (self.for_s or 0.0)


class Plan(_Kept):
    """All that a run needs to know. Stored with the run, so that it can be run again as it was."""

    scenario: str
    claim: str
    seed: int
    workers: int
    duration_s: float
    warmup_s: float
    converge_s: float
    faults: tuple[PlannedFault, ...]
    workload: Workload | None = None
    worker: dict[str, Any] = {}
    coordinator: dict[str, Any] = {}
    expect: tuple[str | dict[str, Any], ...] = ()
    checks: tuple[str | dict[str, Any], ...] = ()
    abort_when: tuple[str, ...] = ()
    known_issues: tuple[KnownIssue, ...] = ()
    variables: dict[str, Any] = {}
    quick: bool = False

    def to_json(self) -> str:
        """The plan as text; `Plan.model_validate_json` reads it back."""
        return self.model_dump_json(by_alias=True, indent=1)
