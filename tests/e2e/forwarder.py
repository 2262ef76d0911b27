"""Another way to this machine's engine, which can be cut."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from tests.e2e.conftest import docker


class Forwarder:
    """Forwards connections of a listening socket to the engine's own, until it is cut."""

    def __init__(self, server: socket.socket) -> None:
        host = docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}").strip()
        self._engine = host.removeprefix("unix://")
        self._server = server
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """The port of a listening socket that has one."""
        return int(self._server.getsockname()[1])

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
