"""What a worker's container can reach, tried from inside it: its own link, and nothing else of the lab."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.e2e.conftest import CommandLine, docker

TRIES = """
import json, os, socket, sys
found = {}
for name, (host, port) in json.loads(sys.argv[1]).items():
    try:
        socket.create_connection((host, port), 1).close()
        found[name] = "connected"
    except OSError as error:
        found[name] = str(error)
print(json.dumps(found))
"""


OWN_ADDRESS_ONLY = """
import json, socket, sys
def attempt(make):
    try:
        make().close()
        return "done"
    except OSError as error:
        return str(error)
def bound():
    one = socket.socket()
    one.bind((sys.argv[1], 0))
    return one
print(json.dumps({
    "icmp": attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)),
    "frames": attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
    "bound": attempt(bound),
}))
"""


class Inside:
    """The inside of `worker-1`'s container."""

    def __init__(self, project: str) -> None:
        self.project = project

    def name(self, process: str) -> str:
        return f"{self.project}-{process}"

    def shell(self, line: str, worker: str = "worker-1") -> str:
        return docker("exec", self.name(worker), "sh", "-c", f"{line} 2>&1", check=False)

    def inspection(self, process: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(docker("inspect", self.name(process)))[0]
        return found

    def address(self, process: str, network: str) -> str:
        return str(
            self.inspection(process)["NetworkSettings"]["Networks"][self.name_of(network)]["IPAddress"]
        )

    def name_of(self, network: str) -> str:
        return f"{self.project}_{network}"

    def tries(self, **targets: tuple[str, int]) -> dict[str, str]:
        """What came of a connection to each target."""
        said = docker("exec", self.name("worker-1"), "/venv/bin/python", "-c", TRIES, json.dumps(targets))
        found: dict[str, str] = json.loads(said)
        return found


@pytest.fixture
def inside(standing: CommandLine) -> Inside:
    return Inside(standing.project)


def test_a_worker_sees_its_own_journal_and_no_other(inside: Inside) -> None:
    assert inside.shell("ls /journal").split() == ["worker-1.jsonl"]
    mounts = {
        process: next(
            m["Source"] for m in inside.inspection(process)["Mounts"] if m["Destination"] == "/journal"
        )
        for process in ("worker-1", "worker-2", "worker-3", "coordinator-1")
    }
    assert len(set(mounts.values())) == 4
    assert not any(a != b and a.startswith(f"{b}/") for a in mounts.values() for b in mounts.values())


def test_a_worker_reaches_its_link_and_not_the_proxys_api(inside: Inside) -> None:
    links = inside.address("toxiproxy-1", "links")
    found = inside.tries(
        link=(links, 20_001),
        api=(links, 8474),
        api_by_core=(inside.address("toxiproxy-1", "core"), 8474),
        api_by_control=(inside.address("toxiproxy-1", "control"), 8474),
        api_by_name=("toxiproxy-api", 8474),
    )
    assert found.pop("link") == "connected"
    assert "connected" not in found.values(), found


def test_a_worker_reaches_the_coordinators_ports_by_no_address(inside: Inside) -> None:
    targets = {
        f"{network}_{port}": (inside.address("coordinator-1", network), port)
        for network in ("core", "control")
        for port in (8765, 8766)
    }
    assert "connected" not in inside.tries(**targets).values()


def test_a_worker_reaches_neither_the_hosts_gateway_nor_the_internet(inside: Inside) -> None:
    network = json.loads(docker("network", "inspect", inside.name_of("links")))[0]
    host = {
        name: (gateway, 22)
        for name in ("bridge", inside.name_of("control"))
        for gateway in [json.loads(docker("network", "inspect", name))[0]["IPAM"]["Config"][0].get("Gateway")]
        if gateway
    }
    found = inside.tries(**host, internet=("1.1.1.1", 443), dns=("8.8.8.8", 53))
    # An answer of any kind, a refusal too, would come from there.
    assert len(found) == 4
    assert all("unreachable" in said for said in found.values()), found
    assert network["Internal"]
    assert network["Options"]["com.docker.network.bridge.inhibit_ipv4"] == "true"


def test_no_port_of_another_worker_answers(inside: Inside) -> None:
    listening = inside.shell("cat /proc/net/tcp /proc/net/tcp6", "worker-2").splitlines()
    rows = [line.split() for line in listening if line.split()[3:4] == ["0A"]]
    # Docker's own resolver listens on the loopback of every container.
    assert {row[1].split(":")[0] for row in rows} <= {"0B00007F"}


def test_a_worker_cannot_take_the_address_of_another(inside: Inside) -> None:
    other = inside.address("worker-2", "links")
    said = docker("exec", inside.name("worker-1"), "/venv/bin/python", "-c", OWN_ADDRESS_ONLY, other)
    assert json.loads(said) == {
        "icmp": "[Errno 1] Operation not permitted",
        "frames": "[Errno 1] Operation not permitted",
        "bound": "[Errno 99] Cannot assign requested address",
    }


def test_no_link_of_ones_own_can_be_made_even_by_a_client_of_the_api(standing: CommandLine) -> None:
    body = json.dumps({"name": "mine", "listen": "[::]:20099", "upstream": "10.231.0.2:8766"})
    asked = ["curl", "-s", "-X", "POST", "-d", body, f"http://127.0.0.1:{standing.port}/proxies"]
    said = subprocess.run(asked, capture_output=True, text=True, timeout=20).stdout
    assert "may lead to" in said


def test_a_workers_container_is_bounded_and_cannot_change_its_image(inside: Inside) -> None:
    host = inside.inspection("worker-2")["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert (host["PidsLimit"], host["CapDrop"]) == (256, ["ALL"])
    assert host["CpuQuota"] == 100_000
    assert "Read-only file system" in inside.shell("touch /app/x")
