"""A server's events about its clients' connections, by the names that every system has for them. Pure.

The server of the reference system writes them; of any other they are made from its door's journal.
"""

from __future__ import annotations

from wire.events import HandshakeRefused, RefusalsOmitted
from wire.events import WorkerGone as ClientGone
from wire.events import WorkerJoined as ClientJoined
from wire.events import WorkerLost as ClientLost

__all__ = ["ClientGone", "ClientJoined", "ClientLost", "client_of"]


def client_of(event: ClientGone | ClientJoined | ClientLost | HandshakeRefused | RefusalsOmitted) -> str:
    """Return the name of the client that an event is about; "" where it is not known."""
    return event.worker
