"""Ports of this machine: whether one is free, and which process or container listens on it."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

from driver.subprocesses import ask


def is_free(host: str, port: int) -> bool:
    """Whether this machine can listen on `host`:`port` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As Docker's proxy binds: a connection in TIME_WAIT is no listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def answers(host: str, port: int, within_s: float) -> bool:
    """Whether something accepts connections at `host`:`port`, which may be another machine."""
    with suppress(OSError), socket.create_connection((host, port), within_s):
        return True
    return False


def port_holder(port: int) -> str:
    """Return the listener on a port of this machine: the container that publishes it, else the process."""
    published = ask(["docker", "ps", "--filter", f"publish={port}", "--format", "{{.Names}}"])
    if published.ok and published.text:
        return f"container {published.text.splitlines()[0]}"
    return process_on(port) or "a process that is hidden from this user"


def process_on(port: int, proc: Path = Path("/proc")) -> str:
    """Return `name (pid 123)` of the process that listens on a TCP port here; "" where it is hidden."""
    inodes = {
        fields[9]
        for table in ("tcp", "tcp6")
        for fields in _rows(proc / "net" / table)
        if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port
    }
    for folder in proc.glob("[0-9]*"):
        if inodes & _sockets(folder / "fd"):
            try:
                return f"{(folder / 'comm').read_text().strip()} (pid {folder.name})"
            except OSError:
                continue
    return ""


def _sockets(descriptors: Path) -> set[str]:
    """Return the inodes of a process's sockets that are visible to this user."""
    found: set[str] = set()
    try:
        links = list(descriptors.iterdir())
    except OSError:
        return found
    for link in links:
        # Each may be closed meanwhile.
        with suppress(OSError):
            name = link.readlink().name
            if name.startswith("socket:["):
                found.add(name[len("socket:[") : -1])
    return found


def _rows(table: Path) -> list[list[str]]:
    try:
        return [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
