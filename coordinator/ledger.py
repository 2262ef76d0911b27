"""Task state. Each task is accepted once, leased to at most one worker at a time, and has one result. No I/O,
no clock.

    submit ─▶ storing ─▶ waiting ─▶ assigned ─▶ ending ─▶ done
                            ▲           │
                            └─ settling ◀┘  the attempt is over, the task is not

A task leaves `storing`, `settling` and `ending` in `on_stored`, once that is durable. So every answer is
durable, and a newer attempt begins only when the end of the older one cannot be lost any more.

One way is shorter: a task that is submitted `at_once` goes from `storing` to `assigned` when nothing waits
before it and a worker is free. Its submitter gets no answer before the result is durable, so nothing depends
on the task's own row: it may share a transaction with the result. Rows keep their order, so the disk never
holds the result or the attempt without the task. After a crash in between no answer was sent: the worker's
result is refused as unknown, its attempt is revoked, and the submitter submits again. recovery.py keeps such
a task from a second worker while the first one's lease may last.

After a restart, waiting tasks are held until every worker has reported its attempts, or its lease has
expired. This release is made durable before any task is assigned again (ReleaseRow): else a second crash
could lose the newer attempt, and a late result of the older one would count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from coordinator.attempts import AttemptManager, zeroth_token
from coordinator.counters import MetricCounters
from coordinator.effects import Effects
from coordinator.journal_events import append_row_event
from coordinator.proofs import AttemptProofs
from coordinator.recovery import RecoveryHolds
from coordinator.refusal_log import RefusalLog
from coordinator.rows import AttemptRow, CheckpointRow, Recovered, ReleaseRow, ResultRow, Row, TaskRow
from coordinator.session import AttemptLoss, Session, TaskPhase, TaskState
from coordinator.submission import task_row, validation_error
from coordinator.task_check import check_tasks
from coordinator.task_memory import TaskMemory
from coordinator.task_queue import TaskQueue
from wire import control, task_events
from wire.events import Journal
from wire.messages import AttemptResult, CheckpointSaved, HeldAttempt, ReturnTask


class Ledger:
    """Holds every task that has no durable result, and the names of those that have."""

    def __init__(
        self,
        waiting_max: int,
        attempts: AttemptManager,
        proofs: AttemptProofs,
        effects: Effects,
        journal: Journal,
        counters: MetricCounters,
        refusals: RefusalLog,
    ) -> None:
        self.assigning = True
        self._waiting_max = waiting_max
        self._attempts = attempts
        self._proofs = proofs
        self._effects = effects
        self._journal = journal
        self._counters = counters
        self._refusals = refusals
        self.memory = TaskMemory()
        self._tasks: dict[str, TaskState] = {}
        self._done: dict[str, int] = {}
        self._queue = TaskQueue()
        self._holds = RecoveryHolds()
        self._epoch = 1
        self._oldest_unknown = 0
        self._next_number = 1
        self._storing = 0
        self._assigned_early = 0
        self._submitted = 0
        self._completed = 0
        self._failed = 0

    # -- tasks come in -------------------------------------

    def submit(self, tasks: list[control.TaskSpec], now_ns: int, *, at_once: bool) -> control.SubmissionReply:
        """Accept new tasks. The answer may be sent once the rows that this adds are durable; with `at_once`,
        no earlier than the results, or the end of the wait for them.
        """
        accepted, known, refused = 0, 0, []
        for task in tasks:
            if task.task_id in self._tasks or task.task_id in self._done:
                known += 1
                continue
            because = validation_error(task)
            if because is None and len(self._queue) + self._storing >= self._waiting_max:
                because = f"the queue is full: {self._waiting_max} tasks wait (coordinator.waiting_tasks)"
            if because is None and not self.memory.has_room_for_task(len(bytes(task.params))):
                because = f"the queue is full: tasks with {self.memory.params_bytes} bytes of params are kept"
            if because is not None:
                refused.append(control.RefusedTask(task.task_id, because))
                continue
            row = task_row(task, self._next_number)
            self._next_number += 1
            is_next = self._storing == self._assigned_early and not len(self._queue)
            self._storing += 1
            self._tasks[row.task_id] = TaskState(row)
            self.memory.add_task(self._tasks[row.task_id])
            self._effects.rows.append(row)
            accepted += 1
            if at_once:
                self._holds.add_submitted(row.task_id)
                if is_next:
                    self._assign_early(self._tasks[row.task_id], now_ns)
        if refused:
            self._counters.add("tasks_refused", amount=len(refused))
        return control.SubmissionReply(accepted, known, refused)

    def restore(
        self, recovered: Recovered, sessions: dict[str, Session], deadline_ns: int, now_ns: int
    ) -> None:
        """Restore the stored state. Open attempts stay with their sessions until `deadline_ns`; other tasks
        are held until `release`, since a worker may hold an attempt that the disk lacks.
        """
        self._epoch = recovered.epoch
        self._oldest_unknown = zeroth_token(recovered.released)
        self._done = recovered.done
        self._next_number = recovered.next_number
        self._completed, self._failed = recovered.completed, recovered.failed
        self._submitted = len(recovered.tasks) + len(recovered.done)
        self._tasks = {row.task_id: TaskState(row) for row in recovered.tasks}
        for task_id, checkpoint in recovered.checkpoints.items():
            self._tasks[task_id].checkpoint = checkpoint
        for task in self._tasks.values():
            self.memory.add_task(task)
        for task_id, attempt in recovered.attempts.items():
            task = self._tasks[task_id]
            task.attempts_started, task.failures = attempt.attempts_started, attempt.failures
            task.reached_step = attempt.reached_step
            task.fencing_token = attempt.token - 1 if attempt.open else attempt.token
            if attempt.open and attempt.session in sessions:
                task.queued_ns = now_ns
                self._attempts.restore(task, sessions[attempt.session], attempt.token, now_ns, deadline_ns)
        self._queue.put_held([task for task in self._tasks.values() if task.attempt is None], now_ns)
        if sessions:
            self._holds.begin(deadline_ns)
        for row in recovered.recent:
            append_row_event(self._journal, row)

    def release(self) -> None:
        """Release restored tasks: every worker has reported its attempts, or its lease has expired. They are
        assigned once that is durable.
        """
        if self._epoch > 1:
            self._effects.rows.append(ReleaseRow(self._epoch))
        else:
            self._released()

    def assign(self, now_ns: int) -> None:
        """Assign waiting tasks to workers that can take them."""
        if now_ns >= self._holds.due_ns():
            for held in self._holds.end():
                self._queue.release(held)
        free = self._attempts.selector
        while self.assigning and (session := free.least_loaded()) is not None and len(self._queue):
            task = self._queue.take(now_ns)
            if task is None:
                return
            self._attempts.assign(task, session, now_ns)

    # -- messages of workers -------------------------------

    def reconcile(self, session: Session, held: HeldAttempt, now_ns: int) -> None:
        """Process one attempt of a worker's attempt report: the worker keeps it, unless it is over or a newer
        one was assigned. An attempt without a valid proof changes nothing, and is revoked.
        """
        task = self._tasks.get(held.task_id)
        attempt = session.attempts.get(held.token)
        if attempt is not None and attempt.task is task:
            self._attempts.extend(attempt, now_ns)
            return
        is_own = self._proofs.shows(session, held.task_id, held.token, held.proof)
        if is_own and task is not None and self._may_adopt(task, held.token):
            if task.phase is TaskPhase.waiting:
                self._queue.remove(task)
            self._attempts.adopt(task, session, held.token, now_ns)
        elif task is None or task.fencing_token != held.token:
            # At the fencing token itself the decision is already made: a result on its way to the disk, or a
            # loss whose revocation is queued.
            if is_own and (task is None or task.phase is TaskPhase.storing):
                self._holds.add_claim(held.task_id)
            self._attempts.revoke(session, held.task_id, held.token, "this attempt is over", now_ns)

    def result(self, session: Session, message: AttemptResult, now_ns: int) -> None:
        """Process an attempt's end. It counts if the session holds the attempt. (After a restart the attempt
        report, which comes first on every connection, has restored the attempts that the disk lacked.)
        """
        task = self._tasks.get(message.task_id)
        attempt = session.attempts.get(message.token)
        if task is None or attempt is None or attempt.task is not task:
            self._refuse_result(session, message, task, now_ns)
            self._attempts.note_late_end(session, message.token, now_ns)
            return
        self._attempts.record_end(session, now_ns)
        if message.error and task.row.retry_errors:
            self._attempts.abandon(attempt, AttemptLoss.error, message.error)
            return
        self._attempts.complete(attempt, TaskPhase.ending)
        outcome = "failed" if message.error else "completed"
        result = ResultRow(
            task.row.number, message.task_id, message.token, session.worker, outcome, message.error,
            message.output, task.attempts_started, message.started_ns, message.ended_ns, message.redone_steps,
        )  # fmt: skip
        self._effects.rows.append(result)

    def checkpoint(self, session: Session, message: CheckpointSaved, now_ns: int) -> None:
        """Store a checkpoint of a live attempt, if it is intact and newer than the stored one."""
        attempt, checkpoint = session.attempts.get(message.token), message.checkpoint
        because = ""
        if attempt is None or attempt.task.row.task_id != message.task_id:
            because = "stale"
        elif attempt.task.checkpoint is not None and checkpoint.step <= attempt.task.checkpoint.step:
            because = "older"
        elif hashlib.sha256(checkpoint.state).digest() != checkpoint.sha256:
            because = "damaged"
        elif not self.memory.has_room_for_state(checkpoint):
            because = "full"
        if because or attempt is None:
            self._counters.add("checkpoints_refused", because)
            self._refusals.write(
                now_ns, task_events.CheckpointRefused, session.worker, because, task=message.task_id,
                token=message.token, worker=session.worker, because=because,
            )  # fmt: skip
            return
        task = attempt.task
        task.reached_step = max(task.reached_step, checkpoint.step)
        self.memory.add_state(checkpoint)
        self._effects.rows.append(
            CheckpointRow(task.row.number, message.task_id, message.token, session.worker, checkpoint)
        )

    def return_task(self, session: Session, message: ReturnTask, now_ns: int) -> None:
        """Process an attempt that its worker returns unfinished."""
        attempt = session.attempts.get(message.token)
        if attempt is not None and attempt.task.row.task_id == message.task_id:
            self._attempts.record_end(session, now_ns)
            self._attempts.abandon(attempt, AttemptLoss.handed_back, message.reason)
        else:
            self._attempts.note_late_end(session, message.token, now_ns)

    def abandon_all(self, session: Session, loss: AttemptLoss, detail: str = "") -> None:
        """Abandon all attempts of the session."""
        for attempt in list(session.attempts.values()):
            self._attempts.abandon(attempt, loss, detail)

    def abandon_unreported(self, session: Session, tokens: set[int]) -> None:
        """Abandon the attempts that the worker had received and does not report any more."""
        for attempt in list(session.attempts.values()):
            if attempt.undelivered is None and attempt.token not in tokens:
                self._attempts.abandon(attempt, AttemptLoss.missing)

    def expire(self, session: Session, now_ns: int) -> int:
        """Abandon the session's attempts whose leases ran out; return when the next lease may run out."""
        over, next_ns = self._attempts.expired(session, now_ns)
        for attempt in over:
            self._attempts.abandon(attempt, AttemptLoss.lease)
            self._attempts.revoke(
                session, attempt.task.row.task_id, attempt.token, AttemptLoss.lease.text, now_ns
            )
        return next_ns

    # -- the disk has it -----------------------------------

    def on_stored(self, row: Row, now_ns: int) -> None:
        """Process a row that became durable, and write its event."""
        if isinstance(row, ResultRow):
            self._record_result(row)
            append_row_event(self._journal, row)
        elif isinstance(row, TaskRow):
            self._storing -= 1
            self._submitted += 1
            self._task_stored(self._tasks[row.task_id], now_ns)
            append_row_event(self._journal, row)
        elif isinstance(row, AttemptRow):
            task = self._tasks.get(row.task_id)
            if not row.open and task is not None and task.phase is TaskPhase.settling:
                self._queue.put_back(task)
        elif isinstance(row, CheckpointRow):
            task = self._tasks.get(row.task_id)
            self.memory.remove_state(row.checkpoint if task is None else task.checkpoint)
            if task is not None:
                task.checkpoint = row.checkpoint
            self._counters.add("checkpoints_committed")
            self._counters.add("checkpoint_bytes", amount=len(row.checkpoint.state))
            append_row_event(self._journal, row)
        elif isinstance(row, ReleaseRow):
            self._released()

    # -- what is known -------------------------------------

    def done(self, task_id: str) -> int | None:
        """Return the number of a task whose result is durable; None while it has none."""
        return self._done.get(task_id)

    def counts(self) -> control.TaskCounts:
        """Return the task counts. A `settling` or `ending` task counts as assigned until that is durable."""
        waiting = len(self._queue)
        return control.TaskCounts(
            submitted=self._submitted, completed=self._completed, failed=self._failed, waiting=waiting,
            assigned=len(self._tasks) - self._storing - waiting,
        )  # fmt: skip

    def waiting_by_priority(self) -> dict[str, int]:
        """Return the numbers of waiting tasks, by the priority's name."""
        return self._queue.depths()

    def unfinished(self) -> Iterable[TaskState]:
        """Return every task without a durable result; for tests and simulations."""
        return self._tasks.values()

    def waiting(self) -> list[TaskState]:
        """Return the tasks that may be assigned now, lane by lane in their order. O(tasks); for tests and
        simulations.
        """
        return self._queue.queued()

    def check(self, sessions: Iterable[Session]) -> None:
        """Raise AssertionError where counters, tasks and attempts disagree. O(tasks + attempts); for tests
        and simulations.
        """
        self._queue.check()
        self._holds.check()
        held = [attempt for session in sessions for attempt in session.attempts.values()]
        check_tasks(self._tasks, held)
        waiting = storing = 0
        for task in self._tasks.values():
            if task.phase is TaskPhase.waiting:
                waiting += 1
            elif task.phase is TaskPhase.storing:
                storing += 1
        assert len(self._queue) == waiting, f"{len(self._queue)} tasks wait, not {waiting}"
        # (A task that was assigned before it is durable counts here too, and is in another phase.)
        assert self._storing == storing + self._assigned_early, f"{self._storing} are being stored"
        assert self._submitted + self._storing == len(self._tasks) + len(self._done), "a task is not counted"
        assert self._completed + self._failed == len(self._done), "an outcome is not counted"

    @property
    def recovering(self) -> bool:
        """Whether a worker may still hold, under a lease of an earlier life, an attempt that the disk
        lacks.
        """
        return self._holds.until_ns > 0

    def next_due_ns(self) -> int:
        """Return when `assign` may have a task to assign without another event."""
        return self._holds.due_ns()

    # -- inside --------------------------------------------

    def _released(self) -> None:
        self._queue.release_held()
        for task in self._holds.all_reported():
            self._queue.release(task)

    def _assign_early(self, task: TaskState, now_ns: int) -> None:
        session = self._attempts.selector.least_loaded()
        if self.assigning and session is not None and not self._holds.covers(task.row.task_id):
            self._assigned_early += 1
            task.queued_ns = now_ns
            self._attempts.assign(task, session, now_ns)

    def _task_stored(self, task: TaskState, now_ns: int) -> None:
        if task.phase is not TaskPhase.storing:
            self._assigned_early -= 1
        elif self._holds.covers(task.row.task_id):
            self._queue.enter(task, now_ns)
            self._holds.add(task)
        else:
            self._queue.put(task, now_ns)

    def _record_result(self, row: ResultRow) -> None:
        self.memory.remove_task(self._tasks.pop(row.task_id))
        self._done[row.task_id] = row.number
        if row.outcome == "completed":
            self._completed += 1
        else:
            self._failed += 1
        if row.redone_steps:
            self._counters.add("redone_steps", amount=row.redone_steps)

    def _may_adopt(self, task: TaskState, token: int) -> bool:
        """Return whether an attempt of an earlier life may be its task's newest. (Attempts of this life are
        in memory.)
        """
        newest = task.attempt.token if task.attempt else self._oldest_unknown
        live = task.phase is TaskPhase.waiting or task.phase is TaskPhase.assigned
        is_newest = max(task.fencing_token + 1, newest) <= token <= zeroth_token(self._epoch)
        return self.recovering and live and is_newest

    def _refuse_result(
        self, session: Session, message: AttemptResult, task: TaskState | None, now_ns: int
    ) -> None:
        if task is None:
            because = "duplicate" if message.task_id in self._done else "unknown"
        else:
            because = "duplicate" if task.phase is TaskPhase.ending else "stale"
        self._counters.add("results_refused", because)
        self._refusals.write(
            now_ns, task_events.ResultRefused, session.worker, because, task=message.task_id,
            token=message.token, worker=session.worker, because=because,
        )  # fmt: skip
