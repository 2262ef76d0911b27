"""All that forensics finds in a history, for any worker and the fleet. Pure; a view, made once for all
reports.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from driver.forensics.beliefs import Belief, false_beliefs
from driver.forensics.gaps import Gaps, gaps_by_worker, pooled
from driver.forensics.naming import Naming, name_among, name_policy
from driver.forensics.phases import Noticed, Spent, noticed, spent
from driver.forensics.policies import POLICIES, Policy
from driver.forensics.recommend import Recommendation, recommend
from driver.forensics.replay import Chosen
from driver.forensics.scene import Scene, admission_is_told, scenes
from driver.forensics.settings import advised_s, own_s
from driver.forensics.synchrony import InStep, in_step
from driver.forensics.what_if import Range, Row, what_if
from driver.histories.history import COORDINATOR, History
from driver.metrics.storm import storms
from wire.events import BackoffStarted

MOST_ALONE = 12
"""So many workers that the fleet's policy does not explain are looked at by themselves."""
NEAR_S, NEAR_SHARE = 0.3, 0.3
FEWEST = 5
"""Fewer workers are no herd: which policy they follow hardly matters to the coordinator."""


@dataclass(frozen=True)
class WorkerAccount:
    """One worker: its outages, the policy that its attempts fit, and the one it says it has ("": it does
    not).
    """

    worker: str
    noticed: tuple[Noticed, ...]
    naming: Naming
    alone: bool
    declared: str


@dataclass(frozen=True)
class WhatIf:
    """The storms under every policy. `measured_s` is when all were back in truth; `holds`: the simulation
    of the policy as it was says about the same, so that the others may be believed. `few`: there were too
    few workers for a recommendation.
    """

    rows: tuple[Row, ...]
    was: Row
    measured_s: float | None
    holds: bool
    few: bool
    recommendation: Recommendation | None

    @property
    def expected_s(self) -> Range:
        """When all are back according to the simulation of the policy as it was."""
        return self.was.all_back_s


@dataclass(frozen=True)
class Account:
    """Everything. `missing` says in sentences what the history could not tell."""

    workers: Mapping[str, WorkerAccount]
    noticed: tuple[Noticed, ...]
    spent: tuple[Spent, ...]
    naming: Naming
    gaps: Gaps
    declared: tuple[str, ...]
    storms: tuple[InStep, ...]
    beliefs: tuple[Belief, ...]
    what_if: WhatIf | None
    missing: tuple[str, ...]

    @property
    def deviants(self) -> list[WorkerAccount]:
        """The workers whose attempts, by themselves, surely fit another policy than the fleet's."""
        best = self.naming.best
        return [
            one
            for one in self.workers.values()
            if one.alone and one.naming.sure and best and _differs(one.naming, best.policy)
        ]


def account(history: History) -> Account:
    """What a history tells. Never raises for what is missing in it; `missing` says so."""
    gaps = gaps_by_worker(history)
    fleet = pooled(list(gaps.values()))
    naming = name_policy(fleet)
    seen = noticed(history)
    declared = {event.by: event.policy for event in history.of(BackoffStarted)}
    return Account(
        workers=_workers(history, gaps, naming, seen, declared),
        noticed=tuple(seen),
        spent=tuple(spent([one.outage for one in seen])),
        naming=naming,
        gaps=fleet,
        declared=tuple(name for name, _ in Counter(declared.values()).most_common()),
        storms=tuple(in_step(history)),
        beliefs=tuple(false_beliefs(history)),
        what_if=_what_if(history, naming, declared),
        missing=tuple(_missing(history)),
    )


def _workers(
    history: History,
    gaps: Mapping[str, Gaps],
    fleet: Naming,
    seen: list[Noticed],
    declared: Mapping[str, str],
) -> dict[str, WorkerAccount]:
    of: dict[str, list[Noticed]] = {worker: [] for worker in history.workers}
    for one in seen:
        of[one.outage.worker].append(one)
    told = {worker: name_among(own, fleet.fits) for worker, own in gaps.items()}
    best = fleet.best
    doubtful = [worker for worker, one in told.items() if best and one.sure and _differs(one, best.policy)]
    alone = set(sorted(doubtful, key=lambda worker: -told[worker].lead)[:MOST_ALONE])
    told.update({worker: name_policy(gaps[worker]) for worker in alone})
    return {
        worker: WorkerAccount(
            worker, tuple(of[worker]), told[worker], worker in alone, declared.get(worker, "")
        )
        for worker in history.workers
    }


def _differs(naming: Naming, policy: Policy) -> bool:
    best = naming.best
    return best is not None and best.policy.name not in (policy.name, policy.twin)


def _what_if(history: History, naming: Naming, declared: Mapping[str, str]) -> WhatIf | None:
    told = scenes(history)
    if naming.best is None or naming.misfit is not None or not told:
        return None
    policy = naming.best.policy
    fit = naming.best
    said = set(declared.values())
    if not naming.sure and len(said) == 1 and (known := POLICIES.get(min(said))) is not None:
        # Where the attempts alone cannot tell, what the workers say of themselves decides.
        policy = known
        fit = next(one for one in naming.fits if one.policy is known)
    advised = advised_s(history)
    own = own_s(history)
    base_s, cap_s = (
        found_s if not math.isnan(found_s) else set_s if set_s is not None else advised_s
        for found_s, set_s, advised_s in zip((fit.base_s, fit.cap_s), own, advised, strict=True)
    )
    as_it_was = Chosen(policy, base_s, cap_s)
    # Who was set otherwise than the coordinator advises may simply take its advice.
    as_advised = [Chosen(policy, *advised)] if policy.parameters and own != (None, None) else []
    rows = what_if(told, as_it_was, base_s, cap_s, as_advised)
    was = next(row for row in rows if row.chosen is as_it_was)
    measured_s = _measured_s(history, told)
    holds = measured_s is not None and _is_near(measured_s, was.all_back_s)
    few = max(len(scene) for scene in told) < FEWEST
    found = recommend(rows, was, told[0].rate_per_s) if holds and not few else None
    return WhatIf(tuple(rows), was, measured_s, holds, few, found)


def _measured_s(history: History, told: list[Scene]) -> float | None:
    names = {scene.fault for scene in told}
    each = [
        storm.back_after_heal_s(1.0)
        for storm in history.view(storms)
        if storm.window.fault in names and storm.outages
    ]
    known = [back_s for back_s in each if back_s is not None]
    return max(known) if known and len(known) == len(each) else None


def _is_near(measured_s: float, expected: Range) -> bool:
    slack_s = NEAR_S + NEAR_SHARE * expected.high
    return expected.low - slack_s <= measured_s <= expected.high + slack_s


def _missing(history: History) -> list[str]:
    found = []
    if not history.by(COORDINATOR):
        found.append(
            "The coordinator's journal is missing: when it noticed, zombies and ghosts are unknown, "
            "and its admission is taken to be the usual one."
        )
    elif not admission_is_told(history):
        found.append("The coordinator's settings are not told: its admission is taken to be the usual one.")
    silent = [worker for worker in history.workers if not history.by(worker)]
    if silent:
        more = f" and {len(silent) - 3} more" if len(silent) > 3 else ""
        found.append(f"No journal of {', '.join(silent[:3])}{more}: nothing is known of their attempts.")
    holed = sorted(
        {one.journal for one in history.damage if one.journal in history.workers and one.what != "missing"}
    )
    if holed:
        more = f" and {len(holed) - 3} more" if len(holed) > 3 else ""
        found.append(
            f"Lines are missing from {', '.join(holed[:3])}{more}: a gap there may count as one wait."
        )
    return found
