"""Events that the driver writes of the reference system: submissions of tasks, and its last state."""

from __future__ import annotations

import msgspec

from wire.events import Event


class TasksAccepted(Event, tag="tasks_accepted", frozen=True):
    """The coordinator answered that it holds these tasks: each must have exactly one result.

    `known` of them it held before (an answer had been lost). `intended_ns` is in the order of `tasks`, and so
    is `noticed_ns`, when a late driver had each ready to send (0: in time; empty: all in time).
    """

    tasks: list[str]
    intended_ns: list[int]
    known: int
    took_ms: float
    noticed_ns: list[int] = msgspec.field(default_factory=list)


class TasksRefused(Event, tag="tasks_refused", frozen=True):
    """The coordinator refused these tasks, `because` in the same order; they are not sent again."""

    tasks: list[str]
    because: list[str]


class SubmitFailed(Event, tag="submit_failed", frozen=True):
    """A batch got no answer: its tasks may or may not be durable, and are sent again with the same ids."""

    tasks: int
    attempt: int
    detail: str


class SubmitGivenUp(Event, tag="submit_given_up", frozen=True):
    """The driver stopped sending these tasks without an answer: they may or may not be accepted."""

    tasks: list[str]


class LastState(Event, tag="last_state", frozen=True):
    """The coordinator's answer to GET /state after the drain (wire.control.State as JSON)."""

    state: msgspec.Raw


LoadEvent = TasksAccepted | TasksRefused | SubmitFailed | SubmitGivenUp | LastState
