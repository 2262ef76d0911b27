"""One simulated run: a coordinator, its workers, their links, tasks and troubles, from a plan to the end."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, cast

import msgspec

from tests.simulation.anchors import FRAMES, Armed, worker_of
from tests.simulation.breach import BrokenError
from tests.simulation.clock import Clock
from tests.simulation.conduct import BASE_MS, CAP_MS, STABLE_MS, Conduct
from tests.simulation.coordinator_process import CoordinatorProcess
from tests.simulation.invariants import (
    Witness,
    check_cores,
    check_end,
    check_now_and_then,
    check_step,
    order_breach,
)
from tests.simulation.network import Wire
from tests.simulation.plan import Plan, Trouble, Work, is_at_once
from tests.simulation.strikes import Strikes
from tests.simulation.worker_process import WorkerProcess
from wire import events, task_events
from wire.control import SubmissionReply, TaskSpec
from wire.events import Journal
from wire.settings import CoordinatorSettings, WorkerSettings

KEY = bytes(range(32))
PATIENCE_S: Final = 138.0
STEPS_MAX: Final = 400_000
CORES_EVERY: Final = 16
"""So dear is it to have the cores look at their own books that it is done at every sixteenth step."""
LINES_KEPT: Final = 25
_S: Final = 1_000_000_000


class ObservedJournal(Journal):
    """A journal that passes each event to a callback."""

    def __init__(self, by: str, on_event: Callable[[events.Event], None], clock: Clock) -> None:
        super().__init__(by, lambda line: None, lambda: clock.now_ns, clock.wall_s)
        self._on_event = on_event
        self._clock = clock

    def __call__(self, of_kind: type[events.Event], /, **fields: object) -> None:
        """Append one event, at this instant."""
        # (No event has a field of that name: compiled code does not keep positional names apart from fields.)
        clock = self._clock
        fields["at_ns"], fields["wall_s"], fields["by"] = clock.now_ns, clock.wall_s(), self.by
        self._on_event(cast("Callable[..., events.Event]", of_kind)(**fields))

    def append(self, event: events.Event) -> None:
        """Append one event."""
        self._on_event(event)


class World:
    """Everything there is in one run."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.clock = Clock()
        self.chance = random.Random(f"run {plan.seed}")
        self.witness = Witness()
        self._conduct = Conduct(plan, self.witness.breaches)
        self.accepted: set[str] = set()
        self.assigned: list[task_events.Assigned] = []
        self.last: deque[events.Event] = deque(maxlen=LINES_KEPT)
        self.armed: list[Armed] = []
        self.coordinator = CoordinatorProcess(
            self.clock, self.chance, self.coordinator_settings(), KEY, self._journal("coordinator")
        )
        names = [f"worker-{number}" for number in range(1, plan.workers + 1)]
        wires = [Wire(on_sent=partial(self._sent, name)) for name in names]
        self.workers = [self.make_worker(name, name, wire) for name, wire in zip(names, wires, strict=True)]
        self.twins: list[WorkerProcess] = []
        self.processes: list[CoordinatorProcess | WorkerProcess] = [self.coordinator, *self.workers]
        self.holders: dict[str, WorkerProcess] = {}
        self._pending: dict[str, Work] = {}
        self._now_and_then = 4 * max(4, plan.workers)

    def coordinator_settings(self) -> CoordinatorSettings:
        """What the coordinator is set to."""
        return CoordinatorSettings(
            fleet=self.plan.workers, heartbeat_interval_ms=500, heartbeat_timeout_ms=STABLE_MS,
            lease_ms=self.plan.lease_ms, grace_ms=100, session_ttl_ms=self.chance.choice((4_000, 60_000)),
            admission_per_s=20.0, admission_burst=3, max_attempts=1_000,
        )  # fmt: skip

    def worker_settings(self) -> WorkerSettings:
        """What all workers are set to."""
        return WorkerSettings(
            slots=2, prefetch=2, policy=self.plan.policy, base_ms=BASE_MS, cap_ms=CAP_MS,
            connect_timeout_ms=1_500, checkpoint_every_ms=100, drain_timeout_ms=3_000,
            adaptive_heartbeat=self.plan.adaptive_heartbeat, waiting_messages=self.plan.waiting_messages,
        )  # fmt: skip

    def run(self) -> None:
        """Run to the end. Raises BrokenError at the first breach."""
        strikes = Strikes(self)
        self.coordinator.start()
        for worker in self.workers:
            self.clock.after(int(self.chance.uniform(0, 0.2) * _S), worker.start)
        for work in self.plan.tasks:
            self.clock.after(int(work.at_s * _S), partial(self._submit, work))
            for again_s in work.again_s:
                self.clock.after(int((work.at_s + again_s) * _S), partial(self._submit_once, work))
        for trouble in self.plan.troubles:
            begin = partial(self._arm, strikes, trouble) if trouble.when else partial(strikes.strike, trouble)
            self.clock.after(int(trouble.at_s * _S), begin)
        steps_max = int(STEPS_MAX * max(1.0, self.plan.lasts_s * self.plan.workers / PATIENCE_S))
        for steps in range(steps_max):
            if not self.clock.step():
                break
            self.check(steps)
            if steps % self._now_and_then == 0 and self._is_over():
                break
        else:
            raise BrokenError(f"no end after {steps_max} steps at {self.clock.now_ns / _S:.1f} s")
        self.check_end()

    def _arm(self, strikes: Strikes, trouble: Trouble) -> None:
        """From now on, until the trouble is over, an event begins it."""
        armed = Armed(trouble, partial(strikes.strike, trouble))
        self.armed.append(armed)

        def disarm() -> None:
            if armed in self.armed:
                self.armed.remove(armed)

        self.clock.after(int((self.plan.lasts_s - trouble.at_s) * _S), disarm)

    def _sent(self, worker: str, end: int) -> None:
        self.on_frame(worker, FRAMES[end])

    def on_frame(self, worker: str, name: str) -> None:
        """A frame is sent on a worker's link; `name` is one of FRAMES."""
        if self.armed:
            self._look_at_armed(name, worker)

    def _look_at_armed(self, name: str, worker: str) -> None:
        for armed in list(self.armed):
            if armed.sees(name, worker):
                self.armed.remove(armed)
                self.clock.after(0, armed.begin)

    def struck(self, trouble: Trouble) -> None:
        """A trouble begins."""

    def check(self, steps: int) -> None:
        """After every step: raises BrokenError when something that must always hold does not."""
        check_step(self)
        if steps % CORES_EVERY == 0:
            check_cores(self)
        if steps % self._now_and_then == 0:
            check_now_and_then(self)

    def check_end(self) -> None:
        """When all is over: raises BrokenError when something was lost, doubled, or is still not done."""
        check_end(self)

    def _is_over(self) -> bool:
        now_s = self.clock.now_ns / _S - 1
        if now_s > self.plan.lasts_s + PATIENCE_S:
            return True
        if self.plan.is_patient:
            return False
        calm = now_s > self.plan.lasts_s + self.plan.rest_s and not self._pending
        store = self.coordinator.store
        if not calm or len(store.results) != len(store.tasks):
            return False
        idle = all(worker.core is not None and worker.core.held == 0 for worker in self.workers)
        return idle and store.results.keys() <= self.witness.done.keys()

    # -- the driver ----------------------------------------

    def _submit(self, work: Work) -> None:
        """As the driver does: the same task again until its answer came."""
        self.clock.acted.append(self.coordinator)
        if work.task_id in self.accepted:
            return
        self._pending.setdefault(work.task_id, work)
        self._submit_once(work)
        self.clock.after(int(0.7 * _S), lambda: self._submit(work))

    def _submit_once(self, work: Work) -> None:
        if self.coordinator.is_alive:
            self.asked(work.task_id)
            task = TaskSpec(
                task_id=work.task_id, kind="steps", params=msgspec.Raw(msgspec.json.encode(work.what)),
                priority=work.priority, intended_ns=self.clock.now_ns, retry_errors=work.retry_errors,
                max_attempts=3 if work.what.fails else 0,
            )  # fmt: skip
            self.clock.after(0, self.coordinator.inside(partial(self._ask, task)))

    def _ask(self, task: TaskSpec) -> None:
        def answered(submitted: SubmissionReply) -> None:
            if submitted.accepted + submitted.known == 1:
                self.answered(task.task_id)

        self.coordinator.submit([task], answered, at_once=is_at_once(task.task_id))

    def asked(self, task: str) -> None:
        """The driver submits a task."""

    def answered(self, task: str) -> None:
        """The driver received the answer that a task is accepted."""
        self.accepted.add(task)
        self._pending.pop(task, None)

    def has_newer(self, process: WorkerProcess) -> bool:
        """Whether another process of the same name was started after this one, or connected after it: to the
        coordinator the process with the newest first hello is the newer one.
        """
        return self.coordinator.incumbent(process.name) not in ("", process.incarnation) or any(
            process.name == other.name and process.born < other.born for other in (*self.workers, *self.twins)
        )

    # -- journals ------------------------------------------

    def make_worker(self, name: str, by: str, wire: Wire) -> WorkerProcess:
        """A process of that name, not started yet. `by` is its name in the journals."""
        settings = self.worker_settings()
        journal = self._journal(by)
        return WorkerProcess(name, self.clock, self.chance, settings, KEY, journal, self.coordinator, wire)

    def _journal(self, by: str) -> Journal:
        return ObservedJournal(by, self.on_event, self.clock)

    def on_event(self, event: events.Event) -> None:
        """A line was written."""
        # (A struct of another kind takes isinstance ten times as long as one of this kind.)
        kind = type(event)
        if kind is not events.TrafficTotals and kind is not task_events.Totals:
            self.last.append(event)
        if self.armed:
            self._look_at_armed(kind.__name__, worker_of(event))
        self.witness.see(event)
        self._conduct.see(event)
        if type(event) is task_events.Assigned:
            self.assigned.append(event)
            if breach := order_breach(self, event):
                self.witness.breaches.append(breach)
