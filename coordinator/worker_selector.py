"""Selection of the worker for the next task: the one with the fewest attempts, and among equals the one that
waited longest.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from coordinator.session import Session

UNACKNOWLEDGED_MAX: Final = 4096
"""Limit of unacknowledged messages of a worker; beyond it, it is assigned nothing."""


class WorkerSelector:
    """Sessions that can take a task, in one row for each number of attempts that they hold."""

    def __init__(self) -> None:
        self._rows: list[OrderedDict[Session, None]] = []
        self._changed: dict[Session, None] = {}
        self._lowest = 0

    def update(self, session: Session) -> None:
        """Move `session` to its row, before the next choice: a frame with a hundred results moves it once."""
        self._changed[session] = None

    def least_loaded(self) -> Session | None:
        """Return the session whose turn it is, left in its place."""
        for session in self._changed:
            self._put(session)
        self._changed.clear()
        while self._lowest < len(self._rows):
            if row := self._rows[self._lowest]:
                return next(iter(row))
            self._lowest += 1
        return None

    def check(self, session: Session) -> None:
        """Raise AssertionError where `session` is not in its row, or in a wrong one. O(rows); for tests and
        simulations.
        """
        if session in self._changed:
            return
        ranks = [rank for rank, row in enumerate(self._rows) if session in row]
        assert session.rank >= 0 or self._rank_of(session) < 0, f"{session.worker} is free, and never chosen"
        assert ranks == ([session.rank] if session.rank >= 0 else []), f"{session.worker} is in rows {ranks}"
        assert session.rank in (-1, len(session.attempts)), (
            f"{session.worker} holds {len(session.attempts)} attempts and is in row {session.rank}"
        )
        assert session.rank < 0 or session.rank >= self._lowest, f"row {session.rank} is never looked at"

    def _put(self, session: Session) -> None:
        """Put `session` behind the others of its load, or in no row while it can take nothing."""
        rank = self._rank_of(session)
        if rank == session.rank:
            return
        if session.rank >= 0:
            del self._rows[session.rank][session]
        session.rank = rank
        if rank >= 0:
            while len(self._rows) <= rank:
                self._rows.append(OrderedDict())
            self._rows[rank][session] = None
            self._lowest = min(self._lowest, rank)

    def _rank_of(self, session: Session) -> int:
        """Return the session's row; -1 while it can take nothing."""
        load = len(session.attempts)
        able = session.is_ready and load < session.capacity and session.channel.depth < UNACKNOWLEDGED_MAX
        return load if able else -1
