"""The base of claims about a load that reads and writes values, a key at a time. Pure."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from driver.checks.finding import Finding, unknown
from driver.claims.claim import Claim, Names
from driver.claims.operations import grouped_by_key, reads_and_writes
from driver.claims.sentences import load_named
from driver.histories.history import History
from driver.histories.system_events import Operation


@dataclass(frozen=True)
class ReadsAndWrites(Claim):
    """A claim about the operations of each key of `load`; unknown where they read and write no values."""

    load: str

    @classmethod
    def of(cls, text: str, form: str, bound: Sequence[str], names: Names | None) -> Self:
        return cls(text, load_named(bound[0], names))

    @property
    def own_loads(self) -> tuple[str, ...]:
        return (self.load,)

    def judge(self, history: History) -> Finding:
        operations, trouble = reads_and_writes(history, self.load)
        if trouble:
            return unknown(self.text, trouble)
        return self.judge_keys(history, grouped_by_key(operations))

    @abstractmethod
    def judge_keys(self, history: History, by_key: Mapping[str, list[Operation]]) -> Finding:
        """Return the finding of the operations of each key, in the order of their calls."""
