"""What the ends of a connection are called: of the reference system, and of any other. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from driver.histories.history import History
from driver.histories.link_names import is_link


@dataclass(frozen=True)
class Words:
    """Nouns of one system. `client` and `clients` are what reconnects, `row` is what a lane is of, and
    `server` the other end; `fleet` is all clients together.
    """

    client: str
    clients: str
    row: str
    rows: str
    server: str
    fleet: str
    has_slots: bool = False
    """Whether its server assigns the times of attempts: a storm can be played again under each policy."""


REFERENCE = Words("worker", "workers", "worker", "workers", "coordinator", "the fleet", has_slots=True)
SYSTEM = Words("client", "clients", "link", "links", "server", "the clients")


def words_of(history: History) -> Words:
    """Return the words of a history: of any system, whose clients are links where these are whole."""
    return SYSTEM if history.containers or any(map(is_link, history.clients)) else REFERENCE
