"""One process of a lab in its supervisor, with inits that the test plays: their starts are late, fail, or end
at once.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from driver.engines.process.control_groups import ControlGroup, GroupV2
from driver.engines.process.event_log import ProcessEventLog
from driver.engines.process.fork_server import ForkServer
from driver.engines.process.init_monitor import InitConnection, InitMonitor
from driver.engines.process.lab_process import LabProcess, Surroundings
from driver.engines.process.lab_supervisor import STOP_THREADS, LabSupervisor
from driver.engines.process.process_spec import InitReport, ProcessSpec

SPEC = ProcessSpec(name="worker-1", service="worker", image="")
STARTED, EXITED = InitReport("started"), InitReport("exited", exit_code=3)


def reported(*reports: InitReport) -> bytes:
    return b"".join(msgspec.json.encode(one) + b"\n" for one in reports)


@dataclass
class PlayedInits:
    """Inits that report what `play` says of them; each keeps its connection until the test closes it."""

    play: Callable[[InitConnection, socket.socket], None]
    answer_within_s: float = 30.0
    held: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.events = ProcessEventLog()
        self.monitor = InitMonitor()

    def process(self, group: ControlGroup | None = None) -> LabProcess:
        around = Surroundings("", self.events, frozenset(), self._launch, None, self.answer_within_s)
        return LabProcess(SPEC, 1, group, around)

    def actions(self) -> list[str]:
        return [one.action for one in self.events.wait(0, 0.0)[1]]

    def _launch(self, spec: ProcessSpec, connection: InitConnection) -> None:
        self.held.append(connection.its_end.dup())
        connection.its_end.close()
        self.play(connection, self.held[-1])


def test_a_process_that_ends_as_soon_as_it_has_started_is_not_running() -> None:
    def ends_at_once(connection: InitConnection, init: socket.socket) -> None:
        init.sendall(reported(STARTED, EXITED))
        init.close()
        while connection.read():
            pass
        connection.end()

    inits = PlayedInits(ends_at_once)
    process = inits.process()
    process.start()
    assert (process.row().status, process.row().exit_code) == ("exited", 3)
    assert inits.actions() == ["start", "die"]


def test_a_start_without_an_answer_is_ended_before_the_next_one_begins() -> None:
    def is_silent(connection: InitConnection, init: socket.socket) -> None:
        inits.monitor.add(connection)

    inits = PlayedInits(is_silent, answer_within_s=0.01)
    process = inits.process()
    with pytest.raises(OSError, match="no answer"):
        process.start()
    first = inits.held[0]
    first.settimeout(30)
    while first.recv(1 << 16):
        # Its order; then the end, at which an init kills what it has started.
        pass
    with ThreadPoolExecutor(1) as pool:
        again = pool.submit(process.start)
        assert wait([again], 0.05).not_done
        assert len(inits.held) == 1
        first.close()
        assert "no answer" in str(again.exception(30))
    assert len(inits.held) == 2


def test_a_process_that_was_killed_while_frozen_is_thawed_before_it_starts_again(
    tmp_path: Path,
) -> None:
    def starts(connection: InitConnection, init: socket.socket) -> None:
        was_frozen.append((tmp_path / "cgroup.freeze").read_text())
        init.sendall(reported(STARTED))
        assert connection.read()
        connections.append(connection)

    was_frozen: list[str] = []
    connections: list[InitConnection] = []
    for name, text in (("cgroup.freeze", "0"), ("cgroup.events", "frozen 1\n")):
        (tmp_path / name).write_text(text)
    inits = PlayedInits(starts)
    process = inits.process(GroupV2(tmp_path))
    process.start()
    process.pause()
    # From outside: the kernel ends what a frozen group of v2 has.
    connections[0].end()
    assert process.row().status == "exited"
    process.start()
    assert was_frozen == ["0", "0"]


def test_a_start_that_could_not_be_ordered_leaves_nothing_that_ends_a_later_one(tmp_path: Path) -> None:
    orders, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    other.close()
    lab = LabSupervisor(ForkServer(os.getpid(), orders), tmp_path, "", None, None)
    lab.create([SPEC])
    for _ in range(2):
        with pytest.raises(BrokenPipeError):
            lab.start([SPEC.name])
    process = lab.process(SPEC.name)
    init = process._init
    assert init is not None
    assert init.wait_until_over(30)
    assert process.row().status == "exited"


def test_the_processes_of_a_lab_end_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2, timeout=10)

    def end(process: LabProcess) -> None:
        both.wait()

    monkeypatch.setattr(LabProcess, "end", end)
    orders, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    lab = LabSupervisor(ForkServer(os.getpid(), orders), tmp_path, "", None, None)
    lab.create([SPEC, msgspec.structs.replace(SPEC, name="worker-2")])
    lab.end()
    assert not both.broken


def test_many_processes_have_their_grace_at_the_same_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"worker-{number}" for number in range(1, STOP_THREADS + 1)]
    all_of_them = threading.Barrier(len(names), timeout=10)

    def stop(process: LabProcess, grace_s: float) -> None:
        all_of_them.wait()

    monkeypatch.setattr(LabProcess, "stop", stop)
    orders, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    lab = LabSupervisor(ForkServer(os.getpid(), orders), tmp_path, "", None, None)
    lab.create([msgspec.structs.replace(SPEC, name=name) for name in names])
    lab.stop(names, 5.0)
    assert not all_of_them.broken
