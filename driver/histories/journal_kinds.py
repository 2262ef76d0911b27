"""Event kinds that each process may write: a line's author is the owner of its journal."""

from __future__ import annotations

from functools import cache
from typing import get_args

from chaos.prober.events import ProberEvent
from driver.histories.events import DriverEvent
from driver.histories.history import DRIVER, SERVER, LineReader
from driver.histories.link_events import DoorEvent
from driver.histories.system_events import LoadEvent, ObserverEvent
from driver.reference.load_events import LoadEvent as ReferenceLoadEvent
from wire.events import Event, ProcessStarted, ProcessStopping
from wire.task_events import CoordinatorEvent, ProcessEvent, WorkerEvent

PROBER = "prober"
TOXIPROXY = "toxiproxy"
LOAD = "load"
OBSERVER = "observer"
"""Journals that the driver writes for a foreign system: operations of loads, readings of observations."""
DOOR = "door-"
"""The begin of the name of a door's process; the server's name follows."""
_LIFECYCLE: tuple[type[Event], ...] = (ProcessStarted, ProcessStopping)
_OWN: dict[str, tuple[type[Event], ...]] = {
    DRIVER: (*_LIFECYCLE, *get_args(DriverEvent), *get_args(ReferenceLoadEvent)),
    SERVER: get_args(CoordinatorEvent),
    PROBER: (*_LIFECYCLE, *get_args(ProberEvent)),
    TOXIPROXY: (*_LIFECYCLE, *get_args(DoorEvent)),
    LOAD: (*_LIFECYCLE, *get_args(LoadEvent)),
    OBSERVER: (*_LIFECYCLE, ObserverEvent),
}


def event_kinds(process: str) -> tuple[type[Event], ...]:
    """Return the event kinds of a process's journal; a process of no other role is a client."""
    return _OWN[TOXIPROXY] if is_door(process) else _OWN.get(process, get_args(WorkerEvent))


def is_door(process: str) -> bool:
    """Whether a process writes down the connections of links: a door, or Toxiproxy of the reference lab."""
    return process == TOXIPROXY or process.startswith(DOOR)


def reader_of(process: str) -> LineReader:
    """Return the reader for one process's journal, which refuses kinds that the process may not write."""
    return _reader(event_kinds(process))


@cache
def _reader(own: tuple[type[Event], ...]) -> LineReader:
    return LineReader(
        (
            *(*get_args(ProcessEvent), *get_args(ReferenceLoadEvent), *get_args(ProberEvent)),
            *(*get_args(DoorEvent), *get_args(LoadEvent), ObserverEvent),
        ),
        own,
    )
