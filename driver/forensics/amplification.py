"""How much a fault multiplies a client's attempts to connect: attempts per second before, under and after it.
Pure.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from driver.histories.history import History
from driver.histories.link_connections import LinkJournal, link_journals
from driver.histories.run_timeline import FaultWindow, run_timeline

BASELINE_NS = 30_000_000_000
"""Attempts are counted for at most this long before a fault and after it."""


@dataclass(frozen=True)
class Amplification:
    """The attempts to connect over one link around one fault, a second. `before_per_s` and `after_per_s` are
    None where no time is between this fault and another one.

    `least`: the door left lines out, so that there were more attempts than these.
    """

    link: str
    fault: str
    before_per_s: float | None
    under_per_s: float
    after_per_s: float | None
    least: bool

    @property
    def factor(self) -> float | None:
        """Attempts under the fault for each attempt before it; None where none was before."""
        return self.under_per_s / self.before_per_s if self.before_per_s else None


def amplifications(history: History) -> list[Amplification]:
    """Return one for each fault with a length, and each link that it reaches, in order of the faults."""
    run = history.view(run_timeline)
    journals = history.view(link_journals)
    windows = [window for window in run.faults if window.ended_ns is not None]
    return [
        one
        for window in windows
        for journal in journals.values()
        if window.reaches(journal.link, tuple(journals))
        and (one := _of(journal, window, windows, run.end_ns)) is not None
    ]


def _of(
    journal: LinkJournal, window: FaultWindow, windows: Sequence[FaultWindow], end_ns: int
) -> Amplification | None:
    asked = [one.asked_ns for one in journal.connections]
    begin_ns, ended_ns = window.began_ns, window.ended_ns or end_ns
    under = _rate(asked, begin_ns, ended_ns)
    if under is None:
        return None
    others = [one for one in windows if one is not window]
    quiet_from = max((one.ended_ns or 0 for one in others if one.due_ns < begin_ns), default=0)
    quiet_to = min((one.due_ns for one in others if one.due_ns > begin_ns), default=end_ns)
    first_ns = max(quiet_from, begin_ns - BASELINE_NS, min(asked, default=0))
    return Amplification(
        journal.link,
        window.fault,
        _rate(asked, first_ns, window.due_ns),
        under,
        _rate(asked, ended_ns, min(quiet_to, ended_ns + BASELINE_NS)),
        journal.omitted > 0,
    )


def _rate(asked: Sequence[int], from_ns: int, to_ns: int) -> float | None:
    """Return the attempts per second in an interval; None for an empty one. `asked` is sorted."""
    if to_ns <= from_ns:
        return None
    return (bisect_left(asked, to_ns) - bisect_left(asked, from_ns)) / ((to_ns - from_ns) / 1e9)
