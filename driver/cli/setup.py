"""`lab.py setup`: prepares this machine to run labs."""

from __future__ import annotations

import click

from driver.cli import options
from driver.errors import LabError
from driver.machine.setup import prepare
from driver.machine.shell import MachineError
from driver.terminal import Terminal, print_lines


@click.command("setup")
@options.log_level
def command() -> None:
    """Make this machine ready: a Docker engine that answers, and the base images.

    Where no engine answers, one is installed from Debian's packages (as root). Quick the second time.
    """
    with Terminal() as terminal:
        try:
            machine = prepare(terminal.info)
        except MachineError as error:
            raise LabError(str(error)) from None
    bases = ", ".join(machine.bases.values())
    print_lines([f"Ready: Docker {machine.engine.engine}, Compose {machine.engine.compose}, {bases}."])
