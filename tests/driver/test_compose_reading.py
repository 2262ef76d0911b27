"""What Docker's answers mean for a lab."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from driver.engines import compose_reading
from driver.engines.engine import EngineEvent, LabSpec, Standing

WORKER = {"com.docker.compose.service": "worker", "com.docker.compose.container-number": "7"}


def inspected(service: str = "worker", **changes: Any) -> dict[str, Any]:
    """An inspection of a container that is as it was made."""
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
    assert compose_reading.own_name(WORKER) == "worker-7"
    assert compose_reading.own_name({**WORKER, "com.docker.compose.service": "coordinator"}) == "coordinator"


def test_workers_are_listed_in_the_order_of_their_numbers() -> None:
    rows = [
        {"Labels": {**WORKER, "com.docker.compose.container-number": str(number)}, "Id": "x", "Image": "i",
         "Status": "Up 2 seconds (healthy)", "State": "running"}
        for number in (10, 9, 1)
    ]  # fmt: skip
    found = sorted(map(compose_reading.container, rows), key=compose_reading.natural)
    assert [one.name for one in found] == ["worker-1", "worker-9", "worker-10"]
    assert {one.health for one in found} == {"healthy"}


def test_an_unhealthy_container_is_not_taken_for_a_healthy_one() -> None:
    row = {"Labels": WORKER, "Status": "Up (unhealthy)", "Id": "x", "Image": "i", "State": "running"}
    assert compose_reading.container(row).health == "unhealthy"


def test_a_container_that_is_as_it_was_made_is_not_hurt() -> None:
    assert compose_reading.hurts(inspected(), "lab") == []
    assert compose_reading.hurts(inspected("toxiproxy"), "lab") == []


def test_every_hurt_is_told() -> None:
    state = {"Status": "paused", "ExitCode": 0, "OOMKilled": False}
    hurt = inspected(State__Status="paused", NetworkSettings__Networks={}, HostConfig__CpuQuota=5_000)
    assert hurt["State"] == state
    assert compose_reading.hurts(hurt, "lab") == ["paused", "unplugged", "limited"]
    assert compose_reading.hurts(inspected(HostConfig__Memory=64 << 20), "lab") == ["limited"]


def test_a_network_that_a_running_container_has_no_endpoint_in_is_unplugged() -> None:
    refused = {"lab_links": {"IPAddress": "", "Aliases": ["worker"], "EndpointID": ""}}
    assert compose_reading.hurts(inspected(NetworkSettings__Networks=refused), "lab") == ["unplugged"]
    ended = inspected(NetworkSettings__Networks=refused)
    ended["State"]["Status"] = "exited"
    assert compose_reading.hurts(ended, "lab") == ["exited"]


def test_a_container_without_the_processor_limit_that_it_was_made_with_is_hurt() -> None:
    assert compose_reading.hurts(inspected(HostConfig__CpuQuota=0), "lab") == ["limited"]
    assert compose_reading.hurts(inspected("toxiproxy", HostConfig__CpuQuota=100_000), "lab") == ["limited"]


def test_control_is_no_cable() -> None:
    plugged = compose_reading.cables(inspected("toxiproxy"), "lab")
    assert [cable.network for cable in plugged] == ["lab_links", "lab_core"]


def test_a_core_container_comes_back_under_its_fixed_address() -> None:
    core = {"IPAM": {"Config": [{"Subnet": "10.231.4.0/24"}]}}
    due = compose_reading.due_cables(inspected("toxiproxy"), core, "lab")
    assert {cable.network: cable.address for cable in due} == {"lab_links": "", "lab_core": "10.231.4.3"}


def test_a_lab_tells_itself_what_it_was_started_with() -> None:
    bound = {"8766/tcp": [{"HostIp": "127.0.0.1", "HostPort": "9001"}]}
    coordinator = inspected("toxiproxy", HostConfig__PortBindings=bound)
    coordinator["Config"]["Env"] = [
        "STORMLAB_KEY=ab",
        "STORMLAB_CONTROL_TOKEN=cd",
        "STORMLAB_LISTEN=10.231.5.2",
        "STORMLAB_COORDINATOR={}",
    ]
    coordinator["Mounts"] = [
        {"Destination": "/journal", "Type": "bind", "Source": "/runs/1/journals/coordinator"}
    ]
    toxiproxy = inspected(
        "toxiproxy", HostConfig__PortBindings={"8474/tcp": [{"HostIp": "", "HostPort": "9000"}]}
    )
    assert compose_reading.spec(coordinator, toxiproxy, None) == LabSpec(
        key="ab", host="127.0.0.1", toxiproxy_port=9000, control_port=9001, coordinator_json="{}", room=5,
        control_token="cd",
        journals=Path("/runs/1/journals"),
    )  # fmt: skip


def test_what_compose_is_told_reads_back_as_the_same_room() -> None:
    told = compose_reading.variables(LabSpec("ab", "127.0.0.1", 1, 2, room=3, control_token="cd"))
    assert told["STORMLAB_CONTROL_TOKEN"] == "cd"
    assert told["STORMLAB_CORE_PREFIX"] == "10.231.3"
    assert told["STORMLAB_LINKS_SUBNET"] == "10.232.12.0/22"
    assert "STORMLAB_WORKER_JOURNAL" not in told


def test_each_container_is_given_a_journal_folder_of_its_own() -> None:
    told = compose_reading.variables(LabSpec("ab", "127.0.0.1", 1, 2, journals=Path("/runs/1/journals")))
    mounts = {name: value for name, value in told.items() if name.endswith("_JOURNAL")}
    assert mounts == {
        "STORMLAB_COORDINATOR_JOURNAL": "/runs/1/journals/coordinator:",
        "STORMLAB_PROBER_JOURNAL": "/runs/1/journals/prober:",
        "STORMLAB_WORKER_JOURNAL": "/runs/1/journals/worker-1:",
    }


def test_networks_without_an_address_range_are_passed_over() -> None:
    networks: list[dict[str, Any]] = [
        {"IPAM": {"Config": None}},
        {"IPAM": {"Config": [{"Subnet": "172.18.0.0/16"}, {"Subnet": "fd00::/64"}]}},
    ]
    assert compose_reading.subnets(networks) == [IPv4Network("172.18.0.0/16")]


def test_the_page_cache_is_no_cost_of_a_process() -> None:
    stats = {
        "memory_stats": {"usage": 30 << 20, "stats": {"total_inactive_file": 10 << 20}},
        "cpu_stats": {"cpu_usage": {"total_usage": 2_500_000_000}},
    }
    usage = compose_reading.usage("worker-1", stats)
    assert usage is not None
    assert (usage.memory_bytes, usage.cpu_s) == (20 << 20, 2.5)
    assert compose_reading.usage("worker-1", {}) is None


LABELS = {compose_reading.PROJECT: "lab", compose_reading.SERVICE: "worker", compose_reading.NUMBER: "7"}


def told(kind: str, action: str, **about: str) -> EngineEvent | None:
    """What is read of a raw event."""
    raw = {"Type": kind, "Action": action, "Actor": {"Attributes": about}}
    return compose_reading.engine_event(raw, "lab", {"id-7": "worker-7"}, 5)


def test_an_event_names_its_container_as_the_lab_does() -> None:
    assert told("container", "die", exitCode="137", **LABELS) == EngineEvent("worker-7", "die", "137", 5)
    assert told("container", "kill", signal="9", **LABELS) == EngineEvent("worker-7", "kill", "9", 5)
    assert told("network", "disconnect", name="lab_links", container="id-7") == EngineEvent(
        "worker-7", "disconnect", "links", 5
    )


def test_events_of_others_and_of_networks_that_carry_nothing_under_test_are_passed_over() -> None:
    assert told("container", "die", **{**LABELS, compose_reading.PROJECT: "another"}) is None
    assert told("network", "disconnect", name="lab_links", container="id-of-another") is None
    assert told("network", "disconnect", name="lab_control", container="id-7") is None


def test_a_row_of_the_list_gives_status_and_networks_and_leaves_limits_as_they_were_read() -> None:
    read = Standing("running", -1, False, True, 0.5, 64 << 20)
    row = {"Labels": LABELS, "State": "paused", "NetworkSettings": {"Networks": {"lab_control": {}}}}
    now = compose_reading.state_in_row(row, read, "lab")
    assert now == Standing("paused", -1, False, False, 0.5, 64 << 20)


def test_a_limit_on_processor_time_is_read_however_it_was_set() -> None:
    cases: list[tuple[dict[str, Any], float | None]] = [
        ({"HostConfig__CpuQuota": 10_000}, 0.1),
        ({"HostConfig__CpuQuota": 10_000, "HostConfig__CpuPeriod": 20_000}, 0.5),
        ({"HostConfig__CpuQuota": 0, "HostConfig__NanoCpus": 50_000_000}, 0.05),
        ({"HostConfig__CpuQuota": 0}, None),
    ]
    for limits, cpus in cases:
        assert compose_reading.standing(inspected(**limits), "lab").cpus == cpus
