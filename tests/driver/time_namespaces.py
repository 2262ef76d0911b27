"""Hosts on this machine whose CLOCK_MONOTONIC really differs: processes in Linux time namespaces."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence

from driver.errors import EngineGoneError
from driver.histories.host_clock import ClockReading

_HOST = """
import sys, time
import msgspec
from wire.events import Journal, ProcessStarted
from wire.task_events import Started
name, file = sys.argv[1:]
out = open(file, "ab", buffering=0)
journal = Journal(name, out.write, time.monotonic_ns, time.time)
journal(ProcessStarted, role="worker", incarnation="1", settings=msgspec.Raw(b"{}"))
for line in sys.stdin:
    word, _, rest = line.strip().partition(" ")
    if word == "event":
        journal(Started, task=rest, token=1)
    print(time.monotonic_ns(), flush=True)
"""


class ProcessHost:
    """One process in a time namespace of its own, which is a host: it answers with its clock, and writes a
    journal.
    """

    def __init__(self, process: str, ahead_s: int, journal: str) -> None:
        self.process = process
        self._turn = threading.Lock()
        own_rights = [] if os.geteuid() == 0 else ["--map-root-user"]
        self._child = subprocess.Popen(
            ["unshare", *own_rights, "--time", f"--monotonic={ahead_s}", "--fork", "--kill-child",
             sys.executable, "-c", _HOST, process, journal],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, line: str = "clock") -> ClockReading:
        """One round trip: an event, or the clock alone."""
        with self._turn:
            return self._asked(line)

    def _asked(self, line: str) -> ClockReading:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        asked_ns = time.monotonic_ns()
        try:
            self._child.stdin.write(f"{line}\n")
            self._child.stdin.flush()
        except (OSError, ValueError):
            raise EngineGoneError(f"The host of {self.process} is gone.") from None
        answer = self._child.stdout.readline()
        if not answer:
            raise EngineGoneError(f"The host of {self.process} is gone.")
        return ClockReading(asked_ns, int(answer), time.monotonic_ns())

    def end(self) -> None:
        """End the process."""
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()


class ProcessHosts:
    """Implements `many_hosts.ManyHosts` on such processes, each its own host."""

    def __init__(self, hosts: Mapping[str, ProcessHost]) -> None:
        self._hosts = hosts

    def placed(self) -> Mapping[str, Sequence[str]]:
        return {name: [host.process] for name, host in self._hosts.items()}

    def read_clock(self, host: str) -> ClockReading:
        return self._hosts[host].ask()

    def unreachable(self) -> list[str]:
        return []

    def offset_ns(self, process: str) -> int:
        (host,) = [one for one in self._hosts.values() if one.process == process]
        read = min((host.ask() for _ in range(5)), key=lambda one: one.answered_ns - one.asked_ns)
        return (read.asked_ns + read.answered_ns) // 2 - read.host_ns
