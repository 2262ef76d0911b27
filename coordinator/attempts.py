"""An attempt's life: given under a lease, kept while heartbeats renew it, over by its result, its lease, or its worker's word."""

from __future__ import annotations

from coordinator.counters import Counters
from coordinator.effects import Effects
from coordinator.free_workers import UNACKNOWLEDGED_MAX, FreeWorkers
from coordinator.pace import Pace
from coordinator.rows import AttemptRow, ResultRow
from coordinator.session import NEVER_NS, Attempt, Phase, Session, Task
from coordinator.timers import Timers
from wire import events
from wire.events import Journal
from wire.messages import Assign, Heartbeat, LeasesRenewed, Revoke
from wire.priority import Priority

MS = 1_000_000
EPOCH_SHIFT = 40
GIVEN_PER_STRIKE = 10
"""Attempts that were handed back are no strikes; still there is an end to them."""


class Attempts:
    """Gives tasks to sessions and takes them back. A token is (epoch << 40) | count: it grows through restarts."""

    def __init__(
        self, epoch: int, pace: Pace, effects: Effects, journal: Journal, timers: Timers, counters: Counters
    ) -> None:
        self.pace = pace
        self.free = FreeWorkers()
        self._effects = effects
        self._journal = journal
        self._timers = timers
        self._counters = counters
        self._token = epoch << EPOCH_SHIFT

    def give(self, task: Task, session: Session, now_ns: int) -> None:
        """Start a new attempt. (Its row may reach the disk after the worker: a crash in between is healed by the inventory.)"""
        self._token += 1
        task.given += 1
        row, step = task.row, task.checkpoint.step if task.checkpoint else 0
        self._open(task, session, self._token, now_ns)
        self._journal(
            events.Assigned, task=row.task_id, token=self._token, worker=session.worker, attempt=task.given, from_step=step
        )
        if step:
            self._counters.add("checkpoints_restored")
        message = Assign(
            row.task_id, self._token, row.kind, row.params, row.priority, task.given,
            self.pace.lease_ms, row.timeout_ms, task.checkpoint, task.reached_step,
        )  # fmt: skip
        self._effects.send(session, message, row.priority, now_ns)

    def adopt(self, task: Task, session: Session, token: int, now_ns: int) -> None:
        """A worker holds an attempt of which this ledger does not know, or which it kept under another session: it is `session`'s now."""
        known = task.attempt
        if known is not None:
            self._drop(known)
            if known.token != token:
                self._journal(
                    events.AttemptLost, task=task.row.task_id, token=known.token, worker=known.session.worker,
                    reason=f"{session.worker} holds a newer attempt",
                )  # fmt: skip
        task.given += known is None or known.token != token
        self._open(task, session, token, now_ns, delivered=True)
        self._counters.add("attempts_adopted")

    def restore(self, task: Task, session: Session, token: int, deadline_ns: int) -> None:
        """Keep an attempt that the store knew, until its worker is back or the grace period ends."""
        task.phase = Phase.assigned
        task.attempt = Attempt(task, token, session, deadline_ns, delivered=True)
        session.attempts[token] = task.attempt
        self._timers.at(session, deadline_ns)

    def move(self, older: Session, session: Session) -> None:
        """The same process has a new session: its inventory will say which of these attempts it holds."""
        for attempt in list(older.attempts.values()):
            self._drop(attempt)
            attempt.session, attempt.delivered = session, True
            session.attempts[attempt.token] = attempt
            self._timers.at(session, attempt.deadline_ns)
            self._effects.rows.append(self._row(attempt.task, attempt.token, session, is_open=True))

    @property
    def newest_token(self) -> int:
        """No token beyond this one was given out."""
        return self._token

    def settle(self, attempt: Attempt, phase: Phase) -> None:
        """The attempt is over: it is taken out of its worker's hands, and what it says from now on is stale."""
        self._drop(attempt)
        task = attempt.task
        task.attempt = None
        task.fence = attempt.token
        task.phase = phase

    def lose(self, attempt: Attempt, reason: str, max_attempts: int, now_ns: int, *, strike: bool = True) -> None:
        """Give the attempt up. Its task waits again once that is durable, or has failed for good."""
        task, session = attempt.task, attempt.session
        task.strikes += strike
        limit = task.row.max_attempts or max_attempts
        failed = task.strikes >= limit or task.given >= limit * GIVEN_PER_STRIKE
        self.settle(attempt, Phase.ending if failed else Phase.settling)
        self._counters.add("attempts_lost" if strike else "attempts_handed_back")
        self._journal(
            events.AttemptLost, task=task.row.task_id, token=attempt.token, worker=session.worker, reason=reason
        )
        if failed:
            error = f"given up after {task.given} attempts, the last one: {reason}"
            self._effects.rows.append(
                ResultRow(
                    task.row.number, task.row.task_id, attempt.token, session.worker, "failed", error, b"", task.given, 0, 0, 0
                )
            )
        else:
            self._effects.rows.append(self._row(task, attempt.token, session, is_open=False))

    def revoke(self, session: Session, task_id: str, token: int, reason: str, now_ns: int) -> None:
        """Tell the worker to stop an attempt. (One that confirms nothing is told again at a later heartbeat.)"""
        if session.channel.depth < UNACKNOWLEDGED_MAX:
            self._counters.add("attempts_revoked")
            self._effects.send(session, Revoke(task_id, token, reason), Priority.critical, now_ns)

    def renew(self, session: Session, heartbeat: Heartbeat, now_ns: int) -> LeasesRenewed:
        """The answer to a heartbeat: leases of what the worker named, and of what is still on its way to it, begin anew.

        A token that is unknown at two heartbeats in a row is revoked; at one, its result may just be crossing the acknowledgement.
        """
        deadline_ns = now_ns + self._lease_ns()
        tokens, unknown = [], []
        for progress in heartbeat.progress:
            attempt = session.attempts.get(progress.token)
            if attempt is None:
                unknown.append(progress.token)
                continue
            tokens.append(progress.token)
            attempt.deadline_ns = deadline_ns
            if progress.step > attempt.step:
                attempt.step, attempt.progressed_ns = progress.step, now_ns
                attempt.task.reached_step = max(attempt.task.reached_step, progress.step)
        for attempt in session.attempts.values():
            if not attempt.delivered:
                attempt.deadline_ns = deadline_ns
        for token in unknown:
            if token in session.doubted:
                self.revoke(session, "", token, "this attempt is over", now_ns)
        session.doubted = frozenset(unknown)
        return LeasesRenewed(heartbeat.sent_ns, self.pace.lease_ms, tokens)

    def expired(self, session: Session, now_ns: int) -> tuple[list[Attempt], int]:
        """The attempts whose leases ran out, and when the next one may."""
        over, next_ns = [], NEVER_NS
        for attempt in session.attempts.values():
            if attempt.deadline_ns <= now_ns:
                over.append(attempt)
            else:
                next_ns = min(next_ns, attempt.deadline_ns)
        return over, next_ns

    def keep(self, attempt: Attempt, now_ns: int) -> None:
        """The attempt's lease begins anew."""
        attempt.deadline_ns = now_ns + self._lease_ns()

    def _open(self, task: Task, session: Session, token: int, now_ns: int, *, delivered: bool = False) -> None:
        deadline_ns = now_ns + self._lease_ns()
        attempt = Attempt(task, token, session, deadline_ns, delivered, 0, now_ns)
        task.phase = Phase.assigned
        task.attempt = attempt
        session.attempts[token] = attempt
        self._timers.at(session, deadline_ns)
        self._effects.rows.append(self._row(task, token, session, is_open=True))
        self.free.place(session)

    def _drop(self, attempt: Attempt) -> None:
        attempt.session.attempts.pop(attempt.token, None)
        self.free.place(attempt.session)

    def _row(self, task: Task, token: int, session: Session, *, is_open: bool) -> AttemptRow:
        row = task.row
        return AttemptRow(
            row.number, row.task_id, token, session.id, task.given, task.strikes, is_open, task.reached_step
        )

    def _lease_ns(self) -> int:
        # The worker's own clock for a lease starts before ours, so ours ends a heartbeat later: never two live leases.
        return (self.pace.lease_ms + self.pace.interval_ms) * MS
