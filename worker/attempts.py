"""The attempts that this worker holds: waiting for a slot, running, or finished and not yet acknowledged."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

import msgspec

from wire.limits import ERROR_CHARS, cut
from wire.messages import Assign, Checkpoint, Held, Progress, Result
from wire.priority import PriorityQueue

_MS: Final = 1_000_000
_NEVER_NS: Final = 1 << 62


class Stage(StrEnum):
    """How far an attempt has come."""

    queued = "queued"
    running = "running"
    finished = "finished"
    gone = "gone"


class Attempt(msgspec.Struct, eq=False, gc=False):
    """One attempt. Times are this process's monotonic nanoseconds; `from_step` and `step` count finished
    steps.

    One checkpoint at a time is `sending`; the newest one after it waits as `unsent`.
    """

    assign: Assign
    received_ns: int
    lease_end_ns: int
    stage: Stage = Stage.queued
    started_ns: int = 0
    timeout_at_ns: int = _NEVER_NS
    from_step: int = 0
    step: int = 0
    saved_ns: int = 0
    handing_back: bool = False
    sending: Checkpoint | None = None
    unsent: Checkpoint | None = None


class Attempts:
    """All that is held, by token; slots bound what runs at once."""

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
        """The attempt of that token, if it is held."""
        return self._by_token.get(token)

    def newest_token(self, task_id: str) -> int:
        """The newest token that is held for a task, or 0."""
        return self._newest.get(task_id, 0)

    def add(self, assign: Assign, now_ns: int, lease_end_ns: int) -> Attempt:
        """Hold a new attempt, waiting for a slot."""
        attempt = Attempt(assign, now_ns, lease_end_ns)
        self._by_token[assign.token] = attempt
        self._newest[assign.task_id] = assign.token
        self._queue.put(attempt, assign.priority, now_ns)
        self._check_ns = min(self._check_ns, lease_end_ns)
        return attempt

    def next_to_start(self, now_ns: int) -> Attempt | None:
        """The next attempt for which a slot is free; it counts as running from here."""
        while len(self._running) < self._slots and (attempt := self._queue.take(now_ns)) is not None:
            if attempt.stage is not Stage.queued:
                continue
            attempt.stage = Stage.running
            attempt.started_ns = attempt.saved_ns = now_ns
            if attempt.assign.timeout_ms > 0:
                attempt.timeout_at_ns = now_ns + attempt.assign.timeout_ms * _MS
                self._check_ns = min(self._check_ns, attempt.timeout_at_ns)
            self._running.add(attempt.assign.token)
            return attempt
        return None

    def finish(self, attempt: Attempt) -> None:
        """It ran to its end; it is held until its result is acknowledged, and has no lease to keep any
        more.
        """
        attempt.stage = Stage.finished
        attempt.unsent = None
        self._running.discard(attempt.assign.token)

    def drop(self, attempt: Attempt) -> None:
        """It is not held any more."""
        attempt.stage = Stage.gone
        token, task_id = attempt.assign.token, attempt.assign.task_id
        self._by_token.pop(token, None)
        self._running.discard(token)
        if self._newest.get(task_id) == token:
            del self._newest[task_id]

    def renew(self, token: int, lease_end_ns: int) -> None:
        """The coordinator renewed a lease. A lease is never shortened: an old answer may come late."""
        attempt = self._by_token.get(token)
        if attempt is not None:
            attempt.lease_end_ns = max(attempt.lease_end_ns, lease_end_ns)

    def ended(self, now_ns: int) -> tuple[list[Attempt], list[Attempt]]:
        """Attempts whose lease ran out, and those that ran for too long. What is finished can do neither."""
        expired, overdue = [], []
        self._check_ns = _NEVER_NS
        for attempt in self._by_token.values():
            if attempt.stage is Stage.finished:
                continue
            if attempt.lease_end_ns <= now_ns:
                expired.append(attempt)
            elif attempt.timeout_at_ns <= now_ns:
                overdue.append(attempt)
            else:
                self._check_ns = min(self._check_ns, attempt.lease_end_ns, attempt.timeout_at_ns)
        return expired, overdue

    def check_at_ns(self) -> int | None:
        """No lease and no time limit ends before this; None while nothing is held."""
        return None if self._check_ns == _NEVER_NS else self._check_ns

    def check(self) -> None:
        """Raise AssertionError where slots, timers and stages disagree. O(attempts); for tests and
        simulations.
        """
        running = {token for token, held in self._by_token.items() if held.stage is Stage.running}
        assert self._running == running, f"{running} run, not {self._running}"
        assert len(running) <= self._slots, f"{len(running)} run in {self._slots} slots"
        newest: dict[str, int] = {}
        for token, held in self._by_token.items():
            name = held.assign.task_id
            newest[name] = max(newest.get(name, 0), token)
            assert held.stage is not Stage.gone, f"{name} is held, and gone"
            if held.stage is not Stage.finished:
                ends_ns = min(held.lease_end_ns, held.timeout_at_ns)
                assert self._check_ns <= ends_ns, f"the end of {name} is looked at too late"
        assert self._newest.items() <= newest.items(), f"newest are {newest}, not {self._newest}"

    def live_tasks(self, now_ns: int) -> list[str]:
        """Tasks that may be worked on here at `now_ns`: their lease runs and they are not finished."""
        return [
            attempt.assign.task_id
            for attempt in self._by_token.values()
            if attempt.stage is not Stage.finished and attempt.lease_end_ns > now_ns
        ]

    def held(self) -> list[Held]:
        """For the inventory."""
        return [
            Held(attempt.assign.task_id, token, attempt.assign.proof)
            for token, attempt in self._by_token.items()
        ]

    def progress(self) -> list[Progress]:
        """For the heartbeat."""
        return [Progress(token, attempt.step) for token, attempt in self._by_token.items()]


def result_of(attempt: Attempt, now_ns: int, output: bytes, error: str) -> Result:
    """What is told of an attempt that ran to its end. Redone is what an older attempt had said it did
    already.
    """
    assign = attempt.assign
    redone = max(0, min(assign.reached_step, attempt.step) - attempt.from_step)
    told = cut(error, ERROR_CHARS)
    return Result(
        assign.task_id, assign.token, output, told, attempt.received_ns, attempt.started_ns, now_ns, redone
    )
