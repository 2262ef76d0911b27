"""An engine that stops answering in mid-run: a sentence says so, and nothing that was collected is lost."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import SHORT_HERD, CommandLine
from tests.e2e.forwarder import Forwarder
from tests.waiting import eventually_in_thread


@pytest.fixture
def forwarder(lab: CommandLine, tmp_path: Path) -> Iterator[Forwarder]:
    path = tmp_path / "docker.sock"
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(64)
    one = Forwarder(server)
    lab.environment["DOCKER_HOST"] = f"unix://{path}"
    yield one
    one.cut()


def test_a_run_whose_engine_is_gone_ends_with_a_sentence(lab: CommandLine, forwarder: Forwarder) -> None:
    driver = lab.started("scenario", str(SHORT_HERD), "--seed", "7")
    journal = lab.results / "latest" / "journals" / "driver.jsonl"
    eventually_in_thread(
        lambda: journal.exists() and b"fault_begun" in journal.read_bytes(), "the first fault", 90
    )
    forwarder.cut()
    said, _ = driver.communicate(timeout=120)
    assert driver.returncode == 70, said
    assert "The Docker engine stopped answering." in said or "No Docker engine answers." in said
    assert "Traceback" not in said
    assert lab.verdict()["verdict"] == "inconclusive"
    lab.environment.clear()
    assert lab("down").returncode == 0
    assert lab.leftovers() == []
