"""A file whose services are commands: read as a Compose file is, and refused by line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.errors import UsageError
from driver.systems.commands.command_file import CommandFile, is_command_file, read_commands
from driver.systems.commands.command_lab import described
from driver.systems.system_kinds import kind_of
from driver.systems.system_request import SystemRequest

SHOP = """\
name: shop
services:
  db: {run: [redis-server, --port, "6379"], expose: [6379]}
  api:
    run: python api.py
    ports: ["8080:8000", 9000]
    environment: {DB: "redis://db:6379", DEBUG: true, TOKEN: }
    depends_on: {db: service_healthy}
  feed: {run: python feed.py, scale: 2, depends_on: [api]}
"""


def read(folder: Path, text: str) -> CommandFile:
    file = folder / "stormlab.yaml"
    file.write_text(text)
    return read_commands(file)


def test_each_port_gets_a_door_and_each_replica_a_link(tmp_path: Path) -> None:
    read(tmp_path, SHOP)
    system = described(SystemRequest((tmp_path / "stormlab.yaml",)))
    assert system.system.name == "shop"
    assert system.services == {"api": 1, "db": 1, "feed": 2}
    assert set(system.links) == {
        *("api[1]->db:6379", "db[1]->api:8000", "db[1]->api:9000", "feed[1]->api:8000", "feed[1]->api:9000"),
        *("feed[1]->db:6379", "feed[2]->api:8000", "feed[2]->api:9000", "feed[2]->db:6379"),
        *("outside->api:8000", "outside->api:9000"),
    }


def test_a_text_is_for_the_shell_and_a_list_is_executed_as_it_is(tmp_path: Path) -> None:
    commands = read(tmp_path, SHOP).commands
    assert commands["api"].argv == ("/bin/sh", "-c", "python api.py")
    assert commands["db"].argv == ("redis-server", "--port", "6379")


def test_a_variable_without_a_value_is_the_one_of_the_command_that_starts_the_system(tmp_path: Path) -> None:
    environment = read(tmp_path, SHOP).commands["api"].environment
    assert environment == {"DB": "redis://db:6379", "DEBUG": "true", "TOKEN": None}


def test_a_command_begins_in_the_folder_of_its_file_or_in_the_one_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    text = "services: {a: {run: x}, b: {run: x, working_dir: web}}"
    commands = read(tmp_path, text).commands
    assert commands["a"].folder == tmp_path.resolve()
    assert commands["b"].folder == (tmp_path / "web").resolve()


@pytest.mark.parametrize(
    ("services", "sentence"),
    [
        ("api: {run: x, image: nginx}", "one of them is a container"),
        ("api: {run: x, volumess: []}", "a command has no such key"),
        ("api: {ports: [80]}, b: {run: x}", "`services.api.run`: expected a command"),
        ("api: {run: x, ports: ['53/udp']}", "expected a TCP port"),
        ("api: {run: x, ports: [80000]}", "expected a TCP port"),
        ("api: {run: x, depends_on: [db]}", "there is no other service 'db'"),
        ("a: {run: x, depends_on: [b]}, b: {run: x, depends_on: [a]}", "found a -> b -> a"),
        ("api: {run: x, scale: 2, ports: [80]}", "expected 1, since the service has ports"),
        ("api: {run: x, working_dir: nowhere}", "expected a folder; found 'nowhere'"),
        ("api: {run: []}", "expected a command"),
        ("outside: {run: x}", "services.outside has the name of what connects to published ports"),
    ],
)
def test_what_is_wrong_is_refused_by_its_key(tmp_path: Path, services: str, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(tmp_path, f"services: {{{services}}}")
    assert sentence in refused.value.sentence


def test_a_service_that_another_names_needs_a_port(tmp_path: Path) -> None:
    read(tmp_path, "services: {db: {run: x}, api: {run: x, environment: {DB: 'redis://db'}}}")
    with pytest.raises(UsageError) as refused:
        described(SystemRequest((tmp_path / "stormlab.yaml",)))
    assert "services.db has no known port" in refused.value.sentence


@pytest.mark.parametrize("request_", [{"profiles": ("dev",)}, {"egress": frozenset({"api"})}])
def test_what_containers_alone_have_is_refused(tmp_path: Path, request_: dict[str, object]) -> None:
    read(tmp_path, SHOP)
    with pytest.raises(UsageError, match="services that are commands have none"):
        described(SystemRequest((tmp_path / "stormlab.yaml",), **request_))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (SHOP, "commands"),
        ("services:\n  web:\n    image: nginx\n    command: run\n", "compose"),
        ("services:\n  web:\n    run: [\n", "commands"),
        ('{"services": {"web": {"run": "serve"}}}', "commands"),
        ("services:\n  web:\n    image: !reset null\n    command: [run:]\n", "compose"),
        ("stormlab: 1\ncompose: [compose.yaml]\n", "compose"),
    ],
)
def test_the_kind_of_a_system_follows_from_its_file(tmp_path: Path, text: str, name: str) -> None:
    file = tmp_path / "system.yaml"
    file.write_text(text)
    assert kind_of(file).name == name
    assert is_command_file(file) == (name == "commands")


def test_a_file_that_is_not_there_is_no_file_of_commands(tmp_path: Path) -> None:
    assert kind_of(tmp_path / "none.yaml").name == "compose"
