"""What the engine does where Docker alone would leave a container down."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import pytest
from docker.errors import APIError

from driver.engines import addresses, compose_engine
from driver.engines.compose_engine import ComposeEngine
from driver.engines.docker_answers import NetworkAttachment
from driver.engines.docker_sdk import DockerSdk, translated_errors
from driver.errors import AddressInUseError, EngineError, PortInUseError
from tests.driver.fakes import SPEC


class Sdk:
    """A container that asks for an address which another one has, until it is plugged in without one."""

    def __init__(self, status: str = "exited", endpoint: str = "") -> None:
        self.done: list[str] = []
        self.taken = True
        self.status = status
        self.endpoint = endpoint

    def start(self, name: str) -> None:
        self.done.append("start")
        if self.taken:
            raise AddressInUseError("Address already in use.")

    def inspect(self, name: str) -> dict[str, Any]:
        end = {"IPAddress": "10.0.0.9", "Aliases": ["worker", "p-worker-3"], "EndpointID": self.endpoint}
        labels = {"stormlab.memory": "128m"}
        if name.startswith("worker"):
            labels["stormlab.cpu_quota"] = "100000"
        networks, state = {"NetworkSettings": {"Networks": {"p_links": end}}}, {"Status": self.status}
        return {**networks, "Config": {"Labels": labels}, "State": state}

    def limit(self, name: str, cpu_quota_us: int, memory_bytes: int) -> None:
        self.done.append(f"limit {cpu_quota_us} {memory_bytes}")

    def disconnect(self, name: str, attachment: NetworkAttachment) -> None:
        self.done.append(f"disconnect {attachment.network}")

    def connect(self, name: str, attachment: NetworkAttachment) -> None:
        self.done.append(f"connect {attachment.network} {attachment.aliases}")
        self.taken = bool(attachment.address)
        if self.taken:
            raise AddressInUseError("Address already in use.")


def test_a_container_whose_address_went_to_another_is_started_under_a_new_one() -> None:
    engine, sdk = ComposeEngine("p", Path(), lambda say: {}), Sdk()
    engine._sdk = cast(DockerSdk, sdk)
    engine.start("worker-3")
    assert sdk.done == [
        "start", "disconnect p_links", "connect p_links ['worker', 'p-worker-3']", "start",
    ]  # fmt: skip


def test_a_container_whose_address_went_to_another_is_plugged_in_under_a_new_one() -> None:
    engine, sdk = ComposeEngine("p", Path(), lambda say: {}), Sdk("running", "endpoint")
    engine._sdk = cast(DockerSdk, sdk)
    engine.unplug("worker-3")
    # The network stays in the inspection though the engine refused to attach the container.
    sdk.endpoint = ""
    engine.plug("worker-3")
    plug = "connect p_links ['worker', 'p-worker-3']"
    assert sdk.done == ["disconnect p_links", plug, plug]
    assert not sdk.taken


@pytest.mark.parametrize(
    ("name", "kind", "done"),
    [
        ("worker-3", {"memory": False}, "limit 100000 0"),
        ("worker-3", {"cpus": False}, f"limit 0 {128 << 20}"),
        ("coordinator", {}, f"limit -1 {128 << 20}"),
    ],
)
def test_a_limit_that_is_lifted_is_again_that_of_the_container_s_creation(
    name: str, kind: dict[str, bool], done: str
) -> None:
    engine, sdk = ComposeEngine("p", Path(), lambda say: {}), Sdk()
    engine._sdk = cast(DockerSdk, sdk)
    engine.unlimit(name, **kind)
    assert sdk.done == [done]


@pytest.mark.parametrize(
    ("expected", "kind"),
    [("Address already in use", AddressInUseError), ("no such thing", EngineError)],
)
def test_an_address_that_is_taken_is_an_error_of_its_own(expected: str, kind: type[EngineError]) -> None:
    with pytest.raises(EngineError) as found, translated_errors("worker-3"):
        raise APIError("refused", explanation=expected)
    assert type(found.value) is kind
    assert "worker-3" in str(found.value)


def test_free_ports_are_reserved_without_a_question_about_the_existing_lab(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = ComposeEngine("p", Path(), lambda say: {})
    monkeypatch.setattr(DockerSdk, "is_local", True)
    monkeypatch.setattr(DockerSdk, "all_networks", lambda _: [])
    monkeypatch.setattr(addresses, "host_routes", list)
    monkeypatch.setattr(compose_engine, "is_free", lambda host, port: True)
    monkeypatch.setattr(DockerSdk, "containers", lambda _: pytest.fail("the engine was asked"))
    assert engine.reserve_addresses(SPEC).subnet_index in range(addresses.SUBNETS)


@pytest.mark.parametrize(("own", "refused"), [(True, False), (False, True)])
def test_a_port_that_is_in_use_is_reserved_for_the_lab_that_publishes_it_alone(
    own: bool, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = ComposeEngine("p", Path(), lambda say: {})
    monkeypatch.setattr(DockerSdk, "is_local", True)
    monkeypatch.setattr(DockerSdk, "all_networks", lambda _: [])
    monkeypatch.setattr(addresses, "host_routes", list)
    monkeypatch.setattr(compose_engine, "is_free", lambda host, port: False)
    monkeypatch.setattr(addresses, "free_port_pair", lambda host: 20_000)
    monkeypatch.setattr(compose_engine, "port_holder", lambda port: "sshd (pid 7)")
    monkeypatch.setattr(ComposeEngine, "existing_spec", lambda _: SPEC if own else None)
    with pytest.raises(PortInUseError, match="sshd") if refused else nullcontext():
        assert engine.reserve_addresses(SPEC)
