"""Reads the TCP sockets of containers: from /proc of this host, else by a command in the container."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from driver.engines.docker_sdk import DockerSdk
from driver.subprocesses import ask
from driver.systems.replicas import Replica
from driver.trial import sockets

CALL_TIMEOUT_S = 15.0
_PROC = Path("/proc")
_TABLES = ("net/tcp", "net/tcp6")


def socket_table(pid: int, container: str) -> str:
    """Return the TCP sockets in the network namespace of a container's process.

    "" where neither way is possible: the engine runs on another machine, and the image has no `cat`.
    """
    try:
        return "\n".join((_PROC / str(pid) / name).read_text() for name in _TABLES)
    except OSError:
        words = ["docker", "exec", container, "cat", *(f"/proc/{name}" for name in _TABLES)]
        answer = ask(words, CALL_TIMEOUT_S)
        return answer.text if answer.ok else ""


def listening_ports(sdk: DockerSdk, replicas: Iterable[Replica]) -> dict[str, set[int]]:
    """Return the TCP ports on which each service listens for others, now."""
    found: dict[str, set[int]] = {}
    for one in replicas:
        details = sdk.inspect_id(one.id)
        if details is not None and details["State"].get("Pid"):
            table = socket_table(int(details["State"]["Pid"]), one.id)
            found.setdefault(one.service, set()).update(sockets.listening_ports(table))
    return found
