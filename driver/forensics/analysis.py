"""All forensic results of a history, for each client and the fleet. Pure; a view, computed once for all
reports.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from driver.forensics.connection_disagreement import Disagreement, disagreements
from driver.forensics.gaps import RetryGaps, gaps_by_client, pooled
from driver.forensics.policy_identification import (
    PolicyIdentification,
    identify_among,
    identify_policy,
    policies_for,
)
from driver.forensics.recommend import Recommendation, recommend
from driver.forensics.settings import advised_s, own_s
from driver.forensics.storm_model import StormModel, admission_is_known, storm_models
from driver.forensics.storm_simulation import PolicySetting
from driver.forensics.synchrony import StormSynchrony, storm_synchrony
from driver.forensics.time_breakdown import DetectionTimes, TimeBreakdown, detection_times, time_breakdowns
from driver.forensics.what_if import PolicyOutcome, Range, what_if
from driver.forensics.words import REFERENCE, Words, words_of
from driver.histories.history import SERVER, History
from driver.metrics.storm import storms
from wire.events import BackoffStarted
from wire.policies import POLICIES, ReconnectPolicy

MAX_IDENTIFIED_ALONE = 12
"""How many clients whose attempts differ from the fleet's policy get an identification of their own."""
NEAR_S, NEAR_SHARE = 0.3, 0.3
MIN_CLIENTS = 5
"""Fewer clients are no herd: their policy hardly matters to the server."""

NO_SERVER_JOURNAL = (
    "The coordinator's journal is missing: its detection times, zombies and ghosts are unknown, "
    "and its admission rate is assumed to be the default."
)


@dataclass(frozen=True)
class ClientAnalysis:
    """One client: its outages, the policy that its attempts fit, and the one in its journal ("" for none)."""

    client: str
    noticed: tuple[DetectionTimes, ...]
    naming: PolicyIdentification
    alone: bool
    declared: str


@dataclass(frozen=True)
class WhatIf:
    """The storms under every policy.

    `measured_s` is the measured time until all were back; `holds`: the simulation of the actual policy agrees
    with it, so that those of the others are credible; `few`: too few clients for a recommendation.
    """

    rows: tuple[PolicyOutcome, ...]
    was: PolicyOutcome
    measured_s: float | None
    holds: bool
    few: bool
    recommendation: Recommendation | None


@dataclass(frozen=True)
class ForensicAnalysis:
    """All results. `missing` says in sentences what the history does not contain."""

    clients: Mapping[str, ClientAnalysis]
    noticed: tuple[DetectionTimes, ...]
    spent: tuple[TimeBreakdown, ...]
    naming: PolicyIdentification
    gaps: RetryGaps
    declared: tuple[str, ...]
    storms: tuple[StormSynchrony, ...]
    disagreements: tuple[Disagreement, ...]
    what_if: WhatIf | None
    missing: tuple[str, ...]
    words: Words = REFERENCE

    @property
    def deviants(self) -> list[ClientAnalysis]:
        """The clients whose own attempts surely fit another policy than the fleet's."""
        best = self.naming.best
        return [
            one
            for one in self.clients.values()
            if one.alone and one.naming.sure and best and _differs(one.naming, best.policy)
        ]


def analyse(history: History) -> ForensicAnalysis:
    """Return the results for a history. Missing journals raise no error; `missing` lists them."""
    gaps = gaps_by_client(history)
    fleet = pooled(list(gaps.values()))
    words = words_of(history)
    naming = identify_policy(fleet, policies_for(words))
    seen = detection_times(history)
    declared = {event.by: event.policy for event in history.of(BackoffStarted)}
    return ForensicAnalysis(
        clients=_clients(history, gaps, naming, seen, declared),
        noticed=tuple(seen),
        spent=tuple(time_breakdowns([one.outage for one in seen])),
        naming=naming,
        gaps=fleet,
        declared=tuple(name for name, _ in Counter(declared.values()).most_common()),
        storms=tuple(storm_synchrony(history)),
        disagreements=tuple(disagreements(history)),
        what_if=_what_if(history, naming, declared) if words.has_slots else None,
        missing=tuple(_missing(history)),
        words=words,
    )


def _clients(
    history: History,
    gaps: Mapping[str, RetryGaps],
    fleet: PolicyIdentification,
    seen: list[DetectionTimes],
    declared: Mapping[str, str],
) -> dict[str, ClientAnalysis]:
    of: dict[str, list[DetectionTimes]] = {client: [] for client in history.clients}
    for one in seen:
        of[one.outage.client].append(one)
    told = {client: identify_among(own, fleet.fits) for client, own in gaps.items()}
    best = fleet.best
    doubtful = [client for client, one in told.items() if best and one.sure and _differs(one, best.policy)]
    alone = set(sorted(doubtful, key=lambda client: -told[client].lead)[:MAX_IDENTIFIED_ALONE])
    told.update(
        {client: identify_policy(gaps[client], [one.policy for one in fleet.fits]) for client in alone}
    )
    return {
        client: ClientAnalysis(
            client, tuple(of[client]), told[client], client in alone, declared.get(client, "")
        )
        for client in history.clients
    }


def _differs(naming: PolicyIdentification, policy: ReconnectPolicy) -> bool:
    best = naming.best
    return best is not None and best.policy.name not in (policy.name, policy.twin)


def _what_if(history: History, naming: PolicyIdentification, declared: Mapping[str, str]) -> WhatIf | None:
    told = storm_models(history)
    if naming.best is None or naming.misfit is not None or not told:
        return None
    policy = naming.best.policy
    fit = naming.best
    said = set(declared.values())
    if not naming.sure and len(said) == 1 and (known := POLICIES.get(min(said))) is not None:
        # Where the attempts alone are ambiguous, the policy in the workers' journals decides.
        policy = known
        fit = next(one for one in naming.fits if one.policy is known)
    advised = advised_s(history)
    own = own_s(history)
    base_s, cap_s = (
        found_s if not math.isnan(found_s) else set_s if set_s is not None else advised_s
        for found_s, set_s, advised_s in zip((fit.base_s, fit.cap_s), own, advised, strict=True)
    )
    as_it_was = PolicySetting(policy, base_s, cap_s)
    # Workers with a base or cap of their own may simply take the coordinator's advice.
    as_advised = [PolicySetting(policy, *advised)] if policy.parameters and own != (None, None) else []
    rows = what_if(told, as_it_was, base_s, cap_s, as_advised)
    was = next(row for row in rows if row.chosen is as_it_was)
    measured_s = _measured_s(history, told)
    holds = measured_s is not None and _is_near(measured_s, was.all_back_s)
    few = max(len(scene) for scene in told) < MIN_CLIENTS
    found = recommend(rows, was, told[0].rate_per_s) if holds and not few else None
    return WhatIf(tuple(rows), was, measured_s, holds, few, found)


def _measured_s(history: History, told: list[StormModel]) -> float | None:
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
    if not history.by(SERVER):
        found.append(NO_SERVER_JOURNAL)
    elif words_of(history).has_slots and not admission_is_known(history):
        found.append(
            "The coordinator's settings are unknown: its admission rate is assumed to be the default."
        )
    silent = [client for client in history.clients if not history.by(client)]
    if silent:
        more = f" and {len(silent) - 3} more" if len(silent) > 3 else ""
        found.append(f"No journal of {', '.join(silent[:3])}{more}: their attempts are unknown.")
    holed = sorted(
        {one.journal for one in history.damage if one.journal in history.clients and one.what != "missing"}
    )
    if holed:
        more = f" and {len(holed) - 3} more" if len(holed) > 3 else ""
        found.append(
            f"Lines are missing from {', '.join(holed[:3])}{more}: a gap there may count as one wait."
        )
    return found
