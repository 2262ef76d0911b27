"""Reconnection policies outside the catalogue of forensics: each is a formula that real clients use.

python -m tests.driver.forensics.strangers [FLEETS]     prints what each is taken for
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from unittest.mock import patch

from driver.forensics.gaps import gaps_by_client, pooled
from driver.forensics.policy_identification import PolicyIdentification, identify_policy
from driver.histories.history import History
from tests.driver.forensics.confusion import named
from tests.driver.forensics.fleets import Fleet
from wire.policies import POLICIES, PolicyAdvice, ReconnectPolicy

Formula = Callable[[int, float, Random], float]


def _fibonacci(number: int) -> float:
    one, two = 1.0, 1.0
    for _ in range(number - 1):
        one, two = two, one + two
    return one


STRANGERS: dict[str, Formula] = {
    "fibonacci_30": lambda n, last, r: min(20.0, 0.5 * _fibonacci(n)) * r.uniform(0.7, 1.3),
    "fibonacci": lambda n, last, r: min(20.0, 0.5 * _fibonacci(n)),
    "linear": lambda n, last, r: min(10.0, 0.6 * n),
    "linear_20": lambda n, last, r: min(10.0, 0.6 * n) * r.uniform(0.8, 1.2),
    "square": lambda n, last, r: min(15.0, 0.3 * n * n) * r.uniform(0.5, 1.5),
    "tripled": lambda n, last, r: min(20.0, 0.2 * 3.0 ** (n - 1)) * r.uniform(0.9, 1.1),
    "half_again": lambda n, last, r: r.uniform(0.0, min(15.0, 0.8 * 1.5 ** (n - 1))),
    "doubled_20": lambda n, last, r: min(8.0, 0.4 * 2.0 ** (n - 1)) * r.uniform(0.8, 1.2),
    "fixed_25": lambda n, last, r: 1.5 * r.uniform(0.75, 1.25),
    "two_steps": lambda n, last, r: (0.5 if n <= 3 else 4.0) * r.uniform(0.9, 1.1),
    "bell": lambda n, last, r: max(0.05, r.gauss(1.5, 0.4)),
    "long_tail": lambda n, last, r: min(20.0, r.expovariate(1 / 1.5)),
}


@dataclass(frozen=True, kw_only=True)
class _Stranger(ReconnectPolicy):
    formula: Formula

    def delay_ms(self, attempt: int, previous_ms: float, advice: PolicyAdvice, random: Random) -> float:
        return 1e3 * self.formula(attempt, previous_ms / 1e3, random)


def stranger_named(name: str, seed: int, workers: int = 20, rounds: int = 3) -> PolicyIdentification:
    """What forensics makes of a fleet with such a policy."""
    history = stranger_history(name, seed, workers, rounds)
    return identify_policy(pooled(list(gaps_by_client(history).values())))


def stranger_history(name: str, seed: int, workers: int = 20, rounds: int = 3) -> History:
    """What a fleet with such a policy lived through."""
    with patch.dict(POLICIES, {name: _Stranger(name, "", lambda retry: 0.0, formula=STRANGERS[name])}):
        return Fleet((name,), workers, rounds, seed=seed).history()


def main(fleets: int = 12) -> None:
    """Print a line for each: what it is taken for, and how often."""
    for name in STRANGERS:
        found = Counter(named(stranger_named(name, seed)) for seed in range(fleets))
        print(f"{name:16} {dict(found)}")


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:]))
