"""Delta debugging: the smallest part of a list that still does it, with few tries. Pure.

Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, IEEE TSE 28(2), 2002.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

T = TypeVar("T")
Places = tuple[int, ...]


def ddmin(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> list[T]:
    """Return a part of `items`, in their order, that fails, and of which no single item can be left out.

    `fails` is taken to be true of all items, and false of none; it is called with each part once at most.
    """
    search = ddmin_steps(len(items))
    try:
        places = next(search)
        while True:
            places = search.send(fails([items[place] for place in places]))
    except StopIteration as end:
        return [items[place] for place in end.value]


def ddmin_steps(count: int) -> Generator[Places, bool, Places]:
    """Yield the places of each part to try, once at most, and take whether it fails; return those left."""
    places, parts = tuple(range(count)), 2
    tried: dict[Places, bool] = {}
    while len(places) > 1:
        step = -(-len(places) // parts)
        chunks = [places[at : at + step] for at in range(0, len(places), step)]
        rests = [tuple(place for place in places if place not in chunk) for chunk in chunks]
        found = None
        for part in dict.fromkeys((*chunks, *rests)):
            if not 0 < len(part) < len(places):
                continue
            if part not in tried:
                tried[part] = yield part
            if tried[part]:
                found = part
                break
        if found is not None:
            parts = 2 if found in chunks else max(parts - 1, 2)
            places = found
        elif parts >= len(places):
            return places
        else:
            parts = min(len(places), 2 * parts)
    return places
