"""Claims about whose sockets are read: those of a container's own network namespace, on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from driver.subprocesses import CommandResult
from driver.systems import socket_tables
from driver.systems.socket_tables import socket_table

ID = "4f" * 32


def details(mode: str = "shop_default", pid: int = 77) -> dict[str, Any]:
    return {"Id": ID, "State": {"Pid": pid}, "HostConfig": {"NetworkMode": mode}}


@pytest.fixture(autouse=True)
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Process 77 of a machine whose containers answer `exec` with "inside"."""
    net = tmp_path / "77" / "net"
    net.mkdir(parents=True)
    for name in ("tcp", "tcp6"):
        (net / name).write_text(f"{name} of the host's process\n")
    (tmp_path / "77" / "cgroup").write_text(f"0::/docker/{ID}\n")

    def inside(argv: Sequence[str], *_: object) -> CommandResult:
        return CommandResult(0, f"inside {argv[2]}")

    monkeypatch.setattr(socket_tables, "_PROC", tmp_path)
    monkeypatch.setattr(socket_tables, "ask", inside)
    return tmp_path / "77"


def test_a_process_whose_control_group_has_the_container_s_id_is_read_on_this_machine() -> None:
    assert socket_table(details(), is_local=True).startswith("tcp of the host's process")


def test_a_process_of_the_same_number_that_is_not_the_container_s_is_not_read(process: Path) -> None:
    (process / "cgroup").write_text("0::/user.slice\n")
    assert socket_table(details(), is_local=True) == f"inside {ID}"


def test_nothing_of_this_machine_is_read_for_an_engine_elsewhere() -> None:
    assert socket_table(details(), is_local=False) == f"inside {ID}"


@pytest.mark.parametrize("mode", ["host", f"container:{ID}"])
def test_a_namespace_that_is_shared_has_no_sockets_of_the_container_s_own(mode: str) -> None:
    assert socket_table(details(mode), is_local=True) == ""


def test_a_container_that_does_not_run_has_no_sockets() -> None:
    assert socket_table(details(pid=0), is_local=True) == ""


def test_a_table_is_read_up_to_a_bound(process: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_tables, "MOST_BYTES", 10)
    (process / "net" / "tcp").write_text("x" * 100)
    assert socket_table(details(), is_local=True).count("x") == 10
