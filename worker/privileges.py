"""Gives up what only the start needs: a worker that starts as root reads the fleet's key, and then is a user
who could not read it again.
"""

from __future__ import annotations

import os
import re

from worker.keeper import PR_SET_CHILD_SUBREAPER, PR_SET_DUMPABLE, prctl


def become(user: str) -> None:
    """Be this user (`uid:gid`) for good, with no other group and no capability; "" stays who it is.

    The processes of the start (the container's first one, with its environment) stay another user's, and so
    out of reach of every task. Raises ValueError for what is no user, OSError where it cannot be done.
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
    # With the last uid 0 all capabilities go (capabilities(7)).
    os.setresuid(uid, uid, uid)


def close_to_tasks() -> None:
    """Let no task look into this process (its environment, memory, descriptors), and have what a task leaves
    that ended its keeper come here (prctl(2)).
    """
    prctl(PR_SET_DUMPABLE, 0)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
