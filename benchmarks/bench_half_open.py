"""How soon a link that fell silent without a word is noticed, beside the theory: heartbeat interval +
timeout, and not a moment later.

Part one is real: a coordinator, tens of workers, and relays between them that stall each worker's link at a
random phase of its heartbeats, both ways, connections left open (stalled_links.py). Counted from the stall to
the worker's `lost` line and to the coordinator's `worker_lost` line, on the one monotonic clock of the
machine. The figure is the worst of all stalls ÷ (interval + timeout); its interval spans the worst of each
round. The settings are the shipped ones.

Part two compares phi (adaptive_heartbeat) with the fixed rule on a link with a stated jitter, under a virtual
clock, through the shipped worker/heartbeat.py and worker/phi.py (false_alarms.py). False alarms are made
equal by counting: both rules get the same drawn delays beat for beat, and a row of its own holds phi to not
one alarm more than the fixed rule. Since phi only ever shortens the fixed rule's limit, that row is the whole
price of its haste. What it takes to notice is measured on the same link, silenced at a random instant once
phi has learned; a connection younger than that follows the fixed rule. A row without a must shows a fixed
timeout fitted in hindsight to this very link: the least that raises no alarm over the same delays. It is what
phi could win at most, and is not known beforehand.

It is fair since theory is given everything: interval + timeout would be exact for a side that reads, decides
and writes its journal in no time, and the worst of hundreds of stalls is held against it, not their mean.
"""

from __future__ import annotations

import asyncio

import numpy as np

from benchmarks.affinity import FIRST, SECOND, pin
from benchmarks.false_alarms import Jitter, Rule, false_alarms, noticed_ns
from benchmarks.pairs import Estimate
from benchmarks.row import Bound, Row, at_most
from benchmarks.stalled_links import Group, Stall, stalls
from wire.settings import CoordinatorSettings
from worker.phi import ENOUGH, WINDOW, PhiAccrual

Limits = tuple[Bound | None, Bound | None]
MS = 1_000_000
SHIPPED = CoordinatorSettings()
INTERVAL_MS, TIMEOUT_MS = SHIPPED.heartbeat_interval_ms, SHIPPED.heartbeat_timeout_ms
LIMIT_MS = INTERVAL_MS + TIMEOUT_MS
LEARNING_BEATS = ENOUGH + 4
LEARNING_S = LEARNING_BEATS * INTERVAL_MS / 1000
LATE = 1.1
STEADY = Group(30, 12, 0.0, 1.5 * INTERVAL_MS / 1000)
LEARNING = Group(10, 4, LEARNING_S, INTERVAL_MS / 1000, adaptive=True)
QUICK = [Group(3, 1, 0.0, INTERVAL_MS / 1000)]
LINKS, BEATS, STALLS = 300, 1_000, 3_000
QUICK_PART = 0.02
ROUND = 250
CORES = f"coordinator {FIRST}, workers and relays {SECOND}"
VIRTUAL = "virtual clock"
LIMITS = (at_most(1.05), at_most(1.02))
PHI_LIMITS = (at_most(0.7), at_most(0.6))
JITTER = Jitter()
FIXED = Rule(INTERVAL_MS, TIMEOUT_MS)
PHI = Rule(INTERVAL_MS, TIMEOUT_MS, PhiAccrual)


def rows(*, quick: bool) -> list[Row]:
    """The real links, then phi."""
    pin(SECOND)
    settings = {name: getattr(SHIPPED, name) for name in ("admission_per_s", "admission_burst")}
    found = asyncio.run(stalls(QUICK if quick else [STEADY, LEARNING], LIMIT_MS, LATE, **settings))
    part = QUICK_PART if quick else 1.0
    return [*_real_rows(found), *_phi_rows(round(LINKS * part), round(STALLS * part))]


# -- real links --------------------------------------------


def _real_rows(found: list[Stall]) -> list[Row]:
    steady = [stall for stall in found if not stall.adaptive]
    learned = [stall for stall in found if stall.adaptive]
    rows = [
        _row("half-open noticed by the worker, worst", steady, [stall.worker_ms for stall in steady], LIMITS),
        _row(
            "half-open noticed by the coordinator, worst", steady,
            [stall.coordinator_ms for stall in steady], LIMITS,
        ),
    ]  # fmt: skip
    if learned:
        measure = "half-open noticed by a worker with phi, worst, an even link"
        rows.append(_row(measure, learned, [stall.worker_ms for stall in learned], PHI_LIMITS))
    return rows


def _row(measure: str, found: list[Stall], took_ms: list[float], limits: Limits) -> Row:
    remark = (
        f"{len(took_ms)} stalls, each at a random phase; interval {INTERVAL_MS} ms and timeout {TIMEOUT_MS} "
        f"ms as shipped; median {np.median(took_ms):.0f} ms"
    )
    return _worst_row(measure, [stall.round for stall in found], took_ms, CORES, remark, limits)


def _worst_row(
    measure: str, rounds: list[int], took_ms: list[float], cores: str, remark: str, limits: Limits
) -> Row:
    ours = worst(rounds, took_ms)
    return Row(
        measure=measure, baseline="heartbeat interval + timeout", unit="ms", ours=ours,
        theirs=_just(LIMIT_MS), figure=_part(ours), cores=cores, rounds=len(took_ms), must=limits[0],
        aim=limits[1], remark=remark,
    )  # fmt: skip


# -- phi on a link with jitter -----------------------------


def _phi_rows(links: int, stall_count: int) -> list[Row]:
    chance = np.random.default_rng(1)
    trips_ns = [JITTER.round_trips_ns(chance, BEATS).tolist() for _ in range(links)]
    gaps = chance.random(links).tolist()
    fitted = Rule(INTERVAL_MS, -(-max(map(max, trips_ns)) // MS) + 1)
    fixed_alarms, phi_alarms, fitted_alarms = (
        sum(false_alarms(rule, trips, gap) for trips, gap in zip(trips_ns, gaps, strict=True))
        for rule in (FIXED, PHI, fitted)
    )
    fixed_ms, phi_ms, fitted_ms = _noticed_ms(chance, stall_count, (FIXED, PHI, fitted))
    price = Row(
        measure="false alarms of phi", baseline="the fixed rule, the same drawn delays", unit="alarms",
        ours=_just(phi_alarms), theirs=_just(fixed_alarms), figure=_just(phi_alarms - fixed_alarms),
        figure_unit="more", cores=VIRTUAL, rounds=links, must=at_most(0),
        remark=f"{links * BEATS} beats over {links} links; {JITTER}",
    )  # fmt: skip
    rounds = [number // ROUND for number in range(stall_count)]
    learned = (
        f"{stall_count} stalls; median {np.median(phi_ms):.0f} ms, the fixed rule's "
        f"{np.median(fixed_ms):.0f} ms and its worst {max(fixed_ms):.0f} ms"
    )
    hindsight = f"{fitted_alarms} false alarms over the same delays; median {np.median(fitted_ms):.0f} ms"
    measure = f"half-open noticed with a fixed timeout of {fitted.timeout_ms} ms, fitted in hindsight"
    return [
        price,
        _worst_row(
            "half-open noticed with phi, worst, a link with jitter", rounds, phi_ms, VIRTUAL, learned,
            PHI_LIMITS,
        ),
        _worst_row(measure, rounds, fitted_ms, VIRTUAL, hindsight, (None, None)),
    ]  # fmt: skip


def _noticed_ms(chance: np.random.Generator, count: int, rules: tuple[Rule, ...]) -> list[list[float]]:
    """For each rule, how long `count` silences lasted until they were noticed: the same links and instants
    for all.
    """
    took: list[list[float]] = [[] for _ in rules]
    for _ in range(count):
        beats = int(chance.integers(LEARNING_BEATS, WINDOW))
        trips_ns = JITTER.round_trips_ns(chance, beats + 3).tolist()
        gap, silent_from_ns = float(chance.random()), int((beats + chance.random()) * INTERVAL_MS * MS)
        for rule, found in zip(rules, took, strict=True):
            found.append(noticed_ns(rule, trips_ns, gap, silent_from_ns) / MS)
    return took


# -- figures -----------------------------------------------


def worst(rounds: list[int], took_ms: list[float]) -> Estimate:
    """The worst of all; its interval spans the worst of each round."""
    of_round: dict[int, float] = {}
    for number, took in zip(rounds, took_ms, strict=True):
        of_round[number] = max(took, of_round.get(number, took))
    return Estimate(max(took_ms), min(of_round.values()), max(took_ms))


def _part(took_ms: Estimate) -> Estimate:
    return Estimate(took_ms.median / LIMIT_MS, took_ms.low / LIMIT_MS, took_ms.high / LIMIT_MS)


def _just(value: float) -> Estimate:
    return Estimate(value, value, value)
