"""Claims about the table of a session's states."""

from __future__ import annotations

import itertools

import pytest

from worker.session import TRANSITIONS, ImpossibleTransitionError, SessionEvent, SessionState, transition


def test_every_state_is_in_the_table() -> None:
    assert set(TRANSITIONS) == set(SessionState)


@pytest.mark.parametrize("state", SessionState)
def test_every_state_is_reached_from_idle(state: SessionState) -> None:
    reached = {SessionState.idle}
    for _ in SessionState:
        reached |= {target for origin in reached for target in TRANSITIONS[origin].values()}
    assert state in reached


@pytest.mark.parametrize("state", [state for state in SessionState if state is not SessionState.stopped])
def test_the_end_can_be_reached_from_every_state(state: SessionState) -> None:
    reached = {state}
    for _ in SessionState:
        reached |= {target for origin in reached for target in TRANSITIONS[origin].values()}
    assert SessionState.stopped in reached


def test_nothing_happens_after_the_end() -> None:
    assert TRANSITIONS[SessionState.stopped] == {}


def test_what_is_not_in_the_table_cannot_happen() -> None:
    for state, happening in itertools.product(SessionState, SessionEvent):
        if happening in TRANSITIONS[state]:
            assert transition(state, happening) is TRANSITIONS[state][happening]
        else:
            possible = ", ".join(TRANSITIONS[state]) or "nothing"
            message = f"{happening} cannot happen to a session that is {state}; possible: {possible}"
            with pytest.raises(ImpossibleTransitionError, match=f"^{message}$"):
                transition(state, happening)
