"""Claims about the table of a session's states."""

from __future__ import annotations

import itertools

import pytest

from worker.session import TRANSITIONS, Happening, ImpossibleError, State, after


def test_every_state_is_in_the_table() -> None:
    assert set(TRANSITIONS) == set(State)


@pytest.mark.parametrize("state", State)
def test_every_state_is_reached_from_idle(state: State) -> None:
    reached = {State.idle}
    for _ in State:
        reached |= {target for origin in reached for target in TRANSITIONS[origin].values()}
    assert state in reached


@pytest.mark.parametrize("state", [state for state in State if state is not State.stopped])
def test_the_end_can_be_reached_from_every_state(state: State) -> None:
    reached = {state}
    for _ in State:
        reached |= {target for origin in reached for target in TRANSITIONS[origin].values()}
    assert State.stopped in reached


def test_nothing_happens_after_the_end() -> None:
    assert TRANSITIONS[State.stopped] == {}


def test_what_is_not_in_the_table_cannot_happen() -> None:
    for state, happening in itertools.product(State, Happening):
        if happening in TRANSITIONS[state]:
            assert after(state, happening) is TRANSITIONS[state][happening]
        else:
            with pytest.raises(ImpossibleError, match=f"cannot happen to a session that is {state}"):
                after(state, happening)
