"""Linearizability of one register: is there one order of its operations, each at an instant between its call
and its return, in which every read returns the newest write? Pure.

Depth first over sets of operations that are placed, as Wing and Gong (1993) describe it, with Lowe's memory
of sets and states that led nowhere (2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from driver.histories.intervals import FOREVER_NS

MAX_STATES = 50_000
"""Sets of placed operations that are tried for one key; beyond, it is undecided."""


@dataclass(frozen=True)
class RegisterOperation:
    """One operation: a read or a write of `value` between two instants. `return_ns` is FOREVER_NS for a write
    that is unknown: it may take effect at any time after its call, or never.
    """

    is_write: bool
    value: str | None
    call_ns: int
    return_ns: int


def linearizable(operations: Sequence[RegisterOperation], max_states: int = MAX_STATES) -> bool | None:
    """Return whether there is such an order, of a register that begins empty (None). None: undecided.

    Two operations of which one returns at the instant at which the other is called may be in either order.
    """
    ordered = sorted(operations, key=lambda one: (one.call_ns, one.return_ns))
    needed = sum(1 << place for place, one in enumerate(ordered) if one.return_ns < FOREVER_NS)
    reads, writes_of = _by_value(ordered, is_write=False), _by_value(ordered, is_write=True)
    tried: set[tuple[int, str | None]] = set()
    stack: list[tuple[int, str | None]] = [(0, None)]
    while stack:
        placed, value = stack.pop()
        placed, writes = _advance(ordered, placed, value)
        if placed & needed == needed:
            return True
        # Without a choice between writes, to look ahead costs more than to go on.
        if (placed, value) in tried or (len(writes) > 1 and _is_dead(reads, writes_of, placed, value)):
            continue
        if len(tried) >= max_states:
            return None
        tried.add((placed, value))
        # Tried last in, first out: the earliest call first, as it mostly is.
        stack += [(placed | 1 << place, ordered[place].value) for place in reversed(writes)]
    return False


def _by_value(ordered: Sequence[RegisterOperation], *, is_write: bool) -> dict[str | None, int]:
    """Return the set of the reads, or of the writes, of each value."""
    found: dict[str | None, int] = {}
    for place, one in enumerate(ordered):
        if one.is_write == is_write:
            found[one.value] = found.get(one.value, 0) | 1 << place
    return found


def _is_dead(
    reads: dict[str | None, int], writes: dict[str | None, int], placed: int, value: str | None
) -> bool:
    """Whether a read that is not placed returns what no write that is left can write."""
    return any(
        of_value & ~placed and read != value and not writes.get(read, 0) & ~placed
        for read, of_value in reads.items()
    )


def _advance(ordered: Sequence[RegisterOperation], placed: int, value: str | None) -> tuple[int, list[int]]:
    """Return the set with every read that may come next and returns the value, and the writes that may.

    A read changes nothing, so that to place it as soon as it can be excludes no order.
    """
    while True:
        candidates = _next(ordered, placed)
        reads = [at for at in candidates if not ordered[at].is_write and ordered[at].value == value]
        if not reads:
            return placed, [at for at in candidates if ordered[at].is_write]
        for at in reads:
            placed |= 1 << at


def _next(ordered: Sequence[RegisterOperation], placed: int) -> list[int]:
    """Return the operations that may come next: none that is not placed returned before their call."""
    found, first_return_ns = [], FOREVER_NS
    at = (~placed & (placed + 1)).bit_length() - 1
    while at < len(ordered):
        one = ordered[at]
        if one.call_ns > first_return_ns:
            break
        if not placed >> at & 1:
            found.append(at)
            first_return_ns = min(first_return_ns, one.return_ns)
        at += 1
    return found
