"""`lab.py faults`: what is hurt now, since when, until when."""

from __future__ import annotations

import json

import click

from chaos.hands import names
from chaos.units import format_seconds
from driver.cli import options
from driver.labs.fault_words import in_words
from driver.labs.lab import standing
from driver.labs.lab_lock import unless_others_change_it
from driver.labs.links import FaultState
from driver.labs.orphans import restore_orphans
from driver.terminal import Terminal, print_json, print_lines, print_table


@click.command("faults")
@options.project
@options.as_json
@options.log_level
def command(project: str, as_json: bool) -> None:
    """Show the faults that are on in a lab: on links by Toxiproxy's word, on containers by the engine's."""
    engine = options.engine_of(project)
    with unless_others_change_it(project):
        lab = standing(engine)
        restore_orphans(engine, Terminal())
        faults, now_ns, hurts = lab.links.faults(), lab.links.clock_ns(), engine.hurts()
    if as_json:
        links = [_as_dict(fault, now_ns) for fault in faults]
        print_json(json.dumps({"links": links, "containers": hurts}))
    elif not faults and not hurts:
        print_lines([f"No fault is on in the lab {project!r}."])
    else:
        rows = [_row(fault, now_ns) for fault in faults]
        rows += [["", ", ".join(what), "", "", f"container {name}"] for name, what in hurts.items()]
        print_table(["id", "what", "since", "heals itself", "on"], rows)


def _row(fault: FaultState, now_ns: int) -> list[str]:
    since = f"{format_seconds(round((now_ns - fault.began_at_mono_ns) / 1e9, 1))} ago"
    until = f"in {format_seconds(round(fault.lease_left_ms / 1000, 1))}, unless renewed"
    return [fault.id, in_words(fault), since, until, names([link.link for link in fault.links])]


def _as_dict(fault: FaultState, now_ns: int) -> dict[str, object]:
    return {
        "id": fault.id,
        "what": in_words(fault),
        "links": [link.link for link in fault.links],
        "since_s": (now_ns - fault.began_at_mono_ns) / 1e9,
        "lease_left_s": fault.lease_left_ms / 1000,
    }
