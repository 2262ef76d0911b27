"""Options of the commands that start a foreign system from its Compose file."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from driver.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])
_PORT = re.compile(r"(.+):(\d{1,5})")


def read_ports(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> dict[str, frozenset[int]]:
    """Return the ports of `SERVICE:PORT` options, by service. Raises UsageError."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for text in texts:
        match = _PORT.fullmatch(text)
        if match is None or not 1 <= int(match[2]) <= 65_535:
            raise UsageError(
                f"--listens takes a service and a port; found {text!r}.", "Example: --listens db:5432"
            )
        found[match[1]].add(int(match[2]))
    return {name: frozenset(ports) for name, ports in found.items()}


LEARNED = "stormlab.learned"
"""Key of a command's context: how the system of a stormlab.yaml that --system named is started."""


def compose_file(context: click.Context, __: click.Parameter, file: Path | None) -> Path | None:
    """Return the Compose file that a stormlab.yaml names; another file as it is. Raises FileError."""
    if file is None:
        return None
    # Imported here: the reference lab does not need it.
    from driver.trial.learned_file import read_learned

    learned = read_learned(file)
    if learned is None:
        return file
    context.meta[LEARNED] = learned.request(file)
    return learned.request(file).files[0]


file = click.argument("file", type=click.Path(path_type=Path))
more = click.option(
    "-f", "more", multiple=True, type=click.Path(path_type=Path), help="A further Compose file."
)
profiles = click.option(
    "--profile", "profiles", multiple=True, metavar="NAME", help="Start services of this profile too."
)
listens = click.option(
    "--listens", "ports", multiple=True, metavar="SERVICE:PORT", callback=read_ports,
    help="A TCP port on which a service listens without a word in the file or its image.",
)  # fmt: skip
egress = click.option(
    "--egress", multiple=True, metavar="SERVICE", help="Leave this service its way to the internet."
)
bypass = click.option(
    "--bypass", multiple=True, metavar="SERVICE",
    help="Allow what cannot pass a door: no fault hits that traffic, and no receipt proves it.",
)  # fmt: skip


def start(command: Command) -> Command:
    """Add the options that say how a system is started."""
    for option in (bypass, egress, listens, profiles, more):
        command = option(command)
    return command


any_ports = click.option(
    "--any-ports", is_flag=True, help="Publish on free ports of 127.0.0.1, not on the file's own."
)
system = click.option(
    "--system", type=click.Path(path_type=Path), metavar="FILE", callback=compose_file,
    help="Use the system of this file, not the lab: a Compose file, one whose services are commands, or a "
    "stormlab.yaml learned of one.",
)  # fmt: skip


def refuse_options(system: Path | None, with_system: Iterable[str], without: Iterable[str]) -> None:
    """Raise UsageError for an option that the command line gives and that goes with a system, or with none.

    Both are names of the current command's parameters: those of `with_system` need --system, those of
    `without` take none.
    """
    context = click.get_current_context()
    refused = without if system is not None else with_system
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if given and parameter.name in refused:
            option = max(parameter.opts, key=len)
            if system is None:
                raise UsageError(
                    f"{option} needs --system FILE.", f"See: python {context.command_path} --help"
                )
            raise UsageError(f"{option} is for the lab, and takes no --system.", "Leave one of the two out.")
