"""The processes of a system of commands: their networks, the names that they find, the published ports."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path

from driver.engines.process.requests import ProcessRow
from driver.systems.commands.command_containers import (
    CommandDescription,
    command_containers,
    unheard,
)
from driver.systems.commands.command_file import read_commands
from driver.systems.commands.command_looks import lines_since
from driver.systems.commands.command_plan import CommandFolders, CommandPlan, plan_commands
from driver.systems.door_compose import DoorOptions
from driver.systems.prepared_system import prepared
from driver.systems.system_request import SystemRequest

SYSTEM = """\
name: shop
services:
  db: {run: serve, expose: [6379]}
  api: {run: serve, ports: ["8080:80"], environment: {OWN: true, TOKEN: , GONE: }}
  feed: {run: feed, scale: 2}
"""
VARIABLES = {"PATH": "/bin", "TOKEN": "secret", "OTHER": "x"}
HEAD = "  sl  local_address rem_address   st\n"


def planned(folder: Path, publish: bool = True) -> CommandPlan:
    file = folder / "stormlab.yaml"
    file.write_text(SYSTEM)
    read = read_commands(file)
    system = prepared(SystemRequest((file,)), read.config, {}).system
    options = DoorOptions("", "doors-shop", publish=publish, journals="/journals")
    folders = CommandFolders("/journals", "/files")
    return plan_commands(system, read.config, read.commands, options, folders, VARIABLES, (7, 7))


def test_no_service_shares_a_network_with_another_one(tmp_path: Path) -> None:
    services = planned(tmp_path).services
    own = {one.service: set(one.networks) for one in services.values()}
    assert len({name for names in own.values() for name in names}) == len(own) == 3


def test_every_replica_has_an_address_of_its_own_in_its_network(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    found = [item for one in [*plan.services.values(), *plan.lab] for item in one.networks.items()]
    assert len({address for _, address in found}) == len(found)
    for network, address in found:
        assert ip_address(address) in ip_network(plan.layout.subnets[network])
        assert address != plan.layout.supervisor[network]


def test_a_name_leads_to_the_door_on_the_network_of_who_asks(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    (network,) = plan.services["feed[2]"].networks
    (door,) = plan.lab
    names = dict(line.split(" ", 1)[::-1] for line in plan.hosts["feed[2]"].splitlines())
    assert names["api"] == names["db"] == door.networks[network]
    assert names["feed-2 feed"] == plan.services["feed[2]"].networks[network]


def test_a_service_is_no_name_of_its_own_door(tmp_path: Path) -> None:
    lines = planned(tmp_path).hosts["db[1]"].splitlines()
    assert [line for line in lines if line.split()[-1] == "db"] == [lines[1]]


def test_a_published_port_is_the_file_s_own_or_a_free_one(tmp_path: Path) -> None:
    def port(plan: CommandPlan) -> list[int]:
        return [one.port for one in plan.published if one.use == "outside"]

    assert port(planned(tmp_path)) == [8080]
    assert port(planned(tmp_path, publish=False)) == [0]


def test_a_command_has_few_variables_of_the_one_that_starts_it(tmp_path: Path) -> None:
    environment = planned(tmp_path).services["api[1]"].environment
    assert environment == {"PATH": "/bin", "OWN": "true", "TOKEN": "secret", "PYTHONUNBUFFERED": "1"}


def test_the_lab_s_own_processes_have_another_user_and_no_file_of_this_machine(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    assert plan.prober is not None
    assert {(one.run_as, one.keeps_files) for one in (*plan.lab, plan.prober)} == {((7, 7), False)}
    assert {(one.run_as, one.keeps_files) for one in plan.services.values()} == {(None, True)}


def listens(address: str, port: int) -> str:
    return f"{HEAD}   0: {address}:{port:04X} 00000000:0000 0A\n"


def test_a_port_on_which_nobody_listens_is_named_with_those_that_are_listened_on() -> None:
    assert unheard([80], listens("00000000", 80)) == ""
    assert unheard([80], listens("00000000", 81)) == "does not listen on port 80 (it listens on 81)"
    assert unheard([80], "") == "does not listen on port 80 (it listens on no other)"


def test_a_port_on_loopback_is_no_port_for_others() -> None:
    assert unheard([80], listens("0100007F", 80)).startswith("listens on 127.0.0.1:80 alone")


def row(name: str, service: str, status: str, exit_code: int = -1) -> ProcessRow:
    return ProcessRow(
        name=name, service=service, image="", digest="", created=1, status=status, exit_code=exit_code,
        out_of_memory=False, plugged=True, cpus=None, memory_bytes=0, made_cpus=None, made_memory_bytes=0,
    )  # fmt: skip


def test_a_log_is_read_from_a_time_on() -> None:
    lines = ["2026-12-01T05:00:00.900000000Z one", "2026-12-01T05:00:01.100000000Z two"]
    assert lines_since(lines, datetime(2026, 12, 1, 5, 0, 1, tzinfo=UTC).timestamp()) == lines[1:]
    assert lines_since(lines, None) == lines


def test_a_replica_is_ready_once_it_listens_on_its_ports_and_has_an_address_while_it_runs() -> None:
    description = CommandDescription(
        project="p", addresses={"db[1]": "10.0.0.1"}, ports={"db[1]": (6379,)}, doors={}, published=()
    )

    def look(status: str, table: str, exit_code: int = -1) -> tuple[bool, bool, str]:
        rows = [row("db[1]", "db", status, exit_code)]
        (one,) = command_containers(description, rows, {"db[1]": table}).replicas
        return one.is_ready, one.has_failed, one.address

    assert look("running", "") == (False, False, "10.0.0.1")
    assert look("running", listens("00000000", 6379)) == (True, False, "10.0.0.1")
    assert look("exited", "", 3) == (False, True, "")
