"""`lab.py heal`: ends every fault of a lab, and verifies it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, replace

import click

from chaos.actuator import name_list
from driver.cli import options
from driver.engines.engine import WORKER, Engine
from driver.errors import LabError
from driver.interrupts import uninterrupted
from driver.labs.end_request import end_injections
from driver.labs.heal import Healing, find_degraded, heal
from driver.labs.lab import Lab, existing_lab, links_named
from driver.labs.lab_lock import lab_lock
from driver.terminal import ProgressView, Terminal, print_json, print_lines


@click.command("heal")
@options.project
@options.as_json
@options.log_level
def command(project: str, as_json: bool) -> None:
    """End every fault of a lab that is up, restore its containers, and verify that no fault is left.

    An `inject` that runs in another terminal ends its fault, and itself.
    """
    engine = options.engine_of(project)
    with Terminal() as terminal, lab_lock(project, "heal", shared=True, say=terminal.info):
        lab = existing_lab(engine)
        terminal.show(ProgressView("healing"))
        work = _end_and_heal(lab, terminal)
        healing = asyncio.run(uninterrupted(work, lambda: terminal.info("Healing to the end; a moment.")))
    if healing.left:
        raise LabError(
            f"Not healed: {', '.join(healing.left[:8])}.",
            "Start a new lab: python lab.py down, then up",
        )
    if as_json:
        print_json(json.dumps(asdict(healing)))
    else:
        print_lines(_report(lab, healing))


async def _end_and_heal(lab: Lab, terminal: Terminal) -> Healing:
    """End running `inject` commands first, which could begin a fault again; then heal."""
    degraded = await asyncio.to_thread(find_degraded, lab)
    if not await asyncio.to_thread(end_injections, lab.engine.project):
        terminal.warn("An `inject` of this lab does not end: end it too (Ctrl-C in its terminal).")
    healing = await heal(lab, links_named(lab, _workers(lab.engine)))
    return replace(
        healing,
        links=sorted({*healing.links, *degraded.links}),
        containers=sorted({*healing.containers, *degraded.containers}),
    )


def _workers(engine: Engine) -> list[str]:
    return [one.name for one in engine.containers() if one.service == WORKER]


def _report(lab: Lab, healing: Healing) -> list[str]:
    healed = [*healing.containers, *(f"link {name}" for name in healing.links)]
    what = (
        f"Healed {name_list(healed, 8)}."
        if healed
        else f"Nothing was to be healed in the lab {lab.engine.project!r}."
    )
    return [f"{what} Verified: every link is open and clean, every container runs on its networks."]
