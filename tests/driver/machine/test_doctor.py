import socket
from pathlib import Path

import pytest

from driver import host_ports
from driver.machine import docker_checks, host_checks
from driver.machine.doctor import DOCTOR_CHECKS, examine, verdict
from driver.machine.doctor_result import CheckResult, DoctorStatus, MachineContext
from driver.machine.host_checks import firewall_answer
from tests.driver.machine.conftest import FakeDocker

DOCKER_CHAINS = "-A FORWARD -j DOCKER-USER"
NO_ENGINE = MachineContext(engine=None, info={}, ports=[])


def test_a_drop_left_in_nft_under_legacy_rules_is_bad() -> None:
    answer = firewall_answer("-P FORWARD DROP", f"-P FORWARD DROP\n{DOCKER_CHAINS}")
    assert answer.status is DoctorStatus.BAD
    assert "iptables-nft -P FORWARD ACCEPT" in answer.cure


def test_a_drop_left_in_legacy_under_nft_rules_is_bad() -> None:
    answer = firewall_answer(f"-P FORWARD DROP\n{DOCKER_CHAINS}", "-P FORWARD DROP")
    assert answer.status is DoctorStatus.BAD
    assert "iptables-legacy -P FORWARD ACCEPT" in answer.cure


@pytest.mark.parametrize(
    ("nft", "legacy"),
    [(f"-P FORWARD DROP\n{DOCKER_CHAINS}", ""), ("", f"-P FORWARD DROP\n{DOCKER_CHAINS}"), ("", "")],
)
def test_dockers_own_drop_beside_its_own_rules_is_fine(nft: str, legacy: str) -> None:
    assert firewall_answer(nft, legacy).status is DoctorStatus.OK


def test_rules_in_both_tables_are_a_warning() -> None:
    assert firewall_answer(DOCKER_CHAINS, DOCKER_CHAINS).status is DoctorStatus.WARN


def test_no_engine_is_bad_and_names_its_cure() -> None:
    answer = docker_checks.docker_engine(NO_ENGINE)
    assert answer.status is DoctorStatus.BAD
    assert "make setup" in answer.cure


def test_an_old_engine_is_bad() -> None:
    assert docker_checks.docker_engine(MachineContext("20.10.24", {}, [])).status is DoctorStatus.BAD


def test_every_question_is_answered_on_a_machine_without_docker(fake_docker: FakeDocker) -> None:
    fake_docker("")
    answers = examine([])
    assert len(answers) == len(DOCTOR_CHECKS)
    assert verdict(answers) is DoctorStatus.BAD


def test_little_memory_is_a_warning() -> None:
    assert (
        host_checks.memory(MachineContext("26.1", {"MemTotal": 2 * 1024**3}, [])).status is DoctorStatus.WARN
    )
    assert host_checks.memory(MachineContext("26.1", {"MemTotal": 8 * 1024**3}, [])).status is DoctorStatus.OK


def test_a_taken_port_is_named_with_its_holder(fake_docker: FakeDocker) -> None:
    fake_docker("")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        answer = host_checks.published_ports(MachineContext("26.1", {}, [("127.0.0.1", port)]))
    assert answer.status is DoctorStatus.WARN
    assert f"{port} is taken by" in answer.found


def test_a_port_published_by_a_container_names_the_container(fake_docker: FakeDocker) -> None:
    fake_docker('"ps --filter publish=8474"*) echo lab-toxiproxy-1;;')
    assert host_ports.port_holder(8474) == "container lab-toxiproxy-1"


def test_the_worst_answer_is_the_verdict() -> None:
    fine, slow, broken = (
        CheckResult("a", status, "x") for status in (DoctorStatus.OK, DoctorStatus.WARN, DoctorStatus.BAD)
    )
    assert verdict([fine]) is DoctorStatus.OK
    assert verdict([fine, slow]) is DoctorStatus.WARN
    assert verdict([slow, broken, fine]) is DoctorStatus.BAD


def test_the_smallest_mtu_of_a_default_route_is_found(tmp_path: Path) -> None:
    for name, mtu in (("eth0", 1400), ("br0", 900)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mtu").write_text(f"{mtu}\n")
    route = tmp_path / "route"
    route.write_text("Iface\tDestination\tGateway\neth0\t00000000\t01\nbr0\t0000000A\t00\n")
    assert host_checks.outside_mtus(tmp_path, route) == [1400]
    assert host_checks.outside_mtus(tmp_path, tmp_path / "none") == []
