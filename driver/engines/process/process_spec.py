"""What one process of a lab is started from, and the messages between its init and the supervisor. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec


class BoundPath(msgspec.Struct, frozen=True):
    """A folder or a file of this machine that a process has at `target`, writable."""

    source: str
    target: str


class ProcessSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a process is started from.

    It runs `module` (the fork server has imported it) with `main()`, or executes `argv`. `run_as` is its user
    and group, where the lab's processes can have another one than the supervisor; with `switches_user` it
    changes to them itself. `networks` maps each network to its address there. `memory_bytes` and `cpus` are
    its limits, where control groups can be had (None: unlimited). `file_bytes` limits each file that it
    writes (0: unlimited).

    With `keeps_files` it has this machine's files instead of the lab's root, and begins in the folder
    `begins_in`. `host_name` is its own; "": its name.
    """

    name: str
    service: str
    image: str
    module: str = ""
    argv: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}
    networks: Mapping[str, str] = {}
    mounts: tuple[BoundPath, ...] = ()
    run_as: tuple[int, int] | None = None
    switches_user: bool = False
    memory_bytes: int = 0
    cpus: float | None = None
    file_bytes: int = 0
    keeps_files: bool = False
    begins_in: str = ""
    host_name: str = ""

    @property
    def digest(self) -> str:
        """16 hex digits over everything that the process is made from."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:16]


class InitOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The supervisor's order to a process init: what to start, and where.

    `root` is the folder that becomes the process's root; "" where it stays in this machine's own files.
    `groups` are the files of control groups that the init writes itself into, and `log` the log's name in the
    folder of logs.
    """

    spec: ProcessSpec
    root: str
    groups: tuple[str, ...]
    log: str


class InitReport(msgspec.Struct, frozen=True):
    """A message of a process init: `kind` is started, failed, exited, stopped or continued.

    `exit_code` counts for exited (128 + the number of a signal), `detail` for failed.
    """

    kind: str
    exit_code: int = 0
    detail: str = ""


STOP, FREEZE, THAW = b"stop\n", b"freeze\n", b"thaw\n"
"""Commands to a process init: SIGTERM, SIGSTOP to all, SIGCONT to all. Their end is SIGKILL to all."""
