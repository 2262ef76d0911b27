"""What forensics found, as sentences and tables: each report says it in its own way. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from driver.forensics.account import Account, WhatIf, WorkerAccount
from driver.forensics.beliefs import ZOMBIE
from driver.forensics.fit import Fit
from driver.forensics.naming import Naming
from driver.forensics.phases import Noticed
from driver.forensics.policies import BASE, CAP
from driver.forensics.recommend import Recommendation
from driver.forensics.replay import Chosen
from driver.forensics.what_if import Range
from driver.metrics.metric import Unit, percentile
from driver.report.analysis import Table
from driver.scenarios.quantities import write

MOST_BELIEFS = 8
MOST_DEVIANTS = MOST_DECLARED = 3
_CERTAIN = 6.0


@dataclass(frozen=True)
class WhatIfRow:
    """One policy of the what-if; `low_s` to `high_s` is what nine of ten draws lie between, until all are
    back.
    """

    policy: str
    parameters: str
    mark: str
    all_back: str
    low_s: float
    mean_s: float
    high_s: float
    half_back: str
    most_back: str
    peak: str
    at_once: str
    attempts_each: str


@dataclass(frozen=True)
class WorkerFound:
    """One worker: the medians of when each side noticed, and the policy that its attempts fit ("?":
    perhaps).
    """

    noticed_s: float | None
    coordinator_s: float | None
    fits: str


@dataclass(frozen=True)
class Section:
    """The part on reconnections. Where no connection was lost, `says` alone."""

    says: str
    also: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    phases: tuple[tuple[str, float, str, str, str], ...] = ()
    noticed: tuple[tuple[str, str, str, str], ...] = ()
    what_if_says: str = ""
    what_if: tuple[WhatIfRow, ...] = ()
    storms: Table | None = None
    beliefs_say: str = ""
    beliefs: Table | None = None
    policies: Table | None = None
    workers: Mapping[str, WorkerFound] = field(default_factory=dict)


def section(told: Account) -> Section:
    """All that is said of an account."""
    if not told.noticed and not told.beliefs:
        return Section("No connection was lost: there is nothing to reconstruct.", missing=told.missing)
    what_if = told.what_if
    return Section(
        says=policy_sentence(told.naming, len(told.gaps)),
        also=tuple(_also(told)),
        missing=told.missing,
        phases=tuple((one.phase, one.share, _percent(one.share), *_spread(one.each_s)) for one in told.spent),
        noticed=tuple(_noticed(told.noticed)),
        what_if_says=what_if_sentence(what_if) if what_if else _WITHOUT,
        what_if=_what_if_rows(what_if) if what_if else (),
        storms=_storms(told),
        beliefs_say=_beliefs_sentence(told),
        beliefs=_beliefs(told),
        policies=_policies(told.naming),
        workers={name: _worker(one) for name, one in told.workers.items()},
    )


_WITHOUT = "No storm of this run can be played again: no fault cut workers off and ended while they lived on."


def policy_sentence(naming: Naming, gaps: int) -> str:
    """Which policy the attempts fit, or that they cannot tell; `gaps` is how many there were in all."""
    best = naming.best
    if best is None:
        return "No worker waited before an attempt: which policy they follow cannot be told."
    runner_up = naming.fits[1].policy.name
    some = "" if naming.gaps == gaps else f" of {gaps:,}"
    whence = f"{naming.gaps:,}{some} gaps in {_count(naming.outages, 'outage')}"
    if naming.sure:
        return f"The attempts fit policy {named(best)}: {_times(naming.lead)} {runner_up}, from {whence}."
    more = naming.more_attempts
    how_many = (
        f"About {_rounded(more)} more such attempts would tell them apart."
        if more
        else "More attempts like these would not tell them apart; longer outages might."
    )
    return (
        f"The attempts fit policy {named(best)} best, but cannot tell it from {runner_up}: "
        f"{_times(naming.lead)} it, from {whence}. {how_many}"
    )


def what_if_sentence(told: WhatIf) -> str:
    """The recommendation, or why there is none."""
    if told.recommendation is not None:
        return recommendation_sentence(told.recommendation)
    was = told.was
    if told.holds and told.few:
        return f"By {was.name} all are back in {_range(was.all_back_s)}; so few workers need no other policy."
    if told.holds:
        return (
            f"No other policy would bring the fleet back clearly sooner than {was.name}, or as soon and with "
            f"far fewer attempts: all back in {_range(was.all_back_s)}."
        )
    truth = "not all were back" if told.measured_s is None else f"all were back after {_s(told.measured_s)}"
    return (
        f"In the run itself {truth}, where the replay of {was.name} says {_range(was.all_back_s)}: "
        "something other than the policy decided, so nothing is recommended."
    )


def recommendation_sentence(told: Recommendation) -> str:
    """What to change to, with its figures."""
    was, better = told.was, told.better
    head = f"{was.name} → {_chosen(better.chosen)}: "
    back = f"all back in {_range(better.all_back_s)} instead of {_range(was.all_back_s)}"
    knocks = (
        f"{_n(better.attempts_each)} attempts a worker instead of {_n(was.attempts_each)}, and "
        f"{_n(better.at_once)} in the busiest tenth of a second instead of {_n(was.at_once)}"
    )
    return f"{head}{back}; {knocks}." if told.sooner else f"{head}{knocks}; {back}."


def named(fit: Fit) -> str:
    """A fitted policy with its base and cap, as far as it has them."""
    parts = [
        f"{'a base' if name == BASE else 'a cap'} of {_s(length_s)}"
        for name, length_s in ((BASE, fit.base_s), (CAP, fit.cap_s))
        if name in fit.policy.parameters
    ]
    return fit.policy.name + (f" with {' and '.join(parts)}" if parts else "")


def _also(told: Account) -> list[str]:
    """What the workers say of themselves, and who does not fit the fleet."""
    found = []
    best = told.naming.best
    if best is not None and told.declared:
        names = ", ".join(told.declared[:MOST_DECLARED])
        agree = all(name in (best.policy.name, best.policy.twin) for name in told.declared)
        verdict = ": that is not what they did" if told.naming.sure and not agree else ""
        found.append(f"The workers themselves say {names}{verdict}.")
    if best is not None and best.policy.twin and set(told.declared) != {best.policy.name}:
        found.append(f"{best.policy.twin} with its base at the cap draws the same as {best.policy.name}.")
    deviants = told.deviants
    if deviants:
        each = [
            f"{one.worker} fits {one.naming.best.policy.name}"
            for one in deviants[:MOST_DEVIANTS]
            if one.naming.best
        ]
        rest = len(deviants) - len(each)
        found.append(f"Unlike the fleet, {', '.join(each)}{f' and {rest} more do too' if rest else ''}.")
    return found


def _noticed(told: tuple[Noticed, ...]) -> list[tuple[str, str, str, str]]:
    workers = sorted(one.worker_s for one in told)
    coordinator = sorted(one.coordinator_s for one in told if one.coordinator_s is not None)
    rows = [("the worker", *_spread(tuple(workers)), _count(len(workers), "outage"))]
    unseen = len(told) - len(coordinator)
    how = _count(len(coordinator), "outage") + (f"; {unseen} not before it was back" if unseen else "")
    rows.append(("the coordinator", *_spread(tuple(coordinator)), how))
    return rows


def _what_if_rows(told: WhatIf) -> tuple[WhatIfRow, ...]:
    better = told.recommendation.better if told.recommendation else None
    return tuple(
        WhatIfRow(
            policy=row.name,
            parameters=", ".join(_parameters(row.chosen)),
            mark="as it was" if row is told.was else "better" if row is better else "",
            all_back=_range(row.all_back_s),
            low_s=row.all_back_s.low,
            mean_s=row.all_back_s.mean,
            high_s=row.all_back_s.high,
            half_back=_s(row.back_s[0].mean),
            most_back=_s(row.back_s[1].mean),
            peak=f"{_n(row.peak_per_s)}/s",
            at_once=_n(row.at_once),
            attempts_each=_n(row.attempts_each),
        )
        for row in sorted(told.rows, key=lambda row: row.all_back_s.mean)
    )


def _storms(told: Account) -> Table | None:
    rows = tuple(
        (
            storm.window.fault,
            f"{storm.attempts:,}",
            write(storm.amplification, Unit.factor),
            _percent(storm.share),
            "–" if storm.by_chance is None else _percent(storm.by_chance),
            "–" if storm.at_most is None else "in step" if storm.in_step else "as by chance",
        )
        for storm in told.storms
    )
    if not rows:
        return None
    return Table(
        "In step",
        "The share of a storm's attempts in its busiest tenth of a second, beside what the same attempts "
        "give when each worker's are shifted by a time of its own.",
        ("fault", "attempts", "each", "busiest 0.1 s", "by chance", "workers come"),
        rows,
    )


def _beliefs_sentence(told: Account) -> str:
    if any("coordinator's journal is missing" in sentence for sentence in told.missing):
        return "Who was believed connected and was not cannot be told."
    if not told.beliefs:
        return "Nobody was believed connected by one side alone for more than a tenth of a second."
    counts = Counter(belief.what for belief in told.beliefs)
    total_s = math.fsum(belief.lasted_s for belief in told.beliefs)
    longest = told.beliefs[0]
    parts = [
        _count(counts[what], what) + f" ({says})"
        for what, says in (
            (ZOMBIE, "gone, while the coordinator believed in it"),
            ("ghost", "given up, while it believed itself connected"),
        )
        if counts[what]
    ]
    how_long = f"for {_s(total_s)} in all; the longest, {longest.worker}, for {_s(longest.lasted_s)}"
    return f"{' and '.join(parts)}, {how_long}."


def _beliefs(told: Account) -> Table | None:
    rows = tuple(
        (one.worker, one.what, _s(one.lasted_s), one.fault or "–") for one in told.beliefs[:MOST_BELIEFS]
    )
    if not rows:
        return None
    return Table("Zombies and ghosts", "", ("worker", "what", "lasted", "under"), rows)


def _policies(naming: Naming) -> Table | None:
    if naming.best is None:
        return None
    top = naming.best.score
    rows = tuple(
        (
            fit.policy.name,
            fit.policy.says,
            _s(fit.base_s) if BASE in fit.policy.parameters else "–",
            _s(fit.cap_s) if CAP in fit.policy.parameters else "–",
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


def _worker(one: WorkerAccount) -> WorkerFound:
    coordinator = sorted(seen.coordinator_s for seen in one.noticed if seen.coordinator_s is not None)
    best = one.naming.best
    fits = "–" if best is None else best.policy.name if one.naming.sure else f"{best.policy.name}?"
    return WorkerFound(
        noticed_s=percentile(sorted(seen.worker_s for seen in one.noticed), 50),
        coordinator_s=percentile(coordinator, 50),
        fits=fits,
    )


def _spread(ordered: tuple[float, ...]) -> tuple[str, str]:
    return _s(percentile(ordered, 50)), _s(percentile(ordered, 99))


def _chosen(chosen: Chosen) -> str:
    parts = _parameters(chosen)
    return chosen.policy.name + (f" ({', '.join(parts)})" if parts else "")


def _parameters(chosen: Chosen) -> list[str]:
    lengths = ((BASE, chosen.base_s), (CAP, chosen.cap_s))
    return [f"{name} {_s(length_s)}" for name, length_s in lengths if name in chosen.policy.parameters]


def _times(lead: float) -> str:
    if lead >= _CERTAIN * math.log(10):
        return "more than a million times likelier than"
    return f"{math.exp(lead):.2g} times likelier than"


def _rounded(number: int) -> str:
    digits = max(0, len(str(number)) - 2)
    return f"{math.ceil(number / 10**digits) * 10**digits:,}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _range(told: Range) -> str:
    low, high = _s(told.low), _s(told.high)
    unit = high.rpartition(" ")[2]
    return f"{_s(told.mean)} ({low.removesuffix(f' {unit}')} to {high})"


def _percent(share: float) -> str:
    return "< 1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def _n(told: Range) -> str:
    return f"{told.mean:,.0f}" if told.mean >= 10 else f"{told.mean:.2g}"


def _s(seconds: float | None) -> str:
    return "–" if seconds is None else write(float(f"{seconds:.2g}"), Unit.seconds)
