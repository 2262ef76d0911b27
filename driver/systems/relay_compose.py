"""The generated Compose file of a system's relay, through which observations reach containers. Pure.

A relay is a container of the lab's Toxiproxy without any fault, beside the doors: it is on each server's own
network, and listens on the network of published ports alone, where no service is.
"""

from __future__ import annotations

from collections.abc import Iterable

from driver.systems.compose_config import PREFIX
from driver.systems.door_names import OUTSIDE_NETWORK
from driver.systems.prober_compose import OWN_PROCESS

RELAY = "relay"
RELAY_SERVICE = f"{PREFIX}{RELAY}"
API_PORT = 8474
FIRST_PORT = 10_000


def relay_document(
    image: str, project: str, host: str, networks: Iterable[str], ports: int
) -> dict[str, dict[str, object]]:
    """Return the Compose file of the relay alone, on networks that the system's file has made.

    `host` is its address on the network of published ports; it publishes its API and `ports` ports from
    FIRST_PORT on, at ports of the engine's choice.
    """
    names = [OUTSIDE_NETWORK, *networks]
    attached: dict[str, object] = {name: {} for name in names}
    attached[OUTSIDE_NETWORK] = {"ipv4_address": host}
    published = [API_PORT, *range(FIRST_PORT, FIRST_PORT + ports)]
    return {
        "services": {
            RELAY_SERVICE: {
                "image": image,
                "command": ["-host", host, "-port", str(API_PORT)],
                "networks": attached,
                "ports": [{"target": port, "host_ip": "127.0.0.1"} for port in published],
                **OWN_PROCESS,
                "read_only": True,
                "sysctls": {"net.ipv4.ip_forward": "0"},
                "mem_limit": "256m",
            }
        },
        "networks": {name: {"name": f"{project}_{name}", "external": True} for name in names},
    }
