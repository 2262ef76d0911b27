"""Claims about how a system's containers were made, and how they differ from it."""

from __future__ import annotations

from typing import Any

import pytest

from driver.engines.docker_answers import NetworkAttachment
from driver.systems.made_containers import (
    NO_MEMORY_LIMIT,
    MadeContainer,
    degradations,
    layout_of,
    made_container,
    replica_name,
)

PROJECT = "doors-shop"
LABELS = {"com.docker.compose.service": "api", "com.docker.compose.container-number": "2"}


def details(status: str = "running", plugged: bool = True, **limits: int) -> dict[str, Any]:
    """A container with its own network, as the engine shows it."""
    end = {"IPAddress": "10.236.0.3", "Aliases": ["api"], "EndpointID": "e"}
    return {
        "State": {"Status": status, "ExitCode": 0, "OOMKilled": False},
        "HostConfig": {"CpuQuota": 0, "NanoCpus": 0, "Memory": 0, "MemorySwap": 0, **limits},
        "Config": {"Labels": LABELS},
        "NetworkSettings": {"Networks": {f"{PROJECT}_sl-api": end} if plugged else {}},
    }


def differs(now: dict[str, Any], **made: Any) -> list[str]:
    was = MadeContainer((NetworkAttachment(f"{PROJECT}_sl-api", "10.236.0.3", ["api"]),), **made)
    return degradations(now, PROJECT, {"api[2]": was})


def test_a_container_is_named_by_its_service_and_number_and_the_labs_own_by_its_service() -> None:
    assert replica_name(LABELS) == "api[2]"
    assert replica_name({**LABELS, "com.docker.compose.service": "sl-door-db"}) == "sl-door-db"


def test_a_container_is_recorded_with_its_networks_addresses_aliases_and_limits() -> None:
    made = made_container(details(CpuQuota=20_000, CpuPeriod=50_000, Memory=7 << 20, MemorySwap=-1), PROJECT)
    assert made.attachments == (NetworkAttachment(f"{PROJECT}_sl-api", "10.236.0.3", ["api"]),)
    assert (made.quota_us, made.memory_bytes, made.memory_swap_bytes) == (40_000, 7 << 20, 0)
    assert made.runs
    assert not made_container(details("exited"), PROJECT).runs


def test_a_container_as_it_was_made_has_no_degradation() -> None:
    assert differs(details()) == []
    assert (
        differs(details(NanoCpus=500_000_000, Memory=7 << 20), nano_cpus=500_000_000, memory_bytes=7 << 20)
        == []
    )


@pytest.mark.parametrize(
    ("now", "found"),
    [
        (details("paused"), ["paused"]),
        (details("exited"), ["exited"]),
        (details("restarting"), []),
        (details(plugged=False), ["unplugged"]),
        (details(CpuQuota=10_000), ["limited"]),
        (details(Memory=64 << 20), ["limited"]),
        (details(Memory=NO_MEMORY_LIMIT), []),
    ],
)
def test_what_a_fault_changes_is_a_degradation(now: dict[str, Any], found: list[str]) -> None:
    assert differs(now) == found


def test_a_job_that_had_ended_is_not_degraded() -> None:
    assert differs(details("exited"), runs=False) == []


def test_a_container_that_was_not_there_is_not_degraded() -> None:
    assert degradations(details("exited"), PROJECT, {}) == []


def test_every_network_of_the_project_is_under_test() -> None:
    layout = layout_of({"api[2]": made_container(details(), PROJECT)}, PROJECT)
    assert layout.due_networks(LABELS) == ["sl-api"]
    assert layout.is_under_test("sl-egress-api")
