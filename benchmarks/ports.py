"""Ports for the processes of a benchmark."""

from __future__ import annotations

import random
import socket

FIRST, LAST = 20_000, 32_000
"""Below the range from which Linux takes the near ends of connections (ip_local_port_range): no connection
made meanwhile can have the port that was found free.
"""
TRIES = 100


def free_port() -> int:
    """Return a port on which no socket listens. Raises OSError when TRIES ports are all in use."""
    for port in random.SystemRandom().sample(range(FIRST, LAST), TRIES):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"of {TRIES} ports from {FIRST} to {LAST}, none is free")
