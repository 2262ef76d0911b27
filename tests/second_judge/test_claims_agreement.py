"""Both judges of claims say the same of every history, and the histories lead each claim to each answer."""

from __future__ import annotations

import pytest

from driver.claims import CLAIMS, parse_claim
from tests.second_judge import claims_agreement
from tests.second_judge.claims_agreement import differences, of_seeds, table
from tests.second_judge.generate_claims import SENTENCES

SEEDS, PART = 400, 50


@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_both_judges_say_the_same_of_every_history(first: int) -> None:
    assert of_seeds(first, PART)[0] == []


def test_every_kind_of_claim_is_judged_twice() -> None:
    assert {type(parse_claim(sentence)) for sentence in SENTENCES} == set(CLAIMS.values())


def test_the_histories_lead_every_claim_to_each_of_its_answers() -> None:
    said = of_seeds(0, SEEDS)[1]
    wanted = {(one, status) for one in SENTENCES for status in ("passed", "failed", "unknown")}
    assert {each for each in wanted if said[each] < 3} == set(), table(said)


def test_a_judge_that_says_something_else_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims_agreement, "judge", lambda sentence, lines: ("failed", 77))
    assert len(differences(1)[0]) >= len(SENTENCES) - 2
