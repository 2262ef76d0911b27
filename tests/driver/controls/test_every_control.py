"""Every control changes a copy alone, says what it changed, and raises nothing."""

from __future__ import annotations

from itertools import islice

import pytest

from driver.controls import CONTROLS
from driver.controls.control import growing
from driver.histories.history import EMPTY, History
from tests.driver.judge.histories import healthy_herd
from tests.second_judge.test_agreement import history_of

MOST = 40


def histories() -> list[History]:
    return [EMPTY, healthy_herd().history(), history_of(4), history_of(39)]


def content(history: History) -> dict[str, list[object]]:
    by_kind: dict[str, list[object]] = {kind.__name__: list(history.of(kind)) for kind in history.kinds}
    return {**by_kind, **{name: list(journal.events) for name, journal in history.journals.items()}}


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_leaves_the_history_as_it_was_and_says_what_it_changed(name: str) -> None:
    control = CONTROLS[name]
    for history in histories():
        before = content(history)
        for altered in islice(control.alter(history), MOST):
            assert altered.change
            assert not altered.change.endswith(".")
            assert altered.history is not history
            assert altered.history.changed
            assert content(altered.history) != before
        assert content(history) == before


@pytest.mark.parametrize("name", CONTROLS)
def test_the_kinds_that_a_control_changes_are_among_those_that_it_declares(name: str) -> None:
    control = CONTROLS[name]
    for history in histories():
        for altered in islice(control.alter(history), MOST):
            kinds = {one for one in altered.history.changed if not isinstance(one, str)}
            assert not control.kinds or kinds & set(control.kinds), altered.change


def test_a_change_grows_from_one_event_to_all() -> None:
    assert [len(some) for some in growing(range(50))] == [1, 4, 16, 50]
    assert list(growing(())) == []
