"""Which process may write which kinds of lines: a journal is judged by whose it is, not by what it says."""

from __future__ import annotations

from functools import cache
from typing import get_args

from chaos.prober.events import ProberEvent
from driver.histories.events import DriverEvent
from driver.histories.history import COORDINATOR, DRIVER, LineReader
from wire.events import CoordinatorEvent, Event, ProcessStarted, ProcessStopping, WorkerEvent

PROBER = "prober"
_LIFE: tuple[type[Event], ...] = (ProcessStarted, ProcessStopping)
_OWN: dict[str, tuple[type[Event], ...]] = {
    DRIVER: (*_LIFE, *get_args(DriverEvent)),
    COORDINATOR: get_args(CoordinatorEvent),
    PROBER: (*_LIFE, *get_args(ProberEvent)),
}


def kinds_of(process: str) -> tuple[type[Event], ...]:
    """The kinds of lines in a process's journal; all that have no other role are workers."""
    return _OWN.get(process, get_args(WorkerEvent))


def reader_of(process: str) -> LineReader:
    """Reads the journal of one process, and refuses what is not its to write."""
    return _reader(kinds_of(process))


@cache
def _reader(own: tuple[type[Event], ...]) -> LineReader:
    return LineReader(get_args(ProberEvent), own)
