"""`lab.py doctor`: what stands between this machine and a lab, a line each, with the cure."""

from __future__ import annotations

import json

import click

from driver.cli import options
from driver.exit_codes import ExitCode
from driver.labs.lab import published_ports
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
    """Ask this machine all that the lab needs to know; each answer that is not well has its cure."""
    answers = doctor.examine([(host, one) for one in published_ports(port)])
    if as_json:
        click.echo(json.dumps([_as_dict(answer) for answer in answers]))
    else:
        rows = [[answer.status.value, answer.name, _told(answer)] for answer in answers]
        print_table(["", "what", "found"], rows, [_MARKS[answer.status] for answer in answers])
    return ExitCode.LAB_BROKE if doctor.verdict(answers) is DoctorStatus.BAD else ExitCode.PASSED


def _told(answer: CheckResult) -> str:
    return (
        f"{answer.found}\n→ {answer.cure}"
        if answer.cure and answer.status is not DoctorStatus.OK
        else answer.found
    )


def _as_dict(answer: CheckResult) -> dict[str, str]:
    return {"name": answer.name, "status": answer.status.value, "found": answer.found, "cure": answer.cure}
