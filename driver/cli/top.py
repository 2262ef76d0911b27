"""`lab.py top`: a lab or a system as it is now, in the terminal."""

from __future__ import annotations

from pathlib import Path

import click

from driver.cli import options, options_system


@click.command("top")
@click.option("--once", is_flag=True, help="One table on standard output, and no more.")
@options.project
@options.engine
@options_system.system
@options.as_json
@options.log_level
def command(project: str, system: Path | None, once: bool, as_json: bool) -> None:
    """Show the lab now: connections, running work, faults that are on. Ctrl-C ends it.

    Of a system: each link with its bytes a second, its attempts in the last minute and its last loss, and
    each container.
    """
    options_system.refuse_options(system, with_system=("as_json",), without=("project",))
    if system is not None:
        # Imported here: the reference lab does not need it.
        from driver.cli.system_top import top_system

        top_system(system, once, as_json)
        return
    # Imported here: a system does not need it.
    from driver.cli.reference.lab_top import top_lab

    top_lab(options.engine_of(project), once)
