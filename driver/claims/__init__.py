"""Claims: what must hold of a system, one sentence each, judged from operations and readings alone.

Imports `driver.checks`, `driver.histories`, `driver.metrics`, `chaos` and `wire`; pure: a history in, a
finding out. Begin with `claim`; `catalogue` lists the kinds and parses a sentence, docs/checks.md says what
each of them means.
"""

from driver.claims.catalogue import CLAIMS, claim_with_reservations, judge_claim, parse_claim
from driver.claims.claim import Claim, Field, Names
from driver.claims.early_errors import early_errors
from driver.claims.reading_threshold import reading_threshold

__all__ = [
    "CLAIMS",
    "Claim",
    "Field",
    "Names",
    "claim_with_reservations",
    "early_errors",
    "judge_claim",
    "parse_claim",
    "reading_threshold",
]
