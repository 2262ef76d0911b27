"""What becomes of assigned work: accepted once, run within its lease, reported until acknowledged. Pure."""

from __future__ import annotations

from typing import Final

from wire import events
from wire.channel import Channel, QueueFullError
from wire.messages import (
    Assign,
    Checkpoint,
    CheckpointSaved,
    HandBack,
    LeasesRenewed,
    Message,
    Result,
    Revoke,
)
from wire.settings import WorkerSettings
from worker.attempts import Attempt, Attempts, Stage, result_of
from worker.effects import Effect, ForgetCheckpoint, SaveCheckpoint, StartAttempt, StopAttempt
from worker.ports import Ports

_MS: Final = 1_000_000
MOST_HELD: Final = 1_024


class Work:
    """Every method returns what is to be done; what is to be said goes into the session's channel."""

    def __init__(self, settings: WorkerSettings, channel: Channel, ports: Ports) -> None:
        self._settings = settings
        self._channel = channel
        self._record = ports.record
        self._local_checkpoint = ports.local_checkpoint
        self._draining = False
        self._most_held = max(MOST_HELD, settings.slots + settings.prefetch)
        self.attempts = Attempts(settings.slots)

    # -- the coordinator says ------------------------------

    def assigned(self, now_ns: int, assign: Assign, lease_from_ns: int) -> list[Effect]:
        """Take an attempt on. The same token twice is one attempt; an older token than what is held is
        nothing.
        """
        newest = self.attempts.newest_token(assign.task_id)
        if assign.token <= newest or self.attempts.get(assign.token) is not None:
            return []
        effects: list[Effect] = []
        older = self.attempts.get(newest)
        if older is not None and older.stage is not Stage.finished:
            effects += self._let_go(older, f"replaced by token {assign.token}")
        at_ns, wall_s = self._record.now()
        received = events.Received(
            at_ns=at_ns, wall_s=wall_s, by=self._record.by, task=assign.task_id, token=assign.token,
            attempt=assign.attempt,
        )  # fmt: skip
        self._record.append(received)
        attempt = self.attempts.add(assign, now_ns, lease_from_ns + assign.lease_ms * _MS)
        if len(self.attempts) > self._most_held:
            return effects + self._hand_back(now_ns, attempt, f"more than {self._most_held} attempts held")
        if self._draining:
            return effects + self._hand_back(now_ns, attempt, "draining")
        # The clock first: what lay in a buffer while this process was paused may have no lease left.
        return effects + self.tick(now_ns) + self.start_ready(now_ns)

    def revoked(self, now_ns: int, revoke: Revoke) -> list[Effect]:
        """Stop an attempt. A result that is on its way already is left to the coordinator to refuse."""
        attempt = self.attempts.get(revoke.token)
        if attempt is None or attempt.stage is Stage.finished:
            return []
        return self._let_go(attempt, f"revoked: {revoke.reason}") + self.start_ready(now_ns)

    def renewed(self, renewed: LeasesRenewed) -> None:
        """Leases run on from the heartbeat that was answered."""
        for token in renewed.tokens:
            self.attempts.renew(token, renewed.echo_ns + renewed.lease_ms * _MS)

    def acknowledged(self, now_ns: int, messages: list[Message]) -> None:
        """The coordinator holds these durably."""
        for message in messages:
            if isinstance(message, Result):
                attempt = self.attempts.get(message.token)
                at_ns, wall_s = self._record.now()
                acknowledged = events.ResultAcknowledged(
                    at_ns=at_ns, wall_s=wall_s, by=self._record.by, task=message.task_id, token=message.token
                )
                self._record.append(acknowledged)
                if attempt is not None:
                    self.attempts.drop(attempt)
            elif isinstance(message, CheckpointSaved):
                self._checkpoint_acknowledged(now_ns, message.token)

    # -- the executor says ---------------------------------

    def finished(self, now_ns: int, token: int, output: bytes, error: str) -> list[Effect]:
        """An attempt ran to its end; `error` is "" when it went well. What was stopped before is not
        heard.
        """
        attempt = self.attempts.get(token)
        if attempt is None or attempt.stage is not Stage.running:
            return []
        self.attempts.finish(attempt)
        result = result_of(attempt, now_ns, output, error)
        took_ms = (now_ns - attempt.started_ns) / _MS
        at_ns, wall_s = self._record.now()
        finished = events.Finished(
            at_ns=at_ns, wall_s=wall_s, by=self._record.by, task=result.task_id, token=token,
            error=result.error, took_ms=took_ms,
        )  # fmt: skip
        self._record.append(finished)
        self._channel.send(result, attempt.assign.priority, now_ns, always=True)
        saved = attempt.saved_ns != attempt.started_ns or attempt.from_step > 0
        forget: list[Effect] = [ForgetCheckpoint(result.task_id)] if saved else []
        return forget + self.start_ready(now_ns)

    def step_done(self, now_ns: int, token: int, step: int, *, last: bool) -> list[Effect]:
        """An attempt finished another step; now is the moment to save its state, if it is time and more
        follow.
        """
        attempt = self.attempts.get(token)
        if attempt is None or attempt.stage is not Stage.running:
            return []
        attempt.step = step
        due_ns = attempt.saved_ns + self._settings.checkpoint_every_ms * _MS
        if last or (now_ns < due_ns and not self._draining):
            return []
        attempt.handing_back = self._draining
        return [SaveCheckpoint(attempt.assign.task_id, token, step)]

    def checkpoint_written(self, now_ns: int, token: int, checkpoint: Checkpoint) -> list[Effect]:
        """A checkpoint is safe here. One of each attempt at a time is on its way, so that none pile up while
        cut off.
        """
        attempt = self.attempts.get(token)
        if attempt is None or attempt.stage is not Stage.running:
            return []
        attempt.saved_ns = now_ns
        self._record(
            events.CheckpointCreated, task=attempt.assign.task_id, token=token, step=checkpoint.step,
            size_bytes=len(checkpoint.state),
        )  # fmt: skip
        attempt.unsent = checkpoint
        if attempt.handing_back:
            return self._hand_back(now_ns, attempt, "draining")
        if attempt.sending is None:
            self._send_checkpoint(now_ns, attempt)
        return []

    # -- time passes ---------------------------------------

    def tick(self, now_ns: int) -> list[Effect]:
        """Stop what has no lease any more, and end what ran for too long."""
        check_at_ns = self.attempts.check_at_ns()
        if check_at_ns is None or now_ns < check_at_ns:
            return []
        expired, overdue = self.attempts.ended(now_ns)
        effects: list[Effect] = []
        for attempt in expired:
            assign = attempt.assign
            self._record(events.LeaseExpired, task=assign.task_id, token=assign.token)
            self._say_hand_back(now_ns, attempt, "lease ran out")
            effects += self._drop(attempt, "lease ran out")
        for attempt in overdue:
            assign = attempt.assign
            effects.append(StopAttempt(assign.task_id, assign.token, "time limit"))
            error = f"ran for longer than its limit of {assign.timeout_ms} ms"
            effects += self.finished(now_ns, assign.token, b"", error)
        return effects + self.start_ready(now_ns)

    def start_ready(self, now_ns: int) -> list[Effect]:
        """Start what waits, as far as slots are free."""
        effects: list[Effect] = []
        while not self._draining and (attempt := self.attempts.next_to_start(now_ns)) is not None:
            assign = attempt.assign
            checkpoint = newer(assign.checkpoint, self._local_checkpoint(assign.task_id))
            attempt.from_step = attempt.step = checkpoint.step if checkpoint is not None else 0
            at_ns, wall_s = self._record.now()
            started = events.Started(
                at_ns=at_ns, wall_s=wall_s, by=self._record.by, task=assign.task_id, token=assign.token,
                from_step=attempt.from_step,
            )  # fmt: skip
            self._record.append(started)
            effects.append(StartAttempt(assign, checkpoint))
        return effects

    # -- leaving -------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Whether anything is held that is not told and acknowledged."""
        return len(self.attempts) > 0

    def drain(self, now_ns: int) -> list[Effect]:
        """Begin nothing more: what waits is handed back, what runs may finish, or saves its next step and
        goes back.

        What was on its way is handed back as it comes: it will not come again, for the coordinator was told.
        """
        self._draining = True
        effects: list[Effect] = []
        for attempt in self.attempts:
            if attempt.stage is Stage.queued:
                effects += self._hand_back(now_ns, attempt, "draining")
        return effects

    def stop_all(self, now_ns: int, reason: str) -> list[Effect]:
        """Stop and hand back whatever is not finished."""
        effects: list[Effect] = []
        for attempt in self.attempts:
            if attempt.stage is not Stage.finished:
                effects += self._hand_back(now_ns, attempt, reason)
        return effects

    def check(self) -> None:
        """Raise AssertionError where attempts and what is to be told of them disagree. O(attempts +
        messages); for tests and simulations.
        """
        self.attempts.check()
        told = [message for message in self._channel.pending() if isinstance(message, CheckpointSaved)]
        results = {message.token for message in self._channel.pending() if isinstance(message, Result)}
        for attempt in self.attempts:
            token = attempt.assign.token
            if attempt.sending is not None:
                assert any(one.token == token for one in told), f"a checkpoint of {token} is sent by nobody"
            if attempt.stage is Stage.finished:
                assert token in results, f"the result of {token} is neither acknowledged nor to be sent"

    # -- inside --------------------------------------------

    def _hand_back(self, now_ns: int, attempt: Attempt, reason: str) -> list[Effect]:
        if attempt.unsent is not None:
            self._send_checkpoint(now_ns, attempt)
        self._say_hand_back(now_ns, attempt, reason)
        return self._let_go(attempt, f"handed back: {reason}")

    def _say_hand_back(self, now_ns: int, attempt: Attempt, reason: str) -> None:
        assign = attempt.assign
        hand_back = HandBack(assign.task_id, assign.token, reason)
        self._channel.send(hand_back, assign.priority, now_ns, always=True)

    def _let_go(self, attempt: Attempt, reason: str) -> list[Effect]:
        self._record(events.Dropped, task=attempt.assign.task_id, token=attempt.assign.token, reason=reason)
        return self._drop(attempt, reason)

    def _drop(self, attempt: Attempt, reason: str) -> list[Effect]:
        was_running = attempt.stage is Stage.running
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
            return  # The newest stays unsent here, and goes out with the next one.
        other = self.attempts.get(dropped.token) if isinstance(dropped, CheckpointSaved) else None
        if other is not None and isinstance(dropped, CheckpointSaved):
            # Nobody will acknowledge it: unless it may be sent again, this was the attempt's last one.
            other.sending = None
            other.unsent = other.unsent or dropped.checkpoint
        attempt.sending, attempt.unsent = checkpoint, None

    def _checkpoint_acknowledged(self, now_ns: int, token: int) -> None:
        attempt = self.attempts.get(token)
        if attempt is None:
            return
        attempt.sending = None
        if attempt.unsent is not None and attempt.stage is Stage.running:
            self._send_checkpoint(now_ns, attempt)


def newer(one: Checkpoint | None, other: Checkpoint | None) -> Checkpoint | None:
    """The checkpoint that is further, if there is any."""
    if one is None or other is None:
        return one or other
    return other if other.step > one.step else one
