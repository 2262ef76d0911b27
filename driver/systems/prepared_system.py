"""A system that can be started: what its file, its images and its options make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from driver.systems.compose_config import PREFIX, ResolvedConfig, refuse_unknown_services, system_of
from driver.systems.door_bypass import Bypass, refuse_bypasses
from driver.systems.door_compose import goes_around
from driver.systems.door_names import door_name
from driver.systems.doors import shared_doors
from driver.systems.portless_services import refuse_portless
from driver.systems.prober_compose import PROBER
from driver.systems.system import OUTSIDE, System
from driver.systems.system_request import SystemRequest


@dataclass(frozen=True)
class PreparedSystem:
    """A system before its start: what was asked for, its resolved file, its model.

    `bypassed` goes around doors with leave; `portless` are services without a door.
    """

    request: SystemRequest
    config: ResolvedConfig
    system: System
    bypassed: tuple[Bypass, ...] = ()
    portless: tuple[str, ...] = ()

    @property
    def services(self) -> dict[str, int]:
        """The number of replicas of each service."""
        return {one.name: one.replicas for one in self.system.services}

    @property
    def links(self) -> tuple[str, ...]:
        """The name of each link that its doors will have, those from outside among them."""
        around = self._around
        between = [str(link) for link in self.system.links() if link.server not in around]
        outside = [
            str(pair) for pair in self.system.pairs if pair.client == OUTSIDE and pair.server not in around
        ]
        return (*between, *outside)

    @property
    def processes(self) -> list[str]:
        """The processes of the lab that will leave a journal: the prober, and each door."""
        doors = [
            door_name(number).removeprefix(PREFIX)
            for number in range(1, len(shared_doors(self.system, self._around)) + 1)
        ]
        return [PROBER, *doors] if doors else []

    @property
    def notes(self) -> list[str]:
        """What a report says of it: what goes around doors, and what has none."""
        portless = ", ".join(self.portless)
        return [
            *(f"goes around doors, so that no fault hits it: {one}" for one in self.bypassed),
            *([f"no door, since no port is known: {portless}"] if portless else []),
        ]

    @property
    def _around(self) -> set[str]:
        return {name for name in self.config.services if goes_around(self.config, name)}


def prepared(
    request: SystemRequest, config: ResolvedConfig, exposed: Mapping[str, set[int]]
) -> PreparedSystem:
    """Return the system of a resolved file; `exposed` are the ports that the image of each service names.

    Raises UsageError for what cannot be started behind doors.
    """
    refuse_unknown_services(config, "--egress", request.egress)
    refuse_unknown_services(config, "--listens", request.ports)
    bypassed = refuse_bypasses(config, request.bypass)
    system = system_of(
        config, {name: exposed.get(name, set()) | request.ports.get(name, set()) for name in config.services}
    )
    portless = refuse_portless(config, system, request.bypass, {one.service for one in bypassed})
    return PreparedSystem(request, config, system, tuple(bypassed), tuple(portless))
