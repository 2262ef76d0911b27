"""A plan: a scenario with every target and time fixed by the seed. Pure.

Times are seconds after the load's start. The steady state is due at `warmup_s`; a run that reaches it later
shifts its whole timeline by the delay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from chaos.anchor import Anchor, AnchorPoint, door_of
from chaos.catalogue import make
from chaos.directions import in_words_of
from chaos.fault import Fault, Layer
from chaos.targets import TargetError
from chaos.units import format_seconds
from driver.scenarios.kinds import Workload
from driver.scenarios.scenario import KnownIssue


class _FrozenModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PlannedAnchor(_FrozenModel):
    """The anchor of a fault: the first of `links` to get to `point`, `within_s` from the fault's `at_s`."""

    links: tuple[str, ...]
    point: AnchorPoint
    within_s: float

    @property
    def anchor(self) -> Anchor:
        """The anchor as an actuator takes it."""
        return Anchor(self.links, self.point)

    @property
    def words(self) -> str:
        """The anchor and its bound: `after frame 3 to_coordinator on worker-7, within 10s`."""
        return f"{self.anchor.text}, within {format_seconds(self.within_s)}"


def check_one_door(links: Sequence[str]) -> None:
    """Raise TargetError where an anchor's links pass several doors: one door alone can count."""
    doors = sorted({door_of(link) for link in links})
    if len(doors) > 1:
        raise TargetError(
            f"the links of an anchor lead to one server; these lead to {', '.join(doors)}: name one of them"
        )


class PlannedFault(_FrozenModel):
    """One fault at one time. `for_s` is None for an instantaneous one. `entry`: its timeline entry.

    One with an anchor is armed at `at_s`, and begins at the anchor.
    """

    id: str
    entry: str
    fault: str
    params: dict[str, Any]
    targets: tuple[str, ...]
    at_s: float
    for_s: float | None
    seed: int
    when: PlannedAnchor | None = None

    def build(self) -> Fault:
        """Return the fault. Raises chaos.catalogue.FaultError for one that the catalogue lacks."""
        return make(self.fault, self.params)

    @property
    def words(self) -> str:
        """The fault and its parameters in one line: `latency mean=200ms direction=to_client`."""
        params = in_words_of(self.targets[0], self.params)
        return " ".join([self.fault, *(f"{key}={value}" for key, value in params.items())])

    @property
    def end_s(self) -> float:
        """When it ends; of one with an anchor the latest time."""
        wait_s = 0.0 if self.when is None else self.when.within_s
        return self.at_s + wait_s + (self.for_s or 0.0)

    @property
    def is_struck_by_door(self) -> bool:
        """Whether the door that counts begins it by itself, at the very byte.

        Else the driver begins it when the door reports the byte: a fault on containers, or on links that
        pass other doors.
        """
        if self.when is None or self.build().layer is Layer.container:
            return False
        return len({door_of(link) for link in (*self.when.links, *self.targets)}) == 1


class PlannedSystem(_FrozenModel):
    """The foreign system of a plan: how it is started, and the targets that it has.

    `files` are absolute paths; `services` are the numbers of replicas by name, `links` the links' names.
    `workload` and `observe` are as the scenario has them, with paths relative to `home`; so is `settle_s`.
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
    settle_s: float | None = None


class Plan(_FrozenModel):
    """All inputs of a run, stored with it so that it can be repeated.

    `system` is the foreign system; None for the reference system, which alone has `clients`, their settings
    and those of its server. Work that is due after `measured_s` is not measured, and the load may end then;
    None: all of it is. `placement` maps clients to the number of their host, counted from 1; without it
    the engine decides.
    """

    scenario: str
    claim: str
    seed: int
    clients: int = Field(alias="workers")
    duration_s: float
    measured_s: float | None = None
    warmup_s: float
    converge_s: float
    faults: tuple[PlannedFault, ...]
    system: PlannedSystem | None = None
    workload: Workload | None = None
    placement: dict[str, int] = {}
    client_settings: dict[str, Any] = Field(default={}, alias="worker")
    server_settings: dict[str, Any] = Field(default={}, alias="coordinator")
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
