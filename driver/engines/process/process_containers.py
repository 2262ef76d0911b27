"""Processes of a lab as an engine's containers: a client of the lab's supervisor, which holds them."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator
from pathlib import Path

from driver.engines.engine import Abilities, Container, ContainerState, Limits, ResourceReading
from driver.engines.process.lab_folder import LOGS
from driver.engines.process.lab_process import log_path
from driver.engines.process.log_file import follow_lines, last_lines, read_log
from driver.engines.process.process_abilities import abilities_of
from driver.engines.process.requests import ProcessRow, UsageRow
from driver.engines.process.supervisor_client import ProcessEvents, SupervisorClient
from driver.errors import ContainerGoneError, EngineError


class ProcessContainers:
    """Implements `engine.FaultEngine` and `usage` for one project. Contracts and errors are those of
    `Engine`.

    `isolated`: in namespaces of the lab's own; else on addresses of the loopback network.
    """

    def __init__(self, project: str, isolated: bool) -> None:
        self._project = project
        self._isolated = isolated
        self._supervisor = SupervisorClient(project)

    @property
    def project(self) -> str:
        return self._project

    @property
    def is_local(self) -> bool:
        return True

    @property
    def abilities(self) -> Abilities:
        return abilities_of(self._isolated)

    # -- reading -------------------------------------------------------------------------------------------

    def containers(self) -> list[Container]:
        rows = self._rows() if self._supervisor.is_there() else []
        found = [Container(row.name, row.service, self.id_of(row), row.image, row.status, "") for row in rows]
        return sorted(found, key=lambda one: (one.service, len(one.name), one.name))

    def id_of(self, row: ProcessRow) -> str:
        """Return the id of a process, which no other one of this lab has had."""
        return f"{self._project}-{row.name}-{row.created}"

    def inspect(self, name: str) -> ContainerState:
        return _state(self._row(name))

    def states(self, closely: Collection[str] = ()) -> dict[str, ContainerState]:
        return {row.name: _state(row) for row in self._rows()}

    def frozen(self) -> dict[str, bool]:
        try:
            return {row.name: row.status == "paused" for row in self._rows()}
        except EngineError:
            return {}

    def events(self, since_ns: int | None = None) -> ProcessEvents:
        return self._supervisor.events(since_ns)

    def log(self, name: str, tail: int | None = None) -> str:
        return last_lines(self._log(name), tail)

    def whole_log(self, name: str) -> Generator[bytes, None, None]:
        yield from read_log(self._log(name))

    def follow_log(self, name: str, tail: int) -> Iterator[str]:
        row = self._row(name)
        return follow_lines(
            self._log(row.name), tail, lambda: self._row(name).status in ("running", "paused")
        )

    def usage(self) -> list[ResourceReading]:
        rows: list[UsageRow] = self._supervisor.call("usage", list[UsageRow])
        return [ResourceReading(row.name, row.memory_bytes, row.cpu_s) for row in rows]

    def degradations(self) -> dict[str, list[str]]:
        found = {row.name: _degradations(row) for row in self._rows()}
        return {name: what for name, what in found.items() if what}

    # -- faults --------------------------------------------------------------------------------------------

    def pause(self, name: str) -> None:
        self._supervisor.call("pause", name=name)

    def unpause(self, name: str) -> None:
        self._supervisor.call("unpause", name=name)

    def kill(self, name: str) -> None:
        self._supervisor.call("kill", name=name)

    def start(self, name: str) -> None:
        self._supervisor.call("start", names=[name])

    def stop(self, name: str, grace_s: float) -> None:
        self._supervisor.call("stop", name=name, grace_s=float(round(grace_s)))

    def restart(self, name: str, grace_s: float) -> None:
        self._supervisor.call("restart", name=name, grace_s=float(round(grace_s)))

    def unplug(self, name: str) -> None:
        self._supervisor.call("plug", name=name, plugged=False)

    def plug(self, name: str) -> None:
        self._supervisor.call("plug", name=name, plugged=True)

    def limit(self, name: str, limits: Limits) -> None:
        self._supervisor.call("limit", name=name, cpus=limits.cpus, memory_bytes=limits.memory_bytes)

    def unlimit(self, name: str, cpus: bool = True, memory: bool = True) -> None:
        row = self._row(name)
        # 0 removes a limit, and None leaves it.
        self._supervisor.call(
            "limit",
            name=name,
            cpus=row.made_cpus or 0 if cpus and row.made_cpus != row.cpus else None,
            memory_bytes=row.made_memory_bytes
            if memory and row.made_memory_bytes != row.memory_bytes
            else None,
        )

    # -- the lab's supervisor ------------------------------------------------------------------------------

    def _rows(self) -> list[ProcessRow]:
        return list(self._supervisor.call("rows", list[ProcessRow]))

    def _row(self, name: str) -> ProcessRow:
        for row in self._rows():
            if row.name == name:
                return row
        raise ContainerGoneError(
            f"There is no process {name} in the lab {self._project!r}.", "See: python lab.py status"
        )

    def _log(self, name: str) -> Path:
        self._row(name)
        return log_path(self._supervisor.folder / LOGS, name)


def _state(row: ProcessRow) -> ContainerState:
    return ContainerState(
        row.status, row.exit_code, row.out_of_memory, row.plugged, row.cpus, row.memory_bytes
    )


def _degradations(row: ProcessRow) -> list[str]:
    """Return how a process differs from its creation: its status, `unplugged`, `limited`."""
    found = [] if row.status == "running" else [row.status]
    if not row.plugged:
        found.append("unplugged")
    if (row.cpus, row.memory_bytes) != (row.made_cpus, row.made_memory_bytes):
        found.append("limited")
    return found
