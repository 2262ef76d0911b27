"""How wide the columns of a table are, so that no word of a heading is broken. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

GAP = 2
"""Between two columns."""
LONGEST_WORD = 30
"""A longer word of a cell, a path, may be broken."""
SHORT = 10
"""A cell of so few characters, a figure with its unit, is not broken between its words either."""


@dataclass(frozen=True)
class Layout:
    """The columns that are shown, by their place, with their widths; and the headings of those left out."""

    places: Sequence[int]
    widths: Sequence[int]
    left_out: Sequence[str] = ()


def layout(
    headings: Sequence[str], rows: Sequence[Sequence[str]], width: int, optional: Sequence[str] = ()
) -> Layout:
    """Fit a table into `width`: where it is too narrow, `optional` columns are left out, the first of them
    first, and then cells are broken between words. Only what cannot fit otherwise is broken within a word.
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


def _unbroken(cell: str) -> int:
    return len(cell) if len(cell) <= SHORT else min(LONGEST_WORD, _longest_word(cell))


def _longest_word(text: str) -> int:
    return max(map(len, text.split()), default=0)


def _widths(natural: Sequence[int], least: Sequence[int], floor: Sequence[int], room: int) -> list[int]:
    """From the least widths up, the widest need first; or from there down, to what the headings need."""
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
