"""Holds a foreign system up for one command, and takes it down at the command's end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from driver.cli import options
from driver.errors import LabError
from driver.interrupts import interrupts_raised, signals_noted
from driver.labs.lab_lock import lab_lock
from driver.paths import state_dir
from driver.systems.plain_lab import plain_project
from driver.systems.running_system import RunningSystem
from driver.systems.system_images import LAB_IMAGES
from driver.systems.system_kinds import SystemLabControl, kind_of, system_up
from driver.systems.system_looks import SystemLooks, listening_ports
from driver.systems.system_request import SystemRequest, project_of
from driver.terminal import Terminal
from driver.trial.doors_subject import DoorsSubject, TrafficSource
from driver.trial.learn_system import LearnedSystem, SystemStarter


@dataclass(frozen=True)
class SystemInUse:
    """A system that is up for one command. `began_s` is when its start began, of the monotonic clock."""

    project: str
    lab: SystemLabControl
    looks: SystemLooks
    terminal: Terminal
    learned: LearnedSystem
    began_s: float
    starter: SystemStarter

    def with_late_ports(self) -> SystemInUse | None:
        """Start the system again where it listens by now on a port without a door; None where it does not."""
        learned = self.starter.up_with_late_ports(self.learned)
        return None if learned is None else replace(self, learned=learned)

    def late_notes(self) -> list[str]:
        """Return a sentence for the ports that a service listens on by now and that have no door."""
        try:
            late = ", ".join(self.starter.late_ports(self.learned))
        except LabError as error:
            return [f"not looked at: on which ports services listen by now, since {error.sentence}"]
        return [f"listened after the start, without a door, so no client reaches it: {late}"] if late else []

    def running(self) -> RunningSystem:
        """Return the system as faults use it. Raises NoLabError where it is not up."""
        folder = state_dir() / "systems" / self.project
        return system_up(self.project, folder, self.learned.request.files[0])

    def subject(self, traffic: TrafficSource | None) -> DoorsSubject:
        """Return the system as the subject of a trial; the traffic begins."""
        request, started = self.learned.request, self.learned.started
        return DoorsSubject(self.lab, self.running, self.looks, request, started, traffic, self.terminal.info)


@contextmanager
def system_in_use(request: SystemRequest, verb: str) -> Iterator[SystemInUse]:
    """Start a system with doors on every port that it listens on; take it down at the end of the block.

    The lab's own images are made before the time begins: a machine needs them once.
    """
    file = request.files[0]
    project, kind = project_of(file), kind_of(file)
    folder = state_dir() / "systems"
    with (
        Terminal() as terminal,
        lab_lock(project, verb, str(file.resolve()), say=terminal.info),
        interrupts_raised(lambda count: terminal.info("Stopping." if count == 1 else "Still stopping.")),
    ):
        options.engine_of_system(file).ensure_images(LAB_IMAGES, terminal.info)
        began_s = time.monotonic()
        lab, looks = kind.lab(project, folder, None), kind.looks(project)
        plain = kind.plain(plain_project(project), folder) if kind.plain else None
        starter = SystemStarter(lab, plain, partial(listening_ports, looks), terminal.info)
        learned = starter.up(request)
        try:
            yield SystemInUse(project, lab, looks, terminal, learned, began_s, starter)
        finally:
            with signals_noted():
                terminal.info("Taking the system down.")
                lab.down()
