"""`lab.py links`: every link of a system that is up."""

from __future__ import annotations

import json
from pathlib import Path

import click

from driver.cli import options, options_system
from driver.cli.link_outages import show_outages
from driver.cli.system_place import SystemPlace
from driver.labs.injection_plan import MANUAL_PREFIX
from driver.labs.lab_lock import reading_unlocked
from driver.labs.toxiproxy_api import LinkState
from driver.nouns import counted
from driver.terminal import print_json, print_lines, print_table

COLUMNS = ("link", "connections", "accepted", "bytes to server", "bytes to client", "faults")


@click.command("links")
@click.option(
    "--system", type=click.Path(path_type=Path), metavar="FILE", required=True,
    callback=options_system.compose_file,
    help="The system of this Compose file.",
)  # fmt: skip
@click.option(
    "--outages", is_flag=True, help="List the outages of each link: lost, detected, attempts, back."
)
@click.option("--all", "every", is_flag=True, help="Those too that nothing has used yet.")
@options.as_json
@options.log_level
def command(system: Path, outages: bool, every: bool, as_json: bool) -> None:
    """Show the links of a system that is up: connections, bytes, faults.

    A link is a replica of a client, and a port of a server: api[2]->db:5432. What connects from outside has
    one link for each published port. Links that nothing has used yet are counted only; --json has them all.
    An outage is from the loss of a link's last connection to the next one that carries bytes, by the journals
    of the system's doors.
    """
    place = SystemPlace(system)
    if outages:
        show_outages(place.running().folder, as_json)
        return
    with reading_unlocked(place.project):
        states = place.running().links.states()
    if as_json:
        print_json(json.dumps([_as_dict(one) for one in states]))
    else:
        shown = [one for one in states if every or is_used(one)]
        print_table(COLUMNS, [_row(one) for one in shown])
        if unused := len(states) - len(shown):
            print_lines([f"Nothing has used {counted(unused, 'more link')} yet (--all)."])


def is_used(link: LinkState) -> bool:
    """Return whether a link was dialled, or has a fault."""
    return bool(link.accepted) or link.is_degraded


def faults_on(link: LinkState) -> str:
    """Return the faults on a link for display. The id of a fault by hand is internal."""
    faults = dict.fromkeys("by hand" if one.startswith(MANUAL_PREFIX) else one for one in link.faults)
    return ", ".join(faults or link.toxics) or ("" if link.enabled else "closed")


def _row(link: LinkState) -> list[str]:
    numbers = (link.connections, link.accepted, link.bytes_upstream, link.bytes_downstream)
    return [link.name, *map(str, numbers), faults_on(link)]


def _as_dict(link: LinkState) -> dict[str, object]:
    return {
        "link": link.name,
        "connections": link.connections,
        "accepted": link.accepted,
        "bytes_to_server": link.bytes_upstream,
        "bytes_to_client": link.bytes_downstream,
        "faults": link.faults,
    }
