"""The tasks of a worker: each attempt is accepted once, runs within its lease, and is reported until the
coordinator acknowledges its result. Pure.
"""

from __future__ import annotations

from typing import Final

from wire import task_events
from wire.channel import Channel, QueueFullError
from wire.messages import (
    Assign,
    AttemptResult,
    Checkpoint,
    CheckpointSaved,
    LeasesRenewed,
    Message,
    ReturnTask,
    Revoke,
)
from wire.settings import WorkerSettings
from worker.attempts import Attempt, AttemptStage, AttemptTable, result_of
from worker.dependencies import Dependencies
from worker.effects import Effect, ForgetCheckpoint, SaveCheckpoint, StartAttempt, StopAttempt

_MS: Final = 1_000_000
MAX_HELD: Final = 1_024


class TaskManager:
    """Handles assignments, revocations, leases and results. Each `on_…` returns the effects that the runtime
    carries out, and puts messages into the session's channel.
    """

    def __init__(self, settings: WorkerSettings, channel: Channel, dependencies: Dependencies) -> None:
        self._settings = settings
        self._channel = channel
        self._record = dependencies.record
        self._local_checkpoint = dependencies.local_checkpoint
        self._draining = False
        self._max_held = max(MAX_HELD, settings.slots + settings.prefetch)
        self.attempts = AttemptTable(settings.slots)

    # -- messages of the coordinator -----------------------

    def on_assign(self, now_ns: int, assign: Assign, lease_from_ns: int) -> list[Effect]:
        """Accept an attempt. A token that is held already, or older than the task's newest, has no effect.

        Args:
            lease_from_ns: when the lease begins, monotonic.
        """
        newest = self.attempts.newest_token(assign.task_id)
        if assign.token <= newest or self.attempts.get(assign.token) is not None:
            return []
        effects: list[Effect] = []
        older = self.attempts.get(newest)
        if older is not None and older.stage is not AttemptStage.finished:
            effects += self._release(older, f"replaced by token {assign.token}")
        at_ns, wall_s = self._record.now()
        received = task_events.AssignmentReceived(
            at_ns=at_ns, wall_s=wall_s, by=self._record.by, task=assign.task_id, token=assign.token,
            attempt=assign.attempt,
        )  # fmt: skip
        self._record.append(received)
        attempt = self.attempts.add(assign, now_ns, lease_from_ns + assign.lease_ms * _MS)
        if len(self.attempts) > self._max_held:
            return effects + self._return(now_ns, attempt, f"more than {self._max_held} attempts held")
        if self._draining:
            return effects + self._return(now_ns, attempt, "draining")
        # Leases expire first: an assignment that waited in a buffer during a pause may have none left.
        return effects + self.on_tick(now_ns) + self.start_ready(now_ns)

    def on_revoke(self, now_ns: int, revoke: Revoke) -> list[Effect]:
        """Stop an attempt. The coordinator itself refuses a result that is already in transit."""
        attempt = self.attempts.get(revoke.token)
        if attempt is None or attempt.stage is AttemptStage.finished:
            return []
        return self._release(attempt, f"revoked: {revoke.reason}") + self.start_ready(now_ns)

    def on_renewal(self, renewed: LeasesRenewed) -> None:
        """Extend leases, counted from the heartbeat that was answered."""
        for token in renewed.tokens:
            self.attempts.renew(token, renewed.echo_ns + renewed.lease_ms * _MS)

    def on_acknowledged(self, now_ns: int, messages: list[Message]) -> None:
        """Release the results and checkpoints that are durable at the coordinator."""
        for message in messages:
            if isinstance(message, AttemptResult):
                attempt = self.attempts.get(message.token)
                at_ns, wall_s = self._record.now()
                acknowledged = task_events.ResultAcknowledged(
                    at_ns=at_ns, wall_s=wall_s, by=self._record.by, task=message.task_id, token=message.token
                )
                self._record.append(acknowledged)
                if attempt is not None:
                    self.attempts.drop(attempt)
            elif isinstance(message, CheckpointSaved):
                self._checkpoint_acknowledged(now_ns, message.token)

    # -- reports of the executor ---------------------------

    def on_finished(self, now_ns: int, token: int, output: bytes, error: str) -> list[Effect]:
        """Send the result of an attempt that ended; `error` is "" on success. No effect for a stopped
        attempt.
        """
        attempt = self.attempts.get(token)
        if attempt is None or attempt.stage is not AttemptStage.running:
            return []
        self.attempts.finish(attempt)
        result = result_of(attempt, now_ns, output, error)
        took_ms = (now_ns - attempt.started_ns) / _MS
        at_ns, wall_s = self._record.now()
        finished = task_events.Finished(
            at_ns=at_ns, wall_s=wall_s, by=self._record.by, task=result.task_id, token=token,
            error=result.error, took_ms=took_ms,
        )  # fmt: skip
        self._record.append(finished)
        self._channel.send(result, attempt.assign.priority, now_ns, always=True)
        saved = attempt.saved_ns != attempt.started_ns or attempt.from_step > 0
        forget: list[Effect] = [ForgetCheckpoint(result.task_id)] if saved else []
        return forget + self.start_ready(now_ns)

    def on_step_done(self, now_ns: int, token: int, step: int, *, last: bool) -> list[Effect]:
        """Record a finished step. Returns SaveCheckpoint where a checkpoint is due and more steps follow."""
        attempt = self.attempts.get(token)
        if attempt is None or attempt.stage is not AttemptStage.running:
            return []
        attempt.step = step
        due_ns = attempt.saved_ns + self._settings.checkpoint_every_ms * _MS
        if last or (now_ns < due_ns and not self._draining):
            return []
        attempt.returning = self._draining
        return [SaveCheckpoint(attempt.assign.task_id, token, step)]

    def on_checkpoint_written(self, now_ns: int, token: int, checkpoint: Checkpoint) -> list[Effect]:
        """Send a checkpoint that is durable on this disk. One checkpoint of each attempt is in transit at a
        time, so that none pile up while the link is down.
        """
        attempt = self.attempts.get(token)
        if attempt is None or attempt.stage is not AttemptStage.running:
            return []
        attempt.saved_ns = now_ns
        self._record(
            task_events.CheckpointCreated, task=attempt.assign.task_id, token=token, step=checkpoint.step,
            size_bytes=len(checkpoint.state),
        )  # fmt: skip
        attempt.unsent = checkpoint
        if attempt.returning:
            return self._return(now_ns, attempt, "draining")
        if attempt.sending is None:
            self._send_checkpoint(now_ns, attempt)
        return []

    # -- time ----------------------------------------------

    def on_tick(self, now_ns: int) -> list[Effect]:
        """Stop attempts whose lease has expired, and end those that exceed their time limit."""
        check_at_ns = self.attempts.check_at_ns()
        if check_at_ns is None or now_ns < check_at_ns:
            return []
        expired, overdue = self.attempts.take_ended(now_ns)
        effects: list[Effect] = []
        for attempt in expired:
            assign = attempt.assign
            self._record(task_events.LeaseExpired, task=assign.task_id, token=assign.token)
            self._send_return(now_ns, attempt, "lease ran out")
            effects += self._drop(attempt, "lease ran out")
        for attempt in overdue:
            assign = attempt.assign
            effects.append(StopAttempt(assign.task_id, assign.token, "time limit"))
            error = f"ran for longer than its limit of {assign.timeout_ms} ms"
            effects += self.on_finished(now_ns, assign.token, b"", error)
        return effects + self.start_ready(now_ns)

    def start_ready(self, now_ns: int) -> list[Effect]:
        """Start queued attempts while slots are free."""
        effects: list[Effect] = []
        while not self._draining and (attempt := self.attempts.next_to_start(now_ns)) is not None:
            assign = attempt.assign
            checkpoint = later_checkpoint(assign.checkpoint, self._local_checkpoint(assign.task_id))
            attempt.from_step = attempt.step = checkpoint.step if checkpoint is not None else 0
            at_ns, wall_s = self._record.now()
            started = task_events.Started(
                at_ns=at_ns, wall_s=wall_s, by=self._record.by, task=assign.task_id, token=assign.token,
                from_step=attempt.from_step,
            )  # fmt: skip
            self._record.append(started)
            effects.append(StartAttempt(assign, checkpoint))
        return effects

    # -- drain ---------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Whether any attempt is held."""
        return len(self.attempts) > 0

    def on_drain(self, now_ns: int) -> list[Effect]:
        """Start no attempt from now on. Queued attempts are returned; running ones may finish, or are
        returned with their next checkpoint. Assignments that are still in transit are returned as they
        arrive.
        """
        self._draining = True
        effects: list[Effect] = []
        for attempt in self.attempts:
            if attempt.stage is AttemptStage.queued:
                effects += self._return(now_ns, attempt, "draining")
        return effects

    def stop_all(self, now_ns: int, reason: str) -> list[Effect]:
        """Stop and return every unfinished attempt."""
        effects: list[Effect] = []
        for attempt in self.attempts:
            if attempt.stage is not AttemptStage.finished:
                effects += self._return(now_ns, attempt, reason)
        return effects

    def check(self) -> None:
        """Raise AssertionError where attempts and pending messages disagree. O(attempts + messages); for
        tests and simulations.
        """
        self.attempts.check()
        checkpoints = {
            message.token for message in self._channel.pending() if isinstance(message, CheckpointSaved)
        }
        results = {message.token for message in self._channel.pending() if isinstance(message, AttemptResult)}
        for attempt in self.attempts:
            token = attempt.assign.token
            if attempt.sending is not None:
                assert token in checkpoints, (
                    f"a checkpoint of {token} is marked as sent, and not in the channel"
                )
            if attempt.stage is AttemptStage.finished:
                assert token in results, f"the result of {token} is neither acknowledged nor in the channel"

    # -- inside --------------------------------------------

    def _return(self, now_ns: int, attempt: Attempt, reason: str) -> list[Effect]:
        if attempt.unsent is not None:
            self._send_checkpoint(now_ns, attempt)
        self._send_return(now_ns, attempt, reason)
        return self._release(attempt, f"handed back: {reason}")

    def _send_return(self, now_ns: int, attempt: Attempt, reason: str) -> None:
        assign = attempt.assign
        message = ReturnTask(assign.task_id, assign.token, reason)
        self._channel.send(message, assign.priority, now_ns, always=True)

    def _release(self, attempt: Attempt, reason: str) -> list[Effect]:
        self._record(
            task_events.Dropped, task=attempt.assign.task_id, token=attempt.assign.token, reason=reason
        )
        return self._drop(attempt, reason)

    def _drop(self, attempt: Attempt, reason: str) -> list[Effect]:
        was_running = attempt.stage is AttemptStage.running
        self.attempts.drop(attempt)
        assign = attempt.assign
        return [StopAttempt(assign.task_id, assign.token, reason)] if was_running else []

    def _send_checkpoint(self, now_ns: int, attempt: Attempt) -> None:
        checkpoint = attempt.unsent
        assert checkpoint is not None
        message = CheckpointSaved(attempt.assign.task_id, attempt.assign.token, checkpoint)
        try:
            dropped = self._channel.send(message, attempt.assign.priority, now_ns)
        except QueueFullError:
            return  # The newest stays unsent, and the next one replaces it.
        other = self.attempts.get(dropped.token) if isinstance(dropped, CheckpointSaved) else None
        if other is not None and isinstance(dropped, CheckpointSaved):
            # A dropped message is never acknowledged: without this, its attempt could send no further
            # checkpoint.
            other.sending = None
            other.unsent = other.unsent or dropped.checkpoint
        attempt.sending, attempt.unsent = checkpoint, None

    def _checkpoint_acknowledged(self, now_ns: int, token: int) -> None:
        attempt = self.attempts.get(token)
        if attempt is None:
            return
        attempt.sending = None
        if attempt.unsent is not None and attempt.stage is AttemptStage.running:
            self._send_checkpoint(now_ns, attempt)


def later_checkpoint(one: Checkpoint | None, other: Checkpoint | None) -> Checkpoint | None:
    """Return the checkpoint with more finished steps, or None."""
    if one is None or other is None:
        return one or other
    return other if other.step > one.step else one
