"""The life of an attempt: assigned under a lease, extended by heartbeats, ended by its result, by its lease,
or by its worker.
"""

from __future__ import annotations

from coordinator.counters import MetricCounters
from coordinator.effects import Effects
from coordinator.proofs import AttemptProofs
from coordinator.rows import AttemptRow, ResultRow
from coordinator.session import NEVER_NS, AttemptLoss, LeasedAttempt, Session, TaskPhase, TaskState
from coordinator.timers import SessionTimers
from coordinator.timing import MS, FleetTiming
from coordinator.worker_selector import UNACKNOWLEDGED_MAX, WorkerSelector
from wire import task_events
from wire.events import Journal
from wire.limits import WORDS_CHARS, cut
from wire.messages import Assign, Heartbeat, LeasesRenewed, Revoke
from wire.priority import Priority

EPOCH_SHIFT = 40
STARTS_PER_FAILURE = 10
"""Returned attempts are no failures; a task fails for good after `max_attempts` × this many starts."""


def zeroth_token(epoch: int) -> int:
    """Return a token below every token of `epoch` and above every token of older epochs."""
    return epoch << EPOCH_SHIFT


class AttemptManager:
    """Assigns tasks to sessions and ends attempts. A token is (epoch << 40) | count, so it grows through
    restarts.
    """

    def __init__(
        self,
        epoch: int,
        max_attempts: int,
        proofs: AttemptProofs,
        timing: FleetTiming,
        effects: Effects,
        journal: Journal,
        timers: SessionTimers,
        counters: MetricCounters,
    ) -> None:
        self.timing = timing
        self.selector = WorkerSelector()
        self._max_attempts = max_attempts
        self._proofs = proofs
        self._effects = effects
        self._journal = journal
        self._timers = timers
        self._counters = counters
        self._token = zeroth_token(epoch)

    # -- an attempt begins ---------------------------------

    def assign(self, task: TaskState, session: Session, now_ns: int) -> None:
        """Start a new attempt. The worker may receive it before its row is durable; after a crash in between,
        the worker's attempt report restores it.
        """
        self._token += 1
        task.attempts_started += 1
        row, checkpoint = task.row, task.checkpoint
        assign = Assign(
            row.task_id, self._token, row.kind, row.params, row.priority, task.attempts_started,
            self.timing.lease_ms, row.timeout_ms, checkpoint, task.reached_step,
            self._proofs.proof(session, row.task_id, self._token),
        )  # fmt: skip
        self._open(task, session, self._token, now_ns, assign)
        at_ns, wall_s = self._journal.now()
        assigned = task_events.Assigned(
            at_ns=at_ns, wall_s=wall_s, by=self._journal.by, task=row.task_id, token=self._token,
            worker=session.worker, attempt=task.attempts_started,
            from_step=checkpoint.step if checkpoint else 0,
        )  # fmt: skip
        self._journal.append(assigned)
        if checkpoint is not None:
            self._counters.add("checkpoints_restored")
        self._effects.send(session, assign, row.priority, now_ns)

    def adopt(self, task: TaskState, session: Session, token: int, now_ns: int) -> None:
        """Record an attempt that `session`'s process was assigned in an earlier life of the coordinator."""
        current = task.attempt
        if current is not None:
            self._drop(current)
            if current.token != token:
                self._over(current, AttemptLoss.newer, AttemptLoss.newer.text)
                self.revoke(current.session, task.row.task_id, current.token, AttemptLoss.newer.text, now_ns)
        task.attempts_started += current is None or current.token != token
        self._open(task, session, token, now_ns, None)
        self._counters.add("attempts_adopted")

    def restore(self, task: TaskState, session: Session, token: int, now_ns: int, deadline_ns: int) -> None:
        """Keep an attempt from the store until its worker reconnects or the grace period ends."""
        task.phase = TaskPhase.assigned
        session.last_end_ns = now_ns
        task.attempt = LeasedAttempt(task, token, session, deadline_ns, progressed_ns=now_ns)
        session.attempts[token] = task.attempt
        self._timers.at(session, deadline_ns)

    # -- it goes on ----------------------------------------

    def extend(self, attempt: LeasedAttempt, now_ns: int) -> None:
        """Restart the attempt's lease."""
        attempt.deadline_ns = now_ns + self._lease_ns()

    def extend_undelivered(self, session: Session, now_ns: int) -> None:
        """Extend the attempts whose assignments are still on their way to the worker: their leases cannot
        have run out there.
        """
        if session.stalled:
            return
        for attempt in session.attempts.values():
            if attempt.undelivered is not None:
                self.extend(attempt, now_ns)

    def renew(self, session: Session, heartbeat: Heartbeat, now_ns: int) -> LeasesRenewed:
        """Return the answer to a heartbeat, and extend the attempts that it names and those on their
        way.

        A token that is unknown in two heartbeats in a row is revoked; in one, its result may cross
        the acknowledgement.

        No lease is renewed where no attempt has ended for longer than any of the tasks may take:
        heartbeats and steps alone are no proof of work.
        """
        self._note_stall(session, now_ns)
        tokens, unknown = [], []
        for progress in heartbeat.progress:
            attempt = session.attempts.get(progress.token)
            if attempt is None:
                unknown.append(progress.token)
                continue
            if not session.stalled:
                tokens.append(progress.token)
                self.extend(attempt, now_ns)
            if progress.step > attempt.step:
                attempt.step, attempt.progressed_ns = progress.step, now_ns
                attempt.task.reached_step = max(attempt.task.reached_step, progress.step)
        self.extend_undelivered(session, now_ns)
        for token in unknown:
            if token in session.unknown_tokens:
                self.revoke(session, "", token, "this attempt is over", now_ns)
        session.unknown_tokens = frozenset(unknown)
        return LeasesRenewed(heartbeat.sent_ns, self.timing.lease_ms, tokens)

    def record_end(self, session: Session, now_ns: int) -> None:
        """Record that an attempt of the session ended at its worker, or that the worker reconnected."""
        session.last_end_ns, session.stalled = now_ns, False
        session.unanswered.clear()
        self.selector.update(session)

    def note_late_end(self, session: Session, token: int, now_ns: int) -> None:
        """Record the end of an attempt that was given up before: a stalled worker that reports one works."""
        if token in session.unanswered:
            self.record_end(session, now_ns)

    def transfer(self, older: Session, session: Session) -> None:
        """Move all attempts to a new session of the same process; its attempt report says which of them it
        holds.
        """
        for attempt in list(older.attempts.values()):
            self._drop(attempt)
            attempt.session, attempt.undelivered = session, None
            session.attempts[attempt.token] = attempt
            self._timers.at(session, attempt.deadline_ns)
            self._effects.rows.append(self._row(attempt, is_open=True))

    # -- it ends -------------------------------------------

    def complete(self, attempt: LeasedAttempt, phase: TaskPhase) -> None:
        """End the attempt: later messages about it are stale."""
        self._drop(attempt)
        task = attempt.task
        task.attempt = None
        task.fencing_token = attempt.token
        task.phase = phase

    def abandon(self, attempt: LeasedAttempt, loss: AttemptLoss, detail: str = "") -> None:
        """End the attempt without a result. Its task waits again once that is durable, or fails for good."""
        task, session, row = attempt.task, attempt.session, attempt.task.row
        reason = cut(f"{loss.text}: {detail}" if detail else loss.text, WORDS_CHARS)
        task.failures += loss.counts_as_failure
        if session.stalled:
            session.unanswered.add(attempt.token)
        limit = row.max_attempts or self._max_attempts
        failed = task.failures >= limit or task.attempts_started >= limit * STARTS_PER_FAILURE
        self.complete(attempt, TaskPhase.ending if failed else TaskPhase.settling)
        self._over(attempt, loss, reason)
        if attempt.undelivered is not None:
            # It must not begin when the worker reconnects: another one may hold the task by then.
            instead = Revoke(row.task_id, attempt.token, reason)
            session.channel.replace(attempt.undelivered, instead)
        if failed:
            self._effects.rows.append(_failure(attempt, reason))
        else:
            self._effects.rows.append(self._row(attempt, is_open=False))

    def revoke(self, session: Session, task_id: str, token: int, reason: str, now_ns: int) -> None:
        """Queue a revocation for the worker. (For a worker with a full channel, a later heartbeat repeats
        it.)
        """
        if session.channel.depth < UNACKNOWLEDGED_MAX:
            self._counters.add("attempts_revoked")
            self._effects.send(session, Revoke(task_id, token, reason), Priority.critical, now_ns)

    def expired(self, session: Session, now_ns: int) -> tuple[list[LeasedAttempt], int]:
        """Return the attempts whose leases ran out, and the time at which the next lease may."""
        over, next_ns = [], NEVER_NS
        for attempt in session.attempts.values():
            if attempt.deadline_ns <= now_ns:
                over.append(attempt)
            else:
                next_ns = min(next_ns, attempt.deadline_ns)
        return over, next_ns

    def idle_ms(self, session: Session, now_ns: int) -> int:
        """Return the longest time for which one of the session's attempts has made no step."""
        since_ns = min((attempt.progressed_ns for attempt in session.attempts.values()), default=now_ns)
        return (now_ns - since_ns) // MS

    # -- inside --------------------------------------------

    def _note_stall(self, session: Session, now_ns: int) -> None:
        """Mark the session as stalled where it should have ended an attempt by now: at least one of its
        attempts runs, and ends within its time limit (0: none).
        """
        limits_ms = [attempt.task.row.timeout_ms for attempt in session.attempts.values()]
        if not limits_ms or 0 in limits_ms:
            session.last_end_ns = now_ns
        elif not session.stalled and now_ns - session.last_end_ns > max(limits_ms) * MS + self._lease_ns():
            session.stalled = True
            self._counters.add("workers_stalled")
            self.selector.update(session)

    def _open(
        self, task: TaskState, session: Session, token: int, now_ns: int, undelivered: Assign | None
    ) -> None:
        deadline_ns = now_ns + self._lease_ns()
        if not session.attempts:
            session.last_end_ns = now_ns
        attempt = LeasedAttempt(task, token, session, deadline_ns, undelivered, 0, now_ns)
        task.phase = TaskPhase.assigned
        task.attempt = attempt
        session.attempts[token] = attempt
        self._timers.at(session, deadline_ns)
        self._effects.rows.append(self._row(attempt, is_open=True))
        self.selector.update(session)

    def _drop(self, attempt: LeasedAttempt) -> None:
        attempt.session.attempts.pop(attempt.token, None)
        self.selector.update(attempt.session)

    def _over(self, attempt: LeasedAttempt, loss: AttemptLoss, reason: str) -> None:
        self._counters.add("attempts_lost", loss.label)
        self._journal(
            task_events.AttemptAbandoned, task=attempt.task.row.task_id, token=attempt.token,
            worker=attempt.session.worker, reason=reason,
        )  # fmt: skip

    def _row(self, attempt: LeasedAttempt, *, is_open: bool) -> AttemptRow:
        task, row = attempt.task, attempt.task.row
        return AttemptRow(
            row.number, row.task_id, attempt.token, attempt.session.id, task.attempts_started, task.failures,
            is_open, task.reached_step,
        )  # fmt: skip

    def _lease_ns(self) -> int:
        # The worker starts a lease before the coordinator does, so this one ends a heartbeat later: there are
        # never two live leases.
        return (self.timing.lease_ms + self.timing.interval_ms) * MS


def _failure(attempt: LeasedAttempt, reason: str) -> ResultRow:
    task, row = attempt.task, attempt.task.row
    error = f"given up after {task.attempts_started} attempts, the last one: {reason}"
    worker = attempt.session.worker
    return ResultRow(
        row.number, row.task_id, attempt.token, worker, "failed", error, b"", task.attempts_started, 0, 0, 0
    )
