"""A report's section on reconnections: the results of forensics as sentences and tables. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from driver.forensics.analysis import NO_SERVER_JOURNAL, ClientAnalysis, ForensicAnalysis, WhatIf
from driver.forensics.policy_identification import PolicyIdentification
from driver.forensics.sentences import (
    number,
    parameters,
    percent,
    policy_sentence,
    ranged,
    seconds,
    what_if_sentence,
)
from driver.forensics.time_breakdown import DetectionTimes
from driver.forensics.what_if import PolicyOutcome, Range
from driver.forensics.words import Words
from driver.histories.connection_history import GHOST, ZOMBIE
from driver.histories.outage_phases import OutagePhase
from driver.metrics.metric import Unit, percentile
from driver.metrics.quantities import write
from driver.metrics.trade_off import IntervalEstimate, Option, front
from driver.nouns import counted
from driver.report.tables import Table
from wire.policies import BASE, CAP, POLICIES

MOST_DISAGREEMENTS = 8
CERTAIN = math.log(1_000)
"""Declared policies are contradicted only when they are a thousand times less likely (natural logarithm)."""
MOST_DEVIANTS = MOST_DECLARED = 3
MOST_ATTEMPTS = 12
AS_IT_WAS, AS_ADVISED = "as it was", "as advised"


@dataclass(frozen=True)
class WhatIfRow:
    """One policy of the what-if. In nine of ten draws all are back after `low_s` to `high_s`."""

    policy: str
    parameters: str
    mark: str
    option: Option
    on_front: bool
    all_back: str
    low_s: float
    mean_s: float
    high_s: float
    half_back: str
    most_back: str
    peak: str
    at_once: str
    attempts_each: str

    @property
    def title(self) -> str:
        """The policy's name, with its mark where two rows have the same name."""
        return self.option.name


@dataclass(frozen=True)
class ClientForensics:
    """One client: both median detection times, and the policy that its attempts fit ("?": uncertain)."""

    noticed_s: float | None
    server_s: float | None
    fits: str


@dataclass(frozen=True)
class ForensicsSection:
    """The section. Where no connection was lost, `says` alone is set."""

    says: str
    also: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    phases: tuple[tuple[OutagePhase, float, str, str, str], ...] = ()
    noticed: tuple[tuple[str, str, str, str], ...] = ()
    what_if_says: str = ""
    what_if: tuple[WhatIfRow, ...] = ()
    front_says: str = ""
    waits: Table | None = None
    storms: Table | None = None
    disagreements_say: str = ""
    disagreements: Table | None = None
    policies: Table | None = None
    clients: Mapping[str, ClientForensics] = field(default_factory=dict)


def forensics_section(analysis: ForensicAnalysis) -> ForensicsSection:
    """Return the section of an analysis."""
    if not analysis.noticed and not analysis.disagreements:
        return ForensicsSection(
            "No connection was lost: there is nothing to reconstruct.", missing=analysis.missing
        )
    what_if, words = analysis.what_if, analysis.words
    rows = _what_if_rows(what_if) if what_if else ()
    return ForensicsSection(
        says=policy_sentence(analysis.naming, len(analysis.gaps), words),
        also=tuple(_also(analysis)),
        missing=analysis.missing,
        phases=tuple(
            (one.phase, one.share, percent(one.share), *_spread(one.each_s)) for one in analysis.spent
        ),
        noticed=tuple(_noticed(analysis.noticed, words)),
        what_if_says=what_if_sentence(what_if, words) if what_if else _without(analysis),
        what_if=rows,
        front_says=front_sentence(rows) if rows else "",
        waits=_waits(analysis) if analysis.naming.misfit else None,
        storms=_storms(analysis),
        disagreements_say=_disagreements_sentence(analysis),
        disagreements=_disagreements(analysis),
        policies=_policies(analysis.naming),
        clients={name: _client(one) for name, one in analysis.clients.items()},
    )


def _without(analysis: ForensicAnalysis) -> str:
    """Return why no storm is played again; "" for a system of which none can be."""
    if not analysis.words.has_slots:
        return ""
    if analysis.naming.misfit is not None:
        return (
            "No storm of this run can be played again: something other than the policy decided when attempts "
            "came, or the policy is not a known one."
        )
    clients = analysis.words.clients
    return (
        f"No storm of this run can be played again: no fault cut {clients} off and ended while they lived on."
    )


def _also(analysis: ForensicAnalysis) -> list[str]:
    """Return sentences on the declared policies, and on clients that do not fit the fleet."""
    found = []
    best = analysis.naming.best
    known = {one.policy.name for one in analysis.naming.fits}
    if best is not None and analysis.declared:
        names = ", ".join(analysis.declared[:MOST_DECLARED])
        found.append(f"The {analysis.words.clients}' own settings name {names}{_contradiction(analysis)}.")
    if (
        best is not None
        and best.policy.twin
        and best.policy.twin in known
        and set(analysis.declared) != {best.policy.name}
    ):
        found.append(f"{best.policy.twin} with its base at the cap draws the same as {best.policy.name}.")
    deviants = analysis.deviants
    if deviants:
        each = [
            f"{one.client} fits {one.naming.best.policy.name}"
            for one in deviants[:MOST_DEVIANTS]
            if one.naming.best
        ]
        rest = len(deviants) - len(each)
        found.append(
            f"Unlike {analysis.words.fleet}, {', '.join(each)}{f' and {rest} more do too' if rest else ''}."
        )
    return found


def _contradiction(analysis: ForensicAnalysis) -> str:
    """Return the gaps' contradiction of the declared policies; "" where they agree, or are too few.

    A name outside the catalogue has no known formula, so nothing contradicts it.
    """
    best = analysis.naming.best
    unknown = [name for name in analysis.declared if name not in POLICIES]
    if unknown:
        return f"; {', '.join(unknown[:MOST_DECLARED])} is not a known policy, so the gaps cannot confirm it"
    agree = best is None or all(name in (best.policy.name, best.policy.twin) for name in analysis.declared)
    if agree or not analysis.naming.sure or analysis.naming.lead < CERTAIN:
        return ""
    return ": the gaps contradict that"


def _noticed(detections: tuple[DetectionTimes, ...], words: Words) -> list[tuple[str, str, str, str]]:
    clients = sorted(one.client_s for one in detections)
    server = sorted(one.server_s for one in detections if one.server_s is not None)
    rows = [(f"the {words.client}", *_spread(tuple(clients)), counted(len(clients), "outage"))]
    unseen = len(detections) - len(server)
    how = counted(len(server), "outage") + (f"; {unseen} not before it was back" if unseen else "")
    rows.append((f"the {words.server}", *_spread(tuple(server)), how))
    return rows


def _what_if_rows(what_if: WhatIf) -> tuple[WhatIfRow, ...]:
    options = [_option(row, what_if) for row in what_if.rows]
    best = front(options)
    each = sorted(zip(what_if.rows, options, strict=True), key=lambda one: one[0].all_back_s.mean)
    return tuple(
        WhatIfRow(
            policy=row.name,
            parameters=", ".join(parameters(row.chosen)),
            mark=_mark(row, what_if),
            option=option,
            on_front=option in best,
            all_back=ranged(row.all_back_s),
            low_s=row.all_back_s.low,
            mean_s=row.all_back_s.mean,
            high_s=row.all_back_s.high,
            half_back=seconds(row.back_s[0].mean),
            most_back=seconds(row.back_s[1].mean),
            peak=f"{number(row.peak_per_s)}/s",
            at_once=number(row.at_once),
            attempts_each=number(row.attempts_each),
        )
        for row, option in each
    )


def _option(row: PolicyOutcome, what_if: WhatIf) -> Option:
    mark = _mark(row, what_if)
    name = f"{row.name} (advised)" if mark == AS_ADVISED else row.name
    return Option(name, _bounds(row.all_back_s), _bounds(row.peak_per_s))


def _bounds(estimate: Range) -> IntervalEstimate:
    return IntervalEstimate(estimate.mean, estimate.low, estimate.high)


def front_sentence(rows: Sequence[WhatIfRow]) -> str:
    """Return the policies that no other surely beats, in time and peak attempts together."""
    best = sorted((row for row in rows if row.on_front), key=lambda row: row.mean_s)
    return f"On the Pareto front of time and peak attempts: {', '.join(row.option.name for row in best)}."


def _waits(analysis: ForensicAnalysis) -> Table:
    """Return percentiles of the gaps before each attempt."""
    numbers = analysis.gaps.before.number
    rows = []
    for attempt in range(1, MOST_ATTEMPTS + 1):
        each = sorted(analysis.gaps.gap_s[numbers == attempt].tolist())
        if each:
            spread = (seconds(percentile(each, part)) for part in (5, 50, 95))
            rows.append((str(attempt), f"{len(each):,}", *spread))
    return Table(
        f"What the {analysis.words.clients} waited",
        "The gaps before the first, second, … attempt since all was well: nine of ten lie between the 5th "
        "and the 95th percentile.",
        ("attempt", "gaps", "5th", "median", "95th"),
        tuple(rows),
    )


def _storms(analysis: ForensicAnalysis) -> Table | None:
    rows = tuple(
        (
            storm.window.fault,
            f"{storm.attempts:,}",
            write(storm.amplification, Unit.factor),
            percent(storm.share),
            "–" if storm.by_chance is None else percent(storm.by_chance),
            f"{counted(storm.busiest, 'attempt')} of {counted(storm.clients, analysis.words.client)}",
            "–" if storm.at_most is None else "in step" if storm.in_step else "spread",
        )
        for storm in analysis.storms
    )
    if not rows:
        return None
    return Table(
        "In step",
        "The share of a storm's attempts in its busiest tenth of a second, beside what the same attempts "
        f"give when each {analysis.words.client}'s are shifted by a time of its own.",
        ("fault", "attempts", "each", "busiest 0.1 s", "by chance", "at once", "they come"),
        rows,
    )


def _disagreements_sentence(analysis: ForensicAnalysis) -> str:
    words = analysis.words
    if NO_SERVER_JOURNAL in analysis.missing:
        return f"Which {words.rows} were connected for one side alone is unknown."
    if not analysis.disagreements:
        return f"No {words.row} was connected for one side alone for more than a tenth of a second."
    counts = Counter(one.what for one in analysis.disagreements)
    total_s = math.fsum(one.lasted_s for one in analysis.disagreements)
    longest = analysis.disagreements[0]
    parts = [
        counted(counts[what], what) + f" ({says})"
        for what, says in (
            (ZOMBIE, f"gone, but connected for the {words.server}"),
            (GHOST, f"given up by the {words.server}, but connected for itself"),
        )
        if counts[what]
    ]
    how_long = (
        f"for {seconds(total_s)} in all; the longest, {longest.client}, for {seconds(longest.lasted_s)}"
    )
    return f"{' and '.join(parts)}, {how_long}."


def _disagreements(analysis: ForensicAnalysis) -> Table | None:
    shown = analysis.disagreements[:MOST_DISAGREEMENTS]
    rows = tuple((one.client, one.what, seconds(one.lasted_s), one.fault or "–") for one in shown)
    if not rows:
        return None
    return Table("Zombies and ghosts", "", (analysis.words.row, "what", "lasted", "under"), rows)


def _policies(naming: PolicyIdentification) -> Table | None:
    if naming.best is None:
        return None
    top = naming.best.score
    rows = tuple(
        (
            fit.policy.name,
            fit.policy.says,
            seconds(fit.base_s) if BASE in fit.policy.parameters else "–",
            seconds(fit.cap_s) if CAP in fit.policy.parameters else "–",
            f"{fit.log_likelihood:,.1f}".replace("-", "−"),
            "best" if fit is naming.best else f"−{top - fit.score:,.1f}",
        )
        for fit in naming.fits
    )
    return Table(
        "How well each policy fits",
        "The natural logarithm of each policy's likelihood at its best base and cap; behind the best counts "
        "what free parameters win by chance (BIC). 2.3 behind is ten times less likely.",
        ("policy", "draws", "base", "cap", "log-likelihood", "behind"),
        rows,
    )


def _client(one: ClientAnalysis) -> ClientForensics:
    server = sorted(seen.server_s for seen in one.noticed if seen.server_s is not None)
    best = one.naming.best
    if best is None:
        fits = "–"
    elif one.naming.misfit is not None:
        fits = "none known"
    else:
        fits = best.policy.name + ("" if one.naming.sure else "?")
    return ClientForensics(
        noticed_s=percentile(sorted(seen.client_s for seen in one.noticed), 50),
        server_s=percentile(server, 50),
        fits=fits,
    )


def _spread(ordered: tuple[float, ...]) -> tuple[str, str]:
    return seconds(percentile(ordered, 50)), seconds(percentile(ordered, 99))


def _mark(row: PolicyOutcome, what_if: WhatIf) -> str:
    if row is what_if.was:
        return AS_IT_WAS
    if what_if.recommendation is not None and row is what_if.recommendation.better:
        return "better"
    return AS_ADVISED if row.name == what_if.was.name else ""
