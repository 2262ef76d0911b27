"""`lab.py doctor`: checks of this machine, each with its finding and cure.

To add a check, write one function and add its name to `DOCTOR_CHECKS`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from driver.machine import daemon, docker_checks, host_checks
from driver.machine.doctor_result import CheckResult, DoctorCheck, DoctorStatus, MachineContext
from driver.subprocesses import ask

DOCTOR_CHECKS: tuple[DoctorCheck, ...] = (
    docker_checks.python_version,
    docker_checks.docker_client,
    docker_checks.docker_engine,
    docker_checks.compose_plugin,
    docker_checks.buildx_plugin,
    docker_checks.base_images_present,
    host_checks.disk_space,
    host_checks.memory,
    host_checks.open_files,
    host_checks.firewall,
    host_checks.network_mtu,
    host_checks.published_ports,
)


def examine(
    ports_to_publish: Sequence[tuple[str, int]], checks: Iterable[DoctorCheck] = DOCTOR_CHECKS
) -> list[CheckResult]:
    """Return each check's result. `ports_to_publish`: (host, port) pairs that the lab publishes here."""
    engine = daemon.server_version()
    context = MachineContext(engine, _docker_info() if engine else {}, ports_to_publish)
    return [check(context) for check in checks]


def verdict(results: Iterable[CheckResult]) -> DoctorStatus:
    """Return the worst status."""
    found = {result.status for result in results}
    return (
        DoctorStatus.BAD
        if DoctorStatus.BAD in found
        else DoctorStatus.WARN
        if DoctorStatus.WARN in found
        else DoctorStatus.OK
    )


def _docker_info() -> dict[str, object]:
    outcome = ask(["docker", "info", "--format", "{{json .}}"])
    try:
        found = json.loads(outcome.text.splitlines()[-1]) if outcome.ok else {}
    except (ValueError, IndexError):
        return {}
    return found if isinstance(found, dict) else {}
