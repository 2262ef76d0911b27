"""Both judges of claims on generated histories: `python -m tests.second_judge.claims_agreement`.

Exit status: 0 when they agree on every sentence of every history, 1 when not.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import msgspec

from driver.checks.finding import Finding, Status
from driver.claims import judge_claim, parse_claim
from driver.claims.catalogue import RAISED
from tests.driver.claims.system_past import SystemPast
from tests.proofs import commit, keep
from tests.second_judge.claims import Answer, Raw, judge
from tests.second_judge.generate_claims import SENTENCES, generated

AGREED, DIFFERED = 0, 1
PART = 100
SHOWN = 10
Said = Counter[tuple[str, str]]


def raw_lines(past: SystemPast) -> list[Raw]:
    """A history as plain mappings, with the types that its cells have."""
    events = [event for lines in past.lines.values() for event in lines]
    return [msgspec.to_builtins(event, builtin_types=(msgspec.Raw,)) for event in events]


def differences(seed: int) -> tuple[list[str], Said]:
    """In what the two differ about one history, a line each; and how often each answer was given."""
    past = generated(seed)
    history, lines = past.history(), raw_lines(past)
    said: Said = Counter()
    found = []
    for sentence in SENTENCES:
        claim = parse_claim(sentence)
        assert claim is not None
        ours, theirs = judge_claim(claim, history), judge(sentence, lines)
        said[sentence, ours.status.value] += 1
        if RAISED in ours.because or not _same(ours, theirs):
            found.append(f"seed {seed}: {sentence}: {ours.status} ({ours.because}), the second {theirs}")
    return found, said


def _same(ours: Finding, theirs: Answer) -> bool:
    status, measured = theirs
    if ours.status.value != status:
        return False
    if ours.status is not Status.failed or measured is None or ours.measured is None:
        return True
    return math.isclose(ours.measured, measured, rel_tol=1e-9)


def of_seeds(first: int, count: int) -> tuple[list[str], Said]:
    """The same of some seeds together."""
    found: list[str] = []
    said: Said = Counter()
    for seed in range(first, first + count):
        differing, answers = differences(seed)
        found += differing
        said.update(answers)
    return found, said


def table(said: Said) -> str:
    """How often each sentence got each answer."""
    rows = ["| sentence | passed | failed | unknown |", "|---|---|---|---|"]
    for sentence in SENTENCES:
        counts = " | ".join(f"{said[sentence, status]:,}" for status in ("passed", "failed", "unknown"))
        rows.append(f"| `{sentence}` | {counts} |")
    return "\n".join(rows)


def main(words: Iterable[str] | None = None) -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.second_judge.claims_agreement", description=__doc__
    )
    parser.add_argument("--histories", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", action="store_true", help="put the result into docs/proofs.md")
    chosen = parser.parse_args(None if words is None else list(words))
    began_s, of = time.monotonic(), commit()
    found: list[str] = []
    said: Said = Counter()
    with ProcessPoolExecutor(chosen.jobs) as pool:
        for differing, answers in pool.map(partial(of_seeds, count=PART), range(0, chosen.histories, PART)):
            found += differing
            said.update(answers)
    for line in found[:SHOWN]:
        print(line)
    text = (
        f"{chosen.histories:,} generated histories of a foreign system, {len(SENTENCES)} sentences each, in "
        f"{time.monotonic() - began_s:.0f} s: {len(found)} of {said.total():,} answers differ between "
        "`driver/claims/` and `tests/second_judge/claims.py`, also in how much is wrong.\n\n" + table(said)
    )
    print(text)
    if found:
        return DIFFERED
    if chosen.write:
        keep("claims", text, of)
    return AGREED


if __name__ == "__main__":
    sys.exit(main())
