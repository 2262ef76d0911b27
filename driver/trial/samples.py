"""What is observed of a system at one time: links, containers, traffic from outside. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from driver.histories.link_names import service_of


class FlowCounters(msgspec.Struct, frozen=True):
    """Totals of one link since it exists, and its live connections."""

    connections: int = 0
    accepted: int = 0
    to_server_bytes: int = 0
    to_client_bytes: int = 0


class ContainerLook(msgspec.Struct, frozen=True):
    """One container at one time. `life` differs after each start; `exit_code` is None while it runs."""

    service: str
    state: str = "running"
    health: str = ""
    exit_code: int | None = None
    life: str = ""
    restart_policy: str = ""

    @property
    def runs(self) -> bool:
        """Whether its process exists and is not paused."""
        return self.state == "running"

    @property
    def condition(self) -> str:
        """What it does, to follow its name in a sentence."""
        if self.exit_code is not None:
            return f"ended with {self.exit_code}"
        return f"is {self.health or self.state}"


class RequestCounters(msgspec.Struct, frozen=True):
    """Totals of the requests that the trial itself sends."""

    answered: int = 0
    failed: int = 0


class SystemSample(msgspec.Struct, frozen=True):
    """One look at a system. Links and containers have the system's names: `api[2]->db:5432`, `api[2]`."""

    at_s: float
    links: Mapping[str, FlowCounters] = {}
    containers: Mapping[str, ContainerLook] = {}
    requests: RequestCounters | None = None


def is_hit(container: str, target: str) -> bool:
    """Whether a target, a container or all containers of a service, has this container."""
    return target in (container, service_of(container))
