"""Addresses of a system as variables of a command, and the address of one service's port."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator

from chaos.explain import shown
from driver.loads.load import LoadAccess
from driver.port_variables import port_variable

_LOOPBACK = "127.0.0.1:"


def endpoint(text: str) -> tuple[str, int]:
    """Return service and port of `redis:6379`. Raises ValueError."""
    service, _, port = text.rpartition(":")
    if not service or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ValueError(f"expected SERVICE:PORT, like redis:6379; found {shown(text)}")
    return service, int(port)


Endpoint = Annotated[str, AfterValidator(lambda text: text if endpoint(text) else "")]


def services_of(reach: Iterable[str]) -> dict[tuple[str | int, ...], str]:
    """Return the service of each entry of a load's `reach`, by its key."""
    return {("reach", number): endpoint(one)[0] for number, one in enumerate(reach)}


def host_address(access: LoadAccess, service: str, port: int) -> str:
    """Return `address:port` at which this host reaches a service: through its door where the port is
    published, else beside the doors. Raises LabError.
    """
    for one in access.published():
        if (one.service.lower(), one.port) == (service.lower(), port):
            return one.address.replace("0.0.0.0:", _LOOPBACK)
    return access.inside(service, port)


def variables(access: LoadAccess, reached: Iterable[tuple[str, int]]) -> dict[str, str]:
    """Return the variables of all published ports, and of those in `reached`. Raises LabError."""
    published = [(one.service, one.port) for one in access.published()]
    return {port_variable(*one): host_address(access, *one) for one in (*published, *reached)}
