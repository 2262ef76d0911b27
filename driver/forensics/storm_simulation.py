"""Simulates one storm with a given policy: when each client attempts, and when it is admitted. Pure; many
draws at once.

Clients interact only through the server's admission, which assigns a slot to each refused client (the
generic cell rate algorithm, ITU-T I.371). So a storm has two phases: attempts until the link works again;
then attempts of refused clients until their slots.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from driver.forensics.policies import Numbers, PriorAttempts, draw_s
from driver.forensics.storm_model import StormModel
from wire.policies import ReconnectPolicy

EXACT = 48
"""How many attempts are drawn one by one; by then a policy reaches its cap. The middle of a longer outage has
the rate of the last attempts, and is skipped.
"""
EARLY_S = 0.005
"""A client is admitted this much before its slot."""
LATE_S = 0.0015
_BIN_S = 0.1
_MAX_BINS = 4_000


@dataclass(frozen=True)
class PolicySetting:
    """A policy with its base and cap, in seconds."""

    policy: ReconnectPolicy
    base_s: float
    cap_s: float


@dataclass(frozen=True)
class SimulatedStorm:
    """The results of a simulated storm, one for each draw: `back_s` has a row for each draw and a column for
    each outage, in seconds from the heal.
    """

    back_s: Numbers
    attempts: Numbers
    peak_per_s: Numbers
    at_once: Numbers


@dataclass
class _ClientStates:
    """The state of each client of each draw, in one row. `attempt_times` are the times of attempts, with
    their draw; `took_s` is the duration of each client's last attempt.
    """

    at_s: Numbers
    opens_s: Numbers
    previous_s: Numbers
    number: Numbers
    draw: NDArray[np.int64]
    attempts: Numbers
    took_s: Numbers
    steady_per_s: Numbers
    attempt_times: list[tuple[NDArray[np.int64], Numbers]] = field(default_factory=list)


def simulate(storm: StormModel, setting: PolicySetting, draws: int, seed: int = 0) -> SimulatedStorm:
    """Simulate a storm `draws` times."""
    random = np.random.default_rng(seed)
    count = len(storm)
    state = _ClientStates(
        at_s=np.tile(storm.knew_s, draws),
        opens_s=np.tile(np.maximum(storm.opens_s, storm.knew_s), draws),
        previous_s=np.zeros(draws * count),
        number=np.ones(draws * count),
        draw=np.repeat(np.arange(draws), count),
        attempts=np.zeros(draws * count),
        took_s=random.choice(storm.handshake_s, draws * count),
        steady_per_s=np.zeros(draws),
    )
    _attempt(state, np.arange(draws * count), setting, storm, random, slots=False)
    slot_s = _slots(state.at_s.reshape(draws, count), storm).ravel()
    late = np.flatnonzero(slot_s > state.at_s)
    if len(late):
        # A refusal takes as long as an admission: the same two round trips.
        state.at_s[late] += random.choice(storm.handshake_s, len(late))
        state.took_s[late] = random.choice(storm.handshake_s, len(late))
        state.opens_s[late] = slot_s[late] - EARLY_S
        state.number[late] += 1
        _attempt(state, late, setting, storm, random, slots=True)
    back_s = state.at_s + state.took_s - storm.healed_s
    draw = np.concatenate([which for which, _ in state.attempt_times])
    at_s = np.concatenate([times for _, times in state.attempt_times])
    return SimulatedStorm(
        back_s=np.maximum(0.0, back_s).reshape(draws, count),
        attempts=state.attempts.reshape(draws, count).sum(axis=1),
        peak_per_s=np.maximum(_peak_per_s(draw, at_s, draws), state.steady_per_s),
        at_once=_at_once(draw, at_s - storm.healed_s, draws),
    )


def _attempt(
    state: _ClientStates,
    who: NDArray[np.int64],
    setting: PolicySetting,
    storm: StormModel,
    random: np.random.Generator,
    slots: bool,
) -> None:
    """Simulate attempts until they can succeed; `at_s` is then the time of the first that can."""
    costs_s = storm.handshake_s if slots else storm.failing_s
    first_s = state.at_s.copy()
    for step in range(2 * EXACT):
        slot_s = (
            np.maximum(0.0, state.opens_s[who] + EARLY_S - state.at_s[who])
            if slots
            else np.full(len(who), np.nan)
        )
        before = PriorAttempts(state.number[who], state.previous_s[who], slot_s)
        delay_s = draw_s(setting.policy, before, setting.base_s, setting.cap_s, random)
        state.previous_s[who] = delay_s
        # A worker without a delay needs no timer, which could be late.
        state.at_s[who] += delay_s + np.where(delay_s > 0, random.exponential(LATE_S, len(who)), 0.0)
        state.attempts[who] += 1
        state.attempt_times.append((state.draw[who], state.at_s[who]))
        if step == 2 * EXACT - 1:
            state.at_s[who] = np.maximum(state.at_s[who], state.opens_s[who])
        who = who[state.at_s[who] < state.opens_s[who]]
        if not len(who):
            return
        ends_s = state.at_s[who] + random.choice(costs_s, len(who))
        if len(storm.hung_s) and not slots:
            who, ends_s = _hang(state, who, ends_s, storm, random)
        state.at_s[who] = ends_s
        state.number[who] += 1
        if step == EXACT - 1:
            _skip(state, who, first_s)


def _hang(
    state: _ClientStates,
    who: NDArray[np.int64],
    ends_s: Numbers,
    storm: StormModel,
    random: np.random.Generator,
) -> tuple[NDArray[np.int64], Numbers]:
    """Handle attempts that hang at the heal: as in the run, some then succeed, the others fail. Returns the
    clients that attempt again, and when their attempts failed.
    """
    hangs = ends_s >= state.opens_s[who]
    which = random.integers(len(storm.hung_s), size=len(who))
    ends_s = np.where(hangs, state.opens_s[who] + storm.hung_s[which], ends_s)
    through = hangs & storm.hung_through[which]
    state.at_s[who[through]] = state.opens_s[who[through]]
    state.took_s[who[through]] = storm.hung_s[which[through]]
    return who[~through], ends_s[~through]


def _skip(state: _ClientStates, who: NDArray[np.int64], first_s: Numbers) -> None:
    """Skip the middle of a long outage: as many attempts as fit, at the rate of those before."""
    each_s = np.maximum(1e-5, (state.at_s[who] - first_s[who]) / EXACT)
    many = np.floor((state.opens_s[who] - state.at_s[who]) / each_s) - EXACT // 2
    far = many > 0
    state.at_s[who[far]] += many[far] * each_s[far]
    state.attempts[who[far]] += many[far]
    state.number[who[far]] += many[far]
    state.steady_per_s += np.bincount(
        state.draw[who[far]], 1 / each_s[far], minlength=len(state.steady_per_s)
    )


def _slots(came_s: Numbers, storm: StormModel) -> Numbers:
    """Return when each client is admitted, in the order of their attempts: at once, or at its slot."""
    slot_s = came_s.copy()
    for lane, slower in ((storm.resumes, 1), (~storm.resumes, 4)):
        columns = np.flatnonzero(lane)
        if not len(columns):
            continue
        step_s, burst = slower / storm.rate_per_s, max(1, storm.burst // slower)
        order = np.argsort(came_s[:, columns], axis=1)
        ordered = np.take_along_axis(came_s[:, columns], order, axis=1)
        turn = np.arange(len(columns)) * step_s
        booked = np.maximum.accumulate(ordered - turn, axis=1) + turn + step_s
        admitted = np.maximum(ordered, booked - burst * step_s)
        found = np.empty_like(admitted)
        np.put_along_axis(found, order, admitted, axis=1)
        slot_s[:, columns] = found
    return slot_s


def _peak_per_s(draw: NDArray[np.int64], at_s: Numbers, draws: int) -> Numbers:
    """Return the most attempts of each draw within a second.

    Of an outage longer than _MAX_BINS tenths only the begin and the end count: its middle is skipped anyway.
    """
    index = ((at_s - at_s.min()) / _BIN_S).astype(np.int64)
    wide = round(1 / _BIN_S)
    passed = int(index.max()) - _MAX_BINS
    if passed > 0:
        late = index >= passed + _MAX_BINS // 2
        kept = late | (index < _MAX_BINS // 2 - wide)
        draw, index = draw[kept], np.where(late, index - passed, index)[kept]
    sums = np.cumsum(np.pad(_binned(draw, index, draws), ((0, 0), (wide, wide))), axis=1)
    peaks: Numbers = (sums[:, wide:] - sums[:, :-wide]).max(axis=1)
    return peaks


def _at_once(draw: NDArray[np.int64], after_heal_s: Numbers, draws: int) -> Numbers:
    """Return the most attempts of each draw within a tenth of a second after the heal, when they reach
    the server.
    """
    index = np.floor(after_heal_s / _BIN_S).astype(np.int64)
    seen = (index >= 0) & (index < _MAX_BINS)
    most: Numbers = _binned(draw[seen], index[seen], draws).max(axis=1)
    return most


def _binned(draw: NDArray[np.int64], index: NDArray[np.int64], draws: int) -> Numbers:
    bins = int(index.max(initial=0)) + 1
    counts = np.bincount(draw * bins + index, minlength=draws * bins)
    return counts.reshape(draws, bins).astype(np.float64)
