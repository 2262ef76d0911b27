"""One process of a lab, in the supervisor: created, started, frozen, limited and ended, one call at a
time.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from driver.engines.process.control_groups import ControlGroup
from driver.engines.process.event_log import ProcessEventLog
from driver.engines.process.init_monitor import ANSWER_WITHIN_S, InitConnection
from driver.engines.process.process_spec import FREEZE, STOP, THAW, InitOrder, ProcessSpec
from driver.engines.process.process_tree import PROC, descendants, signal_descendants
from driver.engines.process.requests import ProcessRow, UsageRow

KILL_WITHIN_S = 15.0
MOST_SOCKET_BYTES = 1 << 20
_CLOCK_TICKS = 100
_PAGE_BYTES = 4096
_SIGKILL = 137


class RefusedError(Exception):
    """A call that the state of the process does not allow; the text is a sentence."""


@dataclass(frozen=True)
class Surroundings:
    """What a process shares with the others of its lab.

    `launch` starts a process init for a connection; `plug` sets its ends in networks under test up or down,
    None where they cannot be. `controllers` are those of the control groups. A start has `answer_within_s`.
    """

    root: str
    events: ProcessEventLog
    controllers: frozenset[str]
    launch: Callable[[ProcessSpec, InitConnection], None]
    plug: Callable[[str, bool], None] | None
    answer_within_s: float = ANSWER_WITHIN_S


class LabProcess:
    """A process of a lab. Calls raise RefusedError, and OSError where the kernel refuses.

    `lock` is held through each change, so that a restart and a heal follow one another.
    """

    def __init__(
        self, spec: ProcessSpec, created: int, group: ControlGroup | None, around: Surroundings
    ) -> None:
        self.spec = spec
        self.created = created
        self.lock = threading.RLock()
        self._group = group
        self._around = around
        self._init: InitConnection | None = None
        # Changed by the reports of its init alone, in their order.
        self._life = "created"
        self._is_paused = False
        self._exit_code = 0
        self._out_of_memory = False
        self._kills = 0
        self._starts = 0
        self._plugged = True
        self._made_cpus = spec.cpus if group and "cpu" in around.controllers else None
        self._made_memory_bytes = spec.memory_bytes if group and "memory" in around.controllers else 0
        self._cpus, self._memory_bytes = self._made_cpus, self._made_memory_bytes
        if group is not None and self._cpus:
            group.limit_cpus(self._cpus)
        if group is not None and self._memory_bytes:
            group.limit_memory(self._memory_bytes)

    @property
    def is_running(self) -> bool:
        """Whether its program runs, paused or not."""
        return self._life == "running"

    @property
    def _status(self) -> str:
        return "paused" if self.is_running and self._is_paused else self._life

    def start(self) -> None:
        """Start it; without effect while it runs."""
        with self.lock:
            if self.is_running:
                return
            self._end_earlier()
            self._kills = self._kernel_kills()
            if self._is_paused and self._group is not None:
                # A group of v2 whose members were killed stays frozen: what joins it executes no code.
                self._group.thaw()
            self._is_paused = False
            connection = InitConnection(self._on_start, self._on_end)
            order = InitOrder(
                spec=self.spec,
                root=self._around.root,
                groups=tuple(self._group.files()) if self._group else (),
                log=f"{self.spec.name}.log",
            )
            self._init = connection
            try:
                self._around.launch(self.spec, connection)
                connection.send(msgspec.json.encode(order) + b"\n")
                report = connection.answer("started", "failed", within_s=self._around.answer_within_s)
            except OSError:
                connection.hang_up()
                raise
            if report.kind == "failed":
                connection.wait_until_over(KILL_WITHIN_S)
                raise RefusedError(f"{self.spec.name} could not be started: {report.detail}.")

    def pause(self) -> None:
        """Freeze it: by its control group, else by SIGSTOP."""
        with self.lock:
            init = self._running("paused")
            if self._status == "paused":
                raise RefusedError(f"{self.spec.name} is paused already.")
            if self._group is not None:
                self._group.freeze()
            else:
                init.send(FREEZE)
                init.answer("stopped")
            self._is_paused = True
            self._around.events.add(self.spec.name, "pause")

    def unpause(self) -> None:
        """Let it continue."""
        with self.lock:
            if self._status != "paused":
                raise RefusedError(f"{self.spec.name} is not paused.")
            self._thaw()
            self._around.events.add(self.spec.name, "unpause")

    def kill(self) -> None:
        """End it by SIGKILL, with all that it started, and wait until it has ended."""
        with self.lock:
            init = self._running("killed")
            self._around.events.add(self.spec.name, "kill", "9")
            self._kill(init)

    def stop(self, grace_s: float) -> None:
        """End it by SIGTERM, and by SIGKILL after `grace_s`; without effect where it does not run."""
        with self.lock:
            if self._init is None or not self.is_running:
                return
            init = self._init
            if self._status == "paused":
                self._thaw()
            self._around.events.add(self.spec.name, "kill", "15")
            init.send(STOP)
            if not init.wait_until_over(grace_s):
                self._around.events.add(self.spec.name, "kill", "9")
                self._kill(init)

    def restart(self, grace_s: float) -> None:
        """Stop it, and start it."""
        with self.lock:
            self.stop(grace_s)
            self.start()

    def set_plugged(self, plugged: bool) -> None:
        """Connect it to its networks under test, or disconnect it from them."""
        with self.lock:
            if self._around.plug is None:
                raise RefusedError("A lab on the loopback network has no cables: nothing can be unplugged.")
            if plugged != self._plugged:
                self._around.plug(self.spec.name, plugged)
                self._plugged = plugged
                self._around.events.add(self.spec.name, "connect" if plugged else "disconnect", "links")

    def limit(self, cpus: float | None, memory_bytes: int | None) -> None:
        """Set limits; None leaves one unchanged, and 0 removes it."""
        with self.lock:
            wanted = {"cpu": cpus, "memory": memory_bytes}
            asked = {name for name, value in wanted.items() if value is not None}
            if self._group is None or not asked <= self._around.controllers:
                raise RefusedError(
                    f"{self.spec.name} has no control group that limits {' and '.join(asked)}."
                )
            if cpus is not None:
                self._group.limit_cpus(cpus or None)
                self._cpus = cpus or None
            if memory_bytes is not None:
                self._group.limit_memory(memory_bytes)
                self._memory_bytes = memory_bytes
            self._around.events.add(self.spec.name, "update")

    def end(self) -> None:
        """End it at once, in any state, and remove its control group. Raises nothing."""
        init = self._init
        if init is not None and not init.is_over:
            with suppress(OSError):
                if self._group is not None:
                    self._group.thaw()
            self._kill_init(init)
        if self._group is not None:
            with suppress(OSError):
                self._group.remove()

    def row(self) -> ProcessRow:
        """Return its state now; a pause by another process is one too."""
        status = self._status
        if status == "running" and self._is_stopped():
            status = "paused"
        return ProcessRow(
            name=self.spec.name, service=self.spec.service, image=self.spec.image, digest=self.spec.digest,
            created=self.created, status=status, exit_code=-1 if self.is_running else self._exit_code,
            out_of_memory=self._out_of_memory, plugged=self._plugged, cpus=self._cpus,
            memory_bytes=self._memory_bytes, made_cpus=self._made_cpus,
            made_memory_bytes=self._made_memory_bytes, starts=self._starts,
        )  # fmt: skip

    def sockets(self) -> str:
        """Return the TCP sockets of its network, as the kernel prints them; "" where it does not run."""
        init = self._init
        if init is None or not self.is_running:
            return ""
        return "".join(_read(PROC / str(init.pid) / "net" / name) for name in ("tcp", "tcp6"))

    def usage(self) -> UsageRow | None:
        """Return what it uses; None where it does not run."""
        init = self._init
        if init is None or not self.is_running:
            return None
        with suppress(OSError, ValueError, KeyError):
            if self._group is not None and "memory" in self._around.controllers:
                return UsageRow(self.spec.name, self._group.memory_bytes(), self._group.cpu_s())
            tree = [init.pid, *descendants(init.pid)]
            used = [_usage_of(pid) for pid in tree]
            return UsageRow(self.spec.name, sum(one[0] for one in used), sum(one[1] for one in used))
        return None

    def _running(self, done: str) -> InitConnection:
        if self._init is None or not self.is_running:
            raise RefusedError(f"{self.spec.name} does not run, so that it cannot be {done}.")
        return self._init

    def _thaw(self) -> None:
        if self._group is not None:
            self._group.thaw()
        elif self._init is not None:
            self._init.send(THAW)
            self._init.answer("continued")
        self._is_paused = False

    def _kill(self, init: InitConnection) -> None:
        if self._status == "paused":
            # The freezer of v1 delays even SIGKILL.
            with suppress(OSError):
                self._thaw()
        self._kill_init(init)
        if not init.wait_until_over(KILL_WITHIN_S):
            raise OSError(0, f"it did not end within {KILL_WITHIN_S:g} s of SIGKILL")

    def _kill_init(self, init: InitConnection) -> None:
        if self._around.root:
            # The program is not to wait for the end of its init, which a busy machine delays.
            signal_descendants(init.pid, signal.SIGKILL)
            init.kill()
        # Without a namespace its init ends the tree, and so does one that has not reported yet.
        init.hang_up()

    def _end_earlier(self) -> None:
        """End what an earlier start left: one that gave no answer in time would run beside the next."""
        if self._init is not None and not self._init.is_over:
            self._kill(self._init)

    def _on_start(self) -> None:
        """Record the start; in the thread of the monitor."""
        self._out_of_memory = False
        self._starts += 1
        self._life = "running"
        self._around.events.add(self.spec.name, "start")

    def _on_end(self, exit_code: int | None) -> None:
        """Record the end; in the thread of the monitor."""
        self._out_of_memory = self._kernel_kills() > self._kills
        self._exit_code = _SIGKILL if exit_code is None else exit_code
        was_running, self._life = self.is_running, "exited"
        if was_running:
            self._around.events.add(self.spec.name, "die", str(self._exit_code))

    def _kernel_kills(self) -> int:
        """Return how many of its processes the kernel has killed for want of memory, as far as it counts
        them.
        """
        if self._group is not None and "memory" in self._around.controllers:
            with suppress(OSError, ValueError):
                return self._group.kills()
        return 0

    def _is_stopped(self) -> bool:
        """Return whether a signal or a freezer has stopped its program."""
        init = self._init
        if init is None:
            return False
        with suppress(OSError, ValueError):
            if self._group is not None and self._group.is_frozen():
                return True
            program = (PROC / str(init.pid) / "task" / str(init.pid) / "children").read_text().split()
            return bool(program) and _stat(int(program[0]))[0] in ("T", "t")
        return False


def _read(path: Path) -> str:
    """Return a table of sockets, of MOST_SOCKET_BYTES at most; "" where there is none."""
    with suppress(OSError), path.open("rb") as file:
        return file.read(MOST_SOCKET_BYTES).decode(errors="replace")
    return ""


def _usage_of(pid: int) -> tuple[int, float]:
    """Return memory of its own in bytes and processor time in seconds; zeros where it has just ended."""
    with suppress(OSError, ValueError, IndexError):
        size = (PROC / str(pid) / "statm").read_text().split()
        stat = _stat(pid)
        ticks = sum(int(one) for one in stat[11:15])
        return (int(size[1]) - int(size[2])) * _PAGE_BYTES, ticks / _CLOCK_TICKS
    return 0, 0.0


def _stat(pid: int) -> list[str]:
    # The name in parentheses may hold anything; the state follows.
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def log_path(folder: Path, name: str) -> Path:
    """Return the log of a process, in the folder of logs of its lab."""
    return folder / f"{name}.log"
