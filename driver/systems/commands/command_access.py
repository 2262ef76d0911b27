"""Access of loads and observations to a system of commands that is up."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from driver.engines.engine import ResourceReading
from driver.errors import EngineError, NoFileError, NotReadyError, UsageError
from driver.loads.load import OutsideNetwork
from driver.systems.commands.command_containers import address_of
from driver.systems.commands.command_engine import CommandEngine
from driver.systems.commands.command_looks import CommandLooks, lines_since
from driver.systems.replicas import PublishedAddress, Replica
from driver.systems.running_system import RunningSystem
from driver.systems.system_access import EXEC_TIMEOUT_S, MOST_LOG_BYTES, Ran


class CommandAccess:
    """Implements `system_access.SystemAccess` for a system of commands."""

    def __init__(self, running: RunningSystem) -> None:
        self._system = running.file.system
        self._engine = CommandEngine(running.file.project, running.file.containers)
        self._description = self._engine.description()
        self._looks = CommandLooks(running.file.project)

    def published(self) -> Sequence[PublishedAddress]:
        return self._engine.system_containers().published

    def outside_network(self) -> OutsideNetwork:
        """Raise EngineError: a load in a container needs Docker."""
        raise EngineError(
            "A load in a container cannot reach a system of commands, which has no Docker network.",
            "Let the load run on this machine, without `image`.",
        )

    def inside(self, service: str, port: int, replica: int = 1) -> str:
        one = self._replica(service, replica)
        found = address_of(self._description, "inside", one.name, port)
        if found is None:
            every = (f"{name}:{number}" for name, number in self.ports() if name == service)
            known = ", ".join(every) or "none"
            raise UsageError(f"{service} has no port {port} in its file.", f"Its ports: {known}.")
        if not one.address:
            raise NotReadyError(f"{one.condition}, and has no address.")
        return found

    def container(self, service: str, replica: int = 1) -> str:
        return self._replica(service, replica).id

    def replicas(self, service: str) -> list[int]:
        return [one.number for one in self._of_service(service)]

    def ports(self) -> list[tuple[str, int]]:
        return [(one.name, port) for one in self._system.services for port in one.ports]

    def execute(
        self, service: str, argv: Sequence[str], replica: int = 1, timeout_s: float = EXEC_TIMEOUT_S
    ) -> Ran:
        """Raise EngineError: there is no container into which a command could be sent."""
        raise EngineError(
            f"{service} is a command of this machine, and nothing else runs in its network.",
            "Let the observation run on this machine, without a service.",
        )

    def logs(self, service: str, replica: int = 1, since_s: float | None = None) -> bytes:
        found = bytearray()
        for piece in self._engine.whole_log(self._replica(service, replica).name):
            found += piece
            if len(found) > MOST_LOG_BYTES:
                raise EngineError(f"The log of {service} has more than {MOST_LOG_BYTES} bytes.")
        lines = bytes(found).decode(errors="replace").splitlines(keepends=True)
        return "".join(lines_since(lines, since_s)).encode()

    def inspect(self, service: str, replica: int = 1) -> Mapping[str, Any]:
        found = self._looks.details(self._replica(service, replica))
        assert found is not None, "a process that was just seen has details"
        return found

    def usage(self, service: str, replica: int = 1) -> ResourceReading:
        name = self._replica(service, replica).name
        for one in self._engine.usage():
            if one.container == name:
                return one
        raise NotReadyError(f"{name} does not run.")

    def file(self, service: str, path: str, replica: int = 1) -> bytes:
        """Return a tar archive of a file or folder of this machine, which the service has as it is."""
        self._replica(service, replica)
        found = Path(path)
        if not found.exists():
            raise NoFileError(f"{path} is not on this machine, whose files {service} has.")
        files = [found] if found.is_file() else [one for one in found.rglob("*") if one.is_file()]
        if sum(one.stat().st_size for one in files) > MOST_LOG_BYTES:
            raise EngineError(f"{path} has more than {MOST_LOG_BYTES} bytes.")
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(found, found.name)
        return packed.getvalue()

    def _of_service(self, service: str) -> list[Replica]:
        replicas = self._engine.system_containers().replicas
        found = [one for one in replicas if one.service == service]
        if not found:
            there = ", ".join(sorted({one.service for one in replicas})) or "none"
            raise UsageError(f"{service!r} is no service of the system.", f"Services: {there}.")
        return found

    def _replica(self, service: str, number: int) -> Replica:
        found = self._of_service(service)
        for one in found:
            if one.number == number:
                return one
        there = ", ".join(str(one.number) for one in found)
        raise UsageError(f"{service} has no replica {number}.", f"Its replicas: {there}.")
