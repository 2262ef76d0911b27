"""The attempts that a worker holds: queued, running, or finished and not yet acknowledged. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

import msgspec

from wire.limits import ERROR_CHARS, cut
from wire.messages import Assign, AttemptResult, Checkpoint, HeldAttempt, Progress
from wire.priority import PriorityQueue

_MS: Final = 1_000_000
_NEVER_NS: Final = 1 << 62


class AttemptStage(StrEnum):
    """The stages of an attempt, in order."""

    queued = "queued"
    running = "running"
    finished = "finished"
    gone = "gone"


class Attempt(msgspec.Struct, eq=False, gc=False):
    """One attempt. Times are monotonic nanoseconds of this process; `from_step` and `step` count finished
    steps.

    One checkpoint at a time is in transit (`sending`); the newest one after it waits as `unsent`. `returning`
    is set where a drain returns the attempt once its next checkpoint is written.
    """

    assign: Assign
    received_ns: int
    lease_end_ns: int
    stage: AttemptStage = AttemptStage.queued
    started_ns: int = 0
    timeout_at_ns: int = _NEVER_NS
    from_step: int = 0
    step: int = 0
    saved_ns: int = 0
    returning: bool = False
    sending: Checkpoint | None = None
    unsent: Checkpoint | None = None


class AttemptTable:
    """Held attempts by fencing token. At most `slots` run at once."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._by_token: dict[int, Attempt] = {}
        self._newest: dict[str, int] = {}
        self._queue: PriorityQueue[Attempt] = PriorityQueue()
        self._running: set[int] = set()
        self._check_ns = _NEVER_NS

    def __len__(self) -> int:
        return len(self._by_token)

    def __iter__(self) -> Iterator[Attempt]:
        return iter(list(self._by_token.values()))

    def get(self, token: int) -> Attempt | None:
        """Return the attempt of a token, or None."""
        return self._by_token.get(token)

    def newest_token(self, task_id: str) -> int:
        """Return the newest token held for a task, or 0."""
        return self._newest.get(task_id, 0)

    def add(self, assign: Assign, now_ns: int, lease_end_ns: int) -> Attempt:
        """Add an attempt to the queue."""
        attempt = Attempt(assign, now_ns, lease_end_ns)
        self._by_token[assign.token] = attempt
        self._newest[assign.task_id] = assign.token
        self._queue.put(attempt, assign.priority, now_ns)
        self._check_ns = min(self._check_ns, lease_end_ns)
        return attempt

    def next_to_start(self, now_ns: int) -> Attempt | None:
        """Take the next attempt for which a slot is free; its stage is `running` from here. None
        without one.
        """
        while len(self._running) < self._slots and (attempt := self._queue.take(now_ns)) is not None:
            if attempt.stage is not AttemptStage.queued:
                continue
            attempt.stage = AttemptStage.running
            attempt.started_ns = attempt.saved_ns = now_ns
            if attempt.assign.timeout_ms > 0:
                attempt.timeout_at_ns = now_ns + attempt.assign.timeout_ms * _MS
                self._check_ns = min(self._check_ns, attempt.timeout_at_ns)
            self._running.add(attempt.assign.token)
            return attempt
        return None

    def finish(self, attempt: Attempt) -> None:
        """Mark an attempt as finished. It stays until its result is acknowledged, and its lease no longer
        counts.
        """
        attempt.stage = AttemptStage.finished
        attempt.unsent = None
        self._running.discard(attempt.assign.token)

    def drop(self, attempt: Attempt) -> None:
        """Remove an attempt."""
        attempt.stage = AttemptStage.gone
        token, task_id = attempt.assign.token, attempt.assign.task_id
        self._by_token.pop(token, None)
        self._running.discard(token)
        if self._newest.get(task_id) == token:
            del self._newest[task_id]

    def renew(self, token: int, lease_end_ns: int) -> None:
        """Extend a lease. It is never shortened, since an old answer may arrive late."""
        attempt = self._by_token.get(token)
        if attempt is not None:
            attempt.lease_end_ns = max(attempt.lease_end_ns, lease_end_ns)

    def take_ended(self, now_ns: int) -> tuple[list[Attempt], list[Attempt]]:
        """Return the unfinished attempts whose lease has expired, and those that exceed their time limit."""
        expired, overdue = [], []
        self._check_ns = _NEVER_NS
        for attempt in self._by_token.values():
            if attempt.stage is AttemptStage.finished:
                continue
            if attempt.lease_end_ns <= now_ns:
                expired.append(attempt)
            elif attempt.timeout_at_ns <= now_ns:
                overdue.append(attempt)
            else:
                self._check_ns = min(self._check_ns, attempt.lease_end_ns, attempt.timeout_at_ns)
        return expired, overdue

    def check_at_ns(self) -> int | None:
        """Return a time before which no lease and no time limit ends; None while there is none."""
        return None if self._check_ns == _NEVER_NS else self._check_ns

    def check(self) -> None:
        """Raise AssertionError where slots, timers and stages disagree. O(attempts); for tests and
        simulations.
        """
        running = {token for token, held in self._by_token.items() if held.stage is AttemptStage.running}
        assert self._running == running, f"{running} run, not {self._running}"
        assert len(running) <= self._slots, f"{len(running)} run in {self._slots} slots"
        newest: dict[str, int] = {}
        for token, held in self._by_token.items():
            name = held.assign.task_id
            newest[name] = max(newest.get(name, 0), token)
            assert held.stage is not AttemptStage.gone, f"{name} is held, and gone"
            if held.stage is not AttemptStage.finished:
                ends_ns = min(held.lease_end_ns, held.timeout_at_ns)
                assert self._check_ns <= ends_ns, f"the end of {name} is looked at too late"
        assert self._newest.items() <= newest.items(), f"newest are {newest}, not {self._newest}"

    def live_tasks(self, now_ns: int) -> list[str]:
        """Return the tasks that may run here at `now_ns`: unfinished, with a lease that has not expired."""
        return [
            attempt.assign.task_id
            for attempt in self._by_token.values()
            if attempt.stage is not AttemptStage.finished and attempt.lease_end_ns > now_ns
        ]

    def held(self) -> list[HeldAttempt]:
        """Return the entries of an attempt report."""
        return [
            HeldAttempt(attempt.assign.task_id, token, attempt.assign.proof)
            for token, attempt in self._by_token.items()
        ]

    def progress(self) -> list[Progress]:
        """Return the entries of a heartbeat."""
        return [Progress(token, attempt.step) for token, attempt in self._by_token.items()]


def result_of(attempt: Attempt, now_ns: int, output: bytes, error: str) -> AttemptResult:
    """Return the result message of a finished attempt.

    Its `redone` counts the steps that an earlier attempt had reported as done before.
    """
    assign = attempt.assign
    redone = max(0, min(assign.reached_step, attempt.step) - attempt.from_step)
    error = cut(error, ERROR_CHARS)
    return AttemptResult(
        assign.task_id, assign.token, output, error, attempt.received_ns, attempt.started_ns, now_ns, redone
    )
