"""The worker's side of a session as one table: in which state, what may happen, and where it leads."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where the worker stands towards its coordinator."""

    idle = "idle"
    connecting = "connecting"
    connected = "connected"
    waiting = "waiting"
    draining = "draining"
    stopped = "stopped"


class Happening(StrEnum):
    """What can happen to a session. `welcomed_leaving` is a welcome that comes when the worker is told to
    leave.
    """

    start = "start"
    welcomed = "welcomed"
    welcomed_leaving = "welcomed_leaving"
    failed = "failed"
    refused_for_good = "refused_for_good"
    lost = "lost"
    due = "due"
    leave = "leave"
    left = "left"


TRANSITIONS: dict[State, dict[Happening, State]] = {
    State.idle: {
        Happening.start: State.connecting,
        Happening.left: State.stopped,
    },
    State.connecting: {
        Happening.welcomed: State.connected,
        Happening.welcomed_leaving: State.draining,
        Happening.failed: State.waiting,
        Happening.refused_for_good: State.stopped,
        Happening.leave: State.connecting,
        Happening.left: State.stopped,
    },
    State.connected: {
        Happening.lost: State.waiting,
        Happening.leave: State.draining,
    },
    State.waiting: {
        Happening.due: State.connecting,
        Happening.leave: State.waiting,
        Happening.left: State.stopped,
    },
    State.draining: {
        Happening.lost: State.waiting,
        Happening.left: State.stopped,
    },
    State.stopped: {},
}


class ImpossibleError(Exception):
    """Something happened that cannot happen in this state: a defect of this program, not of the network."""


def after(state: State, happening: Happening) -> State:
    """The state that `happening` leads to. Raises ImpossibleError when it cannot happen in `state`."""
    try:
        return TRANSITIONS[state][happening]
    except KeyError:
        possible = ", ".join(TRANSITIONS[state]) or "nothing"
        raise ImpossibleError(
            f"{happening} cannot happen to a session that is {state}; possible: {possible}"
        ) from None
