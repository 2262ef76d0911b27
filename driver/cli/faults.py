"""`lab.py faults`: the faults that are on, since when, until when."""

from __future__ import annotations

import json
from pathlib import Path

import click

from chaos.units import format_seconds
from driver.cli import options, options_system
from driver.cli.options_system import refuse_options
from driver.cli.places import place_of, restore_stale_of
from driver.histories.history import DRIVER
from driver.histories.live_journals import LiveJournals
from driver.labs.active_faults import ActiveFault, container_faults, link_faults, open_faults, target_ranges
from driver.labs.heal import degradations_by_faults
from driver.labs.injection_plan import MANUAL_PREFIX
from driver.labs.lab_lock import reading_unlocked
from driver.terminal import Terminal, print_json, print_lines, print_table

COLUMNS = ("fault", "on", "since", "until", "of")


@click.command("faults")
@options.project
@options.engine
@options_system.system
@options.as_json
@options.log_level
def command(project: str, system: Path | None, as_json: bool) -> None:
    """Show the faults that are on in a lab, by hand and of a scenario, each with its planned end.

    Toxiproxy and the engine report what is on; the driver's journal has the planned end.
    """
    refuse_options(system, (), ("project",))
    place = place_of(project, system)
    with reading_unlocked(place.project):
        site = place.site()
        restore_stale_of(place, Terminal())
        journals = [site.driver_folder, *site.journals]
        begun = open_faults(LiveJournals(journals, only=DRIVER).read())
        now_ns = site.links.clock_ns()
        links = link_faults(site.links.faults(), site.links.states(), begun, now_ns)
        containers = container_faults(
            degradations_by_faults(site.engine, site.ended_by_faults()), begun, now_ns
        )
    if as_json:
        answer = {
            "links": [_as_dict(one) for one in links],
            "containers": [_as_dict(one) for one in containers],
        }
        print_json(json.dumps(answer))
    elif not links and not containers:
        print_lines([f"No fault is on in {place.named}."])
    else:
        print_table(COLUMNS, [_row(one) for one in (*links, *containers)])


def _row(fault: ActiveFault) -> list[str]:
    since = "" if fault.since_s is None else f"{format_seconds(round(fault.since_s, 1))} ago"
    of = "by hand" if fault.id.startswith(MANUAL_PREFIX) else fault.id
    return [fault.what, target_ranges(fault.targets), since, fault.until, of]


def _as_dict(fault: ActiveFault) -> dict[str, object]:
    return {
        "id": fault.id,
        "what": fault.what,
        "targets": list(fault.targets),
        "since_s": fault.since_s,
        "ends_in_s": fault.ends_in_s,
        "until": fault.until,
        "lease_left_s": fault.lease_left_s,
    }
