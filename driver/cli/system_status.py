"""`lab.py status --system`: a system as the engine and its doors report it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from driver.cli.system_place import SystemPlace
from driver.errors import LinksError, NoLabError
from driver.labs.heal import restore_stale_if_free
from driver.labs.lab_lock import lock_holders
from driver.labs.toxiproxy_api import LinkState
from driver.nouns import counted
from driver.systems.running_system import RunningSystem
from driver.terminal import Terminal, print_json, print_lines, print_table

COLUMNS = ("name", "status", "health", "faults")


def show_system(file: Path, as_json: bool) -> None:
    """Print a system's containers, and how many of its links are under faults. Raises EngineError."""
    place = SystemPlace(file)
    holders = lock_holders(place.project)
    in_use = [f"In use by {holder}." for holder in holders]
    try:
        running = place.running()
    except NoLabError as error:
        if as_json:
            print_json(json.dumps({"up": False, "in_use_by": msgspec.to_builtins(holders)}))
        else:
            print_lines([error.sentence, *in_use])
        return
    restore_stale_if_free(running.engine, Terminal())
    links = _links(running)
    degraded = running.engine.degradations()
    containers = running.engine.containers()
    if as_json:
        rows = [{"name": one.name, "status": one.status, "health": one.health} for one in containers]
        answer = {
            "up": True,
            "containers": rows,
            "degraded": degraded,
            "links": msgspec.to_builtins(links),
            "in_use_by": msgspec.to_builtins(holders),
        }
        print_json(json.dumps(answer))
        return
    marks = ["bad" if one.name in degraded or one.health == "unhealthy" else "good" for one in containers]
    doors = {door.service: f"{door.service} (of {door.name})" for door in running.file.doors}
    rows_shown = [
        [doors.get(one.name, one.name), one.status, one.health, ", ".join(degraded.get(one.name, ()))]
        for one in containers
    ]
    print_table(COLUMNS, rows_shown, marks)
    print_lines([_summary(links), *in_use])


def _links(running: RunningSystem) -> list[LinkState] | None:
    try:
        return running.links.states()
    except LinksError:
        return None


def _summary(links: list[LinkState] | None) -> str:
    if links is None:
        return "Not every door answers."
    return f"{counted(len(links), 'link')}, {sum(one.is_degraded for one in links)} of them under faults"
