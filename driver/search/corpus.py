"""Schedules that showed something new, and which of them is changed next. Pure."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

S = TypeVar("S")

MOST_FEATURES = 20_000
"""Features that are kept; a system whose texts never repeat shows no end of them."""
MOST_ENTRIES = 4_000
"""Schedules that are kept; the oldest leaves first."""
CANDIDATES = 12
"""Entries of which the best one is changed next. All of them would take longer than a simulated run."""


@dataclass
class CorpusEntry(Generic[S]):
    """A schedule, the features that it showed first, and the number of times that it was changed."""

    number: int
    schedule: S
    features: frozenset[str]
    picks: int = 0


@dataclass
class Corpus(Generic[S]):
    """The schedules that showed something new, and how many schedules showed each feature."""

    entries: list[CorpusEntry[S]] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def learn(self, features: Collection[str]) -> frozenset[str]:
        """Count features of a run that is not to be changed; return those that none before it had."""
        known = [one for one in features if one in self.seen or len(self.seen) < MOST_FEATURES]
        new = frozenset(one for one in known if one not in self.seen)
        self.seen.update(known)
        return new

    def add(self, number: int, schedule: S, features: Collection[str]) -> frozenset[str]:
        """Add what a schedule showed; return the features that none before it had."""
        new = self.learn(features)
        if new:
            self.entries.append(CorpusEntry(number, schedule, new))
            del self.entries[:-MOST_ENTRIES]
        return new

    def pick(self, chance: random.Random) -> CorpusEntry[S]:
        """Return the entry to change next: of some drawn ones that whose features are the rarest, for the
        number of its picks.
        """
        assert self.entries, "a schedule has been added"
        drawn = chance.choices(self.entries, k=CANDIDATES)
        chosen = max(drawn, key=lambda one: self._rarity(one.features) / (1 + one.picks))
        chosen.picks += 1
        return chosen

    def _rarity(self, features: Iterable[str]) -> float:
        return sum(1 / self.seen[one] for one in features)
