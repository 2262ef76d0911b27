"""An engine that stops answering in mid-run: told in a sentence, and nothing that was collected is lost."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.conftest import SHORT_HERD, CommandLine, docker


class Forwarder:
    """A socket that leads to the engine's own, until it is cut."""

    def __init__(self, path: Path, engine: str) -> None:
        self._engine = engine
        self._open: list[socket.socket] = []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """No connection lives on, and no new one is answered."""
        for one in [self._server, *self._open]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                engine = socket.socket(socket.AF_UNIX)
                engine.connect(self._engine)
                self._open += [client, engine]
                for source, sink in ((client, engine), (engine, client)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def forwarder(lab: CommandLine, tmp_path: Path) -> Iterator[Forwarder]:
    host = docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}").strip()
    path = tmp_path / "docker.sock"
    one = Forwarder(path, host.removeprefix("unix://"))
    lab.environment["DOCKER_HOST"] = f"unix://{path}"
    yield one
    one.cut()


def test_a_run_whose_engine_is_gone_ends_with_a_sentence(lab: CommandLine, forwarder: Forwarder) -> None:
    driver = lab.started("scenario", str(SHORT_HERD), "--seed", "7")
    journal = lab.results / "latest" / "journals" / "driver.jsonl"
    deadline = time.monotonic() + 90
    while not (journal.exists() and b"fault_begun" in journal.read_bytes()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    forwarder.cut()
    said, _ = driver.communicate(timeout=120)
    assert driver.returncode == 70, said
    assert "The Docker engine stopped answering." in said or "No Docker engine answers." in said
    assert "Traceback" not in said
    assert lab.verdict()["verdict"] == "inconclusive"
    lab.environment.clear()
    assert lab("down").returncode == 0
    assert lab.leftovers() == []
