"""`lab.py up`: starts a lab or a system, which stays up until `lab.py down`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from driver.cli import options, options_system
from driver.cli.reference.options_fleet import clients as clients_option
from driver.errors import UsageError


@click.command("up")
@clients_option
@options_system.system
@options_system.start
@options_system.any_ports
@options.project
@options.engine
@options.host
@options.port
@click.option("--dashboard", "watched", is_flag=True, help="Then serve the dashboard, until Ctrl-C.")
@click.option("--prometheus", "monitored", is_flag=True, help="Also start Prometheus and Grafana.")
@options.as_json
@options.log_level
def command(
    clients: int | None, project: str, host: str, port: int | None, watched: bool, monitored: bool,
    as_json: bool, system: Path | None, **of_system: Any,
) -> None:  # fmt: skip
    """Start a lab and leave it up; a second `up` with another `--workers` scales it.

    With --system it starts a system from its own file, which is not edited, with a door before each server:
    a Toxiproxy that each connection between two services passes. Each replica of a client has a link of its
    own. A service is a container of a Compose file, or a command (run: python app.py), which needs no Docker.
    """
    without = ("clients", "project", "host", "port", "watched", "monitored")
    options_system.refuse_options(system, of_system, without)
    if system is not None:
        _up_system(system, as_json, **of_system)
        return
    # Imported here: a system does not need it.
    from driver.cli.reference.lab_up import up_lab

    up_lab(project, clients, host, port, monitored, as_json)
    if watched:
        # Imported here: the web server takes a second to load.
        from driver.cli.dashboard import serve_until_stopped

        serve_until_stopped(project)


def _up_system(
    file: Path, as_json: bool, more: tuple[Path, ...], profiles: tuple[str, ...],
    ports: dict[str, frozenset[int]], egress: tuple[str, ...], bypass: tuple[str, ...], any_ports: bool,
) -> None:  # fmt: skip
    # Imported here: the reference lab does not need it.
    from driver.cli.system_lab import up_system
    from driver.systems.system_request import SystemRequest

    learned = click.get_current_context().meta.get(options_system.LEARNED)
    if learned and any((more, profiles, ports, egress, bypass)):
        raise UsageError(
            "A learned file says how its system is started: it takes no -f, --profile, --listens, --egress, "
            "--bypass.",
            "Write them into that file.",
        )
    up_system(
        file,
        replace(learned, publish=not any_ports)
        if learned
        else SystemRequest(
            files=(file, *more),
            profiles=profiles,
            bypass=frozenset(bypass),
            egress=frozenset(egress),
            ports=ports,
            publish=not any_ports,
        ),
        as_json,
    )
