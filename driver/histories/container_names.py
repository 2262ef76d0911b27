"""Names of containers of a foreign system: `api[2]` is the second one of the service `api`. Pure."""

from __future__ import annotations

from collections.abc import Mapping


def containers_of(services: Mapping[str, int]) -> list[str]:
    """Return the names of the containers of some services, by their numbers of replicas."""
    return [f"{name}[{number}]" for name, replicas in services.items() for number in range(1, replicas + 1)]
