"""Who this worker is: the number of its link, told by the environment or by the name that Compose gave it."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from wire.address import index_in_name


def own_index(environ: Mapping[str, str]) -> int:
    """The worker's number.

    Raises ValueError with a sentence that says what to set.
    """
    told = environ.get("WORKER_INDEX", "")
    if told:
        if not told.isdecimal() or int(told) < 1:
            raise ValueError(f"WORKER_INDEX must be a whole number from 1 up; found {told!r}")
        return int(told)
    try:
        address = socket.gethostbyname(socket.gethostname())
        # Docker's DNS answers with `project-worker-7.project_network`; the image asks it before /etc/hosts.
        name = socket.gethostbyaddr(address)[0]
    except OSError as error:
        raise ValueError(f"this worker's own address has no name ({error}). Set WORKER_INDEX.") from None
    return index_in_name(name)
