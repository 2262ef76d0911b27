"""Client of a lab's supervisor, which it can start. Raises EngineError."""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from driver.engines.engine import EngineEvent
from driver.engines.process.lab_folder import (
    OWN_LOG,
    SOCKET,
    ensure_trusted,
    is_trusted,
    lab_folder,
    make_lab_folder,
)
from driver.engines.process.lab_remains import remove_remains
from driver.engines.process.requests import (
    EventRow,
    Request,
    SupervisorAnswer,
    SupervisorPlace,
    SupervisorStart,
    arguments,
)
from driver.errors import (
    ContainerGoneError,
    EngineError,
    EngineGoneError,
    InterruptedCommandError,
    PortInUseError,
    SubnetInUseError,
)
from driver.host_ports import process_on
from driver.typed_json import decode_json

MODULE = "driver.engines.process.supervisor"
START_WITHIN_S = 60.0
CALL_WITHIN_S = 120.0
"""A call that starts or ends many processes takes seconds; one that hangs is an error."""
CONNECT_WITHIN_S = 10.0
END_WITHIN_S = 30.0
LEAVE_WITHIN_S = 30.0
"""For the answer of a supervisor that is asked to end; one that hangs is killed."""
POLL_S = 0.02
READ_BYTES = 1 << 16
_CREDENTIALS = struct.Struct("3i")
T = TypeVar("T")


class SupervisorClient:
    """The supervisor of one lab, wherever it was started. Every call blocks and is bounded in time."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._was_there = False

    @property
    def folder(self) -> Path:
        """The lab's folder; it may not exist."""
        return lab_folder(self._project)

    def is_there(self) -> bool:
        """Return whether a supervisor answers. Raises nothing."""
        try:
            self._connect().close()
        except OSError:
            return False
        return True

    def call(self, call: str, kind: Any = object, **named: Any) -> Any:
        """Call the supervisor; return its result as `kind`.

        Raises EngineGoneError where there is none, ContainerGoneError where it has no process of that name,
        and EngineError where it refuses.
        """
        answer = self._ask(Request(call, arguments(**named)))
        if answer.error == "gone":
            raise ContainerGoneError(
                f"There is no process {answer.sentence} in the lab {self._project!r}.",
                "See: python lab.py status",
            )
        if answer.error:
            raise EngineError(answer.sentence, answer.hint)
        return decode_json(answer.result, kind)

    def events(self, since_ns: int | None) -> ProcessEvents:
        """Open a stream of events."""
        try:
            connection = self._connect()
            connection.sendall(msgspec.json.encode(Request("events", arguments(since_ns=since_ns))) + b"\n")
            connection.settimeout(CALL_WITHIN_S)
            if connection.recv(1) != b"\n":
                raise OSError
        except OSError:
            raise self._gone() from None
        return ProcessEvents(connection)

    def start(self, place: SupervisorPlace, interrupted: Callable[[], bool]) -> tuple[int, ...]:
        """Start the supervisor of a new lab, and return its published ports, in their order; what a killed
        one left is removed before.

        Raises EngineError, LabError and kinds of it: a port or the addresses are taken, or `interrupted`.
        """
        ensure_trusted(self.folder)
        if left := remove_remains(self.folder, self._project):
            raise EngineError(f"An earlier lab left {', '.join(left)}, which could not be removed.")
        folder = make_lab_folder(self._project)
        with (folder / OWN_LOG).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", MODULE], cwd=place.checkout, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log, start_new_session=True,
            )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdout as output:
            with suppress(BrokenPipeError), process.stdin as given:
                given.write(msgspec.json.encode(place))
            line = _first_line(output.fileno(), interrupted)
        started = decode_json(line, SupervisorStart) if line else SupervisorStart(error="ended")
        if not started.error:
            self._was_there = True
            return started.ports
        process.kill()
        process.wait()
        log_text = ""
        # Its cleaner removes the log with the folder.
        with suppress(FileNotFoundError):
            log_text = (folder / OWN_LOG).read_text(errors="replace")[-1_000:]
        remove_remains(self.folder, self._project)
        raise _start_error(started, place, log_text, interrupted())

    def end(self) -> list[str]:
        """End the lab with all its processes, and return what remains. Without effect where there is none."""
        # One that hangs gives no answer.
        with suppress(EngineError, OSError):
            self._ask(Request("leave"), LEAVE_WITHIN_S)
        self._was_there = False
        deadline_s = time.monotonic() + END_WITHIN_S
        while (pid := self._pid()) and time.monotonic() < deadline_s:
            time.sleep(POLL_S)
        if pid:
            # It hangs. Its processes end with it.
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        return remove_remains(self.folder, self._project) if is_trusted(self.folder) else []

    def _pid(self) -> int:
        """Return the supervisor's process id; 0 where none answers."""
        try:
            with self._connect() as connection:
                found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        except OSError:
            return 0
        return int(_CREDENTIALS.unpack(found)[0])

    def _ask(self, request: Request, within_s: float = CALL_WITHIN_S) -> SupervisorAnswer:
        try:
            with self._connect() as connection:
                connection.settimeout(within_s)
                connection.sendall(msgspec.json.encode(request) + b"\n")
                found = bytearray()
                while not found.endswith(b"\n"):
                    piece = connection.recv(READ_BYTES)
                    if not piece:
                        raise OSError
                    found += piece
        except TimeoutError:
            raise EngineError(f"The lab's supervisor gave no answer to {request.call} in time.") from None
        except OSError:
            raise self._gone() from None
        return decode_json(bytes(found), SupervisorAnswer)

    def _connect(self) -> socket.socket:
        if not is_trusted(self.folder):
            # Another user's: no lab of this one, and no supervisor to be believed.
            raise FileNotFoundError
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(CONNECT_WITHIN_S)
        try:
            connection.connect(str(self.folder / SOCKET))
        except OSError:
            connection.close()
            raise
        return connection

    def _gone(self) -> EngineGoneError:
        if self._was_there:
            return EngineGoneError(
                "The lab's supervisor has ended, and with it all processes of the lab.",
                "Start the lab again: python lab.py up",
            )
        return EngineGoneError(
            f"No processes of a lab {self._project!r} run.", "Start them: python lab.py up"
        )


class ProcessEvents:
    """A stream of events, until `close`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._closed = False

    def __iter__(self) -> Iterator[EngineEvent]:
        """Yield each event. Raises EngineGoneError where the supervisor ends the stream."""
        buffer = b""
        while True:
            try:
                piece = self._connection.recv(READ_BYTES)
            except OSError:
                piece = b""
            if not piece:
                if self._closed:
                    return
                raise EngineGoneError("The lab's supervisor broke its stream of events off.")
            *lines, buffer = (buffer + piece).split(b"\n")
            for line in filter(None, lines):
                row = decode_json(line, EventRow)
                yield EngineEvent(row.container, row.action, row.detail, row.at_ns)

    def close(self) -> None:
        """End the iteration, also from another thread."""
        self._closed = True
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)


def _first_line(descriptor: int, interrupted: Callable[[], bool]) -> bytes:
    """Return the first line of a pipe; b"" where none comes in time, or after an interrupt."""
    found = b""
    deadline_s = time.monotonic() + START_WITHIN_S
    while not found.endswith(b"\n") and not interrupted() and time.monotonic() < deadline_s:
        if select.select([descriptor], (), (), POLL_S)[0]:
            piece = os.read(descriptor, READ_BYTES)
            if not piece:
                return b""
            found += piece
    return found if found.endswith(b"\n") else b""


def _start_error(
    started: SupervisorStart, place: SupervisorPlace, log: str, was_interrupted: bool
) -> Exception:
    if was_interrupted:
        return InterruptedCommandError("Stopped while the lab's supervisor started.")
    if started.error == "port":
        holders = [f"{port}: {process_on(port) or 'free now'}" for _, port, _, _ in place.published]
        return PortInUseError(f"{started.sentence} ({'; '.join(holders)})", "Choose others: --port 18474")
    if started.error == "claim":
        return SubnetInUseError(started.sentence)
    if started.error == "refused":
        return EngineError(f"The lab's supervisor could not start: {started.sentence}.")
    return EngineError(f"The lab's supervisor ended while it started. {log}".strip())
