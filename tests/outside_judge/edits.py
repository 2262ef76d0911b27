"""Small changes to journals, of which the alterations are made."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TypeVar

from driver.histories.history import DRIVER, SERVER
from tests.outside_judge.recording import Journals
from wire.events import Event
from wire.task_events import Assigned

E = TypeVar("E", bound=Event)


def places_of(lines: list[Event], kind: type[Event], chance: Random) -> list[int]:
    """Return the places of the lines of `kind`, in a drawn order."""
    places = [index for index, event in enumerate(lines) if isinstance(event, kind)]
    chance.shuffle(places)
    return places


def one_line(journals: Journals, kind: type[E], chance: Random) -> E | None:
    """One of the coordinator's lines of `kind`; None where there is none."""
    found = [event for event in journals[SERVER] if isinstance(event, kind)]
    return chance.choice(found) if found else None


def newest_token(journals: Journals) -> int:
    """The newest token that was given out."""
    return max((event.token for event in journals[SERVER] if isinstance(event, Assigned)), default=0)


def last_ns(journals: Journals) -> int:
    """The last instant of all but the driver, whose own last lines end the drain."""
    return max(lines[-1].at_ns for name, lines in journals.items() if lines and name != DRIVER)


def add(journals: Journals, *events: Event) -> None:
    """Put lines at the end of their processes' journals."""
    for event in events:
        journals.setdefault(event.by, []).append(event)


def insert(lines: list[Event], event: Event) -> None:
    """Put a line where its instant belongs."""
    at = next((index for index, other in enumerate(lines) if other.at_ns > event.at_ns), len(lines))
    lines.insert(at, event)


def drop(lines: list[Event], gone: Callable[[Event], bool]) -> None:
    """Take out all lines that are `gone`."""
    lines[:] = [event for event in lines if not gone(event)]


def drop_one(journals: Journals, kind: type[Event], chance: Random) -> bool:
    """Take out one line of `kind` of any process; False where there is none."""
    names = [name for name, lines in journals.items() if any(isinstance(event, kind) for event in lines)]
    if not names:
        return False
    lines = journals[chance.choice(sorted(names))]
    return pop(lines, places_of(lines, kind, chance), chance)


def pop(lines: list[Event], places: list[int], chance: Random) -> bool:
    """Take out the line at one of `places`; False where there are none."""
    if places:
        del lines[chance.choice(places)]
    return bool(places)
