"""Invariants of the processes' behaviour, from their journals, line by line."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any, Final

from tests.simulation.plan import Plan, is_at_once
from tests.simulation.rungs import is_on_rung, rung
from wire import events, task_events

DIALS_MAX: Final = 60
DIALS_IN_NS: Final = 5_000_000_000
BASE_MS: Final = 100
CAP_MS: Final = 2_000
STABLE_MS: Final = 1_000
"""What the world's workers are set to, and its coordinator's heartbeat timeout."""
_MS: Final = 1_000_000


class Conduct:
    """Reads every line as it is written, and adds a sentence to `breaches` for what must not be there."""

    def __init__(self, plan: Plan, breaches: list[str]) -> None:
        self._breaches = breaches
        self._is_calm = not plan.troubles
        self._is_slotted = plan.policy == "slotted"
        self._submitted: set[str] = set()
        self._committed: dict[str, int] = {}
        self._given_from: dict[int, int] = {}
        self._received: set[int] = set()
        self._let_go: set[int] = set()
        self._not_before_ns: dict[str, int] = {}
        self._dials: dict[str, deque[int]] = defaultdict(lambda: deque(maxlen=DIALS_MAX))
        self._policy = plan.policy
        self._stood_ns: dict[str, int] = {}
        self._rungs: dict[str, tuple[int, float]] = {}
        self._acts: dict[type[events.Event], Callable[[Any], str | None]] = {
            task_events.TaskSubmitted: self._submit,
            task_events.CheckpointCommitted: self._commit,
            task_events.Assigned: self._assign,
            task_events.Started: self._start,
            task_events.AssignmentReceived: self._receive,
            task_events.Dropped: self._drop,
            task_events.LeaseExpired: self._expire,
            task_events.AttemptAbandoned: self._lose,
            events.ConnectFailed: self._refuse,
            events.Connecting: self._dial,
            events.ConnectionLost: self._disconnect,
            events.Connected: self._connect,
            events.BackoffStarted: self._wait,
            events.ProcessStarted: self._begin,
        }

    def see(self, event: events.Event) -> None:
        """Take note of one line."""
        act = self._acts.get(type(event))
        if act is not None and (breach := act(event)):
            self._breaches.append(breach)

    # -- tasks ---------------------------------------------

    def _submit(self, event: task_events.TaskSubmitted) -> None:
        self._submitted.add(event.task)

    # -- checkpoints ---------------------------------------

    def _commit(self, event: task_events.CheckpointCommitted) -> None:
        self._committed[event.task] = max(event.step, self._committed.get(event.task, 0))

    def _assign(self, event: task_events.Assigned) -> str | None:
        self._given_from[event.token] = event.from_step
        if event.task not in self._submitted and not is_at_once(event.task):
            return f"{event.task} was given out before it was durable"
        durable = self._committed.get(event.task, 0)
        if event.from_step < durable:
            return f"{event.task} was given from step {event.from_step}, though step {durable} is durable"
        return None

    def _start(self, event: task_events.Started) -> str | None:
        given_from = self._given_from.get(event.token, 0)
        if event.from_step < given_from:
            return f"{event.task} began at step {event.from_step}, though it was given from step {given_from}"
        return None

    # -- leaving -------------------------------------------

    def _receive(self, event: task_events.AssignmentReceived) -> None:
        self._received.add(event.token)

    def _drop(self, event: task_events.Dropped) -> None:
        if event.reason.startswith(("handed back", "revoked", "replaced")):
            self._let_go.add(event.token)

    def _expire(self, event: task_events.LeaseExpired) -> None:
        self._let_go.add(event.token)

    def _lose(self, event: task_events.AttemptAbandoned) -> str | None:
        silently = event.token in self._received and event.token not in self._let_go
        if silently and event.reason.startswith("its worker sent a goodbye"):
            return f"{event.worker} left in order, and its {event.task} was never returned"
        if silently and event.reason.startswith("handed back"):
            return f"{event.worker} lost {event.task} by a hand back that it never said"
        return None

    # -- dialling ------------------------------------------

    def _refuse(self, event: events.ConnectFailed) -> None:
        if event.retry_after_ms > 0:
            self._not_before_ns[event.by] = event.at_ns + event.retry_after_ms * _MS

    def _dial(self, event: events.Connecting) -> str | None:
        not_before_ns = self._not_before_ns.pop(event.by, 0)
        dials = self._dials[event.by]
        too_many = len(dials) == DIALS_MAX and event.at_ns - dials[0] < DIALS_IN_NS
        dials.append(event.at_ns)
        if not self._is_slotted:
            return None
        if event.attempt > 1 and event.at_ns < not_before_ns - _MS:
            return f"{event.by} came {(not_before_ns - event.at_ns) / _MS:.0f} ms before its slot"
        return f"{event.by} dialled more than {DIALS_MAX} times in 5 s" if too_many else None

    def _begin(self, event: events.ProcessStarted) -> None:
        self._rungs.pop(event.by, None)

    def _connect(self, event: events.Connected) -> str | None:
        self._stood_ns[event.by] = event.at_ns
        took_ms = (event.at_ns - self._dials[event.by][-1]) / _MS
        if event.handshake_ms == took_ms:
            return None
        return f"{event.by} connected {took_ms:.3f} ms after its dial, and says {event.handshake_ms:.3f} ms"

    def _wait(self, event: events.BackoffStarted) -> str | None:
        """Each delay is on its policy's rung; the first is, again, once a connection was stable. (Where a
        coordinator gives slots, they are held against it in `_dial`.)
        """
        failures, previous_ms = self._rungs.get(event.by, (0, 0.0))
        self._rungs[event.by] = (failures + 1, event.delay_ms)
        if self._is_slotted:
            return None
        rungs = rung(self._policy, failures + 1, previous_ms, BASE_MS, CAP_MS)
        if is_on_rung(event.delay_ms, rungs):
            return None
        return (
            f"{event.by} waits {event.delay_ms:.0f} ms at failure {failures + 1} of {self._policy}: {rungs}"
        )

    def _disconnect(self, event: events.ConnectionLost) -> str | None:
        if event.at_ns - self._stood_ns[event.by] >= STABLE_MS * _MS:
            self._rungs.pop(event.by, None)
        if self._is_calm and event.kind != "stopped":
            return f"{event.by} lost its connection ({event.kind}) while nothing was wrong"
        return None
