"""On a real engine, a container whose address went to another while it was unplugged gets a new address."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.types import IPAMConfig, IPAMPool

from driver.engines.compose_engine import ComposeEngine

PROJECT = f"taken-address-{os.getpid()}"
NETWORK = f"{PROJECT}_links"
IMAGE = "stormlab/worker:dev"
SUBNET = "10.213.77.0/28"


def _labels(number: int) -> dict[str, str]:
    return {
        "com.docker.compose.project": PROJECT,
        "com.docker.compose.service": "worker",
        "com.docker.compose.container-number": str(number),
        "stormlab.memory": "64m",
    }


@pytest.fixture
def network() -> Iterator[docker.APIClient]:
    """A network named as a lab's, and whatever the test puts on it is removed."""
    client = docker.from_env()
    ipam = IPAMConfig(pool_configs=[IPAMPool(subnet=SUBNET)])
    made = client.networks.create(NETWORK, driver="bridge", internal=True, ipam=ipam)
    try:
        yield client.api
    finally:
        for one in client.containers.list(
            all=True, filters={"label": f"com.docker.compose.project={PROJECT}"}
        ):
            one.remove(force=True)
        made.remove()


def _start(api: docker.APIClient, number: int, address: str | None = None) -> str:
    endpoint = api.create_endpoint_config(ipv4_address=address)
    made = api.create_container(
        IMAGE,
        entrypoint=["sleep"],
        command=["60"],
        name=f"{PROJECT}-worker-{number}",
        labels=_labels(number),
        host_config=api.create_host_config(network_mode=NETWORK),
        networking_config={"EndpointsConfig": {NETWORK: endpoint}},
    )
    api.start(made["Id"])
    return str(made["Id"])


def test_a_worker_is_plugged_in_again_though_its_address_went_to_another(network: docker.APIClient) -> None:
    first = _start(network, 1)
    address = network.inspect_container(first)["NetworkSettings"]["Networks"][NETWORK]["IPAddress"]
    engine = ComposeEngine(PROJECT, Path(), lambda spec: {})
    engine.unplug("worker-1")
    _start(network, 2, address)
    engine.plug("worker-1")
    assert engine.inspect("worker-1").plugged
    assert first in network.inspect_network(NETWORK)["Containers"]
