"""Reads the TCP sockets of containers: from /proc of this host, else by a command in the container."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from driver.subprocesses import ask

CALL_TIMEOUT_S = 15.0
MOST_BYTES = 4 << 20
"""Of one table: its 20,000 rows at most have 150 bytes each."""
_MOST_CGROUP_BYTES = 1 << 16
_PROC = Path("/proc")
_TABLES = ("net/tcp", "net/tcp6")
_SHARED = ("host", "container:")


def socket_table(details: Mapping[str, Any], is_local: bool) -> str:
    """Return the TCP sockets in the network namespace of a container, by its details.

    `is_local` is whether the engine is of this machine. "" where the container does not run, where it shares
    the namespace of the host or of another container, and where neither way is possible: the engine is on
    another machine, and the image has no `cat`.
    """
    pid, container = int(details["State"].get("Pid") or 0), str(details["Id"])
    if not pid or str(details["HostConfig"].get("NetworkMode", "")).startswith(_SHARED):
        return ""
    if is_local and _is_of(pid, container):
        try:
            return "\n".join(_read(_PROC / str(pid) / name, MOST_BYTES) for name in _TABLES)
        except OSError:
            pass
    words = ["docker", "exec", container, "head", "-c", str(MOST_BYTES), *(f"/proc/{one}" for one in _TABLES)]
    answer = ask(words, CALL_TIMEOUT_S)
    return answer.text if answer.ok else ""


def _is_of(pid: int, container: str) -> bool:
    """Whether a process of this machine is of a container: its control group is named by the container's id.

    The engine of a virtual machine counts other processes than this one does.
    """
    try:
        return container in _read(_PROC / str(pid) / "cgroup", _MOST_CGROUP_BYTES)
    except OSError:
        return False


def _read(path: Path, most_bytes: int) -> str:
    with path.open("rb") as file:
        return file.read(most_bytes).decode(errors="replace")
