"""Answers the requests of engines, at a Unix socket in the lab's folder, which its owner alone can open."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from driver.engines.process.lab_process import RefusedError
from driver.engines.process.lab_supervisor import LabSupervisor
from driver.engines.process.requests import (
    MAX_REQUEST_BYTES,
    EventRow,
    Request,
    SupervisorAnswer,
    specs_of,
)
from driver.typed_json import decode_json

BACKLOG = 128
READ_BYTES = 1 << 16
HEARTBEAT_S = 1.0
"""How often a stream of events without events writes an empty line: so it notices a reader that has left."""
FOLLOW = "events"
Arguments = Mapping[str, msgspec.Raw]
_log = logging.getLogger("stormlab.supervisor")


class RequestServer:
    """Serves a lab's supervisor, each connection in a thread. `leave` ends the supervisor."""

    def __init__(self, lab: LabSupervisor, leave: Callable[[], None]) -> None:
        self._lab = lab
        self._calls: Mapping[str, Callable[[Arguments], object]] = {
            "rows": lambda _: lab.rows(),
            "usage": lambda _: lab.usage(),
            "sockets": lambda _: lab.sockets(),
            "describe": self._describe,
            "description": lambda _: lab.description,
            "create": lambda given: lab.create(specs_of(given["specs"])),
            "remove": lambda given: lab.remove(_value(given, "names", list[str])),
            "start": lambda given: lab.start(_value(given, "names", list[str])),
            "pause": lambda given: self._named(given).pause(),
            "unpause": lambda given: self._named(given).unpause(),
            "kill": lambda given: self._named(given).kill(),
            "stop": lambda given: self._named(given).stop(_value(given, "grace_s", float)),
            "stop_all": lambda given: lab.stop(
                _value(given, "names", list[str]), _value(given, "grace_s", float)
            ),
            "restart": lambda given: self._named(given).restart(_value(given, "grace_s", float)),
            "plug": lambda given: self._named(given).set_plugged(_value(given, "plugged", bool)),
            "limit": lambda given: self._named(given).limit(
                _value(given, "cpus", float | None), _value(given, "memory_bytes", int | None)
            ),
            "leave": lambda _: leave(),
        }

    def serve(self, listener: socket.socket) -> None:
        """SupervisorAnswer until the process ends."""
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self._answer, args=(connection,), name="request", daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, msgspec.MsgspecError):
            request = decode_json(_line(connection), Request)
            if request.call == FOLLOW:
                self._follow(connection, _value(request.arguments, "since_ns", int | None))
            else:
                connection.sendall(msgspec.json.encode(self._result(request)) + b"\n")

    def _result(self, request: Request) -> SupervisorAnswer:
        try:
            found = self._calls[request.call](request.arguments)
            return SupervisorAnswer(msgspec.Raw(msgspec.json.encode(found)))
        except KeyError as error:
            return SupervisorAnswer(error="gone", sentence=str(error.args[0]))
        except RefusedError as error:
            return SupervisorAnswer(error="refused", sentence=str(error))
        except OSError as error:
            return SupervisorAnswer(
                error="refused", sentence=f"The kernel refused: {error.strerror or error}."
            )
        except Exception as error:
            _log.exception("a defect in the supervisor, in %s", request.call)
            return SupervisorAnswer(
                error="broken", sentence=f"The supervisor broke in {request.call}: {error!r}."
            )

    def _follow(self, connection: socket.socket, since_ns: int | None) -> None:
        position = self._lab.events.position(since_ns)
        connection.sendall(b"\n")
        while True:
            position, found = self._lab.events.wait(position, HEARTBEAT_S)
            rows = [EventRow(one.container, one.action, one.detail, one.at_ns) for one in found]
            connection.sendall(b"".join(msgspec.json.encode(one) + b"\n" for one in rows) or b"\n")

    def _describe(self, given: Arguments) -> None:
        self._lab.description = _value(given, "text", str)

    def _named(self, given: Arguments) -> Any:
        return self._lab.process(_value(given, "name", str))


def _value(given: Arguments, name: str, kind: Any) -> Any:
    return decode_json(given[name], kind)


def _line(connection: socket.socket) -> bytes:
    found = bytearray()
    while not found.endswith(b"\n"):
        piece = connection.recv(READ_BYTES)
        if not piece or len(found) > MAX_REQUEST_BYTES:
            raise OSError(0, "the request ended early, or has no end")
        found += piece
    return bytes(found)
