"""Does overload outlive its trigger? How many of 50 seeds stay stuck after an outage: `fixed`
beside `slotted` and every other reconnection policy.

A metastable failure (Bronson and others, HotOS 2021; Huang and others, OSDI 2022) is overload that feeds
itself when what began it is gone: clients give up before the server comes to them, and the server works on
what they left. So here: 5,000 connected workers lose their connections at one instant, for OUTAGE_S nothing
comes through, then the network is well for good. Stuck is a fleet that is not whole again, all connected at
one instant, within PATIENCE_IN_ALL times the time that the coordinator needs for a handshake with everyone,
back to back.

The clock is virtual, the cores are those that ship, admission, fleet timing and policies included; between
them is a model of the coordinator's one processor core (overload/busy_core.py): each connection and frame
takes its time there, a listening socket's backlog holds as many as the shell's does, and workers give up
after their connect_timeout. What a connection costs is measured in the same run on the real coordinator. The
core is given such a part of itself that it needs ALL_S for everyone, as where its other work or a quota takes
the rest; with a whole core the backlog is served sooner than clients give up, nothing sticks, and a row shows
that. The model is SCALE times smaller than the fleet in workers, backlog, bursts and the core's speed, all
ratios kept; a row of the full size shows that it makes no difference.

It is fair: every policy has the same coordinator, capacity, door, advice, links and outage, and the defaults
of its settings; `fixed` waits the base that the coordinator advises, as shipped. Nothing is made dearer for a
client that left than what was measured of such clients.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.affinity import FIRST, SECOND, pin
from benchmarks.handshake_costs import Costs, measure
from benchmarks.overload.storm import Outcome, Scene, Storm
from benchmarks.pairs import Estimate
from benchmarks.row import Bound, Row, at_least, at_most
from coordinator.admission import RESUME_SPEEDUP
from coordinator.server import BACKLOG
from wire.policies import POLICIES
from wire.settings import WorkerSettings

FLEET, SCALE = 5_000, 10
ALL_S, PATIENCE_IN_ALL = 16.0, 15
OUTAGE_S = 8.0
ADMISSION_SHARE = 0.5
SEEDS, OTHER_SEEDS, QUICK_SEEDS = 50, 20, 2
MUST_STUCK = 45
PROCESSES = 2
SCENE = Scene(FLEET, SCALE, ALL_S, ADMISSION_SHARE, OUTAGE_S, PATIENCE_IN_ALL * ALL_S)
TIMEOUT_S = WorkerSettings().connect_timeout_ms / 1000


@dataclass(frozen=True)
class Case:
    """Return the row of a policy in a scene, over all seeds."""

    measure: str
    policy: str
    scene: Scene
    seeds: int
    must: Bound | None = None


def rows(*, quick: bool) -> list[Row]:
    """What a connection costs, then every case."""
    pin(SECOND)
    costs = asyncio.run(measure(quick=quick))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, context, initializer=_spread) as pool:
        cases = _cases(costs, quick=quick)
        begun = [
            [pool.submit(_outcome, case.scene, costs, case.policy, seed) for seed in range(case.seeds)]
            for case in cases
        ]
        firsts = {case.scene: case for case in reversed(cases)}
        return [
            _row(
                case, [each.result() for each in found],
                _capacity(case.scene, costs) if case is firsts[case.scene] else "",
            )
            for case, found in zip(cases, begun, strict=True)
        ]  # fmt: skip


def _cases(costs: Costs, *, quick: bool) -> list[Case]:
    seeds = QUICK_SEEDS if quick else SEEDS
    asked = [
        Case("stuck after an outage: fixed", "fixed", SCENE, seeds, None if quick else at_least(MUST_STUCK)),
        Case("stuck after an outage: slotted", "slotted", SCENE, seeds, at_most(0)),
    ]
    if quick:
        return asked
    whole = replace(SCENE, all_s=FLEET / costs.handshakes_per_s)
    full_size = replace(SCENE, scale=1)
    return [
        *(
            Case(f"stuck after an outage, at full size: {name}", name, full_size, 1)
            for name in ("fixed", "slotted")
        ),
        *asked,
        *(
            Case(f"stuck after an outage: {name}", name, SCENE, OTHER_SEEDS)
            for name in POLICIES
            if name not in ("fixed", "slotted")
        ),
        Case("stuck after an outage, with a whole core: fixed", "fixed", whole, OTHER_SEEDS),
    ]


def _outcome(scene: Scene, costs: Costs, policy: str, seed: int) -> Outcome:
    return Storm(scene, costs, policy, seed).run()


def _spread() -> None:
    """Nothing is timed in these processes: let them have both cores."""
    os.sched_setaffinity(0, {FIRST, SECOND})


def _row(case: Case, outcomes: list[Outcome], capacity: str) -> Row:
    stuck = sum(outcome.back_s is None for outcome in outcomes)
    remark = "; ".join(filter(None, (_became(case, outcomes), capacity)))
    return Row(
        measure=case.measure, baseline="seeds that were tried", unit="seeds", ours=_just(stuck),
        theirs=_just(case.seeds), figure=_just(stuck), figure_unit=f"of {case.seeds}", cores="virtual clock",
        rounds=case.seeds, must=case.must, remark=remark,
    )  # fmt: skip


def _became(case: Case, outcomes: list[Outcome]) -> str:
    """How the runs ended, and what the coordinator was kept busy with."""
    back = [outcome.back_s for outcome in outcomes if outcome.back_s is not None]
    ends = f"back after {np.median(back):.1f} s (median)" if back else "never back"
    if len(back) < len(outcomes):
        connected = [outcome.connected / case.scene.workers for outcome in outcomes if outcome.back_s is None]
        ends += f", at the end {np.median(connected):.0%} connected where stuck"
    attempts = np.median([outcome.attempts for outcome in outcomes])
    vain = np.median([outcome.stale / max(1, outcome.stale + outcome.served) for outcome in outcomes])
    since = f"{attempts:.1f} attempts a worker since the outage ended"
    return f"{ends}; {since}, {vain:.0%} of the hellos answered after their client had left"


def _capacity(scene: Scene, costs: Costs) -> str:
    rate_per_s = FLEET / scene.all_s
    return (
        f"{rate_per_s:.0f} handshakes/s ({scene.core_share(costs):.0%} of a core), a backlog of {BACKLOG} is "
        f"{BACKLOG / rate_per_s:.1f} s of work, workers give up after {TIMEOUT_S:g} s; an outage of "
        f"{OUTAGE_S:g} s; admission_per_s {ADMISSION_SHARE:g} of capacity, and {RESUME_SPEEDUP} times "
        f"that for resumed sessions; measured: a connection "
        f"{costs.resumed_us:.0f} us (accepted alone {costs.accepted_us:.0f}, abandoned "
        f"{costs.abandoned_us:.0f}, refused {costs.refused_us:.0f}), a heartbeat {costs.heartbeat_us:.0f}; "
        f"stuck: not whole after {scene.patience_s:.0f} s"
    )


def _just(value: float) -> Estimate:
    return Estimate(value, value, value)
