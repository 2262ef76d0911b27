"""Options that several commands share."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from driver.engines.catalogue import KINDS, default_kind, kind_of_lab
from driver.engines.engine import CONTROL_PORT, HOST, TOXIPROXY_PORT, Abilities, Engine, Say
from driver.engines.kinds.hosts import ENGINE as HOSTS_ENGINE
from driver.engines.kinds.hosts import HOSTS
from driver.errors import LabError, UsageError
from driver.labs.project_name import PATTERN, default_project, note_project
from driver.machine.setup import prepare
from driver.machine.shell import MachineError
from driver.paths import project_root

Command = TypeVar("Command", bound=Callable[..., Any])
OF_HOSTS = HOSTS_ENGINE.name
CHOSEN = "engine"
"""The key of the engine that the command line names, in the meta of click's context."""
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def _project(_: click.Context, __: click.Parameter, name: str) -> str:
    if not re.fullmatch(PATTERN, name):
        raise UsageError(
            f"--project {name!r} is no name for a lab.",
            "Use small letters, digits, - and _, at most 41 of them.",
        )
    return name


def _log_level(_: click.Context, __: click.Parameter, level: str) -> None:
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("stormlab").setLevel(level)


def _engine(context: click.Context, _: click.Parameter, name: str | None) -> None:
    context.meta[CHOSEN] = name or (OF_HOSTS if os.environ.get(HOSTS) else None)


def _hosts(_: click.Context, __: click.Parameter, text: str | None) -> None:
    # In the environment: the engine's file reads it there, and so do the commands that this one starts.
    if text:
        os.environ[HOSTS] = text


def _port(_: click.Context, __: click.Parameter, port: int | None) -> int | None:
    if port is not None and not 1 <= port <= 65_534:
        raise UsageError(f"--port takes 1 to 65534; found {port}.", "Example: --port 18474")
    return port


project = click.option(
    "--project", default=default_project, show_default="stormlab- and digits of this folder's path",
    metavar="NAME", callback=_project,
    help="Which lab; several can be up under different names (and --port).",
)  # fmt: skip
log_level = click.option(
    "--log-level", default="WARNING", show_default=True, callback=_log_level,
    expose_value=False, is_eager=True, type=click.Choice(LEVELS, case_sensitive=False),
    help="How much is logged; DEBUG shows every step.",
)  # fmt: skip
_engine_option = click.option(
    "--engine", type=click.Choice(list(KINDS)), default=None, envvar="STORMLAB_ENGINE", show_envvar=True,
    expose_value=False, callback=_engine,
    help="What runs the processes. Without it: what holds the lab, else the first that can start one here: "
    + ", ".join(f"{kind.name} ({kind.summary})" for kind in KINDS.values()) + ".",
)  # fmt: skip
_hosts_option = click.option(
    "--hosts", default=None, envvar=HOSTS, show_envvar=True, metavar="ADDRESS,…", expose_value=False,
    callback=_hosts, is_eager=True,
    help="Docker engines of several hosts, as unix://… or ssh://…; the first one runs Toxiproxy and the "
    "coordinator. It implies --engine hosts.",
)  # fmt: skip


def engine(command: Command) -> Command:
    """Add the options that choose what runs the processes."""
    return _engine_option(_hosts_option(command))


as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for machines.")
host = click.option(
    "--host", default=HOST, show_default=True, metavar="ADDRESS",
    help="Address of this machine on which the lab publishes its two ports.",
)  # fmt: skip
port = click.option(
    "--port", type=int, default=None, callback=_port, metavar="N",
    help=f"Publish Toxiproxy on port N, the coordinator on N + 1.  [{TOXIPROXY_PORT}, {CONTROL_PORT}]",
)  # fmt: skip


def chosen_engine() -> str | None:
    """Return the name of the engine that the command line or STORMLAB_ENGINE names; None: none."""
    context = click.get_current_context(silent=True)
    found = None if context is None else context.meta.get(CHOSEN)
    return None if found is None else str(found)


def engine_to_fill(project_name: str, say: Say) -> Engine:
    """Return the engine of a lab to be started; its own tool in this checkout then uses that lab too.

    `say` gets a sentence where the first of all engines cannot start one here.
    """
    if project_name == default_project():
        note_project()
    engine = engine_of(project_name, to_start=True)
    first = next(iter(KINDS.values()))
    if chosen_engine() is None and engine.abilities.engine != first.name and (why := first.unavailable()):
        say(
            f"The lab runs on the engine {engine.abilities.engine}, since {first.name} cannot start it: {why}"
        )
    return engine


def engine_of(project_name: str, to_start: bool = False) -> Engine:
    """Return the engine of one lab. Raises UsageError where another one than the chosen holds it."""
    kind = kind_of_lab(list(KINDS.values()), project_name, chosen_engine(), to_start)
    return kind.make(project_name, project_root(), build_environment)


def engine_of_system(file: Path) -> Engine:
    """Return the engine that builds the lab's own parts for the system of a file. Raises UsageError where
    the command line names another than runs such a system.
    """
    # Imported here: the reference lab does not need it.
    from driver.systems.system_kinds import kind_of

    name = kind_of(file).engine
    if (chosen := chosen_engine()) not in (None, name):
        raise UsageError(
            f"The system of {file} runs on the engine {name}, and not on {chosen}.",
            "Leave --engine (STORMLAB_ENGINE) out.",
        )
    # Not built for the system's project: its end removes what was.
    return KINDS[name].make(default_project(), project_root(), build_environment)


def abilities_of(system: Path | None) -> Abilities:
    """Return the abilities of the engine of a new lab on this machine, or of the system of a file."""
    if system is not None:
        return engine_of_system(system).abilities
    chosen = chosen_engine()
    return (KINDS[chosen] if chosen else default_kind(list(KINDS.values()))).abilities()


def build_environment(say: Say) -> dict[str, str]:
    """Prepare this machine for a build; returns the build's environment. Raises LabError."""
    try:
        return prepare(say).environment()
    except MachineError as error:
        raise LabError(str(error)) from None
