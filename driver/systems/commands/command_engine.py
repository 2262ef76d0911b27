"""Engine of a system of commands that is up, through the supervisor which holds its processes."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping

import msgspec

from driver.engines.process.lab_folder import LOGS
from driver.engines.process.lab_process import log_path
from driver.engines.process.log_file import last_lines
from driver.engines.process.process_containers import ProcessContainers
from driver.engines.process.process_spec import ProcessSpec
from driver.engines.process.requests import ProcessRow, SupervisorPlace
from driver.errors import EngineError, EngineGoneError, LabError
from driver.systems.commands.command_containers import (
    ALIVE,
    CommandDescription,
    command_containers,
)
from driver.systems.compose_config import PREFIX
from driver.systems.made_containers import MadeContainer
from driver.systems.prober_compose import PROBER_SERVICE
from driver.systems.replicas import Replica, SystemContainers
from driver.typed_json import decode_json

SERVICE_GRACE_S = 1.0
"""All that is kept of a service is its log: how it ends after the run shows nothing."""


class CommandEngine(ProcessContainers):
    """Implements `running_system.SystemControl` for the processes of one system, `api[2]` among them.

    `made` has each process as it was once the system was up. Contracts and errors are those of RunEngine.
    """

    def __init__(self, project: str, made: Mapping[str, MadeContainer]) -> None:
        super().__init__(project, isolated=True)
        self._made = made

    def versions(self) -> dict[str, str]:
        """Return the versions of what runs the processes."""
        return {"engine": self.abilities.engine, "kernel": platform.release()}

    def is_there(self) -> bool:
        """Return whether a supervisor holds the system. Raises nothing."""
        return self._supervisor.is_there()

    # -- starting and stopping -----------------------------------------------------------------------------

    def begin(self, place: SupervisorPlace, interrupted: Callable[[], bool]) -> tuple[int, ...]:
        """Start the supervisor; return its published ports. Raises as `SupervisorClient.start` does."""
        return self._supervisor.start(place, interrupted)

    def describe(self, description: CommandDescription) -> None:
        """Keep a description for later commands."""
        self._supervisor.call("describe", text=msgspec.json.encode(description).decode())

    def create(self, specs: list[ProcessSpec]) -> None:
        """Create processes that are missing; replace those that were made from another spec."""
        self._supervisor.call("create", specs=specs)

    def start_all(self, names: list[str]) -> None:
        """Start processes that do not run, side by side."""
        self._supervisor.call("start", names=names)

    def stop_all(self, grace_s: float, *, processes_only: bool = False) -> None:
        """Stop the services, then the prober, then the doors. A service has SERVICE_GRACE_S at most."""
        rows = [row for row in self._rows() if row.status in ALIVE]
        services = [row.name for row in rows if not row.service.startswith(PREFIX)]
        prober = [row.name for row in rows if row.service == PROBER_SERVICE]
        rest = [row.name for row in rows if row.name not in (*services, *prober)]
        for names, limit_s in ((services, min(grace_s, SERVICE_GRACE_S)), (prober, grace_s), (rest, grace_s)):
            self._supervisor.call("stop_all", names=names, grace_s=limit_s)

    def end(self) -> int:
        """End all processes, and return how many there were. Raises LabError for what remains."""
        try:
            count = len(self._rows())
        except EngineError:
            count = 0
        if left := self._supervisor.end():
            raise LabError(
                f"Still there after taking the system down: {', '.join(left[:8])}.",
                "Try again: python lab.py down --system FILE",
            )
        return count

    # -- reading -------------------------------------------------------------------------------------------

    def description(self) -> CommandDescription:
        """Return what the supervisor keeps. Raises EngineGoneError where there is none, or it has none."""
        text: str = self._supervisor.call("description", str)
        if not text:
            raise EngineGoneError("The system is not up: its start has not ended, or was ended.")
        return decode_json(text, CommandDescription)

    def rows(self) -> list[ProcessRow]:
        """Return the state of each process."""
        return self._rows()

    def starts(self, name: str) -> int:
        """Return how many times a process was started."""
        return self._row(name).starts

    def socket_tables(self) -> dict[str, str]:
        """Return the TCP sockets of each process that runs, as the kernel prints them."""
        return dict(self._supervisor.call("sockets", dict[str, str]))

    def system_containers(self) -> SystemContainers:
        """Return the containers of the system as they are now."""
        return command_containers(self.description(), self._rows(), self.socket_tables())

    def replicas(self) -> list[Replica]:
        return list(self.system_containers().all)

    def tail(self, name: str, lines: int) -> str:
        """Return the last lines of a log, each after its time; "" where there is none."""
        return last_lines(log_path(self._supervisor.folder / LOGS, name), lines)

    def degradations(self) -> dict[str, list[str]]:
        found = super().degradations()
        ended = {name for name, one in self._made.items() if not one.runs}
        # A job that had ended when the system was up is as it was made.
        kept = {
            name: [one for one in how if name not in ended or one != "exited"] for name, how in found.items()
        }
        return {name: how for name, how in kept.items() if how}
