"""The shipped heartbeat under a virtual clock, over a link that answers late: how often it cries for nothing,
and how soon it notices a link that went silent. Pure: both contenders are given the very same delays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.heartbeat import HeartbeatTimer
from worker.phi import PhiAccrual

Learner = Callable[[], PhiAccrual | None]
_MS = 1_000_000


@dataclass(frozen=True)
class Jitter:
    """How long each direction of a link takes: `least_ms` and an exponential part of `mean_ms`. A part `lost`
    of the packets is lost, and comes again after TCP's least timeout (RFC 6298; Linux: 200 ms), doubled with
    each loss.
    """

    least_ms: float = 20.0
    mean_ms: float = 50.0
    lost: float = 0.002
    again_ms: float = 200.0

    def __str__(self) -> str:
        return (
            f"each direction takes {self.least_ms:g} ms + exponential({self.mean_ms:g} ms), and "
            f"{self.lost:.1%} of the packets come {self.again_ms:g} ms later, doubled with each further loss"
        )

    def round_trips_ns(self, chance: np.random.Generator, count: int) -> NDArray[np.int64]:
        """`count` times from a beat to its answer."""
        ways = self.least_ms + chance.exponential(self.mean_ms, (2, count))
        losses = chance.geometric(1 - self.lost, (2, count)) - 1
        ways += self.again_ms * (2.0**losses - 1)
        return np.asarray(ways.sum(axis=0) * _MS, np.int64)


@dataclass(frozen=True)
class Rule:
    """A heartbeat as it is set: by the fixed rule alone, or with what `learner` makes."""

    interval_ms: int
    timeout_ms: int
    learner: Learner = lambda: None

    def begin(self, now_ns: int, first_gap: float) -> HeartbeatTimer:
        """The heartbeat of a new connection."""
        heart = HeartbeatTimer(now_ns, self.interval_ms, self.timeout_ms, first_gap, self.learner())
        heart.tick(now_ns)
        return heart


def false_alarms(rule: Rule, round_trips_ns: Sequence[int], first_gap: float) -> int:
    """How often a link that is well is called dead, over as many beats as there are round trips. After an
    alarm a new connection begins.
    """
    alarms = taken = now_ns = 0
    while taken < len(round_trips_ns):
        took, now_ns = _live(rule, round_trips_ns[taken:], first_gap, now_ns, None)
        alarms += taken + took < len(round_trips_ns)
        taken += took
    return alarms


def noticed_ns(rule: Rule, round_trips_ns: Sequence[int], first_gap: float, silent_from_ns: int) -> int:
    """How long after `silent_from_ns`, from which on nothing comes through, the link is called dead; negative
    for an alarm before.
    """
    return _live(rule, round_trips_ns, first_gap, 0, silent_from_ns)[1] - silent_from_ns


def _live(
    rule: Rule, round_trips_ns: Sequence[int], first_gap: float, now_ns: int, silent_from_ns: int | None
) -> tuple[int, int]:
    """One connection, until it is called dead or the round trips are used up: how many of them it used, and
    when it ended. Answers keep their order, as TCP's do.
    """
    heart = rule.begin(now_ns, first_gap)
    answers: list[int] = []
    used = heard = 0
    while True:
        if heart.due:
            heart.due = False
            if used == len(round_trips_ns):
                return used, now_ns
            answers.append(max(now_ns + round_trips_ns[used], answers[-1] if answers else 0))
            used += 1
        answer_ns = answers[heard] if heard < len(answers) else None
        if silent_from_ns is not None and answer_ns is not None and answer_ns >= silent_from_ns:
            answer_ns = None
        deadline_ns = heart.deadline_ns()
        if answer_ns is not None and answer_ns <= deadline_ns:
            now_ns, heard = answer_ns, heard + 1
            heart.on_frame(now_ns)
            heart.on_answer(now_ns)
            continue
        now_ns = deadline_ns
        silent_at_ns = heart.timeout_at_ns()
        if silent_at_ns is not None and now_ns >= silent_at_ns:
            return used, now_ns
        heart.tick(now_ns)
