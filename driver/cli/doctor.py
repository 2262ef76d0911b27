"""`lab.py doctor`: checks what a lab needs of this machine, a line each, with the cure."""

from __future__ import annotations

import json

import click

from driver.cli import options
from driver.engines.addresses import published_ports
from driver.exit_codes import ExitCode
from driver.machine import doctor
from driver.machine.doctor_result import CheckResult, DoctorStatus
from driver.terminal import print_table

_MARKS = {DoctorStatus.OK: "good", DoctorStatus.WARN: "warn", DoctorStatus.BAD: "bad"}


@click.command("doctor")
@options.host
@options.port
@options.as_json
@options.log_level
def command(host: str, port: int | None, as_json: bool) -> int:
    """Check all that a lab needs of this machine; each problem comes with its cure."""
    results = doctor.examine([(host, one) for one in published_ports(port)])
    if as_json:
        click.echo(json.dumps([_as_dict(result) for result in results]))
    else:
        rows = [[result.status.value, result.name, _text(result)] for result in results]
        print_table(["", "what", "found"], rows, [_MARKS[result.status] for result in results])
    return ExitCode.LAB_BROKE if doctor.verdict(results) is DoctorStatus.BAD else ExitCode.PASSED


def _text(result: CheckResult) -> str:
    return (
        f"{result.found}\n→ {result.cure}"
        if result.cure and result.status is not DoctorStatus.OK
        else result.found
    )


def _as_dict(result: CheckResult) -> dict[str, str]:
    return {"name": result.name, "status": result.status.value, "found": result.found, "cure": result.cure}
