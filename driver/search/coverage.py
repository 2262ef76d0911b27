"""What a search covered, and what it never reached. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from driver.search.fault_space import FaultSpace
from driver.search.schedule import Schedule

LINK_STATES = (
    *("connected", "idle at the end", "lost: closed", "lost: reset", "lost: heartbeat_timeout"),
    *("failed: refused", "failed: reset", "failed: timeout", "failed: status", "down at the end"),
)
"""States of a link that `novelty` finds in a history."""


class SearchCoverage(msgspec.Struct, frozen=True):
    """What was covered: each list has what was reached, and what of a closed set was not.

    `faults` are pairs of a fault and a target, `overlaps` pairs of faults that were on at one time,
    `link_states` states of links; `open` are numbers of features without a closed set, by kind.
    """

    schedules: int
    faults: list[tuple[str, str]]
    faults_left: list[tuple[str, str]]
    overlaps: list[tuple[str, str]]
    overlaps_left: list[tuple[str, str]]
    link_states: list[tuple[str, str]]
    link_states_left: list[tuple[str, str]]
    open: dict[str, int]


def coverage_of(
    space: FaultSpace, schedules: Sequence[Schedule], features: Iterable[str], links: Sequence[str]
) -> SearchCoverage:
    """Return the coverage of schedules that were judged, which showed these features."""
    kinds: Counter[str] = Counter()
    states: set[tuple[str, str]] = set()
    for feature in features:
        kind, _, rest = feature.partition("|")
        kinds[kind] += 1
        if kind == "link":
            link, _, state = rest.partition("|")
            states.add((link, state))
    hit = {(one.fault, target) for each in schedules for one in each.faults for target in one.targets}
    together = {pair for each in schedules for pair in overlaps(each)}
    all_pairs = {
        (one, other)
        for place, one in enumerate(sorted(space.faults))
        for other in sorted(space.faults)[place:]
    }
    all_states = {(link, state) for link in links for state in LINK_STATES}
    return SearchCoverage(
        schedules=len(schedules),
        faults=sorted(hit),
        faults_left=sorted(set(space.pairs) - hit),
        overlaps=sorted(together),
        overlaps_left=sorted(all_pairs - together),
        link_states=sorted(states),
        link_states_left=sorted(all_states - states),
        open={kind: count for kind, count in sorted(kinds.items()) if kind != "link"},
    )


def overlaps(schedule: Schedule) -> set[tuple[str, str]]:
    """Return the pairs of faults of a schedule that were on at one time, each in order of names."""
    found = set()
    for place, one in enumerate(schedule.faults):
        for other in schedule.faults[place + 1 :]:
            if other.at_s <= one.end_s and one.at_s <= other.end_s:
                first, second = sorted((one.fault, other.fault))
                found.add((first, second))
    return found
