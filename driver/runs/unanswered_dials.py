"""Decides, from one look after the other at a system's links, which of them are dialled in vain. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class LinkCounts(Protocol):
    """What a door counts of one link: the connections that it accepted, and the bytes of the server."""

    @property
    def accepted(self) -> int: ...

    @property
    def bytes_downstream(self) -> int: ...


@dataclass
class UnansweredDials:
    """Compares each look with the first one, and with that before it."""

    _first: dict[str, LinkCounts] = field(default_factory=dict)
    _before: dict[str, LinkCounts] = field(default_factory=dict)
    _since_s: float | None = None

    def look(self, states: Mapping[str, LinkCounts] | None, now_s: float) -> list[str]:
        """Return the links that were dialled since the last look, and whose server is silent since the first.

        `states` is None where they are unknown: any link may be such a one.
        """
        if states is None:
            self._since_s = None
            return ["the links, whose doors do not answer"]
        if self._since_s is None:
            self._since_s, self._first, self._before = now_s, dict(states), dict(states)
            return []
        waiting = []
        for name, one in states.items():
            first, before = self._first.setdefault(name, one), self._before.get(name, one)
            is_dialled = one.accepted > before.accepted
            if is_dialled and one.bytes_downstream == first.bytes_downstream:
                waiting.append(name)
        self._before = dict(states)
        return waiting

    def watched_s(self, now_s: float) -> float:
        """Return for how long the links have been watched."""
        return 0.0 if self._since_s is None else now_s - self._since_s
