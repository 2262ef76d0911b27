"""Looks at the containers of a system that is up: details, TCP sockets, new lines of their logs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from driver.engines.docker_sdk import DockerSdk
from driver.systems import sockets
from driver.systems.replicas import Replica
from driver.systems.socket_tables import socket_table


class SystemLooks(Protocol):
    """Looks at the containers of one system. Every call is bounded in time, and raises EngineError."""

    def details(self, one: Replica) -> Mapping[str, Any] | None:
        """Return a container's details (`GET /containers/{id}/json`); None where it has gone."""

    def socket_table(self, details: Mapping[str, Any]) -> str:
        """Return the TCP sockets of a container, as the kernel prints them; "" where they cannot be had."""

    def last_lines(self, container_id: str, since_s: float | None, most: int) -> list[str]:
        """Return the last lines of a container's log from a wall time on, by default of all of it."""


class DockerLooks:
    """Implements SystemLooks for the containers of a Compose project."""

    def __init__(self, project: str) -> None:
        self._sdk = DockerSdk(project)

    def details(self, one: Replica) -> Mapping[str, Any] | None:
        return self._sdk.inspect_id(one.id)

    def socket_table(self, details: Mapping[str, Any]) -> str:
        return socket_table(details, self._sdk.is_local)

    def last_lines(self, container_id: str, since_s: float | None, most: int) -> list[str]:
        return self._sdk.last_lines(container_id, since_s, most)


def listening_ports(looks: SystemLooks, replicas: Iterable[Replica]) -> dict[str, set[int]]:
    """Return the TCP ports on which each service listens for others, now."""
    found: dict[str, set[int]] = {}
    for one in replicas:
        details = looks.details(one)
        if details is not None:
            ports = sockets.listening_ports(looks.socket_table(details))
            found.setdefault(one.service, set()).update(ports)
    return found
