"""What the processes of a lab are started from."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import msgspec
import pytest

from chaos.prober.settings import ProberSettings
from driver.engines.process.lab_addresses import ISOLATED, loopback
from driver.engines.process.lab_services import (
    CLIENT_CPUS,
    MEMORY_BYTES,
    ProcessPlace,
    process_specs,
)
from driver.engines.process.process_spec import BoundPath, ProcessSpec
from driver.paths import project_root
from driver.reference.system import worker_links
from tests.driver.fakes import SPEC

UNITS = {"m": 20, "g": 30}


def place(isolated: bool, as_user: bool = False) -> ProcessPlace:
    addresses = ISOLATED if isolated else loopback(3)
    return ProcessPlace(
        addresses, isolated, as_user, Path("/lab/stores"), Path("/run/journals"), Path("/cache/toxiproxy"),
        {"worker": "process:1"},
    )  # fmt: skip


def made(name: str, where: ProcessPlace) -> ProcessSpec:
    (found,) = process_specs(SPEC, where, [name])
    return found


def test_a_worker_in_namespaces_has_its_own_journal_and_store_alone() -> None:
    worker = made("worker-7", place(isolated=True))
    assert worker.mounts == (
        BoundPath("/run/journals/worker-7", "/journal"),
        BoundPath("/lab/stores/worker-7", "/store"),
    )
    assert worker.environment["WORKER_INDEX"] == "7"
    assert worker.environment["JOURNAL_DIR"] == "/journal"


def test_a_worker_of_root_s_lab_changes_to_a_user_of_its_own() -> None:
    worker = made("worker-1", place(isolated=True, as_user=True))
    assert worker.switches_user
    assert worker.environment["STORMLAB_RUN_AS"] == "10001:10001"


def test_toxiproxy_has_no_key_and_leads_to_the_coordinator_alone() -> None:
    toxiproxy = made("toxiproxy", place(isolated=True))
    assert SPEC.key not in str(toxiproxy.environment)
    assert toxiproxy.argv[-2:] == ("-upstreams", "10.231.0.2:8765")
    assert toxiproxy.mounts == ()


def test_a_process_on_the_loopback_network_has_its_folders_at_their_own_paths() -> None:
    worker = made("worker-2", place(isolated=False))
    assert worker.mounts == ()
    assert worker.networks == {}
    assert worker.environment["JOURNAL_DIR"] == "/run/journals/worker-2"
    assert worker.environment["STORMLAB_LINKS_HOST"] == "127.64.3.3"


def test_a_prober_on_the_loopback_network_dials_toxiproxy_s_address() -> None:
    settings = msgspec.json.encode(ProberSettings(links=worker_links(2), seed=5)).decode()
    spec = dataclasses.replace(SPEC, prober_json=settings)
    (prober,) = process_specs(spec, place(isolated=False), ["prober"])
    found = json.loads(prober.environment["STORMLAB_PROBER"])
    assert {link["host"] for link in found["links"]} == {"127.64.3.3"}
    assert found["seed"] == 5


def test_a_process_made_from_other_settings_has_another_digest() -> None:
    worker = made("worker-1", place(isolated=True))
    other = msgspec.structs.replace(worker, environment={**worker.environment, "STORMLAB_WORKER": "{}"})
    assert worker.digest == made("worker-1", place(isolated=True)).digest
    assert worker.digest != other.digest


COMPOSE_YAML = (project_root() / "compose.yaml").read_text()


@pytest.mark.parametrize("service", MEMORY_BYTES)
def test_limits_of_memory_are_those_of_compose_yaml(service: str) -> None:
    found = re.search(rf"mem_limit: &{service}_memory (\d+)([mg])", COMPOSE_YAML)
    assert found
    assert int(found[1]) << UNITS[found[2]] == MEMORY_BYTES[service]


def test_a_worker_s_share_of_processor_time_is_that_of_compose_yaml() -> None:
    assert f"cpu_quota: &worker_cpu_quota {round(CLIENT_CPUS * 100_000)}\n" in COMPOSE_YAML
