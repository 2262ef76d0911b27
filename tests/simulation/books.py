"""What a run's disk and processes must agree on: a task's past, its steps, what a restart restores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from coordinator.rows import AttemptRow, CheckpointRow, ReceivedRow, ResultRow, Row
from coordinator.session import Session, TaskPhase, TaskState

if TYPE_CHECKING:
    from coordinator.core import CoordinatorCore
    from tests.simulation.memory_store import MemoryStore

SETTLED: Final = (TaskPhase.waiting, TaskPhase.assigned)


class StepBook:
    """Steps that were really done, by attempt and by task: results are compared with them."""

    def __init__(self) -> None:
        self._reached: dict[int, int] = {}
        self._redone: dict[int, int] = {}
        self._furthest: dict[str, int] = {}

    def started(self, task: str, token: int, reached_step: int, from_step: int) -> str:
        """An attempt begins after `from_step` steps, and the coordinator says that `reached_step` were done
        before. Return the breach, "" when there is none.
        """
        self._reached[token], self._redone[token] = reached_step, 0
        furthest = self._furthest.get(task, 0)
        if reached_step > furthest:
            return f"{task} is said to have reached step {reached_step}; it reached {furthest}"
        if from_step > furthest:
            return f"{task} begins after step {from_step}; it reached {furthest}"
        return ""

    def stepped(self, task: str, token: int, step: int) -> None:
        """An attempt finished a step."""
        self._redone[token] += step <= self._reached[token]
        self._furthest[task] = max(step, self._furthest.get(task, 0))

    def breach(self, row: ResultRow) -> str:
        """Return what is wrong with the redone steps of a result that a worker reported, "" when nothing."""
        redone = self._redone.get(row.token, 0) if row.started_ns else 0
        if row.redone_steps != redone:
            return f"{row.task_id} counts {row.redone_steps} redone steps; attempt {row.token} redid {redone}"
        return ""


def shrunk(store: MemoryStore, row: Row) -> str:
    """Return what of a task's or session's past `row` would take back, "" when nothing. Counts, tokens and
    steps only grow, through every restart.
    """
    if isinstance(row, AttemptRow):
        kept = store.attempts.get(row.task_id)
        if kept is not None:
            older = (kept.attempts_started, kept.failures, kept.token, kept.reached_step)
            newer = (row.attempts_started, row.failures, row.token, row.reached_step)
            if any(after < before for before, after in zip(older, newer, strict=True)):
                return f"{row.task_id}: (given, strikes, token, step) {newer} come after {older}"
    elif isinstance(row, CheckpointRow):
        saved = store.checkpoints.get(row.task_id)
        if saved is not None and row.checkpoint.step <= saved.step:
            return f"{row.task_id}: a checkpoint of step {row.checkpoint.step} replaces step {saved.step}"
    elif isinstance(row, ResultRow):
        given = store.attempts.get(row.task_id)
        if given is not None and row.attempts < given.attempts_started:
            return f"{row.task_id}: a result of {row.attempts} attempts comes after {given.attempts_started}"
    elif isinstance(row, ReceivedRow):
        known = store.sessions.get(row.session)
        if known is not None and row.sequence <= known.received:
            return f"{known.worker} is to have said {row.sequence} after {known.received}"
    return ""


def unkept(core: CoordinatorCore, store: MemoryStore, *, fresh: bool) -> str:
    """Return where memory and disk disagree while nothing is on its way to the disk, "" where nowhere: a
    restart now would take up exactly what is there. `fresh` is the moment after a restart.
    """
    done = core.ledger.counts()
    if done.submitted != len(store.tasks) or done.completed + done.failed != len(store.results):
        return f"the books say {done}; the disk has {len(store.tasks)} tasks, {len(store.results)} results"
    count = 0
    for task in core.ledger.unfinished():
        count += 1
        if breach := _task_breach(task, store, fresh=fresh):
            return breach
    if count != len(store.tasks) - len(store.results):
        return f"{count} tasks are unfinished in memory, {len(store.tasks) - len(store.results)} on the disk"
    if core.fleet.sessions.by_id.keys() != store.sessions.keys():
        return "the sessions in memory are not those on the disk"
    for session in core.fleet.sessions.by_id.values():
        if breach := _session_breach(session, store):
            return breach
    return ""


def _task_breach(task: TaskState, store: MemoryStore, *, fresh: bool) -> str:
    name = task.row.task_id
    if task.phase not in SETTLED or store.tasks.get(name) != task.row or name in store.results:
        return f"{name} is {task.phase.value}, and the disk has something else"
    if not task.queued_ns:
        return f"{name} has no time since which it waits"
    if store.checkpoints.get(name) != task.checkpoint:
        return f"{name}: its checkpoint in memory is not the one on the disk"
    row = store.attempts.get(name)
    if row is None:
        has_past = (
            task.attempts_started or task.failures or task.fencing_token or task.reached_step or task.attempt
        )
        return f"{name} has a past that is missing on the disk" if has_past else ""
    if (row.attempts_started, row.failures) != (task.attempts_started, task.failures):
        past = f"{task.attempts_started} attempts and {task.failures} strikes"
        return f"{name} has {past}; the disk has {row.attempts_started} and {row.failures}"
    if task.reached_step < row.reached_step or (fresh and task.reached_step != row.reached_step):
        return f"{name} reached step {task.reached_step}; the disk has {row.reached_step}"
    if task.attempt is not None:
        held = (task.attempt.token, task.attempt.session.id, True)
        if (row.token, row.session, row.open) != held:
            return f"{name} is held as {held}; the disk has {row}"
    elif row.open and row.session in store.sessions:
        return f"{name} waits, and on the disk it is held by an open session"
    elif task.fencing_token != (row.token - 1 if row.open else row.token):
        return f"{name}: fence {task.fencing_token}; the disk has {row}"
    return ""


def _session_breach(session: Session, store: MemoryStore) -> str:
    kept = store.sessions[session.id]
    if (kept.worker, kept.incarnation) != (session.worker, session.incarnation):
        return f"{session.worker}: its session on the disk is {kept.worker}'s"
    numbers = (session.channel.received, session.channel.committed)
    if numbers != (kept.received, kept.received):
        return f"{session.worker}: (received, acknowledged) are {numbers}; the disk has {kept.received}"
    if session.connection is not None and not kept.connected:
        return f"{session.worker} is connected; on the disk it is not"
    return ""
