"""`up` and `down` of a system from its own Compose file, with a door before each server."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path

import msgspec

from driver.cli import options
from driver.interrupts import interrupts_raised
from driver.labs.lab_lock import SYSTEM, lab_lock, stop_lock_holders
from driver.nouns import counted
from driver.paths import state_dir
from driver.systems.lab_of_system import StartedSystem
from driver.systems.plain_lab import plain_project
from driver.systems.system import OUTSIDE
from driver.systems.system_images import TOXIPROXY
from driver.systems.system_kinds import kind_of, kind_up
from driver.systems.system_request import SystemRequest, project_of
from driver.terminal import Terminal, print_json, print_lines


def up_system(file: Path, request: SystemRequest, as_json: bool) -> None:
    """Start a system with doors, and print what is up. Raises LabError, and then nothing is left."""
    project = project_of(file)
    began = time.monotonic()
    with (
        Terminal() as terminal,
        lab_lock(project, "up", SYSTEM, str(file.resolve()), say=terminal.info),
        interrupts_raised(lambda count: terminal.info("Stopping." if count == 1 else "Still stopping.")),
    ):
        options.engine_of_system(file).ensure_images((TOXIPROXY,), terminal.info)
        started = kind_of(file).lab(project, _systems(), None).up(request, terminal.info)
    if as_json:
        print_json(json.dumps(_as_json(project, started)))
    else:
        print_lines(_as_text(file, project, started, time.monotonic() - began))


def down_system(file: Path, force: bool, as_json: bool) -> None:
    """Remove everything of a system, and print how much it was. Raises LabError."""
    project = project_of(file)
    with Terminal() as terminal:
        if force:
            stop_lock_holders(project, terminal.info)
        with lab_lock(project, "down", SYSTEM, str(file.resolve()), say=terminal.info):
            kind = kind_up(project, _systems() / project, file)
            projects = (project, plain_project(project))
            removed = sum(kind.lab(one, _systems(), None).down() for one in projects)
    if as_json:
        print_json(json.dumps({"project": project, "containers": removed, "left": []}))
    else:
        print_lines([_as_removed(file, project, removed)])


def _systems() -> Path:
    return state_dir() / "systems"


def _as_removed(file: Path, project: str, removed: int) -> str:
    if removed:
        return f"The system {project!r} is down: {counted(removed, 'container')} removed, nothing is left."
    missing = "" if file.is_file() else ", which is no file"
    return f"Nothing was up for {file}{missing}."


def _as_text(file: Path, project: str, started: StartedSystem, took_s: float) -> list[str]:
    system, named = started.system, shlex.quote(str(file))
    outside = sum(one.client == OUTSIDE for one in system.pairs)
    links = sum(1 for _ in system.links()) + outside
    counts = [(len(system.services), "service"), (len(started.plan.doors), "door"), (links, "link")]
    portless = ", ".join(f"{name} (no port)" for name in started.portless)
    return [
        f"{system.name!r} is up as the project {project!r}: "
        f"{', '.join(counted(*one) for one in counts)} ({took_s:.1f} s).",
        *([f"  no door       {portless}"] if portless else []),
        *(f"  goes around   {one}" for one in started.bypassed),
        *(f"  differs       {one}" for one in started.differences),
        *(f"  published     {one}" for one in started.published),
        f"  links         python lab.py links --system {named}",
        f"  look          python lab.py status --system {named}",
        f"  inject        python lab.py inject stall --links '*->*' --for 10s --system {named}",
        f"  take down     python lab.py down --system {named}",
    ]


def _as_json(project: str, started: StartedSystem) -> dict[str, object]:
    return {
        "project": project,
        "system": started.system.name,
        "services": {one.name: one.replicas for one in started.system.services},
        "pairs": [str(pair) for pair in started.system.pairs],
        "bypassed": [str(one) for one in started.bypassed],
        "no_door": list(started.portless),
        "differences": list(started.differences),
        "published": [msgspec.to_builtins(one) for one in started.published],
    }
