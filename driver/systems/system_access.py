"""Access of loads and observations to a system that is up: addresses, commands, logs, details.

Services are named as in the system's file, replicas are counted from 1. Every call blocks, so that async code
runs it in a thread, is bounded in time and in what it returns, and raises LabError.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from driver.engines.docker_sdk import DockerSdk
from driver.engines.engine import ResourceReading
from driver.errors import EngineError, LabError, NotReadyError, UsageError
from driver.loads.load import OutsideNetwork
from driver.process_tree import SUPERVISOR
from driver.systems.door_names import OUTSIDE_NETWORK
from driver.systems.made_containers import replica_name
from driver.systems.relay_container import End, RelayContainer
from driver.systems.replicas import PublishedAddress, Replica, SystemContainers, system_containers
from driver.systems.running_system import RunningSystem
from driver.systems.system import OUTSIDE
from driver.systems.system_images import door_image

MOST_OUTPUT_BYTES = 8 << 20
MOST_LOG_BYTES = 16 << 20
EXEC_TIMEOUT_S = 10.0
_DRAIN_S = 2.0
_END_WITHIN_S = 10.0
_REPORT_BYTES = 4_096


class CallTimeoutError(LabError):
    """A command did not end in time, or printed more than is read."""


@dataclass(frozen=True)
class Ran:
    """A command that ended: its status, and what it printed, apart."""

    code: int
    out: bytes
    err: bytes


class SystemAccess(Protocol):
    """What loads and observations use of a system. Contracts and errors are in the module's docstring."""

    def published(self) -> Sequence[PublishedAddress]:
        """Return the published ports of all services, and where this machine reaches them."""

    def inside(self, service: str, port: int, replica: int = 1) -> str:
        """Return `host:port` that leads straight to a container, beside the doors and their faults.

        Raises UsageError for a service, port or replica that is not there, with those that are, and
        NotReadyError for a container without an address: it does not run, or is unplugged.
        """

    def container(self, service: str, replica: int = 1) -> str:
        """Return the id of a container. Raises UsageError where there is none."""

    def replicas(self, service: str) -> list[int]:
        """Return the numbers of a service's containers, in any state. Raises UsageError for none."""

    def ports(self) -> list[tuple[str, int]]:
        """Return each service with each port on which it listens, as far as the lab has found."""

    def execute(
        self, service: str, argv: Sequence[str], replica: int = 1, timeout_s: float = EXEC_TIMEOUT_S
    ) -> Ran:
        """Run a command in a container, and return how it ended.

        Raises CallTimeoutError; what is left of such a command keeps running, and while it does the same one
        is not run again. Raises NotReadyError where the container does not run.
        """

    def logs(self, service: str, replica: int = 1, since_s: float | None = None) -> bytes:
        """Return a container's log, both streams, each line after its time (RFC 3339), from a wall time on.

        Raises EngineError beyond MOST_LOG_BYTES.
        """

    def inspect(self, service: str, replica: int = 1) -> Mapping[str, Any]:
        """Return a container's details (`GET /containers/{id}/json`)."""

    def usage(self, service: str, replica: int = 1) -> ResourceReading:
        """Return memory and CPU time of a container. Raises NotReadyError where it does not run."""

    def file(self, service: str, path: str, replica: int = 1) -> bytes:
        """Return a tar archive of a file or folder in a container, of MOST_LOG_BYTES at most.

        Raises NoFileError where there is none.
        """


class RunningAccess:
    """Implements SystemAccess for a system that is up behind doors."""

    def __init__(self, running: RunningSystem) -> None:
        self._running = running
        self._project = running.file.project
        self._sdk = DockerSdk(self._project, name=replica_name)
        self._relay: RelayContainer | None = None
        self._lock = threading.Lock()
        self._left: set[tuple[str, tuple[str, ...]]] = set()

    def published(self) -> Sequence[PublishedAddress]:
        return self._containers().published

    def outside_network(self) -> OutsideNetwork:
        """Return the network on which doors take connections from outside, for a load's container."""
        found = {}
        for pair in (pair for door in self._running.file.doors for pair in door.pairs):
            client, _, server = pair.name.partition("->")
            service, _, port = server.rpartition(":")
            if client == OUTSIDE:
                found[(service, int(port))] = pair.listen
        return OutsideNetwork(self._project, f"{self._project}_{OUTSIDE_NETWORK}", found)

    def inside(self, service: str, port: int, replica: int = 1) -> str:
        one = self._replica(service, replica)
        ports = self._running.file.system.service(service).ports
        if port not in ports:
            there = ", ".join(f"{service}:{known}" for known in ports) or "none"
            raise UsageError(
                f"{service} listens on no port {port}, as far as the lab has found.",
                f"Its ports: {there}. Another one is named by --listens {service}:{port}.",
            )
        if not one.address:
            raise NotReadyError(f"{one.condition}, and has no address.")
        return self._relay_of_system().address(port, one)

    def container(self, service: str, replica: int = 1) -> str:
        return self._replica(service, replica).id

    def replicas(self, service: str) -> list[int]:
        return [one.number for one in self._of_service(service)]

    def ports(self) -> list[tuple[str, int]]:
        return [(one.name, port) for one in self._running.file.system.services for port in one.ports]

    def execute(
        self, service: str, argv: Sequence[str], replica: int = 1, timeout_s: float = EXEC_TIMEOUT_S
    ) -> Ran:
        one = self._running_replica(service, replica)
        words = (one.id, tuple(argv))
        if words in self._left and self._sdk.runs_in(one.id, argv):
            raise CallTimeoutError(f"The same command of before still runs in {one.name}.")
        self._left.discard(words)
        try:
            return run_bounded(["docker", "exec", one.id[:12], *argv], timeout_s)
        except CallTimeoutError as error:
            self._left.add(words)
            raise CallTimeoutError(f"In {one.name}: {error.sentence}") from None

    def logs(self, service: str, replica: int = 1, since_s: float | None = None) -> bytes:
        one = self._replica(service, replica)
        return self._sdk.log_since(one.id, since_s, MOST_LOG_BYTES)

    def inspect(self, service: str, replica: int = 1) -> Mapping[str, Any]:
        one = self._replica(service, replica)
        return self._sdk.inspect(one.name)

    def usage(self, service: str, replica: int = 1) -> ResourceReading:
        one = self._running_replica(service, replica)
        found = self._sdk.usage(one.id, one.name)
        if found is None:
            raise NotReadyError(f"{one.name} has just ended: the engine has no figures of it.")
        return found

    def file(self, service: str, path: str, replica: int = 1) -> bytes:
        return self._sdk.archive(self._replica(service, replica).name, path, MOST_LOG_BYTES)

    def _containers(self) -> SystemContainers:
        return system_containers(self._sdk.summaries(), self._project)

    def _of_service(self, service: str) -> list[Replica]:
        replicas = self._containers().replicas
        of_service = [one for one in replicas if one.service == service]
        if not of_service:
            there = ", ".join(sorted({one.service for one in replicas})) or "none"
            raise UsageError(
                f"{service!r} is no service of the system that has a container.", f"Services: {there}."
            )
        return of_service

    def _replica(self, service: str, number: int) -> Replica:
        of_service = self._of_service(service)
        for one in of_service:
            if one.number == number:
                return one
        there = ", ".join(str(one.number) for one in of_service)
        raise UsageError(f"{service} has no replica {number}.", f"Its replicas: {there}.")

    def _running_replica(self, service: str, number: int) -> Replica:
        one = self._replica(service, number)
        if one.state != "running":
            raise NotReadyError(f"{one.condition}.")
        return one

    def _relay_of_system(self) -> RelayContainer:
        with self._lock:
            if self._relay is None:
                file = self._running.file
                if not file.relay_host:
                    raise EngineError("This system was started without an address for the lab's relay.")
                self._relay = RelayContainer(
                    self._project,
                    self._running.folder,
                    self._sdk,
                    door_image(),
                    file.relay_host,
                    self._ends(),
                )
            return self._relay

    def _ends(self) -> list[End]:
        return [
            (service.name, port, number)
            for service in self._running.file.system.services
            for port in service.ports
            for number in range(1, service.replicas + 1)
        ]


def run_bounded(
    argv: Sequence[str], timeout_s: float, env: Mapping[str, str] | None = None, folder: Path | None = None
) -> Ran:
    """Run a command of this machine, and return how it ended; it is ended with all that it started then, and
    where this process ends, in whatever way.

    It has the environment and the current folder of this process, unless others are given.

    Raises CallTimeoutError where it does not end in `timeout_s` or prints more than MOST_OUTPUT_BYTES.
    Raises UsageError where it cannot be started.
    """
    lifeline, other = socket.socketpair()
    with lifeline:
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(SUPERVISOR), *argv],
                stdin=other.fileno(),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=None if env is None else dict(env),
                cwd=folder,
                start_new_session=True,
            )
        except OSError as error:
            raise UsageError(f"{argv[0]}: {error.strerror}.") from None
        finally:
            other.close()
        return _end_of(process, lifeline, argv, time.monotonic() + timeout_s, timeout_s)


def _end_of(
    process: subprocess.Popen[bytes],
    lifeline: socket.socket,
    argv: Sequence[str],
    deadline: float,
    timeout_s: float,
) -> Ran:
    streams = [_Bounded(stream) for stream in (process.stdout, process.stderr) if stream is not None]
    report = ""
    try:
        for one in streams:
            one.join(max(0.0, deadline - time.monotonic()))
        process.wait(max(0.0, deadline - time.monotonic()))
        lifeline.settimeout(_DRAIN_S)
        with suppress(OSError):
            report = lifeline.recv(_REPORT_BYTES).decode(errors="replace").strip()
    except subprocess.TimeoutExpired:
        raise CallTimeoutError(f"{' '.join(argv[:3])}: no end within {timeout_s:g} s.") from None
    finally:
        lifeline.close()
        try:
            process.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for one in streams:
            one.join(_DRAIN_S)
    if any(one.too_much for one in streams):
        raise CallTimeoutError(f"{' '.join(argv[:3])}: printed more than {MOST_OUTPUT_BYTES} bytes.")
    how, _, more = report.partition(" ")
    if how == "cannot":
        raise UsageError(f"{argv[0]} cannot be started: {more}.")
    out, err = (bytes(one.data) for one in streams)
    if not report:
        return Ran(-signal.SIGKILL, out, err)
    return Ran(int(more) if how == "exit" else -int(more), out, err)


class _Bounded(threading.Thread):
    """Reads a stream to its end, or to one byte beyond MOST_OUTPUT_BYTES."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(name="bounded-output", daemon=True)
        self._stream = stream
        self.data = bytearray()
        self.too_much = False
        self.start()

    def run(self) -> None:
        with self._stream, suppress(OSError, ValueError):
            while piece := os.read(self._stream.fileno(), 1 << 16):
                self.data += piece
                if len(self.data) > MOST_OUTPUT_BYTES:
                    self.too_much = True
                    return
