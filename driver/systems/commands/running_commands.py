"""A system of commands that is up, as faults, healing and commands use it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from driver.errors import EngineGoneError
from driver.systems.commands.command_engine import CommandEngine
from driver.systems.commands.command_prober import CommandProber
from driver.systems.door_api import DoorApi
from driver.systems.running_system import LOOPBACK, RunningSystem, journals_of
from driver.systems.system_file import no_system, read_system_file
from driver.systems.system_links import SystemLinks
from driver.systems.system_prober import SystemProber

COMMANDS = "commands"
"""The kind of a system whose services are commands."""


def running_commands(project: str, folder: Path, named: str) -> RunningSystem:
    """Return the system that is up as a project. `named` is how its file was given, for errors.

    Raises NoLabError where it is not up, EngineError, and LabError for a file that does not decode.
    """
    file = read_system_file(folder, named)
    engine = CommandEngine(project, file.containers)
    try:
        engine.description()
    except EngineGoneError:
        raise no_system(named) from None

    def doors() -> Mapping[str, DoorApi]:
        found = engine.system_containers().doors
        return {one.service: DoorApi(LOOPBACK, one.api_port) for one in found if one.api_port is not None}

    pairs = {door.name: door.pairs for door in file.doors}
    links = SystemLinks(pairs, doors, lambda: engine.system_containers().replicas)
    prober = None
    if file.prober_host:
        prober = SystemProber(file.doors, links, journals_of(file, folder), CommandProber(engine))
    return RunningSystem(file, folder, engine, links, prober)
