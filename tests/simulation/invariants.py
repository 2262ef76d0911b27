"""What must hold after every step of a simulated run. A breach is told in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wire import events
from wire.priority import Priority

if TYPE_CHECKING:
    from tests.simulation.world import World

DEPTH_MAX = 10_000
SILENT_MAX_MS = 500 + 1_000 + 50
"""Interval and timeout of the heartbeats, and some milliseconds."""


class BrokenError(AssertionError):
    """An invariant does not hold."""


class Witness:
    """Reads every journal line as it is written, and keeps what the invariants need."""

    def __init__(self) -> None:
        self.done: dict[str, events.TaskDone] = {}
        self.told_in_this_life: set[str] = set()
        self.acknowledged: dict[int, str] = {}
        self.finished_well: set[int] = set()
        self.refused: set[int] = set()
        self.newest_token: dict[str, int] = {}
        self.last_token = 0
        self.checkpoints_refused: set[int] = set()
        self.breaches: list[str] = []

    def see(self, event: events.Event) -> None:
        """Take note of one line."""
        if isinstance(event, events.TaskDone):
            self._done(event)
        elif isinstance(event, events.Finished) and not event.error:
            self.finished_well.add(event.token)
        elif isinstance(event, events.ResultRefused):
            self.refused.add(event.token)
        elif isinstance(event, events.CheckpointRefused):
            self.checkpoints_refused.add(event.token)
        elif isinstance(event, events.CheckpointCommitted):
            newest = self.newest_token.get(event.task, 0)
            if event.token != newest:
                self.breaches.append(f"{event.task} keeps a checkpoint of {event.token}; newest is {newest}")
        elif isinstance(event, events.ResultAcknowledged) and event.token in self.finished_well:
            self.acknowledged[event.token] = event.task
        elif isinstance(event, events.Assigned):
            if event.token <= self.last_token:
                self.breaches.append(f"token {event.token} of {event.task} does not grow ({self.last_token})")
            self.last_token = event.token
            if event.task in self.done:
                self.breaches.append(f"{event.task} was given out after its result was durable")
            self.newest_token[event.task] = event.token
        elif isinstance(event, events.ProcessStarted) and event.role == "coordinator":
            self.told_in_this_life.clear()

    def _done(self, event: events.TaskDone) -> None:
        before = self.done.get(event.task)
        if before is not None and before.token != event.token:
            self.breaches.append(f"{event.task} was counted twice: tokens {before.token} and {event.token}")
        newest = self.newest_token.get(event.task, 0)
        if before is None and event.token != newest:
            self.breaches.append(f"{event.task} counted token {event.token}, though {newest} is the newest")
        if event.outcome == "completed" and event.token not in self.finished_well:
            self.breaches.append(f"{event.task} counts as completed by {event.token}, which nobody finished")
        if event.task in self.told_in_this_life:
            self.breaches.append(f"{event.task} was told twice in one life of the coordinator")
        self.told_in_this_life.add(event.task)
        self.done[event.task] = event


def check_step(world: World) -> None:
    """Raise BrokenError when something that must always hold does not."""
    witness = world.witness
    if witness.breaches:
        raise BrokenError(witness.breaches[0])
    core = world.coordinator.core
    if core is not None:
        counts = core.ledger.counts()
        if counts.submitted != counts.completed + counts.failed + counts.waiting + counts.assigned:
            raise BrokenError(f"the books do not balance: {counts}")
    results = world.coordinator.store.results
    for token, task in witness.acknowledged.items():
        if task not in results and token not in witness.refused:
            raise BrokenError(f"{task}: result {token} was acknowledged, and is neither durable nor refused")
    _check_checkpoints(world)
    _check_links(world)
    _check_leases(world)


def _check_checkpoints(world: World) -> None:
    store = world.coordinator.store
    for worker in world.workers:
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


def check_now_and_then(world: World) -> None:
    """What is too dear to look at after every step."""
    if breach := world.coordinator.overdue_breach():
        raise BrokenError(breach)


def _check_links(world: World) -> None:
    """Silence is noticed in time, and a session has one connection."""
    if breach := world.coordinator.link_breach():
        raise BrokenError(breach)
    for worker in world.workers:
        if worker.silent_ms() > SILENT_MAX_MS:
            raise BrokenError(f"{worker.name} has not noticed {worker.silent_ms():.0f} ms of silence")


def _check_leases(world: World) -> None:
    live: dict[str, str] = {}
    for worker in world.workers:
        if worker.core is None:
            continue
        if worker.core.channel.depth > DEPTH_MAX:
            raise BrokenError(f"{worker.name} has {worker.core.channel.depth} messages queued")
        if over := worker.without_lease():
            raise BrokenError(f"{worker.name} works on {over[0]}, whose lease is over")
        for task in worker.core.live_tasks(world.clock.now_ns):
            if task in live:
                raise BrokenError(f"{task} has two live leases: {live[task]} and {worker.name}")
            live[task] = worker.name


def check_end(world: World) -> None:
    """Raise BrokenError when, all trouble being over, something was lost, doubled, or is still not done."""
    store = world.coordinator.store
    promised = world.accepted
    lost = promised - store.tasks.keys()
    if lost:
        raise BrokenError(f"accepted and lost: {sorted(lost)}")
    undone = store.tasks.keys() - store.results.keys()
    if undone:
        raise BrokenError(f"not done {world.clock.now_ns / 1e9:.0f} s after the start: {sorted(undone)}")
    unseen = store.results.keys() - world.witness.done.keys()
    if unseen:
        raise BrokenError(f"done, but no line says so: {sorted(unseen)}")
    unknown = world.witness.done.keys() - store.tasks.keys()
    if unknown:
        raise BrokenError(f"results of tasks that nobody submitted: {sorted(unknown)}")
    for name, result in store.results.items():
        counted = world.witness.done[name]
        if (counted.token, counted.outcome) != (result.token, result.outcome):
            raise BrokenError(f"{name}: the journal says {counted.outcome}, the store {result.outcome}")
    if len(world.plan.troubles) == 0:
        _check_order(world)


def _check_order(world: World) -> None:
    """In a calm run tasks of one priority are given out in the order in which they were accepted."""
    given = [event.task for event in world.assigned if event.attempt == 1]
    numbers = {name: row.number for name, row in world.coordinator.store.tasks.items()}
    for priority in Priority:
        mine = [numbers[task] for task in given if world.coordinator.store.tasks[task].priority is priority]
        if mine != sorted(mine):
            raise BrokenError(f"order within {priority.name} was not kept: {mine}")
