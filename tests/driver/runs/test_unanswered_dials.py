"""Claims about which links are dialled in vain."""

from __future__ import annotations

from dataclasses import dataclass

from driver.runs.unanswered_dials import UnansweredDials

LINK = "api[1]->db:5432"


@dataclass(frozen=True)
class Counts:
    accepted: int
    bytes_downstream: int


def test_a_link_that_is_dialled_without_an_answer_is_waited_for() -> None:
    dials = UnansweredDials()
    assert dials.look({LINK: Counts(3, 100)}, 1.0) == []
    assert dials.look({LINK: Counts(4, 100)}, 1.5) == [LINK]
    assert dials.look({LINK: Counts(5, 160)}, 2.0) == []


def test_a_link_that_nobody_dials_has_nothing_to_recover() -> None:
    dials = UnansweredDials()
    dials.look({LINK: Counts(3, 100)}, 1.0)
    assert dials.look({LINK: Counts(3, 100)}, 1.5) == []
    assert dials.watched_s(1.5) == 0.5


def test_while_a_door_does_not_answer_nothing_is_known_to_have_recovered() -> None:
    dials = UnansweredDials()
    dials.look({LINK: Counts(3, 100)}, 1.0)
    assert dials.look(None, 1.5) == ["the links, whose doors do not answer"]
    assert dials.watched_s(5.0) == 0.0
