"""The base of every kind of claim, and the names that a scenario gives to what claims are about. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

from driver.checks.finding import Finding
from driver.histories.history import DRIVER, History
from driver.histories.journal_kinds import LOAD, OBSERVER


@dataclass(frozen=True)
class Field:
    """One thing that is compared: `key` or `value` of a load's operations, or an observation's column.

    `name` is "" for an observation that is one number.
    """

    source: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.source}.{self.name}" if self.name else self.source


@dataclass(frozen=True)
class Names:
    """The names of one scenario, by which a sentence is refused before anything starts.

    `observations` maps each to its columns: None where its first reading will say, empty for a number.
    `faults` are the ids and the kinds of its timeline.
    """

    loads: Collection[str] = ()
    observations: Mapping[str, Collection[str] | None] = field(default_factory=dict)
    faults: Collection[str] = ()


@dataclass(frozen=True)
class Claim(ABC):
    """One sentence of `expect`, parsed. A kind is a class of its own, in a file of this package.

    `name` is the kind's name; `forms` are its sentences, with slots in capitals (see `sentences`). `means`
    says what is compared and `fails` when it fails, for docs/checks.md; `example` is one of them, filled in.
    `own_loads` and `own_fields` are what the sentence names, in its order.
    """

    name: ClassVar[str]
    forms: ClassVar[tuple[str, ...]]
    example: ClassVar[str]
    means: ClassVar[str]
    fails: ClassVar[str]
    rank: ClassVar[int] = 1000
    requires: ClassVar[tuple[str, ...]] = (DRIVER, LOAD, OBSERVER)
    """The journals that must be whole to prove a failure."""
    time_sensitive: ClassVar[bool] = False
    """Whether a machine that was too busy can fail it."""
    stays_failed: ClassVar[bool] = False
    """Whether what fails it stays: no later reading makes it hold."""
    unique: ClassVar[bool] = False
    """Whether no two operations that write may have one key."""
    broken_by: ClassVar[tuple[str, ...]] = ()
    """Controls (`driver/controls/`) that are tried first to show that it does not always pass."""

    text: str

    @classmethod
    @abstractmethod
    def of(cls, text: str, form: str, bound: Sequence[str], names: Names | None) -> Self:
        """Return the claim of a sentence that has a form of this kind; `bound` are its slots' words.

        Raises ValueError with a sentence. `names` is None where a stored run is judged.
        """

    @abstractmethod
    def judge(self, history: History) -> Finding:
        """Return the finding of a history."""

    @property
    def journals_needed(self) -> tuple[str, ...]:
        """The journals that must be whole to prove a failure of this sentence."""
        return self.requires

    @property
    def own_loads(self) -> tuple[str, ...]:
        return ()

    @property
    def own_fields(self) -> tuple[Field, ...]:
        return ()

    @property
    def own_numbers(self) -> tuple[tuple[str, str], ...]:
        """Observations that are numbers, each with the statistic of its readings that decides: max, min, or
        last.
        """
        return ()
