"""Claims about system.json: what later commands need of a system that is up."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.engines.docker_answers import NetworkAttachment
from driver.errors import LabError, NoLabError, UsageError
from driver.systems.doors import Door, DoorPair
from driver.systems.made_containers import MadeContainer
from driver.systems.system import ServicePair, System, SystemService
from driver.systems.system_file import SystemFile, read_system_file, write_system_file

FILE = SystemFile(
    project="doors-shop",
    files=["/shop/compose.yaml"],
    system=System("shop", (SystemService("api", 2), SystemService("db")), (ServicePair("api", "db", 5432),)),
    doors=[Door("sl-door-1", ("db",), "10.236.8.2", 8474, (DoorPair("api->db:5432", "a:1", "b:1"),))],
    containers={"db[1]": MadeContainer((NetworkAttachment("n", "10.236.0.2", ["db"]),), memory_bytes=5)},
    egress=["api"],
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_system_file(tmp_path, FILE)
    assert read_system_file(tmp_path, "compose.yaml") == FILE


def test_a_system_without_a_file_is_not_up(tmp_path: Path) -> None:
    given = tmp_path / "my shop.yaml"
    given.touch()
    with pytest.raises(NoLabError) as error:
        read_system_file(tmp_path, str(given))
    assert error.value.sentence == f"The system {given} is not up."
    assert error.value.hint == f"Start it: python lab.py up --system '{given}'"


def test_a_path_that_is_no_file_is_not_to_be_started(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        read_system_file(tmp_path, str(tmp_path / "none.yaml"))
    assert error.value.sentence == f"{tmp_path / 'none.yaml'} is no file, and no system of it is up."
    assert "Start it" not in error.value.hint


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "system.json").write_bytes(content)
    with pytest.raises(LabError, match=r"system.json cannot be read"):
        read_system_file(tmp_path, "compose.yaml")
