"""Looks at the processes of a system of commands, as at containers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from driver.systems.commands.command_engine import CommandEngine
from driver.systems.replicas import Replica


class CommandLooks:
    """Implements `system_looks.SystemLooks` for the processes of one project."""

    def __init__(self, project: str) -> None:
        self._engine = CommandEngine(project, {})

    def details(self, one: Replica) -> Mapping[str, Any] | None:
        """Return what an engine of containers says of one, as far as a process has it."""
        state = self._engine.inspect(one.name)
        return {
            "Id": one.id,
            "Name": one.name,
            "RestartCount": 0,
            "HostConfig": {},
            "State": {
                "Status": state.status,
                "Running": state.status in ("running", "paused"),
                "Paused": state.status == "paused",
                "ExitCode": max(0, state.exit_code),
                "OOMKilled": state.out_of_memory,
                "StartedAt": f"start {self._engine.starts(one.name)}",
            },
        }

    def socket_table(self, details: Mapping[str, Any]) -> str:
        return self._engine.socket_tables().get(str(details["Name"]), "")

    def last_lines(self, container_id: str, since_s: float | None, most: int) -> list[str]:
        names = [row.name for row in self._engine.rows() if self._engine.id_of(row) == container_id]
        lines = [line for name in names for line in self._engine.tail(name, most).splitlines()]
        return [line.partition(" ")[2] for line in lines_since(lines, since_s)]


def lines_since(lines: list[str], since_s: float | None) -> list[str]:
    """Return the lines of a log from a wall time on. Each begins with its time, in one form and zone, so
    that their order is that of the texts.
    """
    if since_s is None:
        return lines
    begin = datetime.fromtimestamp(since_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return [line for line in lines if line[: len(begin)] >= begin]
