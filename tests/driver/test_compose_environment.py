"""Variables of compose.yaml, and the specification that is read back from containers."""

from __future__ import annotations

from pathlib import Path

from driver.engines import compose_environment
from driver.engines.compose_environment import settings_digest
from driver.engines.engine import LabSpec
from tests.driver.test_docker_answers import details


def test_a_specification_is_read_from_the_containers() -> None:
    bound = {"8766/tcp": [{"HostIp": "127.0.0.1", "HostPort": "9001"}]}
    coordinator = details("toxiproxy", HostConfig__PortBindings=bound)
    coordinator["Config"]["Env"] = [
        "STORMLAB_KEY=ab",
        "STORMLAB_CONTROL_TOKEN=cd",
        "STORMLAB_LISTEN=10.231.5.2",
        "STORMLAB_COORDINATOR={}",
    ]
    coordinator["Mounts"] = [
        {"Destination": "/journal", "Type": "bind", "Source": "/runs/1/journals/coordinator"}
    ]
    toxiproxy = details(
        "toxiproxy", HostConfig__PortBindings={"8474/tcp": [{"HostIp": "", "HostPort": "9000"}]}
    )
    assert compose_environment.lab_spec(coordinator, toxiproxy, None) == LabSpec(
        key="ab", host="127.0.0.1", toxiproxy_port=9000, control_port=9001, server_json="{}",
        subnet_index=5, control_token="cd", journals=Path("/runs/1/journals"),
    )  # fmt: skip


def test_the_variables_have_the_addresses_of_the_subnet_index() -> None:
    environment = compose_environment.variables(
        LabSpec("ab", "127.0.0.1", 1, 2, subnet_index=3, control_token="cd")
    )
    assert environment["STORMLAB_CONTROL_TOKEN"] == "cd"
    assert environment["STORMLAB_CORE_PREFIX"] == "10.231.3"
    assert environment["STORMLAB_LINKS_SUBNET"] == "10.232.12.0/22"
    assert "STORMLAB_WORKER_JOURNAL" not in environment


def test_each_container_is_given_a_journal_folder_of_its_own() -> None:
    environment = compose_environment.variables(
        LabSpec("ab", "127.0.0.1", 1, 2, journals=Path("/runs/1/journals"))
    )
    mounts = {name: value for name, value in environment.items() if name.endswith("_JOURNAL")}
    assert mounts == {
        "STORMLAB_COORDINATOR_JOURNAL": "/runs/1/journals/coordinator:",
        "STORMLAB_PROBER_JOURNAL": "/runs/1/journals/prober:",
        "STORMLAB_WORKER_JOURNAL": "/runs/1/journals/worker-1:",
    }


def test_the_digest_of_worker_settings_covers_the_compose_file_and_all_variables_but_the_prober_s() -> None:
    file = b"name: lab\n"
    environment = {"STORMLAB_WORKER": "{}", "STORMLAB_WORKER_IMAGE": "w:1", "STORMLAB_PROBER": ""}
    same = settings_digest(file, {**environment, "STORMLAB_PROBER": "{}"})
    assert settings_digest(file, environment) == same
    assert settings_digest(file, {**environment, "STORMLAB_WORKER_IMAGE": "w:2"}) != same
    assert settings_digest(b"name: lab\nservices: {}\n", environment) != same
