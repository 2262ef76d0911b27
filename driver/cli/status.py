"""`lab.py status`: a lab or a system as it is now."""

from __future__ import annotations

from pathlib import Path

import click

from driver.cli import options, options_system


@click.command("status")
@options.project
@options.engine
@options_system.system
@options.as_json
@options.log_level
def command(project: str, system: Path | None, as_json: bool) -> None:
    """Show a lab: its containers, sessions and work, and the links that are under faults."""
    options_system.refuse_options(system, (), ("project",))
    if system is not None:
        # Imported here: the reference lab does not need it.
        from driver.cli.system_status import show_system

        show_system(system, as_json)
        return
    # Imported here: a system does not need it.
    from driver.cli.reference.lab_status import show_lab

    show_lab(options.engine_of(project), as_json)
