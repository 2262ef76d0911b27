"""One storm played again with a policy of choice: who knocks when, and who is let in. Pure, and drawn many
times at once.

Workers do not see each other but for the coordinator's admission, and that gives whoever it turns away a
slot that is kept (the generic cell rate algorithm). So a storm is played in two acts: everybody knocks
until the door is open; then those who came too many at once knock until their slot.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from driver.forensics.policies import Before, Numbers, Policy
from driver.forensics.scene import Scene

EXACT = 48
"""So many attempts are drawn one by one; by then a policy has come to its cap. The middle of a long outage
is then as its last attempts were, and is passed over at once.
"""
EARLY_S = 0.005
"""Who comes that much before its slot is let in."""
LATE_S = 0.0015
_BIN_S = 0.1
_MOST_BINS = 4_000


@dataclass(frozen=True)
class Chosen:
    """A policy with its base and cap."""

    policy: Policy
    base_s: float
    cap_s: float


@dataclass(frozen=True)
class Played:
    """What a storm came to, a number for each draw: `back_s` has a row a draw, a column an outage, from the
    heal.
    """

    back_s: Numbers
    attempts: Numbers
    peak_per_s: Numbers
    at_once: Numbers


@dataclass
class _Act:
    """Where each worker of each draw stands, in one row; `knocks` are the times of attempts, with their
    draw. `took_s` is what the last attempt of each takes.
    """

    at_s: Numbers
    opens_s: Numbers
    previous_s: Numbers
    number: Numbers
    draw: NDArray[np.int64]
    attempts: Numbers
    took_s: Numbers
    steady_per_s: Numbers
    knocks: list[tuple[NDArray[np.int64], Numbers]] = field(default_factory=list)


def play(scene: Scene, chosen: Chosen, draws: int, seed: int = 0) -> Played:
    """A storm, `draws` times."""
    random = np.random.default_rng(seed)
    count = len(scene)
    act = _Act(
        at_s=np.tile(scene.knew_s, draws),
        opens_s=np.tile(np.maximum(scene.opens_s, scene.knew_s), draws),
        previous_s=np.zeros(draws * count),
        number=np.ones(draws * count),
        draw=np.repeat(np.arange(draws), count),
        attempts=np.zeros(draws * count),
        took_s=random.choice(scene.handshake_s, draws * count),
        steady_per_s=np.zeros(draws),
    )
    _knock(act, np.arange(draws * count), chosen, scene, random, slots=False)
    slot_s = _slots(act.at_s.reshape(draws, count), scene).ravel()
    late = np.flatnonzero(slot_s > act.at_s)
    if len(late):
        # Being turned away costs what being taken in does: the same two round trips.
        act.at_s[late] += random.choice(scene.handshake_s, len(late))
        act.took_s[late] = random.choice(scene.handshake_s, len(late))
        act.opens_s[late] = slot_s[late] - EARLY_S
        act.number[late] += 1
        _knock(act, late, chosen, scene, random, slots=True)
    back_s = act.at_s + act.took_s - scene.healed_s
    draw = np.concatenate([which for which, _ in act.knocks])
    at_s = np.concatenate([times for _, times in act.knocks])
    return Played(
        back_s=np.maximum(0.0, back_s).reshape(draws, count),
        attempts=act.attempts.reshape(draws, count).sum(axis=1),
        peak_per_s=np.maximum(_peak_per_s(draw, at_s, draws), act.steady_per_s),
        at_once=_at_once(draw, at_s - scene.healed_s, draws),
    )


def _knock(
    act: _Act, who: NDArray[np.int64], chosen: Chosen, scene: Scene, random: np.random.Generator, slots: bool
) -> None:
    """Let some knock until their door is open; `at_s` is then when they knocked at an open door."""
    costs_s = scene.handshake_s if slots else scene.failing_s
    first_s = act.at_s.copy()
    for step in range(2 * EXACT):
        slot_s = (
            np.maximum(0.0, act.opens_s[who] + EARLY_S - act.at_s[who])
            if slots
            else np.full(len(who), np.nan)
        )
        before = Before(act.number[who], act.previous_s[who], slot_s)
        delay_s = chosen.policy.draw_s(before, chosen.base_s, chosen.cap_s, random)
        act.previous_s[who] = delay_s
        # Who does not wait needs no timer, and no timer is late.
        act.at_s[who] += delay_s + np.where(delay_s > 0, random.exponential(LATE_S, len(who)), 0.0)
        act.attempts[who] += 1
        act.knocks.append((act.draw[who], act.at_s[who]))
        if step == 2 * EXACT - 1:
            act.at_s[who] = np.maximum(act.at_s[who], act.opens_s[who])
        who = who[act.at_s[who] < act.opens_s[who]]
        if not len(who):
            return
        ends_s = act.at_s[who] + random.choice(costs_s, len(who))
        if len(scene.hung_s) and not slots:
            who, ends_s = _hang(act, who, ends_s, scene, random)
        act.at_s[who] = ends_s
        act.number[who] += 1
        if step == EXACT - 1:
            _skip(act, who, first_s)


def _hang(
    act: _Act, who: NDArray[np.int64], ends_s: Numbers, scene: Scene, random: np.random.Generator
) -> tuple[NDArray[np.int64], Numbers]:
    """What becomes of attempts that still hang when the link swallows no more: as in the run, some are
    through then, and the others are cut off. Those who go on knocking, and when they failed.
    """
    hangs = ends_s >= act.opens_s[who]
    which = random.integers(len(scene.hung_s), size=len(who))
    ends_s = np.where(hangs, act.opens_s[who] + scene.hung_s[which], ends_s)
    through = hangs & scene.hung_through[which]
    act.at_s[who[through]] = act.opens_s[who[through]]
    act.took_s[who[through]] = scene.hung_s[which[through]]
    return who[~through], ends_s[~through]


def _skip(act: _Act, who: NDArray[np.int64], first_s: Numbers) -> None:
    """Pass over the middle of a long outage: as many attempts as fit, at the pace of those before."""
    each_s = np.maximum(1e-5, (act.at_s[who] - first_s[who]) / EXACT)
    many = np.floor((act.opens_s[who] - act.at_s[who]) / each_s) - EXACT // 2
    far = many > 0
    act.at_s[who[far]] += many[far] * each_s[far]
    act.attempts[who[far]] += many[far]
    act.number[who[far]] += many[far]
    act.steady_per_s += np.bincount(act.draw[who[far]], 1 / each_s[far], minlength=len(act.steady_per_s))


def _slots(came_s: Numbers, scene: Scene) -> Numbers:
    """When each is let in, of those who come in the order of their time: at once, or at a slot of its own."""
    slot_s = came_s.copy()
    for lane, slower in ((scene.resumes, 1), (~scene.resumes, 4)):
        columns = np.flatnonzero(lane)
        if not len(columns):
            continue
        step_s, burst = slower / scene.rate_per_s, max(1, scene.burst // slower)
        order = np.argsort(came_s[:, columns], axis=1)
        ordered = np.take_along_axis(came_s[:, columns], order, axis=1)
        turn = np.arange(len(columns)) * step_s
        booked = np.maximum.accumulate(ordered - turn, axis=1) + turn + step_s
        let_in = np.maximum(ordered, booked - burst * step_s)
        found = np.empty_like(let_in)
        np.put_along_axis(found, order, let_in, axis=1)
        slot_s[:, columns] = found
    return slot_s


def _peak_per_s(draw: NDArray[np.int64], at_s: Numbers, draws: int) -> Numbers:
    """Most attempts of each draw within a second.

    Of an outage that is longer than MOST_BINS tenths the begin and the end are looked at: its middle is
    passed over anyway.
    """
    index = ((at_s - at_s.min()) / _BIN_S).astype(np.int64)
    wide = round(1 / _BIN_S)
    passed = int(index.max()) - _MOST_BINS
    if passed > 0:
        late = index >= passed + _MOST_BINS // 2
        kept = late | (index < _MOST_BINS // 2 - wide)
        draw, index = draw[kept], np.where(late, index - passed, index)[kept]
    sums = np.cumsum(np.pad(_binned(draw, index, draws), ((0, 0), (wide, wide))), axis=1)
    peaks: Numbers = (sums[:, wide:] - sums[:, :-wide]).max(axis=1)
    return peaks


def _at_once(draw: NDArray[np.int64], after_heal_s: Numbers, draws: int) -> Numbers:
    """Most attempts of each draw within a tenth of a second after the heal: those that the coordinator
    sees.
    """
    index = np.floor(after_heal_s / _BIN_S).astype(np.int64)
    seen = (index >= 0) & (index < _MOST_BINS)
    most: Numbers = _binned(draw[seen], index[seen], draws).max(axis=1)
    return most


def _binned(draw: NDArray[np.int64], index: NDArray[np.int64], draws: int) -> Numbers:
    bins = int(index.max(initial=0)) + 1
    counts = np.bincount(draw * bins + index, minlength=draws * bins)
    return counts.reshape(draws, bins).astype(np.float64)
