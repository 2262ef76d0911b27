"""One lab that stands: what it was started with, and the ways to its links and its coordinator."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from driver.engines.engine import Engine, LabSpec
from driver.errors import ContainerGoneError, NoLabError
from driver.labs.coordinator_client import CoordinatorClient
from driver.labs.links import Link, Links
from driver.labs.project_name import start_hint
from wire.address import index_in_name, link_port, worker_name

MAX_WORKERS = 500
HOST = "127.0.0.1"
TOXIPROXY_PORT = 8474
CONTROL_PORT = 8766
CHANGES_S = 20.0
POLL_S = 0.1

T = TypeVar("T")


@dataclass(frozen=True)
class Lab:
    """A lab, with the clients of what it publishes."""

    engine: Engine
    spec: LabSpec
    links: Links

    def coordinator(self) -> CoordinatorClient:
        """A client to be used as an async context."""
        return CoordinatorClient(self.spec.host, self.spec.control_port, self.spec.control_token)


def lab_of(engine: Engine, spec: LabSpec) -> Lab:
    """The lab that was, or is about to be, started with `spec`."""
    return Lab(engine, spec, Links(spec.host, spec.toxiproxy_port))


def standing(engine: Engine) -> Lab:
    """The lab that stands, told by its own containers. Raises NoLabError where none does."""
    spec = engine.existing_spec()
    if spec is None:
        raise NoLabError(f"No lab named {engine.project!r} is up.", start_hint(engine.project))
    return lab_of(engine, spec)


def while_it_changes(look: Callable[[], T]) -> T:
    """What `look` finds; it looks again while containers go. Raises ContainerGoneError in the end."""
    deadline = time.monotonic() + CHANGES_S
    while True:
        try:
            return look()
        except ContainerGoneError:
            if time.monotonic() > deadline:
                raise
        time.sleep(POLL_S)


def new_spec(host: str, port: int | None) -> LabSpec:
    """A specification with a fresh key and control token. `port` is the first of two to publish on; None:
    the usual ones.
    """
    toxiproxy_port, control_port = ports_from(port)
    token = secrets.token_hex(32)
    return LabSpec(secrets.token_hex(32), host, toxiproxy_port, control_port, control_token=token)


def ports_from(port: int | None) -> tuple[int, int]:
    """The two ports to publish on: Toxiproxy's, the coordinator's."""
    return (TOXIPROXY_PORT, CONTROL_PORT) if port is None else (port, port + 1)


def links_for(lab: Lab, workers: int) -> list[Link]:
    """One link for each worker."""
    return links_named(lab, [worker_name(index) for index in range(1, workers + 1)])


def links_named(lab: Lab, names: Sequence[str]) -> list[Link]:
    """The links of these workers."""
    upstream = lab.engine.coordinator_address(lab.spec)
    return [Link(name, f"[::]:{link_port(index_in_name(name))}", upstream) for name in names]
