"""`lab.py heal`: ends every fault of a lab, and verifies it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, replace
from pathlib import Path

import click

from chaos.actuator import name_list
from driver.cli import options, options_system
from driver.cli.options_system import refuse_options
from driver.cli.places import Place, place_of
from driver.errors import LabError
from driver.interrupts import uninterrupted
from driver.labs.end_request import end_injections
from driver.labs.heal import Healing, find_degraded, heal
from driver.labs.injection_site import InjectionSite
from driver.labs.lab_lock import lab_lock
from driver.terminal import ProgressView, Terminal, print_json, print_lines


@click.command("heal")
@options.project
@options.engine
@options_system.system
@options.as_json
@options.log_level
def command(project: str, system: Path | None, as_json: bool) -> None:
    """End every fault of a lab that is up, restore its containers, and verify that no fault is left.

    An `inject` that runs in another terminal ends its fault, and itself.
    """
    refuse_options(system, (), ("project",))
    place = place_of(project, system)
    words = ("heal", *place.words)
    with Terminal() as terminal, lab_lock(place.project, *words, shared=True, say=terminal.info):
        site = place.site()
        terminal.show(ProgressView("healing"))
        work = _end_and_heal(site, terminal)
        healing = asyncio.run(uninterrupted(work, lambda: terminal.info("Healing to the end; a moment.")))
    if healing.left:
        raise LabError(
            f"Not healed: {', '.join(healing.left[:8])}.",
            place.new_hint,
        )
    if as_json:
        print_json(json.dumps(asdict(healing)))
    else:
        print_lines([*_report(place, healing), *_ended_otherwise(site)])


async def _end_and_heal(site: InjectionSite, terminal: Terminal) -> Healing:
    """End running `inject` commands first, which could begin a fault again; then heal."""
    degraded = await asyncio.to_thread(find_degraded, site, site.ended_by_faults())
    if not await asyncio.to_thread(end_injections, site.engine.project):
        terminal.warn("An `inject` of this lab does not end: end it too (Ctrl-C in its terminal).")
    healing = await heal(site, site.wanted(), ended=site.ended_by_faults())
    return replace(
        healing,
        links=sorted({*healing.links, *degraded.links}),
        containers=sorted({*healing.containers, *degraded.containers}),
    )


def _ended_otherwise(site: InjectionSite) -> list[str]:
    """Return a line about the containers that no fault ended and that do not run."""
    if site.ended_by_faults() is None:
        return []
    found = [f"{name} ({', '.join(what)})" for name, what in site.engine.degradations().items()]
    return [f"Left as it is, since no fault ended it: {name_list(found, 8)}."] if found else []


def _report(place: Place, healing: Healing) -> list[str]:
    healed = [*healing.containers, *(f"link {name}" for name in healing.links)]
    what = f"Healed {name_list(healed, 8)}." if healed else f"Nothing was to be healed in {place.named}."
    return [f"{what} Verified: every link is open and clean, every container runs on its networks."]
