"""The worker's process: its number, and its user."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping

from wire.address import index_in_name
from worker.supervisor import PR_SET_CHILD_SUBREAPER, PR_SET_DUMPABLE, prctl


def own_index(environ: Mapping[str, str]) -> int:
    """Return the worker's number: WORKER_INDEX, or the number in the name that Compose gave the container.

    Raises ValueError that says what to set.
    """
    given = environ.get("WORKER_INDEX", "")
    if given:
        if not given.isdecimal() or int(given) < 1:
            raise ValueError(f"WORKER_INDEX must be a whole number from 1 up; found {given!r}")
        return int(given)
    try:
        address = socket.gethostbyname(socket.gethostname())
        # Docker's DNS answers with `project-worker-7.project_network`; the image queries it before
        # /etc/hosts.
        name = socket.gethostbyaddr(address)[0]
    except OSError as error:
        raise ValueError(f"this worker's own address has no name ({error}). Set WORKER_INDEX.") from None
    return index_in_name(name)


def switch_user(user: str) -> None:
    """Change to `user` (`uid:gid`) for good, without other groups and without capabilities; "" changes
    nothing.

    The container's first process, whose environment holds the fleet's key, stays root's, and so unreadable to
    every task. Raises ValueError for a malformed user, OSError where the kernel refuses.
    """
    if not user:
        return
    if (found := re.fullmatch(r"([1-9]\d{0,9}):([1-9]\d{0,9})", user)) is None:
        raise ValueError(f"STORMLAB_RUN_AS must be uid:gid, neither of them 0; found {user!r}")
    uid, gid = int(found[1]), int(found[2])
    if os.getresuid() == (uid, uid, uid) and os.getresgid() == (gid, gid, gid):
        return
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    # All capabilities go with the last uid 0 (capabilities(7)).
    os.setresuid(uid, uid, uid)


def hide_from_tasks() -> None:
    """Make this process's environment, memory and descriptors unreadable to tasks, and make it the subreaper
    of their orphans (prctl(2)). Raises OSError.
    """
    prctl(PR_SET_DUMPABLE, 0)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
