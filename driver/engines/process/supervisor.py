"""`python -m driver.engines.process.supervisor`: holds one lab of processes until it is taken down.

It reads its SupervisorPlace from standard input and writes one line to standard output, SupervisorStart. The
lab ends with this process, however it ends: its fork server is the first process of the lab's process
namespace.
"""

from __future__ import annotations

import logging
import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from driver.engines.process.control_groups import LabGroups, find_parents, lab_folders
from driver.engines.process.fork_server import start_fork_server
from driver.engines.process.lab_folder import LOGS, ROOT, SOCKET
from driver.engines.process.lab_network import LabNetwork
from driver.engines.process.lab_remains import CLEAN_SCRIPT, CLEANER
from driver.engines.process.lab_root import make_lab_root, python_folders
from driver.engines.process.lab_supervisor import LabSupervisor
from driver.engines.process.namespaces import enter_namespaces
from driver.engines.process.relay import listen, relay
from driver.engines.process.request_server import BACKLOG, RequestServer
from driver.engines.process.requests import SupervisorPlace, SupervisorStart
from driver.typed_json import decode_json

MOST_FILES = 1 << 16
PORT_TAKEN, CLAIM_TAKEN, REFUSED = "port", "claim", "refused"


class _StartError(Exception):
    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


def main() -> int:
    """Start the lab, and serve it until `leave`; return the exit code."""
    place = decode_json(sys.stdin.buffer.read(), SupervisorPlace)
    _allow_files()
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    try:
        published = _open_ports(place)
        lab, listener, _claimed = _start(place, published)
    except _StartError as error:
        _say(SupervisorStart(error=error.kind, sentence=str(error)))
        return 1
    except OSError as error:
        _say(SupervisorStart(error=REFUSED, sentence=error.strerror or str(error)))
        return 1
    left = threading.Event()
    server = RequestServer(lab, left.set)
    threading.Thread(target=server.serve, args=(listener,), name="requests", daemon=True).start()
    _say(SupervisorStart(pid=os.getpid(), ports=tuple(one.getsockname()[1] for one in published)))
    left.wait()
    lab.end()
    return 0


def _start(
    place: SupervisorPlace, published: Sequence[socket.socket]
) -> tuple[LabSupervisor, socket.socket, socket.socket | None]:
    """Start the lab. Returns it, the listener for requests, and the claim, which holds while it is open."""
    folder = Path(place.folder)
    claim = _claim(place.claim) if place.claim else None
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / SOCKET))
    listener.listen(BACKLOG)
    parents = find_parents()
    _start_cleaner(folder, [str(one) for one in lab_folders(parents, place.project).values()])
    groups = LabGroups(parents, place.project) if parents.version else None
    root = folder / ROOT if place.isolated else None
    if root is not None:
        enter_namespaces()
        make_lab_root(root, python_folders(Path(place.checkout)), place.programs, place.hosts)
    server = start_fork_server(place.modules, isolated=root is not None)
    network = None
    if root is not None:
        network = LabNetwork(server.pid, place.layout)
        network.open()
    lab = LabSupervisor(server, folder / LOGS, str(root or ""), network, groups)
    for opened, (_, _, address, inside) in zip(published, place.published, strict=True):
        relay(opened, address, inside)
    return lab, listener, claim


def _allow_files() -> None:
    """Let this process open as many files as it may: it has three for each process of the lab."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, MOST_FILES)), hard))


def _open_ports(place: SupervisorPlace) -> list[socket.socket]:
    """Return the listeners of the published ports, in their order."""
    return [_open_port(host, port) for host, port, _, _ in place.published]


def _open_port(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        raise _StartError(PORT_TAKEN, f"Port {port} on {host}: {error.strerror}.") from None


def _claim(name: str) -> socket.socket:
    """Take an abstract name, which one process of this machine has at a time."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0{name}")
    except OSError:
        raise _StartError(CLAIM_TAKEN, f"Another lab has {name}.") from None
    return claim


def _start_cleaner(folder: Path, groups: Sequence[str]) -> None:
    """Start a shell that removes the lab's folder and control groups once this process has ended."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, False)
    subprocess.Popen(
        ["/bin/sh", "-c", CLEAN_SCRIPT, CLEANER, str(folder), *groups],
        stdin=reading, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    os.close(reading)


def _say(started: SupervisorStart) -> None:
    sys.stdout.write(msgspec.json.encode(started).decode() + "\n")
    sys.stdout.flush()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)


if __name__ == "__main__":
    sys.exit(main())
