"""A control: a pure change of a history, tried in growing sizes, and what it changed in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from wire.events import Event

T = TypeVar("T")
GROWTH = 4
MANY, PART = 10_000, 32
"""Of more events than these a change has three sizes, since each is judged anew: one, a 32nd part, all."""
MOST_NAMED = 60
"""Characters of a name that a process under test chose."""


@dataclass(frozen=True)
class Altered:
    """A changed history. `change` completes the sentence "this check does not pass with …"."""

    change: str
    history: History


@dataclass(frozen=True)
class Control:
    """One entry of the catalogue. `alter` yields changed histories, the smallest change first; none where
    the history has nothing that it changes.

    `kinds` are the kinds of events that it removes, adds or changes (empty: any): where a finding read none
    of them, it is not tried. Controls are tried by `rank`.
    """

    name: str
    summary: str
    alter: Callable[[History], Iterator[Altered]]
    kinds: tuple[type[Event], ...] = ()
    rank: int = 1000


def growing(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield the first item, the first GROWTH items, and so on, and at last all of them."""
    size = 1
    while size < len(items):
        yield items[:size]
        size = size * GROWTH if len(items) <= MANY else size * max(PART, len(items) // PART)
    if items:
        yield items


def replaced(history: History, pairs: Iterable[tuple[Event, Event]]) -> History:
    """Return a copy with the first event of each pair replaced by the second."""
    before, after = zip(*pairs, strict=True)
    return history.altered(before, after)


def name_of(name: object) -> str:
    """Return a name in a sentence, cut to a length that fits."""
    text = str(name)
    return text if len(text) <= MOST_NAMED else f"{text[: MOST_NAMED - 1]}…"


def several(first: object, count: int) -> str:
    """Return the first of some names, and how many more there are: `t-3 and 15 more`."""
    return name_of(first) + (f" and {count - 1:,} more" if count > 1 else "")


def when(history: History, at_ns: int) -> str:
    """Return an instant in words: `at 12.3 s`."""
    return f"at {history.view(run_timeline).at_s(at_ns):.1f} s"
