"""Starts a system of which the ports are not known: with doors on the ports that it is found to listen on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from driver.engines.engine import Say
from driver.errors import LabError, NotReadyError
from driver.exit_codes import ExitCode
from driver.interrupts import signals_noted
from driver.systems.failed_start import down_after
from driver.systems.lab_of_system import StartedSystem
from driver.systems.portless_services import PortlessServiceError
from driver.systems.replicas import Replica, SystemContainers
from driver.systems.resolve_compose import without_doors
from driver.systems.system import System
from driver.systems.system_kinds import LabWithoutDoors
from driver.systems.system_request import SystemRequest

FIRST_EPHEMERAL_PORT = 32_768
"""Linux hands out higher ports to any socket: one that listens there is on another one after each start."""


class SystemNotReadyError(LabError):
    """The system under test does not become ready, neither with doors nor without."""

    exit_code = ExitCode.FAILED


@dataclass(frozen=True)
class LearnedSystem:
    """A system that is up. `found` are the ports that neither the file nor an image names, by service.

    `request` starts it again without a look.
    """

    started: StartedSystem
    request: SystemRequest
    found: Mapping[str, frozenset[int]]


class LabContainers(Protocol):
    """The containers of a system that was started, and its end."""

    def containers(self) -> SystemContainers:
        """Return the containers of services and doors."""

    def down(self) -> int:
        """Remove everything."""


class LabWithDoors(LabContainers, Protocol):
    """Starts a system with doors, as SystemLab does."""

    def up(self, request: SystemRequest, say: Say) -> StartedSystem:
        """Start it, and return when all of it is ready."""


class SystemStarter:
    """Starts one system; `lab` with doors, `plain` without, each in a project of its own. None: a system of
    this kind cannot be started without doors.

    `listening` returns on which TCP ports each service listens for others now.
    """

    def __init__(
        self,
        lab: LabWithDoors,
        plain: LabWithoutDoors | None,
        listening: Callable[[Sequence[Replica]], Mapping[str, set[int]]],
        say: Say,
    ) -> None:
        self._lab = lab
        self._plain = plain
        self._listening = listening
        self._say = say

    def up(self, request: SystemRequest) -> LearnedSystem:
        """Start the system with doors on all ports that it listens on. Raises LabError; nothing is left then.

        Where it does not become ready, it is started without doors too, and the error says whether it is
        ready so: SystemNotReadyError where it is not, NotReadyError where it is. An error of the engine, as
        of an image that it cannot have, is raised as it is.
        """
        wanted = request
        try:
            started = self._lab.up(wanted, self._say)
        except (PortlessServiceError, NotReadyError) as error:
            wanted = self._without_doors(request, error)
            started = self._lab.up(wanted, self._say)
        learned = LearnedSystem(started, wanted, _added(wanted, request))
        return self.up_with_late_ports(learned) or learned

    def up_with_late_ports(self, learned: LearnedSystem) -> LearnedSystem | None:
        """Start the system again with doors on the ports on which it listens by now; None where it has all.

        A service that listens late has no door until then, and no client reaches it. Raises LabError; nothing
        is left then.
        """
        try:
            more = self._with_ports(learned.request, self._without_door(learned.started))
            if more == learned.request:
                return None
            self._lab.down()
            started = self._lab.up(more, self._say)
        except BaseException as error:
            down_after(error, self._lab.down, self._say)
            raise
        found = _added(more, learned.request)
        every = {
            name: found.get(name, frozenset()) | learned.found.get(name, frozenset()) for name in more.ports
        }
        return LearnedSystem(started, more, {name: ports for name, ports in every.items() if ports})

    def late_ports(self, learned: LearnedSystem) -> list[str]:
        """Return the ports that a system listens on by now and that have no door: `db:9187`."""
        found = self._without_door(learned.started)
        return [
            f"{name}:{port}"
            for name, ports in sorted(found.items())
            for port in sorted(ports)
            if port < FIRST_EPHEMERAL_PORT and name not in learned.request.bypass
        ]

    def _without_door(self, started: StartedSystem) -> dict[str, set[int]]:
        """Ports on which services of the system that is up listen, and that have no door."""
        return _unnamed(started.system, self._listening(self._lab.containers().replicas))

    def _without_doors(self, request: SystemRequest, error: LabError) -> SystemRequest:
        """Start the system without doors; return the request with the ports that it listens on then.

        Raises an error that names what is the matter where there are no such ports.
        """
        if self._plain is None:
            raise error
        # What it printed last is on lines of its own.
        self._say(f"{error.sentence.rstrip()}\nStarting the system without doors, to compare.")
        began_s = time.monotonic()
        try:
            system = self._plain.start(request, self._say)
        except NotReadyError as without:
            raise SystemNotReadyError(
                f"The system does not become ready, and neither does it without doors. {without.sentence}",
                f"Mend the system first: {without_doors(request)}",
            ) from None
        took_s = time.monotonic() - began_s
        try:
            listening = self._listening(self._plain.containers().replicas)
        finally:
            with signals_noted():
                self._plain.down()
        wanted = self._with_ports(request, _unnamed(system, listening))
        if wanted != request:
            return wanted
        if isinstance(error, PortlessServiceError):
            raise error
        raise NotReadyError(
            f"{error.sentence} Without doors it is ready after {took_s:.0f} s, so the doors are in its way.",
            "Does it need the internet (--egress SERVICE), or addresses in place of names?",
        ) from None

    def _with_ports(self, request: SystemRequest, found: Mapping[str, set[int]]) -> SystemRequest:
        """Return the request with these ports, without those of services that bypass doors."""
        more = dict(request.ports)
        for name, ports in sorted(found.items()):
            new = frozenset(port for port in ports if port < FIRST_EPHEMERAL_PORT)
            if new and name not in request.bypass:
                more[name] = request.ports.get(name, frozenset()) | new
                named = ", ".join(map(str, sorted(new)))
                self._say(f"{name} listens on {named}, which its file does not name: adding a door.")
        return replace(request, ports=more)


def _added(request: SystemRequest, before: SystemRequest) -> dict[str, frozenset[int]]:
    """Return the ports that a request has and that one before it has not, by service."""
    found = {name: ports - before.ports.get(name, frozenset()) for name, ports in request.ports.items()}
    return {name: ports for name, ports in found.items() if ports}


def _unnamed(system: System, listening: Mapping[str, set[int]]) -> dict[str, set[int]]:
    """Return the ports that a system's model does not have, by service."""
    named = {one.name: set(one.ports) for one in system.services}
    return {name: ports - named.get(name, set()) for name, ports in listening.items()}
