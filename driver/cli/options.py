"""Options that several commands share."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from chaos.explain import shortened
from driver.engines.engine import CONTROL_PORT, HOST, TOXIPROXY_PORT
from driver.errors import LabError, UsageError
from driver.labs.project_name import PATTERN, default_project, note_project
from driver.machine.setup import prepare
from driver.machine.shell import MachineError, Say
from driver.paths import project_root
from wire.address import MAX_WORKERS

if TYPE_CHECKING:
    from driver.engines.compose_engine import ComposeEngine

Command = TypeVar("Command", bound=Callable[..., Any])
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


def _workers(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        count = int(text)
    except ValueError:
        raise UsageError(
            f"--workers takes a whole number; found {shortened(repr(text), 60)}.", "Example: --workers 20"
        ) from None
    if not 1 <= count <= MAX_WORKERS:
        raise UsageError(
            f"--workers takes 1 to {MAX_WORKERS}; found {shortened(text, 60)}.",
            "One Toxiproxy carries no more links on one machine." if count > 0 else "Example: --workers 20",
        )
    return count


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
as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for machines.")
host = click.option(
    "--host", default=HOST, show_default=True, metavar="ADDRESS",
    help="Address of this machine on which the lab publishes its two ports.",
)  # fmt: skip
port = click.option(
    "--port", type=int, default=None, callback=_port, metavar="N",
    help=f"Publish Toxiproxy on port N, the coordinator on N + 1.  [{TOXIPROXY_PORT}, {CONTROL_PORT}]",
)  # fmt: skip
workers = click.option(
    "--workers", default=None, callback=_workers, metavar="N", help=f"How many workers, 1 to {MAX_WORKERS}."
)


def engine_to_fill(project_name: str) -> ComposeEngine:
    """Return the engine of a lab to be started; `docker compose` in this checkout then uses it too."""
    if project_name == default_project():
        note_project()
    return engine_of(project_name)


def engine_of(project_name: str) -> ComposeEngine:
    """Return the engine of one lab."""
    # Imported here: commands without an engine need no Docker SDK, which takes 0.2 s to load.
    from driver.engines.compose_engine import ComposeEngine

    return ComposeEngine(project_name, project_root(), build_environment)


def build_environment(say: Say) -> dict[str, str]:
    """Prepare this machine for a build; returns the build's environment. Raises LabError."""
    try:
        return prepare(say).environment()
    except MachineError as error:
        raise LabError(str(error)) from None
