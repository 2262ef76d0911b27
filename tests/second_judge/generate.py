"""Histories by seed: plausible runs with losses, duplicates, restarts, kills, pauses, faults that overlap,
workers that are back and lost again, drains that run out; and the same with lines cut, doubled or altered.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from msgspec.structs import replace

from chaos.catalogue import FAULTS
from driver.histories import events as driver
from driver.histories import system_events as systems
from driver.reference import load_events
from tests.driver.judge.histories import BASE_NS, NO_SETTINGS, Past, ns
from tests.second_judge.alter import alter
from wire import events as wire
from wire import task_events

STEP_S = 0.25
BEGIN_S = 2.0
LINK_FAULTS = ("refuse", "cut", "latency", "corrupt", "corrupt", "stall")
PROCESS_FAULTS = ("pause", "kill", "restart", "stop", "cpu")
CUTS = ("refuse", "cut", "stall", "pause", "kill", "restart", "stop")
PRIORITIES = ("critical", "high", "normal", "low", "background", "unheard_of")


@dataclass
class Worker:
    """One worker as it is now. `gone_until_s`: its process does nothing until then."""

    name: str
    is_up: bool = True
    is_frozen: bool = False
    is_dead: bool = False
    tries: int = 0
    try_at_s: float = 0.0
    running: dict[str, int] = field(default_factory=dict)
    frames: int = 0


@dataclass
class Fault:
    """One fault that is on."""

    name: str
    kind: str
    targets: list[str]
    until_s: float


class Story:
    """One run, step by step; everything that happens is drawn from `seed`."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.measured_s = 8.0 + seed % 7 if seed % 3 == 0 else None
        self.past = Past(self.draw.randint(1, 4))
        self.workers = {name: Worker(name) for name in self.past.workers}
        self.on: list[Fault] = []
        self.faults = self.tasks = 0
        self.waiting: list[str] = []
        self.coordinator_is_up = True
        self.priorities = self.draw.sample(PRIORITIES, self.draw.randint(1, 3))
        self.trouble = self.draw.choice((0.0, 0.0, 0.004, 0.02))
        self.at_s = BEGIN_S
        self.slots = self.draw.choice((1, 3))

    def likely(self, chance: float) -> bool:
        return self.draw.random() < chance

    def soon(self, most_s: float = 0.2) -> float:
        """An instant within this step."""
        return self.at_s + self.draw.random() * most_s

    def generate(self) -> Past:
        """The whole run. In every third its last tasks are not measured."""
        self.past.begin(measured_s=self.measured_s)
        until_s = BEGIN_S + self.draw.choice((8, 16, 24))
        hurt_until_s = until_s - self.draw.choice((2, 2, 12))
        fault_rate = self.draw.choice((0.0, 0.04, 0.04, 0.15))
        while self.at_s < until_s:
            if self.likely(fault_rate) and 1.5 < self.at_s < hurt_until_s:
                self.begin_fault()
            for fault in [one for one in self.on if one.until_s <= self.at_s]:
                self.end_fault(fault)
            self.tend()
            self.at_s += STEP_S
        for fault in list(self.on):
            self.end_fault(fault)
        for _ in range(self.draw.randint(0, 60)):
            self.tend(loaded=False)
            self.at_s += STEP_S
        self.finish()
        return self.past

    def tend(self, *, loaded: bool = True) -> None:
        """What goes on in every step."""
        if loaded and self.likely(0.8):
            self.submit()
        for worker in self.workers.values():
            if not (worker.is_dead or worker.is_frozen):
                self.live(worker)
        if self.coordinator_is_up:
            self.assign()
        if self.coordinator_is_up and self.at_s % 1 == 0 and self.likely(0.9):
            self.past.totals(self.at_s + 0.01)
        if self.likely(0.1):
            by = self.draw.choice(["coordinator", *self.workers])
            size_bytes, cpu_s = self.draw.randint(1, 1 << 20), self.draw.random() * 5
            self.past.emit(
                "driver",
                driver.ResourceSample,
                self.soon(),
                container=by,
                memory_bytes=size_bytes,
                cpu_s=cpu_s,
            )

    # -- work ------------------------------

    def submit(self) -> None:
        for number in range(self.draw.randint(1, 3)):
            self.tasks += 1
            task = f"t-{self.tasks}"
            if self.likely(0.01):
                self.past.emit(
                    "driver", load_events.TasksRefused, self.soon(), tasks=[task], because=["full"]
                )
                continue
            self.past.submit(task, self.at_s + number * 0.02, self.draw.choice(self.priorities))
            self.waiting.append(task)

    def assign(self) -> None:
        up = [worker for worker in self.workers.values() if worker.is_up and not worker.is_frozen]
        while self.waiting and up:
            worker = self.draw.choice(up)
            if len(worker.running) >= self.slots:
                return
            task = self.waiting.pop(-1 if self.likely(self.trouble) else 0)
            step = self.draw.choice((0, 0, 0, 2))
            at_s = self.at_s + 0.21 + len(worker.running) * 0.001
            worker.running[task] = self.past.assign(task, worker.name, at_s, from_step=step)

    def live(self, worker: Worker) -> None:
        """A step in the life of a worker that runs."""
        if not worker.is_up and worker.try_at_s <= self.at_s:
            self.connect(worker)
        for task, token in list(worker.running.items()):
            if self.likely(0.1):
                self.checkpoint(worker, task, token)
            if self.likely(0.5) and worker.is_up and self.coordinator_is_up:
                self.result(worker, task, token)
            elif self.likely(self.trouble):
                self.lose_attempt(worker, task, token)
        if worker.is_up and self.likely(self.trouble):
            self.lose(worker)
        if self.at_s % 1 == 0:
            worker.frames += self.draw.randint(0, 50_000)
            for by in (worker.name, "coordinator"):
                self.past.emit(by, wire.TrafficTotals, self.soon(), frames_sent=worker.frames // 900,
                               messages_sent=worker.frames // 1000, wire_bytes_sent=worker.frames,
                               raw_bytes_sent=worker.frames * 2, messages_received=worker.frames // 1100,
                               queue_depth=self.draw.randint(0, 9))  # fmt: skip

    def checkpoint(self, worker: Worker, task: str, token: int) -> None:
        at_s, step = self.soon(), self.draw.randint(1, 5)
        self.past.emit(worker.name, task_events.CheckpointCreated, at_s, task=task, token=token, step=step,
                       size_bytes=self.draw.randint(1, 9999))  # fmt: skip
        if not worker.is_up or not self.coordinator_is_up:
            return
        more = {"task": task, "token": token, "worker": worker.name}
        if self.likely(0.8):
            self.past.emit(
                "coordinator", task_events.CheckpointCommitted, at_s + 0.03, step=step, size_bytes=7, **more
            )
        else:
            self.past.emit("coordinator", task_events.CheckpointRefused, at_s + 0.03, because="stale", **more)

    def result(self, worker: Worker, task: str, token: int) -> None:
        if self.likely(self.trouble / 2):
            del worker.running[task]
            more = {"task": task, "token": token}
            self.past.emit(worker.name, task_events.Finished, self.at_s, error="", took_ms=1.0, **more)
            self.past.emit(worker.name, task_events.ResultAcknowledged, self.at_s + 0.1, **more)
            self.waiting.append(task)
            return
        del worker.running[task]
        self.past.finish(
            task, worker.name, token, self.soon(), self.draw.choice(("completed",) * 9 + ("failed",))
        )
        if self.likely(self.trouble):
            refused = {"task": task, "token": token, "worker": worker.name, "because": "duplicate"}
            self.past.emit("coordinator", task_events.ResultRefused, self.soon() + 0.2, **refused)
        if self.likely(self.trouble / 2):
            self.past.done(task, worker.name, token, self.soon() + 0.2)

    def lose_attempt(self, worker: Worker, task: str, token: int) -> None:
        del worker.running[task]
        at_s = self.soon(0.1)
        self.past.lose_attempt(task, worker.name, token, at_s)
        self.waiting.append(task)
        kind = self.draw.choice((task_events.LeaseExpired, task_events.Dropped, None))
        if kind is task_events.LeaseExpired:
            self.past.emit(worker.name, kind, at_s - 0.01, task=task, token=token)
        elif kind is task_events.Dropped:
            self.past.emit(
                worker.name, task_events.Dropped, at_s + 0.01, task=task, token=token, reason="revoked"
            )
        elif self.likely(0.3):
            self.past.emit("coordinator", task_events.ResultRefused, at_s + 0.05, task=task, token=token,
                           worker=worker.name, because="stale")  # fmt: skip

    # -- connections ------------------------------

    def lose(self, worker: Worker, at_s: float | None = None) -> None:
        kind = self.draw.choice(("closed", "reset", "heartbeat_timeout", "bad_frame"))
        silent_s = self.draw.choice((0.05, 0.3, 1.5, 3.0))
        self.past.lose(worker.name, self.soon(0.1) if at_s is None else at_s, kind, silent_s)
        worker.is_up, worker.tries = False, 0
        worker.try_at_s = self.at_s + self.draw.choice((0.25, 1.0, 2.5))

    def connect(self, worker: Worker) -> None:
        worker.tries += 1
        at_s, took_s = self.soon(0.1), self.draw.choice((0.01, 0.04))
        self.past.emit(
            worker.name, wire.BackoffStarted, at_s - 0.1, attempt=worker.tries, delay_ms=100.0, policy="x"
        )
        refused = any(worker.name in one.targets and one.kind in ("refuse", "cut") for one in self.on)
        if not self.coordinator_is_up or (refused and self.likely(0.9)) or self.likely(0.1):
            self.past.fail_to_connect(worker.name, at_s, worker.tries, took_s)
            worker.try_at_s = self.at_s + self.draw.choice((0.5, 2.0))
            return
        outcome = self.draw.choice(("resumed", "resumed", "resumed", "reset", "fresh"))
        self.past.connect(worker.name, at_s, outcome, worker.tries, took_s)
        worker.is_up = True

    # -- faults ------------------------------

    def begin_fault(self) -> None:
        self.faults += 1
        on_link = self.likely(0.6)
        kind = self.draw.choice(LINK_FAULTS if on_link else PROCESS_FAULTS)
        targets = self.draw.sample(list(self.workers), self.draw.randint(1, len(self.workers)))
        if not on_link and self.likely(0.3):
            targets = [self.draw.choice(("coordinator", "toxiproxy"))]
        fault = Fault(f"f-{self.faults}", kind, targets, self.at_s + self.draw.choice((0.5, 2, 6, 12)))
        at_s = self.soon(0.05)
        changes = sorted(FAULTS[kind].changes) if self.likely(0.8) else None
        self.past.emit("driver", driver.FaultBegun, at_s, fault=fault.name, kind=kind, targets=targets,
                       changes=changes,
                       params=NO_SETTINGS, planned_ns=ns(at_s - 0.02), cuts=kind in CUTS,
                       spread_ms=self.draw.choice((0.0, 20.0)))  # fmt: skip
        self.on.append(fault)
        if targets == ["coordinator"] and kind in ("kill", "restart", "stop"):
            self.coordinator_is_up = False
            if kind != "kill":
                self.past.emit("coordinator", wire.ProcessStopping, at_s + 0.01, reason="asked")
        for worker in self.workers.values():
            shared = worker.name not in targets and not set(targets) & {"coordinator", "toxiproxy"}
            if not shared and not worker.is_dead:
                self.hurt(worker, fault, at_s + 0.02)

    def hurt(self, worker: Worker, fault: Fault, at_s: float) -> None:
        """What a fault does to one worker."""
        own = worker.name in fault.targets
        if own and self.likely(0.2):
            by = self.draw.choice((worker.name, worker.name, "toxiproxy"))
            self.past.emit("driver", driver.ContainerExited, at_s, container=by, exit_code=137,
                           out_of_memory=False, planned=False, log=[])  # fmt: skip
        if own and fault.kind == "pause":
            worker.is_frozen = True
            if worker.is_up and self.likely(0.7):
                self.past.emit("coordinator", wire.WorkerLost, at_s + self.draw.choice((0.3, 3.0)),
                               worker=worker.name, session=self.past.session(worker.name),
                               kind="heartbeat_timeout", detail="", silent_ms=3000.0)  # fmt: skip
        elif own and fault.kind in ("kill", "restart", "stop"):
            self.end_process(worker, fault, at_s)
        elif fault.kind in CUTS and worker.is_up and self.likely(0.9):
            self.lose(worker, at_s)
        elif fault.kind == "corrupt" and worker.is_up and self.likely(0.7):
            what = self.draw.choice(("altered", "altered", "framing", "sequence_gap", "undecodable"))
            self.past.emit(self.draw.choice((worker.name, "coordinator")), wire.FrameRefused, at_s + 0.3,
                           peer=worker.name, fault=what, detail="")  # fmt: skip

    def end_process(self, worker: Worker, fault: Fault, at_s: float) -> None:
        worker.is_dead = True
        for task, token in list(worker.running.items()):
            if fault.kind == "kill" or self.likely(0.2):
                continue
            self.past.emit(
                worker.name, task_events.Dropped, at_s, task=task, token=token, reason="handed back"
            )
            self.past.lose_attempt(task, worker.name, token, at_s + 0.01, "handed back")
            self.waiting.append(task)
        worker.running.clear()
        if fault.kind != "kill" and self.likely(0.9):
            self.past.emit(worker.name, wire.ProcessStopping, at_s + 0.03, reason="SIGTERM")
            if worker.is_up and self.likely(0.9):
                self.past.emit("coordinator", wire.WorkerGone, at_s + 0.04, worker=worker.name,
                               session=self.past.session(worker.name), reason="goodbye")  # fmt: skip
        worker.is_up = False

    def end_fault(self, fault: Fault) -> None:
        self.on.remove(fault)
        at_s = self.soon(0.05)
        if self.likely(0.95):
            detail = "" if self.likely(0.97) else "no answer"
            self.past.emit("driver", driver.FaultEnded, at_s, fault=fault.name, kind=fault.kind,
                           targets=fault.targets, planned_ns=ns(at_s), detail=detail)  # fmt: skip
        if self.likely(0.5):
            left = [] if self.likely(0.95) else ["worker-1"]
            self.past.emit(
                "driver", driver.Healed, at_s + 0.2, links=[], containers=[], left=left, took_ms=1.0
            )
        if self.likely(0.97):
            self.receipt(fault, at_s)
        if fault.targets == ["coordinator"] and not self.coordinator_is_up:
            self.coordinator_is_up = True
            self.past.start("coordinator", at_s + 0.05, role="coordinator")
        for worker in [self.workers[name] for name in fault.targets if name in self.workers]:
            if worker.is_frozen and fault.kind == "pause":
                worker.is_frozen = False
                if worker.is_up and self.likely(0.8):
                    self.lose(worker, at_s + 0.05)
            elif worker.is_dead and fault.kind in ("kill", "restart", "stop"):
                worker.is_dead, worker.tries, worker.try_at_s = False, 0, self.at_s + 0.25
                self.past.start(worker.name, at_s + 0.05)

    def receipt(self, fault: Fault, at_s: float) -> None:
        damage = {"damaged_per_byte": self.draw.choice((0.0, 0.001))} if fault.kind == "corrupt" else {}
        hit = [target for target in fault.targets if target in self.workers]
        self.past.emit("driver", driver.Receipt, at_s + 0.5, fault=fault.name, kind=fault.kind,
                       proved=self.likely(0.95), because="", hit=hit, missed=[], spared=[], strayed=[],
                       observers=["prober"], measured=damage)  # fmt: skip

    # -- the end ------------------------------

    def finish(self) -> None:
        """The drain, as it may end, and the teardown."""
        outcome = self.draw.choice(("done", "done", "done", "failed", "stopped", ""))
        begin_s = self.at_s
        if outcome:
            self.past.phase("drain", begin_s, begin_s + 1, outcome)
        self.past.totals(begin_s + 0.9)
        self.at_s = begin_s + 1.2
        for worker in self.workers.values():
            for task, token in list(worker.running.items()):
                if self.likely(0.3):
                    self.lose_attempt(worker, task, token)
                elif self.likely(0.3):
                    self.result(worker, task, token)
        for process in [*self.workers, "coordinator"]:
            alive = process == "coordinator" or not self.workers[process].is_dead
            if alive and self.likely(0.98):
                self.past.emit(process, wire.ProcessStopping, begin_s + 2, reason="SIGTERM")
            if self.likely(0.1):
                status = self.draw.choice(("exited", "running", "paused"))
                self.past.emit("driver", driver.FinalContainerState, begin_s + 1.8, container=process,
                               status=status, exit_code=1, out_of_memory=False)  # fmt: skip
        if self.likely(0.97):
            self.past.phase("collect", begin_s + 1.1, begin_s + 3)


def generated(seed: int) -> Past:
    """A run by its seed; in every second one, some lines are cut, doubled or altered."""
    past = Story(seed).generate()
    draw = random.Random(f"altered {seed}")
    if seed % 2:
        for _ in range(draw.choice((1, 2, 4, 30))):
            alter(past, draw)
    _look_at_links(past, random.Random(f"links {seed}"))
    _on_a_machine(past, random.Random(f"machine {seed}"))
    _under_loads(past, random.Random(f"loads {seed}"))
    return past


def _under_loads(past: Past, draw: random.Random) -> None:
    """Operations of loads: none, or of one or two, that fail and stall now and then; a heal phase, or not."""
    lasted_s = (max(event.at_ns for lines in past.lines.values() for event in lines) - BASE_NS) / 1e9
    if draw.random() < 0.5:
        past.phase("heal", lasted_s - draw.choice((1.0, 4.0)), lasted_s - 0.5)
    for load in draw.choice(((), (), ("votes",), ("votes", "reads"))):
        odds, at_s, count = draw.choice(((98, 1, 1), (50, 20, 30), (0, 50, 50))), 1.0, 0
        op = draw.choice(("add", "add", "eventually", "parallel_driver"))
        while at_s < lasted_s:
            at_s += draw.choice((0.0, 0.1, 0.3, draw.random() * 2))
            took_s = draw.choice((0.001, 0.01, 0.01, 5.0 * draw.random()))
            count += 1
            past.emit(
                "load",
                systems.Operation,
                at_s + took_s + 0.002,
                load=load,
                op=op,
                key=f"k-{count}",
                value=None,
                due_ns=ns(at_s),
                call_ns=ns(at_s + 0.001),
                return_ns=ns(at_s + 0.001 + took_s),
                outcome=draw.choices(("ok", "fail", "unknown"), odds)[0],
            )
        if draw.random() < 0.9:
            trouble = draw.choice(("", "", "", "it ended with 1"))
            past.emit("load", systems.LoadEnded, lasted_s, load=load, operations=count, trouble=trouble)


def _look_at_links(past: Past, draw: random.Random) -> None:
    """What the driver noted of Toxiproxy's links before it healed them and at the end."""
    planned = [driver.ProxyLink(f"worker-{n}", f"[::]:{n}", "c:1") for n in range(1, len(past.workers) + 1)]
    for moment, at_s in (("before_heal", 30.0), ("end", 40.0)):
        found = list(planned)
        what = draw.choice(("", "", "", "", "gone", "strange", "upstream", "listen", "hurts", "enabled"))
        if what == "gone":
            del found[0]
        elif what == "strange":
            found.append(driver.ProxyLink("mine", "[::]:99", "c:1"))
        elif what:
            other = {"upstream": "c:2", "listen": "[::]:98", "hurts": ["f-1"], "enabled": False}[what]
            found[0] = replace(found[0], **{what: other})
        if draw.random() < 0.8:
            past.emit("driver", driver.LinksSeen, at_s, moment=moment, planned=planned, found=found)


def _on_a_machine(past: Past, draw: random.Random) -> None:
    """Samples of the machine: calm, too busy in one way, or with a stalled driver; late tasks."""
    mood = draw.choice(("calm", "calm", "calm", "calm", "busy", "stolen", "stalled", "late", "slow"))
    last_ns = max(event.at_ns for lines in past.lines.values() for event in lines)
    pressed = draw.random() < 0.5
    for second in range(1, (last_ns - BASE_NS) // 10**9):
        past.machine(
            second,
            runnable=draw.choice((12, 20) if mood == "busy" else (1, 5)),
            steal_ratio=0.5 if mood == "stolen" else 0.0,
            cpu_pressure=0.9 if pressed else None,
            io_pressure=(0.8 if mood == "stalled" else 0.1) if pressed else None,
            memory_pressure=0.0 if pressed else None,
            lag_ms=draw.choice((5.0, 900.0, 1500.0)) if mood == "late" else 5.0,
        )
    for accepted in [one for one in past.lines["driver"] if isinstance(one, load_events.TasksAccepted)]:
        if mood == "slow" and draw.random() < 0.2:
            accepted.noticed_ns.extend(at_ns + draw.choice((2, 20)) * 10**8 for at_ns in accepted.intended_ns)
