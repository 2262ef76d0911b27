"""Addresses of workers' links: names, ports, and the coordinator's URL."""

from __future__ import annotations

import re

FIRST_LINK_PORT = 20_000
MAX_WORKERS = 500
"""The most workers of a lab: one Toxiproxy carries no more links on one machine."""
WORKER_PATH = "/v1/worker"


def worker_name(index: int) -> str:
    """Return the name of worker number `index` (1, 2, …); its link has the same name."""
    return f"worker-{index}"


def link_port(index: int) -> int:
    """Return the port on which Toxiproxy listens for worker number `index`."""
    return FIRST_LINK_PORT + index


def coordinator_url(host: str, port: int) -> str:
    """Return the WebSocket URL of workers behind `host`:`port`."""
    return f"ws://{host}:{port}{WORKER_PATH}"


def index_in_name(container_name: str) -> int:
    """Return the number that Compose gave a replica: `project-worker-7` or `project-worker-7.project_network`
    → 7.

    Raises ValueError when the name holds none.
    """
    match = re.search(r"-(\d+)$", container_name.split(".")[0])
    if match is None or int(match[1]) < 1:
        raise ValueError(
            f"expected a container name ending in a number, like project-worker-7; found {container_name!r}. "
            "Set WORKER_INDEX to the number of this worker's link."
        )
    return int(match[1])
