"""`lab.py down`: removes a lab, and all that belongs to it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from driver.cli import options, options_system
from driver.errors import LabError
from driver.interrupts import uninterrupted
from driver.labs.lab_journals import remove_journals
from driver.labs.lab_lock import lab_lock, stop_lock_holders
from driver.labs.project_name import project_option
from driver.labs.take_down import RemovedLab, raise_for_leftovers, take_down
from driver.terminal import Terminal, print_json, print_lines


@click.command("down")
@options.project
@options.engine
@options_system.system
@click.option("--force", is_flag=True, help="Stop the commands that use the lab first, as Ctrl-C does.")
@options.as_json
@options.log_level
def command(project: str, system: Path | None, force: bool, as_json: bool) -> None:
    """Remove a lab, in any state: containers, networks, volumes, and with them every fault.

    With --system it removes what was made for a system, images and journals too.
    """
    options_system.refuse_options(system, (), ("project",))
    if system is not None:
        # Imported here: the reference lab does not need it.
        from driver.cli.system_lab import down_system

        down_system(system, force, as_json)
        return
    with Terminal() as terminal:
        if force:
            stop_lock_holders(project, terminal.info)
        with lab_lock(project, "down", say=terminal.info):
            work = take_down(options.engine_of(project), terminal)
            down = asyncio.run(
                uninterrupted(work, lambda: terminal.info("Taking it down to the end; a moment."))
            )
            raise_for_leftovers(down)
            _raise_for_unreachable(project, down)
            remove_journals(project)
    if as_json:
        print_json(json.dumps({"project": project, "containers": down.containers, "left": []}))
    elif down.containers:
        print_lines([f"The lab {project!r} is down: {down.containers} containers removed, nothing is left."])
    else:
        print_lines([f"No lab named {project!r} was up; nothing is left."])


def _raise_for_unreachable(project: str, down: RemovedLab) -> None:
    """Raise LabError where a host did not answer: what runs there is not known, and not removed."""
    if down.unreachable:
        # The terminal has its name, and what may run on it.
        raise LabError(
            f"The lab {project!r} is down where its hosts answer; {len(down.unreachable)} of them did not.",
            f"Once they answer: python lab.py down{project_option(project)}",
        )
