"""Sentences on the results of forensics, and their numbers as text. Pure."""

from __future__ import annotations

import math

from driver.forensics.analysis import WhatIf
from driver.forensics.fit import Fit
from driver.forensics.policy_identification import PolicyIdentification
from driver.forensics.recommend import Recommendation
from driver.forensics.storm_simulation import PolicySetting
from driver.forensics.what_if import Range
from driver.forensics.words import REFERENCE, Words
from driver.metrics.metric import Unit
from driver.metrics.quantities import write
from driver.nouns import counted
from wire.policies import BASE, CAP

_CERTAIN = 6.0


def policy_sentence(naming: PolicyIdentification, gaps: int, words: Words = REFERENCE) -> str:
    """Return which policy the attempts fit, or that none is certain. `gaps` is their number in all."""
    best = naming.best
    if best is None:
        return f"No {words.client} waited before an attempt: their policy is unknown."
    runner_up = naming.fits[1].policy.name
    some = "" if naming.gaps == gaps else f" of {gaps:,}"
    source = f"{naming.gaps:,}{some} gaps in {counted(naming.outages, 'outage')}"
    if naming.misfit is not None:
        return (
            f"None of the known policies made these gaps ({source}): even the nearest, {named(best)}, makes "
            f"gaps as odd as these {_seldom(naming.misfit.probability)}."
        )
    if naming.sure:
        return f"The attempts fit policy {named(best)}: {_times(naming.lead)} {runner_up}, from {source}."
    more = naming.more_attempts
    how_many = (
        f"About {_rounded(more)} more such attempts would distinguish them."
        if more
        else "More attempts like these would not distinguish them; longer outages might."
    )
    return (
        f"The attempts fit policy {named(best)} best, but not certainly: "
        f"{_times(naming.lead)} {runner_up}, from {source}. {how_many}"
    )


def what_if_sentence(what_if: WhatIf, words: Words = REFERENCE) -> str:
    """Return the recommendation, or why there is none."""
    if what_if.recommendation is not None:
        return recommendation_sentence(what_if.recommendation, words)
    was = what_if.was
    if what_if.holds and what_if.few:
        return (
            f"By {was.name} all are back in {ranged(was.all_back_s)}; so few {words.clients} need no other "
            "policy."
        )
    if what_if.holds:
        return (
            f"No other policy would bring {words.fleet} back clearly sooner than {was.name}, or as soon and "
            f"with far fewer attempts: all back in {ranged(was.all_back_s)}."
        )
    measured_s = what_if.measured_s
    truth = "not all were back" if measured_s is None else f"all were back after {seconds(measured_s)}"
    return (
        f"In the run itself {truth}, where the replay of {was.name} says {ranged(was.all_back_s)}: "
        "something other than the policy decided, so nothing is recommended."
    )


def recommendation_sentence(recommendation: Recommendation, words: Words = REFERENCE) -> str:
    """Return the recommended change, with its figures."""
    was, better = recommendation.was, recommendation.better
    then = _chosen(was.chosen) if was.name == better.name else was.name
    head = f"{then} → {_chosen(better.chosen)}: "
    back = f"all back in {ranged(better.all_back_s)} instead of {ranged(was.all_back_s)}"
    attempts = (
        f"{number(better.attempts_each)} attempts a {words.client} instead of {number(was.attempts_each)}, "
        f"and {number(better.at_once)} at once after the heal instead of {number(was.at_once)}"
    )
    return f"{head}{back}; {attempts}." if recommendation.sooner else f"{head}{attempts}; {back}."


def named(fit: Fit) -> str:
    """Return a fitted policy with those of base and cap that it has."""
    parts = [
        f"{'a base' if name == BASE else 'a cap'} of {seconds(length_s)}"
        for name, length_s in ((BASE, fit.base_s), (CAP, fit.cap_s))
        if name in fit.policy.parameters
    ]
    return fit.policy.name + (f" with {' and '.join(parts)}" if parts else "")


def _chosen(chosen: PolicySetting) -> str:
    parts = parameters(chosen)
    return chosen.policy.name + (f" ({', '.join(parts)})" if parts else "")


def parameters(chosen: PolicySetting) -> list[str]:
    """Return those of base and cap that a policy has."""
    lengths = ((BASE, chosen.base_s), (CAP, chosen.cap_s))
    return [f"{name} {seconds(length_s)}" for name, length_s in lengths if name in chosen.policy.parameters]


def _times(lead: float) -> str:
    if lead >= _CERTAIN * math.log(10):
        return "more than a million times likelier than"
    return f"{math.exp(lead):.2g} times likelier than"


def _seldom(probability: float) -> str:
    if probability < 1e-6:
        return "less than once in a million times"
    return f"about once in {1 / probability:,.0f} times"


def _rounded(number: int) -> str:
    digits = max(0, len(str(number)) - 2)
    return f"{math.ceil(number / 10**digits) * 10**digits:,}"


def percent(share: float) -> str:
    """Return a share from 0 to 1 in whole per cent."""
    return "< 1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def ranged(estimate: Range) -> str:
    """Return a time with the range of nine of ten draws: `690 ms (450 to 930 ms)`."""
    low, high = seconds(estimate.low), seconds(estimate.high)
    unit = high.rpartition(" ")[2]
    return f"{seconds(estimate.mean)} ({low.removesuffix(f' {unit}')} to {high})"


def number(estimate: Range) -> str:
    """Return the mean of a count, as text."""
    return f"{estimate.mean:,.0f}" if estimate.mean >= 10 else f"{estimate.mean:.2g}"


def seconds(seconds: float | None) -> str:
    """Return a time in two digits, in the unit of its size."""
    return "–" if seconds is None else write(float(f"{seconds:.2g}"), Unit.seconds)
