"""One reference lab: its specification, and clients of its engine, its links and its coordinator."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from driver.engines.addresses import published_ports
from driver.engines.engine import Engine, LabSpec
from driver.errors import ContainerGoneError, NoLabError
from driver.labs.project_name import start_hint
from driver.labs.toxiproxy_api import Link
from driver.reference.coordinator_client import CoordinatorClient
from driver.reference.labs.links import Links
from wire.address import index_in_name, link_port, worker_name

CHANGES_S = 20.0
POLL_S = 0.1

T = TypeVar("T")


@dataclass(frozen=True)
class Lab:
    """A lab with the clients of its parts. It may not run (yet): the clients then raise their errors."""

    engine: Engine
    spec: LabSpec
    links: Links

    def coordinator(self) -> CoordinatorClient:
        """Return a client of the control API, to be used as an async context."""
        return CoordinatorClient(self.spec.host, self.spec.control_port, self.spec.control_token)


def lab_of(engine: Engine, spec: LabSpec) -> Lab:
    """Return the lab of a specification."""
    return Lab(engine, spec, Links(spec.host, spec.toxiproxy_port))


def existing_lab(engine: Engine) -> Lab:
    """Return the existing lab, by the specification of its containers. Raises NoLabError, EngineError."""
    spec = engine.existing_spec()
    if spec is None:
        raise NoLabError(f"No lab named {engine.project!r} is up.", start_hint(engine.project))
    return lab_of(engine, spec)


def retry_while_changing(read: Callable[[], T]) -> T:
    """Return the result of `read`, called again while containers are being removed.

    Raises ContainerGoneError after CHANGES_S, and every other error of `read`.
    """
    deadline = time.monotonic() + CHANGES_S
    while True:
        try:
            return read()
        except ContainerGoneError:
            if time.monotonic() > deadline:
                raise
        time.sleep(POLL_S)


def new_spec(host: str, port: int | None) -> LabSpec:
    """Return a specification with a new key and control token.

    `port` is the first of two consecutive ports on which the lab is published; None: the default ones.
    """
    toxiproxy_port, control_port = published_ports(port)
    token = secrets.token_hex(32)
    return LabSpec(secrets.token_hex(32), host, toxiproxy_port, control_port, control_token=token)


def links_for(lab: Lab, workers: int) -> list[Link]:
    """Return one link for each worker."""
    return links_named(lab, [worker_name(index) for index in range(1, workers + 1)])


def links_named(lab: Lab, names: Sequence[str]) -> list[Link]:
    """Return the links of these workers."""
    upstream, host = lab.engine.server_address(lab.spec), lab.engine.link_listen_host(lab.spec)
    return [Link(name, f"{host}:{link_port(index_in_name(name))}", upstream) for name in names]
