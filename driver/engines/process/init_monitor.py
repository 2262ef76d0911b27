"""Connections of the supervisor to its process inits: one thread reads the reports of all."""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from driver.engines.process.process_spec import InitReport
from driver.typed_json import decode_json

ANSWER_WITHIN_S = 15.0
READ_BYTES = 65_536
_CREDENTIALS = struct.Struct("3i")
Started = Callable[[], None]
Ended = Callable[[int | None], None]
"""Receives the exit code of a process; None where its init ended without a report, as after SIGKILL."""


class InitConnection:
    """One process init. `pid` is its process id here, once it has reported. Safe for threads.

    `started` and `ended` are called where the init's reports are read: in one thread, in their order, and
    each before a wait for it returns.
    """

    def __init__(self, started: Started, ended: Ended) -> None:
        self.control, self.its_end = socket.socketpair()
        self.control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.pid = 0
        self._handle = -1
        self._started = started
        self._ended = ended
        self._reported = threading.Condition()
        self._reports: list[InitReport] = []
        self._buffer = b""
        self._exit_code: int | None = None
        self.is_over = False

    def send(self, data: bytes) -> None:
        """Send an order or a command. An init that has ended reads nothing."""
        with suppress(OSError):
            self.control.sendall(data)

    def answer(self, *kinds: str, within_s: float = ANSWER_WITHIN_S) -> InitReport:
        """Return the first report of these kinds and remove it. Raises OSError at the time limit, or where
        the init has ended.
        """
        deadline_s = time.monotonic() + within_s
        with self._reported:
            while True:
                for report in self._reports:
                    if report.kind in kinds:
                        self._reports.remove(report)
                        return report
                if self.is_over:
                    raise OSError(0, "the process ended meanwhile")
                if not self._reported.wait(deadline_s - time.monotonic()):
                    raise OSError(0, f"the process gave no answer within {within_s:g} s")

    def wait_until_over(self, within_s: float) -> bool:
        """Return whether the init ends within that time."""
        with self._reported:
            return self._reported.wait_for(lambda: self.is_over, within_s)

    def kill(self) -> None:
        """Send SIGKILL to the init; with it, all processes of its namespace end."""
        with self._reported:
            if self._handle >= 0:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def hang_up(self) -> None:
        """Order the end: an init that reads nothing more kills its processes, also one that starts late."""
        with suppress(OSError):
            self.control.shutdown(socket.SHUT_WR)

    def read(self) -> bool:
        """Read what the init has reported; False once it has ended."""
        try:
            piece, ancillary, _, _ = self.control.recvmsg(READ_BYTES, socket.CMSG_SPACE(_CREDENTIALS.size))
        except OSError:
            piece, ancillary = b"", []
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS and not self.pid:
                self.pid = _CREDENTIALS.unpack(data[: _CREDENTIALS.size])[0]
                with suppress(OSError):
                    self._handle = os.pidfd_open(self.pid)
        *lines, self._buffer = (self._buffer + piece).split(b"\n")
        for line in lines:
            self._receive(decode_json(line, InitReport))
        return bool(piece)

    def _receive(self, report: InitReport) -> None:
        if report.kind == "exited":
            self._exit_code = report.exit_code
            return
        if report.kind == "started":
            self._started()
        with self._reported:
            self._reports.append(report)
            self._reported.notify_all()

    @property
    def handle(self) -> int:
        """A descriptor that is readable once the process has ended; -1 where it had not reported before."""
        return self._handle

    def end(self) -> None:
        """Record that the process, and all others of its namespace, have ended."""
        self._ended(self._exit_code)
        with self._reported:
            self.is_over = True
            if self._handle >= 0:
                os.close(self._handle)
                self._handle = -1
            self._reported.notify_all()
        self.control.close()


class InitMonitor:
    """Reads the reports of all process inits, in a thread of its own."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._connections: dict[int, InitConnection] = {}
        threading.Thread(target=self._run, name="process-inits", daemon=True).start()

    def add(self, connection: InitConnection) -> None:
        """Read the reports of one more init."""
        self._watch(connection.control.fileno(), connection)

    def _watch(self, descriptor: int, connection: InitConnection) -> None:
        self._connections[descriptor] = connection
        self._poll.register(descriptor, select.EPOLLIN)

    def _run(self) -> None:
        while True:
            for descriptor, _ in self._poll.poll():
                connection = self._connections[descriptor]
                if descriptor == connection.handle:
                    self._forget(descriptor)
                    connection.end()
                elif not connection.read():
                    self._forget(descriptor)
                    # Its connection is closed before the other processes of its namespace have ended.
                    if connection.handle >= 0:
                        self._watch(connection.handle, connection)
                    else:
                        connection.end()

    def _forget(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        del self._connections[descriptor]
