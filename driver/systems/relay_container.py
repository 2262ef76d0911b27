"""The relay of a system: carries connections from this machine to a container, beside the doors.

Its container starts at the first use, as the prober's does: a system needs none to be up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from driver.engines.compose_command import ComposeCommand, client_environment
from driver.engines.container_texts import SERVICE
from driver.engines.docker_sdk import DockerSdk
from driver.errors import EngineError, NotReadyError
from driver.labs.toxiproxy_api import Link, ToxiproxyApi
from driver.systems.compose_yaml import as_yaml
from driver.systems.door_names import own_network
from driver.systems.relay_compose import API_PORT, FIRST_PORT, RELAY, RELAY_SERVICE, relay_document
from driver.systems.replicas import Replica

LOOPBACK = "127.0.0.1"
START_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 10.0
POLL_S = 0.05
MOST_PORTS = 128
"""Ports of all replicas; each is a process of the engine's."""

End = tuple[str, int, int]
"""A service, a port, and the number of a replica."""


def relay_file(folder: Path) -> Path:
    """Return the relay's own Compose file in a system's folder."""
    return folder / RELAY / "compose.yaml"


class RelayContainer:
    """The relay of one project, for any thread. `host` is its address, `ends` all that it leads to."""

    def __init__(
        self, project: str, folder: Path, sdk: DockerSdk, image: str, host: str, ends: Sequence[End]
    ) -> None:
        self._project = project
        self._folder = folder
        self._sdk = sdk
        self._image = image
        self._host = host
        self._ends = list(ends)
        self._lock = threading.Lock()
        self._published: dict[int, int] = {}
        self._upstreams: dict[End, str] = {}

    def address(self, port: int, replica: Replica) -> str:
        """Return `127.0.0.1:PORT`, which leads to a port of a container that has an address.

        Raises EngineError, NotReadyError, and LinksError where the relay does not answer.
        """
        end = (replica.service, port, replica.number)
        listens = FIRST_PORT + self._ends.index(end)
        with self._lock:
            if not self._published:
                self._published = self._started()
            upstream = f"{replica.address}:{port}"
            if self._upstreams.get(end) != upstream:
                name = f"{replica.name}:{port}"
                self._api().create([Link(name, f"{self._host}:{listens}", upstream)])
                self._upstreams[end] = upstream
        return f"{LOOPBACK}:{self._published[listens]}"

    def _api(self) -> ToxiproxyApi:
        return ToxiproxyApi(LOOPBACK, self._published[API_PORT])

    def _started(self) -> dict[int, int]:
        """Start the relay unless it runs; return its published ports, by its own."""
        if len(self._ends) > MOST_PORTS:
            raise EngineError(
                f"The replicas of the system have {len(self._ends)} ports; observations reach {MOST_PORTS}."
            )
        if not self._running():
            networks = {str(one["Name"]) for one in self._sdk.all_networks()}
            servers = dict.fromkeys(own_network(service) for service, _, _ in self._ends)
            own = [name for name in servers if f"{self._project}_{name}" in networks]
            document = relay_document(self._image, self._project, self._host, own, len(self._ends))
            file = relay_file(self._folder)
            file.parent.mkdir(exist_ok=True)
            file.write_text(as_yaml(document))
            compose = ComposeCommand(self._project, file.parent, client_environment())
            compose("up", "-d", "--no-build", environment={}, timeout_s=START_TIMEOUT_S)
        published = self._running()
        api = ToxiproxyApi(LOOPBACK, published[API_PORT])
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while not api.is_up():
            if time.monotonic() > deadline:
                raise NotReadyError(f"After {ANSWER_TIMEOUT_S:.0f} s the relay does not answer.")
            time.sleep(POLL_S)
        return published

    def _running(self) -> dict[int, int]:
        """Return the published ports of the relay's container; none where it does not run."""
        for row in self._sdk.summaries():
            if row["Labels"].get(SERVICE) == RELAY_SERVICE and row["State"] == "running":
                ports = row.get("Ports") or ()
                return {one["PrivatePort"]: one["PublicPort"] for one in ports if "PublicPort" in one}
        return {}
