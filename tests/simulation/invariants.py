"""Invariants that hold after every step of a simulated run. A breach is one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

from tests.simulation.breach import BrokenError
from wire import events, task_events
from wire.priority import Priority

if TYPE_CHECKING:
    from tests.simulation.worker_process import WorkerProcess
    from tests.simulation.world import World

DEPTH_MAX: Final = 10_000


class Witness:
    """Reads every journal line as it is written, and keeps what the invariants need."""

    def __init__(self) -> None:
        self.done: dict[str, task_events.TaskDone] = {}
        self.told_in_this_life: set[str] = set()
        self.acknowledged: dict[int, str] = {}
        self.finished_well: set[int] = set()
        self.refused: set[int] = set()
        self.newest_token: dict[str, int] = {}
        self.given_to: dict[int, str] = {}
        self.last_token = 0
        self.checkpoints_refused: set[int] = set()
        self.breaches: list[str] = []
        self._acts: dict[type[events.Event], Callable[[Any], None]] = {
            task_events.TaskDone: self._done,
            task_events.Finished: self._finished,
            task_events.ResultRefused: self._result_refused,
            task_events.CheckpointRefused: self._checkpoint_refused,
            task_events.CheckpointCommitted: self._checkpoint_committed,
            task_events.ResultAcknowledged: self._result_acknowledged,
            task_events.Assigned: self._assigned,
            events.ProcessStarted: self._process_started,
        }

    def see(self, event: events.Event) -> None:
        """Add one journal line."""
        act = self._acts.get(type(event))
        if act is not None:
            act(event)

    def _finished(self, event: task_events.Finished) -> None:
        if not event.error:
            self.finished_well.add(event.token)

    def _result_refused(self, event: task_events.ResultRefused) -> None:
        self.refused.add(event.token)

    def _checkpoint_refused(self, event: task_events.CheckpointRefused) -> None:
        self.checkpoints_refused.add(event.token)

    def _checkpoint_committed(self, event: task_events.CheckpointCommitted) -> None:
        newest = self.newest_token.get(event.task, 0)
        self._check_owner(event)
        if event.token != newest:
            self.breaches.append(f"{event.task} keeps a checkpoint of {event.token}; newest is {newest}")

    def _result_acknowledged(self, event: task_events.ResultAcknowledged) -> None:
        if event.token in self.finished_well:
            self.acknowledged[event.token] = event.task

    def _assigned(self, event: task_events.Assigned) -> None:
        if event.token <= self.last_token:
            self.breaches.append(f"token {event.token} of {event.task} does not grow ({self.last_token})")
        self.last_token = event.token
        if event.task in self.done:
            self.breaches.append(f"{event.task} was given out after its result was durable")
        self.newest_token[event.task] = event.token
        self.given_to[event.token] = event.worker

    def _check_owner(self, event: task_events.TaskDone | task_events.CheckpointCommitted) -> None:
        """A result counts only from the worker of its attempt, whatever other workers claim."""
        owner = self.given_to.get(event.token, "nobody")
        if event.worker != owner:
            self.breaches.append(f"{event.task} {event.token} is {owner}'s, and counts as {event.worker}'s")

    def _process_started(self, event: events.ProcessStarted) -> None:
        if event.role == "coordinator":
            self.told_in_this_life.clear()

    def _done(self, event: task_events.TaskDone) -> None:
        before = self.done.get(event.task)
        self._check_owner(event)
        if before is not None and before.token != event.token:
            self.breaches.append(f"{event.task} was counted twice: tokens {before.token} and {event.token}")
        newest = self.newest_token.get(event.task, 0)
        if before is None and event.token != newest:
            self.breaches.append(f"{event.task} counted token {event.token}, though {newest} is the newest")
        if event.outcome == "completed" and event.token not in self.finished_well:
            self.breaches.append(
                f"{event.task} counts as completed by {event.token}, which no worker finished"
            )
        if event.task in self.told_in_this_life:
            self.breaches.append(f"{event.task} was counted twice in one life of the coordinator")
        self.told_in_this_life.add(event.task)
        self.done[event.task] = event


def check_step(world: World) -> None:
    """Check the invariants after a step. Raises BrokenError.

    Only the processes that acted are checked: the others did not change, and violations by time alone are
    checked before each event of a process (Process.overlooked).
    """
    witness = world.witness
    if witness.breaches:
        raise BrokenError(witness.breaches[0])
    _check_acknowledged(world)
    acted = world.clock.acted or world.processes
    coordinator = world.coordinator
    for process in acted:
        if process is coordinator:
            _check_books(world)
        else:
            worker = cast("WorkerProcess", process)
            _check_checkpoints(world, worker)
            _check_leases(world, worker)


def check_cores(world: World) -> None:
    """Run the consistency checks of the cores that acted."""
    for process in world.clock.acted or world.processes:
        if process is world.coordinator:
            if world.coordinator.core is not None:
                world.coordinator.core.check()
        else:
            worker = cast("WorkerProcess", process)
            if worker.core is not None:
                worker.core.check()


def check_now_and_then(world: World) -> None:
    """Check the invariants that cost too much for every step."""
    coordinator = world.coordinator
    if breach := coordinator.overdue_breach() or coordinator.unkept_breach():
        raise BrokenError(breach)
    if breach := coordinator.theft_breach(world.witness.given_to):
        raise BrokenError(breach)
    for process in world.processes:
        if process.is_alive and (breach := process.overlooked()):
            raise BrokenError(breach)


def _check_acknowledged(world: World) -> None:
    """Every acknowledged result is durable or was refused. Checked when the acknowledgement arrives."""
    witness = world.witness
    while witness.acknowledged:
        token, task = witness.acknowledged.popitem()
        if task not in world.coordinator.store.results and token not in witness.refused:
            raise BrokenError(f"{task}: result {token} was acknowledged, and is neither durable nor refused")


def _check_books(world: World) -> None:
    core = world.coordinator.core
    if core is None:
        return
    counts = core.ledger.counts()
    if counts.submitted != counts.completed + counts.failed + counts.waiting + counts.assigned:
        raise BrokenError(f"the books do not balance: {counts}")
    if breach := world.coordinator.link_breach():
        raise BrokenError(breach)
    if counts.waiting and (breach := world.coordinator.idle_breach()):
        raise BrokenError(breach)


def _check_checkpoints(world: World, worker: WorkerProcess) -> None:
    store = world.coordinator.store
    while worker.told_of_checkpoints:
        saved = worker.told_of_checkpoints.pop()
        kept = store.checkpoints.get(saved.task_id)
        durable = kept is not None and kept.step >= saved.checkpoint.step
        refused = saved.token in world.witness.checkpoints_refused
        if not durable and not refused and saved.task_id not in store.results:
            step = saved.checkpoint.step
            raise BrokenError(
                f"{saved.task_id}: its checkpoint at step {step} was acknowledged, and is not durable"
            )


def _check_leases(world: World, worker: WorkerProcess) -> None:
    """No task has two live leases. Leases begin or are renewed only in processes that acted.

    The older of two processes of one name may still count its leases: its tokens are void, so it can cause
    no harm.
    """
    if worker.core is None:
        return
    if worker.core.channel.depth > DEPTH_MAX:
        raise BrokenError(f"{worker.name} has {worker.core.channel.depth} messages queued")
    if not worker.core.held:
        return
    now_ns = world.clock.now_ns
    for task in worker.core.live_tasks(now_ns):
        holder = world.holders.get(task, worker)
        if holder is worker or holder.core is None or task not in holder.core.live_tasks(now_ns):
            pass
        elif not (world.has_newer(holder) or world.has_newer(worker)):
            raise BrokenError(f"{task} has two live leases: {holder.name} and {worker.name}")
        world.holders[task] = worker


def check_end(world: World) -> None:
    """Check the end of a run. Raises BrokenError where a task was lost, doubled, or is not done."""
    store = world.coordinator.store
    promised = world.accepted
    lost = promised - store.tasks.keys()
    if lost:
        raise BrokenError(f"accepted and lost: {sorted(lost)}")
    undone = store.tasks.keys() - store.results.keys()
    if undone:
        raise BrokenError(f"not done {world.clock.now_ns / 1e9:.0f} s after the start: {sorted(undone)}")
    for worker in world.workers:
        if worker.core is not None and worker.core.state == "connected" and worker.core.held:
            raise BrokenError(f"all is done, and {worker.name} still holds {worker.core.held} attempts")
    unseen = store.results.keys() - world.witness.done.keys()
    if unseen:
        raise BrokenError(f"done, but no line says so: {sorted(unseen)}")
    unknown = world.witness.done.keys() - store.tasks.keys()
    if unknown:
        raise BrokenError(f"results of tasks that were never submitted: {sorted(unknown)}")
    for name, result in store.results.items():
        counted = world.witness.done[name]
        if (counted.token, counted.outcome) != (result.token, result.outcome):
            raise BrokenError(f"{name}: the journal says {counted.outcome}, the store {result.outcome}")
    if len(world.plan.troubles) == 0:
        _check_order(world)


def order_breach(world: World, event: task_events.Assigned) -> str:
    """Return which task of the same priority came before one that is given for the first time, and waits
    still; "" when none does. What was lost, or kept aside after a restart, has its place again.
    """
    core, store = world.coordinator.core, world.coordinator.store
    given = store.tasks.get(event.task)
    if core is None or given is None or event.attempt != 1:
        return ""
    for task in core.ledger.waiting():
        row = task.row
        if row.priority is given.priority and row.number < given.number:
            return f"{event.task} is given, and {row.task_id}, which came before it, waits"
    return ""


def _check_order(world: World) -> None:
    """In a calm run tasks of one priority are given out in the order in which they were accepted."""
    given = [event.task for event in world.assigned if event.attempt == 1]
    numbers = {name: row.number for name, row in world.coordinator.store.tasks.items()}
    for priority in Priority:
        mine = [numbers[task] for task in given if world.coordinator.store.tasks[task].priority is priority]
        if mine != sorted(mine):
            raise BrokenError(f"order within {priority.name} was not kept: {mine}")
