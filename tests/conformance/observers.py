"""What is seen of a lab without its engine: processes of this machine, by their files and words.

Needs root, since the lab's processes are those of other users.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from chaos.targets import SERVER, TOXIPROXY
from driver.histories.journal_folder import own_journal
from driver.reference.labs.lab import Lab

PROC = Path("/proc")
ESTABLISHED = "01"
TRIES = """
import json, socket, sys
found = {}
for name, (host, port) in json.loads(sys.argv[1]).items():
    try:
        socket.create_connection((host, port), 2).close()
        found[name] = "connected"
    except OSError as error:
        found[name] = str(error)
print(json.dumps(found))
"""


def pid_of(lab: Lab, name: str) -> int | None:
    """The process of a container of a lab whose workers are connected; None where none is found.

    It is the one that has its journal open; Toxiproxy, which has none, is the one that the coordinator's
    connections come from.
    """
    if name != TOXIPROXY:
        journal = journal_of(lab, name)
        return None if journal is None else next(_holders(journal), None)
    server = pid_of(lab, SERVER)
    if server is None:
        return None
    peers = {remote for _, remote in _connections(server)}
    return next((pid for pid in _toxiproxies(lab) if peers & {own for own, _ in _connections(pid)}), None)


def identity(pid: int) -> tuple[int, str]:
    """A process by its number and its start: the number may be another one's later."""
    return pid, (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[19]


def writers(lab: Lab, names: Iterable[str]) -> list[tuple[int, str]]:
    """The processes that have a journal of these containers open."""
    journals = [journal for name in names if (journal := journal_of(lab, name)) is not None]
    return [identity(pid) for journal in journals for pid in _holders(journal)]


def is_there(process: tuple[int, str]) -> bool:
    """Whether a process is still there."""
    try:
        return identity(process[0]) == process
    except OSError:
        return False


def journal_of(lab: Lab, name: str) -> Path | None:
    """The journal of a container: in the lab's folder, or as a process inside of the container has it; None
    where the engine keeps it and no process runs there.
    """
    if lab.spec.journals is not None:
        return own_journal(lab.spec.journals, name)
    key = f"STORMLAB_KEY={lab.spec.key}".encode()
    for path in PROC.glob("[0-9]*/environ"):
        journal = path.parent / "root" / "journal" / own_journal(Path(), name).name
        try:
            if key in path.read_bytes().split(b"\0") and journal.exists():
                return journal
        except OSError:
            continue
    return None


def tries_from(pid: int, **targets: tuple[str, int]) -> dict[str, str]:
    """What comes of a connection to each target from the network of a process."""
    said = subprocess.run(
        ["nsenter", "--target", str(pid), "--net", sys.executable, "-c", TRIES, json.dumps(targets)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    found: dict[str, str] = json.loads(said.stdout)
    return found


def _holders(journal: Path) -> Iterator[int]:
    try:
        wanted = journal.stat()
    except FileNotFoundError:
        return
    for folder in PROC.glob("[0-9]*/fd"):
        try:
            found = [os.stat(folder / one) for one in os.listdir(folder)]
        except OSError:
            continue
        if any((one.st_dev, one.st_ino) == (wanted.st_dev, wanted.st_ino) for one in found):
            yield int(folder.parent.name)


def _connections(pid: int) -> Iterator[tuple[str, str]]:
    """Both ends of each TCP connection in a process's network."""
    for line in (PROC / str(pid) / "net" / "tcp").read_text().splitlines()[1:]:
        _, own, remote, state, *_ = line.split()
        if state == ESTABLISHED:
            yield own, remote


def _toxiproxies(lab: Lab) -> Iterator[int]:
    address = lab.engine.server_address(lab.spec).encode()
    for path in PROC.glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        # An init of the container's own may have the same words behind its own.
        if os.path.basename(words[0]).startswith(b"toxiproxy") and address in words:
            yield int(path.parent.name)
