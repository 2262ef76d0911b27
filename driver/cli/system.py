"""`lab.py system`: a foreign system, started from its Compose file with a door before each server."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections import defaultdict
from pathlib import Path

import click
import msgspec

from driver.cli import options
from driver.errors import UsageError
from driver.interrupts import interrupts_raised
from driver.labs.lab_lock import lab_lock, reading_unlocked, stop_lock_holders
from driver.nouns import counted
from driver.paths import state_dir
from driver.systems.lab_of_system import (
    TOXIPROXY,
    LinkReport,
    StartedSystem,
    SystemLab,
    SystemRequest,
    door_image,
    project_of,
)
from driver.terminal import Terminal, print_json, print_lines, print_table

CONTAINER_COLUMNS = ("container", "state")
LINK_COLUMNS = ("link", "connections", "accepted", "bytes to server", "bytes to client", "faults")
_PORT = re.compile(r"(.+):(\d{1,5})")
_file = click.argument("file", type=click.Path(path_type=Path))


@click.group("system", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Start a system from its own Compose file, which is not edited, with a door before each server.

    A door is a Toxiproxy that each connection between two services passes. Each replica of a client has a
    link of its own.
    """
    if context.invoked_subcommand is None:
        raise UsageError("system takes up, down or links.", "Example: python lab.py system up compose.yaml")


@command.command("up")
@_file
@click.option("-f", "more", multiple=True, type=click.Path(path_type=Path), help="A further Compose file.")
@click.option(
    "--profile", "profiles", multiple=True, metavar="NAME", help="Start services of this profile too."
)
@click.option(
    "--listens", "ports", multiple=True, metavar="SERVICE:PORT",
    help="A TCP port on which a service listens without a word in the file or its image.",
)  # fmt: skip
@click.option(
    "--egress", multiple=True, metavar="SERVICE", help="Leave this service its way to the internet."
)
@click.option(
    "--bypass", multiple=True, metavar="SERVICE",
    help="Allow what cannot pass a door: no fault hits that traffic, and no receipt proves it.",
)  # fmt: skip
@click.option("--any-ports", is_flag=True, help="Publish on free ports of 127.0.0.1, not on the file's own.")
@options.as_json
@options.log_level
def up(
    file: Path, more: tuple[Path, ...], profiles: tuple[str, ...], ports: tuple[str, ...],
    egress: tuple[str, ...], bypass: tuple[str, ...], any_ports: bool, as_json: bool,
) -> None:  # fmt: skip
    """Start a system with doors; return when every service runs and is healthy."""
    request = SystemRequest(
        files=(file, *more),
        profiles=profiles,
        bypass=frozenset(bypass),
        egress=frozenset(egress),
        ports=_read_ports(ports),
        publish=not any_ports,
    )
    project = project_of(file)
    began = time.monotonic()
    with (
        Terminal() as terminal,
        lab_lock(project, "system", "up", str(file.resolve()), say=terminal.info),
        interrupts_raised(lambda count: terminal.info("Stopping." if count == 1 else "Still stopping.")),
    ):
        options.engine_of(project).ensure_images([TOXIPROXY], terminal.info)
        started = _lab(project).up(request, terminal.info)
    if as_json:
        print_json(json.dumps(_as_json(project, started)))
    else:
        print_lines(_as_text(file, project, started, time.monotonic() - began))


@command.command("down")
@_file
@click.option("--force", is_flag=True, help="Stop the commands that use the system first, as Ctrl-C does.")
@options.log_level
def down(file: Path, force: bool) -> None:
    """Take a system down: containers, networks, volumes and images that were made for it."""
    project = project_of(file)
    with Terminal() as terminal:
        if force:
            stop_lock_holders(project, terminal.info)
        with lab_lock(project, "system", "down", str(file.resolve()), say=terminal.info):
            removed = _lab(project).down()
    print_lines([_as_removed(file, project, removed)])


@command.command("links")
@_file
@options.as_json
@options.log_level
def links(file: Path, as_json: bool) -> None:
    """Show a system that is up: each container, and each link with connections, bytes, faults."""
    project = project_of(file)
    with reading_unlocked(project):
        containers, found = _lab(project).look()
    if as_json:
        states = {one.name: one.shown_state for one in containers.all}
        print_json(json.dumps({"containers": states, "links": [_link_as_json(one) for one in found]}))
        return
    print_table(CONTAINER_COLUMNS, [[one.name, one.shown_state] for one in containers.all])
    rows = [
        [one.link, str(one.state.connections), str(one.state.accepted), str(one.state.bytes_upstream),
         str(one.state.bytes_downstream), ", ".join(one.state.faults)]
        for one in found
    ]  # fmt: skip
    print_table(LINK_COLUMNS, rows)


def _lab(project: str) -> SystemLab:
    return SystemLab(project, door_image(), state_dir() / "systems")


def _read_ports(texts: tuple[str, ...]) -> dict[str, frozenset[int]]:
    found: defaultdict[str, set[int]] = defaultdict(set)
    for text in texts:
        match = _PORT.fullmatch(text)
        if match is None or not 1 <= int(match[2]) <= 65_535:
            raise UsageError(
                f"--listens takes a service and a port; found {text!r}.", "Example: --listens db:5432"
            )
        found[match[1]].add(int(match[2]))
    return {name: frozenset(ports) for name, ports in found.items()}


def _as_removed(file: Path, project: str, removed: int) -> str:
    if removed:
        return f"The system {project!r} is down: {counted(removed, 'container')} removed, nothing is left."
    missing = "" if file.is_file() else ", which is no file"
    return f"Nothing was up for {file}{missing}."


def _as_text(file: Path, project: str, started: StartedSystem, took_s: float) -> list[str]:
    system, named = started.system, shlex.quote(str(file))
    links = sum(1 for _ in system.links())
    counts = [(len(system.services), "service"), (len(started.plan.doors), "door"), (links, "link")]
    portless = ", ".join(f"{name} (no port)" for name in started.portless)
    return [
        f"{system.name!r} is up as the project {project!r}: "
        f"{', '.join(counted(*one) for one in counts)} ({took_s:.1f} s).",
        *([f"  no door       {portless}"] if portless else []),
        *(f"  goes around   {one}" for one in started.bypassed),
        *(f"  differs       {one}" for one in started.differences),
        *(f"  published     {one}" for one in started.published),
        f"  links         python lab.py system links {named}",
        f"  look          docker compose -p {project} ps",
        f"  take down     python lab.py system down {named}",
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


def _link_as_json(one: LinkReport) -> dict[str, object]:
    state = one.state
    return {
        "link": one.link,
        "connections": state.connections,
        "accepted": state.accepted,
        "bytes_to_server": state.bytes_upstream,
        "bytes_to_client": state.bytes_downstream,
        "faults": state.faults,
    }
