"""Schedules that showed something new, and which of them is changed next. Pure."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

S = TypeVar("S")

MOST_FEATURES = 20_000
"""Features that are kept; a system whose texts never repeat shows no end of them."""
MOST_ENTRIES = 4_000
"""Schedules that are kept; the oldest leaves first."""
CANDIDATES = 12
"""Entries that are drawn, of which the best one is changed next."""
BEST = 0.5
"""Share of picks that take the best entry of all, so that a rare state is changed at once, and often."""


@dataclass
class CorpusEntry(Generic[S]):
    """A schedule, the features that it showed first, what a run of it costs in any unit, and the number of
    times that it was changed.
    """

    number: int
    schedule: S
    features: frozenset[str]
    cost: float = 1.0
    picks: int = 0


@dataclass
class Corpus(Generic[S]):
    """The schedules that showed something new, and how many schedules showed each feature."""

    entries: list[CorpusEntry[S]] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    most_features: int = MOST_FEATURES
    _ranked: list[tuple[float, int, CorpusEntry[S]]] = field(default_factory=list)

    def learn(self, features: Collection[str]) -> frozenset[str]:
        """Count features of a run that is not to be changed; return those that none before it had."""
        known = [one for one in features if one in self.seen or len(self.seen) < self.most_features]
        new = frozenset(one for one in known if one not in self.seen)
        self.seen.update(known)
        return new

    def add(self, number: int, schedule: S, features: Collection[str], cost: float = 1.0) -> frozenset[str]:
        """Add what a schedule showed; return the features that none before it had."""
        new = self.learn(features)
        if new:
            entry = CorpusEntry(number, schedule, new, cost)
            self.entries.append(entry)
            del self.entries[:-MOST_ENTRIES]
            self._rank(entry)
        return new

    def pick(self, chance: random.Random) -> CorpusEntry[S]:
        """Return the entry to change next: the one with the rarest feature, for the number of its picks and
        its cost, of all entries or of some drawn ones.
        """
        assert self.entries, "a schedule has been added"
        if chance.random() < BEST:
            chosen = self._take_best()
            chosen.picks += 1
            self._rank(chosen)
        else:
            # (Its rank is corrected once it is the best.)
            chosen = max(chance.choices(self.entries, k=CANDIDATES), key=self._score)
            chosen.picks += 1
        return chosen

    def _take_best(self) -> CorpusEntry[S]:
        # (Scores only fall: an entry whose rank is out of date comes up too early, and is ranked again.)
        while True:
            _, _, entry = heappop(self._ranked)
            if entry.number < self.entries[0].number:
                continue
            now = -self._score(entry)
            if not self._ranked or now <= self._ranked[0][0]:
                return entry
            heappush(self._ranked, (now, -entry.number, entry))

    def _rank(self, entry: CorpusEntry[S]) -> None:
        if len(self._ranked) > 2 * MOST_ENTRIES:
            self._ranked = [one for one in self._ranked if -one[1] >= self.entries[0].number]
            heapify(self._ranked)
        heappush(self._ranked, (-self._score(entry), -entry.number, entry))

    def _score(self, entry: CorpusEntry[S]) -> float:
        return 1 / (min(self.seen[one] for one in entry.features) * (1 + entry.picks) * entry.cost)
