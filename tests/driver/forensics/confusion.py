"""How often each policy is named right: the confusion table of docs/report.md.

python -m tests.driver.forensics.confusion [FLEETS] [WORKERS] [ROUNDS]
"""

from __future__ import annotations

import sys
from collections import Counter

from driver.forensics.gaps import gaps_by_client, pooled
from driver.forensics.policy_identification import PolicyIdentification, identify_policy
from tests.driver.forensics.fleets import Fleet
from wire.policies import POLICIES

UNSURE = "unsure"


def named(naming: PolicyIdentification) -> str:
    """The name that is given, or that none is."""
    return naming.best.policy.name if naming.best and naming.sure else UNSURE


def fleet_named(
    policy: str, seed: int, workers: int = 20, rounds: int = 3, alone: int = 20
) -> tuple[str, list[str]]:
    """What a fleet with that policy is taken for, and the first `alone` of its workers by themselves."""
    history = Fleet((policy,), workers, rounds, seed=seed).history()
    gaps = gaps_by_client(history)
    each = list(gaps.values())
    return named(identify_policy(pooled(each))), [named(identify_policy(own)) for own in each[:alone]]


def table(title: str, counts: dict[str, Counter[str]]) -> str:
    """Truth down, name across, in per cent."""
    names = [*POLICIES, UNSURE]
    lines = [f"| {title} | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for truth, found in counts.items():
        whole = sum(found.values())
        cells = (f"{100 * found[name] / whole:.4g}" if found[name] else "" for name in names)
        lines.append(f"| {truth} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(fleets: int = 50, workers: int = 20, rounds: int = 3) -> None:
    """Print the table of fleets, and that of single workers."""
    by_fleet: dict[str, Counter[str]] = {}
    by_client: dict[str, Counter[str]] = {}
    for policy in POLICIES:
        by_fleet[policy], by_client[policy] = Counter(), Counter()
        for seed in range(fleets):
            fleet, each = fleet_named(policy, seed, workers, rounds)
            by_fleet[policy][fleet] += 1
            by_client[policy].update(each)
    for title, counts in (("fleet", by_fleet), ("worker", by_client)):
        right = sum(found[truth] for truth, found in counts.items())
        unsure = sum(found[UNSURE] for found in counts.values())
        whole = sum(sum(found.values()) for found in counts.values())
        print(table(title, counts))
        wrong = whole - right - unsure
        print(
            f"\n{whole} {title}s: {100 * right / whole:.1f} % named right, {unsure} untold, {wrong} wrong\n"
        )


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:]))
