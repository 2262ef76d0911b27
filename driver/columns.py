"""Widths of a table's columns, so that no word of a heading is broken. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

GAP = 2
"""Spaces between two columns."""
LONGEST_WORD = 30
"""A longer word of a cell, such as a path, may be broken."""
SHORT = 10
"""A cell of at most this length, such as a figure with its unit, stays on one line."""


@dataclass(frozen=True)
class Layout:
    """The indexes of the columns that are shown, their widths, and the headings of the others."""

    places: Sequence[int]
    widths: Sequence[int]
    left_out: Sequence[str] = ()


def layout(
    headings: Sequence[str], rows: Sequence[Sequence[str]], width: int, optional: Sequence[str] = ()
) -> Layout:
    """Return the layout of a table within `width` characters.

    A table that is too wide loses its `optional` columns, in their order; then cells are broken between
    words, and within a word only where nothing else is left.
    """
    left_out: list[str] = []
    while True:
        places = [place for place, heading in enumerate(headings) if heading not in left_out]
        texts = [[headings[place], *(row[place] for row in rows)] for place in places]
        room = width - GAP * (len(places) - 1)
        least = [max(_longest_word(column[0]), *map(_unbroken, column[1:]), 0) for column in texts]
        if sum(least) <= room or len(left_out) == len(optional):
            break
        left_out.append(optional[len(left_out)])
    natural = [max(max(map(len, text.split("\n"))) for text in column) for column in texts]
    floor = [_longest_word(column[0]) for column in texts]
    return Layout(places, _widths(natural, least, floor, room), left_out)


def cut(text: str, length: int) -> str:
    """Return `text`, cut to `length` characters with an ellipsis at its end if it is longer."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def _unbroken(cell: str) -> int:
    return len(cell) if len(cell) <= SHORT else min(LONGEST_WORD, _longest_word(cell))


def _longest_word(text: str) -> int:
    return max(map(len, text.split()), default=0)


def _widths(natural: Sequence[int], least: Sequence[int], floor: Sequence[int], room: int) -> list[int]:
    """Return widths from `least` up, the widest need first; or down to `floor`, what the headings need."""
    widths = [max(1, one) for one in least]
    while sum(widths) < room:
        needs = [most - now for most, now in zip(natural, widths, strict=True)]
        if max(needs) <= 0:
            break
        widths[needs.index(max(needs))] += 1
    while sum(widths) > room:
        spare = [now - max(1, low) for now, low in zip(widths, floor, strict=True)]
        if max(spare) <= 0:
            break
        widths[spare.index(max(spare))] -= 1
    return widths
