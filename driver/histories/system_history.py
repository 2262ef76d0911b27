"""The history of a run of a foreign system, in which each link is a client that connects again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from driver.histories.history import DRIVER, Damage, History
from driver.histories.link_connections import link_journals
from driver.histories.link_history import link_history

DOORS = "doors"
"""The name of all doors' journals, for an event that comes of several."""


def with_links(history: History, containers: Sequence[str]) -> History:
    """Return a history with the events of its links, each as a client of its own.

    `containers` are those of the system's services. A link whose door left lines out has no events, and is
    a hole in the door's journal.
    """
    journals = history.view(link_journals)
    links = history.view(link_history)
    made = {
        name: replace(
            read,
            name=journals[name].door if name in journals else DOORS,
            line_numbers=[0] * len(read.events),
        )
        for name, read in links.journals.items()
        if name != DRIVER
    }
    found = History(
        {**history.journals, **made},
        clients=links.clients,
        sealed=history.sealed,
        containers=containers,
        clocks=history.clocks,
    )
    found.expected = history.expected
    found.damage = [
        *history.damage,
        *(
            Damage(one.door, "hole", one.omitted, f"{one.omitted} lines of {name} were left out by its door")
            for name, one in journals.items()
            if one.omitted
        ),
    ]
    return found
