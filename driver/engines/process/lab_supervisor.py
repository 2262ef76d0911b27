"""All processes of one lab: created, removed, and ended together."""

from __future__ import annotations

import glob
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from driver.engines.process.control_groups import LabGroups
from driver.engines.process.event_log import ProcessEventLog
from driver.engines.process.fork_server import ForkServer, order_init
from driver.engines.process.init_monitor import InitConnection, InitMonitor
from driver.engines.process.lab_network import LabNetwork
from driver.engines.process.lab_process import LabProcess, Surroundings
from driver.engines.process.process_spec import ProcessSpec
from driver.engines.process.requests import ProcessRow, UsageRow

THREADS = 8
STOP_THREADS = 64
"""A stop mostly waits for the process."""


class LabSupervisor:
    """The processes of a lab. Calls raise RefusedError, and OSError where the kernel refuses. Safe for
    threads.

    `network` is None on the loopback network, and `groups` None without control groups.
    """

    def __init__(
        self, server: ForkServer, logs: Path, root: str, network: LabNetwork | None, groups: LabGroups | None
    ) -> None:
        self._server = server
        self._logs = os.open(logs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._log_folder = logs
        self._network = network
        self._groups = groups
        self._lock = threading.Lock()
        self._processes: dict[str, LabProcess] = {}
        self._created = 0
        self._inits = InitMonitor()
        self.events = ProcessEventLog()
        self.description = ""
        self._around = Surroundings(
            root,
            self.events,
            groups.controllers if groups else frozenset(),
            self._launch,
            network.set_plugged if network else None,
        )

    def create(self, specs: Sequence[ProcessSpec]) -> None:
        """Create processes that are missing; replace those that were made from another spec.

        Their networks are made here: a start waits for nothing that can be had before.
        """
        new = [
            spec for spec in specs if (known := self._processes.get(spec.name)) is None or known.spec != spec
        ]
        self.remove([spec.name for spec in new])
        if self._network is not None:
            # What an earlier call made for a process that never came to be.
            self._network.remove([spec.name for spec in new])
            self._network.attach({spec.name: spec.networks for spec in new})
        for spec in new:
            group = self._groups.make(spec.name) if self._groups else None
            with self._lock:
                self._created += 1
                self._processes[spec.name] = LabProcess(spec, self._created, group, self._around)

    def remove(self, names: Sequence[str]) -> None:
        """End processes at once, and remove them with their logs."""

        with self._lock:
            removed = {name: process for name in names if (process := self._processes.pop(name, None))}

        def end(name: str) -> None:
            with removed[name].lock:
                removed[name].end()

        in_threads(end, list(removed))
        if self._network is not None:
            self._network.remove(list(removed))
        for name in removed:
            for path in self._log_folder.glob(f"{glob.escape(name)}.log*"):
                path.unlink(missing_ok=True)

    def start(self, names: Sequence[str]) -> None:
        """Start processes that do not run."""
        in_threads(lambda name: self.process(name).start(), names)

    def stop(self, names: Sequence[str], grace_s: float) -> None:
        """End processes by SIGTERM, and by SIGKILL after `grace_s`, side by side."""
        in_threads(lambda name: self.process(name).stop(grace_s), names, STOP_THREADS)

    def process(self, name: str) -> LabProcess:
        """Return one process; a name that no process has is a KeyError."""
        return self._processes[name]

    def rows(self) -> list[ProcessRow]:
        """Return the state of every process."""
        return [one.row() for one in list(self._processes.values())]

    def usage(self) -> list[UsageRow]:
        """Return what each running process uses."""
        return [used for one in list(self._processes.values()) if (used := one.usage()) is not None]

    def sockets(self) -> dict[str, str]:
        """Return the TCP sockets of each running process, as the kernel prints them."""
        return {name: table for name, one in list(self._processes.items()) if (table := one.sockets())}

    def end(self) -> None:
        """End all processes, in any state. Raises nothing."""
        # Each end waits for the kernel: 500 of them in turn would outlast the wait for all.
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(LabProcess.end, list(self._processes.values())))

    def _launch(self, spec: ProcessSpec, connection: InitConnection) -> None:
        self._inits.add(connection)
        # Its end is closed here also where nothing could be ordered: then the connection is over.
        with connection.its_end:
            network = self._network.namespace(spec.name) if self._network else None
            order_init(self._server.orders, connection.its_end, self._logs, network)


def in_threads(call: Callable[[str], None], names: Sequence[str], threads: int = THREADS) -> None:
    """Call `call` on all names, `threads` at a time; raise the first error once all have ended."""
    if len(names) == 1:
        call(names[0])
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(call, names))
