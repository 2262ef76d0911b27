"""Answers of the Docker API become the engine's values."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest

from driver.engines import container_texts, docker_answers
from driver.engines.engine import ContainerState, EngineEvent

WORKER = {"com.docker.compose.service": "worker", "com.docker.compose.container-number": "7"}


def details(service: str = "worker", **changes: Any) -> dict[str, Any]:
    """Details of a container that is as it was created."""
    networks = {"worker": ["lab_links"], "toxiproxy": ["lab_links", "lab_core", "lab_control"]}
    labels = {"com.docker.compose.service": service, "stormlab.memory": "128m"}
    if service == "worker":
        labels["stormlab.cpu_quota"] = "100000"
    found: dict[str, Any] = {
        "Name": f"/lab-{service}-1",
        "State": {"Status": "running", "ExitCode": 0, "OOMKilled": False},
        "HostConfig": {"CpuQuota": 100_000 * (service == "worker"), "Memory": 128 << 20, "PortBindings": {}},
        "Config": {"Labels": labels, "Env": []},
        "Mounts": [],
        "NetworkSettings": {
            "Networks": {
                name: {"IPAddress": "10.232.0.9", "Aliases": [service], "EndpointID": "e"}
                for name in networks[service]
            }
        },
    }
    for path, value in changes.items():
        part, key = path.split("__")
        found[part][key] = value
    return found


def test_a_worker_goes_by_its_number_and_the_others_by_their_service() -> None:
    assert docker_answers.container_name(WORKER) == "worker-7"
    assert (
        docker_answers.container_name({**WORKER, "com.docker.compose.service": "coordinator"})
        == "coordinator"
    )


def test_workers_are_listed_in_the_order_of_their_numbers() -> None:
    rows = [
        {"Labels": {**WORKER, "com.docker.compose.container-number": str(number)}, "Id": "x", "Image": "i",
         "Status": "Up 2 seconds (healthy)", "State": "running"}
        for number in (10, 9, 1)
    ]  # fmt: skip
    found = sorted(map(docker_answers.container, rows), key=docker_answers.sort_key)
    assert [one.name for one in found] == ["worker-1", "worker-9", "worker-10"]
    assert {one.health for one in found} == {"healthy"}


@pytest.mark.parametrize(
    ("status", "health"),
    [
        ("Up 2 seconds (healthy)", "healthy"),
        ("Up 2 seconds (health: starting)", "starting"),
        ("Up 2 minutes (Paused)", ""),
        ("Restarting (1) 2 seconds ago", ""),
        ("Up 2 seconds", ""),
    ],
)
def test_health_is_read_from_the_engines_text(status: str, health: str) -> None:
    assert container_texts.health(status) == health


@pytest.mark.parametrize(
    ("config", "ports"),
    [
        ({"ExposedPorts": {"8000/tcp": {}, "80/tcp": {}, "53/udp": {}, "90": {}}}, [80, 90, 8000]),
        ({"ExposedPorts": None}, []),
        ({}, []),
    ],
)
def test_an_image_declares_tcp_ports(config: dict[str, Any], ports: list[int]) -> None:
    assert docker_answers.exposed_ports({"Config": config}) == ports


def test_an_unhealthy_container_is_not_taken_for_a_healthy_one() -> None:
    row = {"Labels": WORKER, "Status": "Up (unhealthy)", "Id": "x", "Image": "i", "State": "running"}
    assert docker_answers.container(row).health == "unhealthy"


def test_a_container_that_is_as_it_was_created_has_no_degradation() -> None:
    assert docker_answers.degradations(details(), "lab") == []
    assert docker_answers.degradations(details("toxiproxy"), "lab") == []


def test_every_degradation_is_returned() -> None:
    state = {"Status": "paused", "ExitCode": 0, "OOMKilled": False}
    changed = details(State__Status="paused", NetworkSettings__Networks={}, HostConfig__CpuQuota=5_000)
    assert changed["State"] == state
    assert docker_answers.degradations(changed, "lab") == ["paused", "unplugged", "limited"]
    assert docker_answers.degradations(details(HostConfig__Memory=64 << 20), "lab") == ["limited"]


def test_a_network_that_a_running_container_has_no_endpoint_in_is_unplugged() -> None:
    refused = {"lab_links": {"IPAddress": "", "Aliases": ["worker"], "EndpointID": ""}}
    assert docker_answers.degradations(details(NetworkSettings__Networks=refused), "lab") == ["unplugged"]
    ended = details(NetworkSettings__Networks=refused)
    ended["State"]["Status"] = "exited"
    assert docker_answers.degradations(ended, "lab") == ["exited"]


def test_a_container_without_the_processor_limit_of_its_creation_is_limited() -> None:
    assert docker_answers.degradations(details(HostConfig__CpuQuota=0), "lab") == ["limited"]
    assert docker_answers.degradations(details("toxiproxy", HostConfig__CpuQuota=100_000), "lab") == [
        "limited"
    ]


def test_a_connection_to_control_is_not_under_test() -> None:
    plugged = docker_answers.attachments(details("toxiproxy"), "lab")
    assert [one.network for one in plugged] == ["lab_links", "lab_core"]


def test_a_core_container_gets_its_fixed_address_again() -> None:
    core = {"IPAM": {"Config": [{"Subnet": "10.231.4.0/24"}]}}
    due = docker_answers.due_attachments(details("toxiproxy"), core, "lab")
    assert {one.network: one.address for one in due} == {"lab_links": "", "lab_core": "10.231.4.3"}


def test_networks_without_an_address_range_are_passed_over() -> None:
    networks: list[dict[str, Any]] = [
        {"IPAM": {"Config": None}},
        {"IPAM": {"Config": [{"Subnet": "172.18.0.0/16"}, {"Subnet": "fd00::/64"}]}},
    ]
    assert docker_answers.subnets(networks) == [IPv4Network("172.18.0.0/16")]


def test_memory_is_read_without_the_page_cache() -> None:
    stats = {
        "memory_stats": {"usage": 30 << 20, "stats": {"total_inactive_file": 10 << 20}},
        "cpu_stats": {"cpu_usage": {"total_usage": 2_500_000_000}},
    }
    usage = docker_answers.resource_reading("worker-1", stats)
    assert usage is not None
    assert (usage.memory_bytes, usage.cpu_s) == (20 << 20, 2.5)
    assert docker_answers.resource_reading("worker-1", {}) is None


LABELS = {container_texts.PROJECT: "lab", container_texts.SERVICE: "worker", container_texts.NUMBER: "7"}


def event(kind: str, action: str, **about: str) -> EngineEvent | None:
    """The event that one of the API becomes."""
    raw = {"Type": kind, "Action": action, "Actor": {"Attributes": about}}
    return docker_answers.engine_event(raw, "lab", {"id-7": "worker-7"}, 5)


def test_an_event_names_its_container_as_the_lab_does() -> None:
    assert event("container", "die", exitCode="137", **LABELS) == EngineEvent("worker-7", "die", "137", 5)
    assert event("container", "kill", signal="9", **LABELS) == EngineEvent("worker-7", "kill", "9", 5)
    assert event("network", "disconnect", name="lab_links", container="id-7") == EngineEvent(
        "worker-7", "disconnect", "links", 5
    )


def test_events_of_others_and_of_networks_that_carry_nothing_under_test_are_passed_over() -> None:
    assert event("container", "die", **{**LABELS, container_texts.PROJECT: "another"}) is None
    assert event("network", "disconnect", name="lab_links", container="id-of-another") is None
    assert event("network", "disconnect", name="lab_control", container="id-7") is None


def test_a_summary_updates_status_and_networks_and_leaves_limits_as_they_were_read() -> None:
    read = ContainerState("running", -1, False, True, 0.5, 64 << 20)
    row = {"Labels": LABELS, "State": "paused", "NetworkSettings": {"Networks": {"lab_control": {}}}}
    now = docker_answers.updated_state(row, read, "lab")
    assert now == ContainerState("paused", -1, False, False, 0.5, 64 << 20)


def test_a_limit_on_processor_time_is_read_however_it_was_set() -> None:
    cases: list[tuple[dict[str, Any], float | None]] = [
        ({"HostConfig__CpuQuota": 10_000}, 0.1),
        ({"HostConfig__CpuQuota": 10_000, "HostConfig__CpuPeriod": 20_000}, 0.5),
        ({"HostConfig__CpuQuota": 0, "HostConfig__NanoCpus": 50_000_000}, 0.05),
        ({"HostConfig__CpuQuota": 0}, None),
    ]
    for limits, cpus in cases:
        assert docker_answers.container_state(details(**limits), "lab").cpus == cpus
