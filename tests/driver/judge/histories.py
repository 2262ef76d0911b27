"""Histories made by hand: a few words a line, for tests that say what happened and ask what is found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from chaos.catalogue import FAULTS
from driver.histories import events as driver
from driver.histories.history import History, JournalRead
from driver.histories.journals import client_order
from driver.reference import load_events
from driver.results.run_folder import RunRecord, save_start
from wire import events as wire
from wire import task_events
from wire.events import Event
from wire.journal_chain import JournalChain, read_chain

BASE_NS = 10_000_000_000
"""Soon after a machine's start, so that for one that reads these by its own clock they are past."""
NO_TORN: Mapping[str, bytes] = {}
NO_SETTINGS = msgspec.Raw(b"{}")
E = TypeVar("E", bound=Event)


class Past:
    """The journals of a run, written by hand.

    Times are seconds since its begin; each method adds the events that the processes would write.
    """

    def __init__(self, workers: int = 3) -> None:
        self.workers = [f"worker-{number}" for number in range(1, workers + 1)]
        self.lines: dict[str, list[Event]] = {}
        self._token = 0
        self._sessions: dict[str, str] = {}
        self._incarnations: dict[str, str] = {}

    # -- one line
    # ---------------------------------------------------------------------------------------------

    def emit(self, by: str, kind: type[E], at_s: float, /, **fields: object) -> E:
        """One event, as `by` writes it at `at_s`."""
        event = kind(at_ns=ns(at_s), wall_s=1.7e9 + at_s, by=by, **fields)
        self.lines.setdefault(by, []).append(event)
        return event

    def forget(self, by: str, kind: type[Event]) -> None:
        """Take all lines of one kind out of a journal."""
        self.lines[by] = [event for event in self.lines[by] if not isinstance(event, kind)]

    # -- processes and connections
    # ----------------------------------------------------------------------------

    def begin(self, duration_s: float = 60.0, zero_s: float = 0.0, measured_s: float | None = None) -> None:
        """The driver, the coordinator and all workers start, and the workers connect.

        `zero_s` is from when the scenario's times count, `measured_s` until when its work is measured.
        """
        self.emit(
            "driver",
            driver.RunStarted,
            0,
            run="run",
            scenario="herd",
            seed=1,
            clients=self.workers,
            duration_s=duration_s,
            measured_s=measured_s,
        )
        self.start("coordinator", 0.1, role="coordinator")
        for number, worker in enumerate(self.workers):
            self.start(worker, 0.2)
            self.connect(worker, 0.5 + number * 0.01)
        for phase, began_s, ended_s in (("up", 0.0, 1.0), ("ready", 1.0, 1.5), ("gate", 1.5, 2.0)):
            self.phase(phase, began_s, ended_s, zero_s=zero_s if phase == "gate" else None)

    def start(self, process: str, at_s: float, role: str = "worker") -> None:
        """A process's life begins."""
        self._incarnations[process] = f"{process}@{at_s}"
        self.emit(
            process,
            wire.ProcessStarted,
            at_s,
            role=role,
            incarnation=self._incarnations[process],
            settings=NO_SETTINGS,
        )

    def session(self, worker: str) -> str:
        """The id of a worker's newest session."""
        return self._sessions[worker]

    def connect(
        self, worker: str, at_s: float, outcome: str = "fresh", attempt: int = 1, took_s: float = 0.01
    ) -> None:
        """An attempt that succeeds at `at_s`, recorded by both sides."""
        if outcome != "resumed":
            self._sessions[worker] = f"{worker}/{at_s}"
        session = self._sessions[worker]
        self.emit(worker, wire.Connecting, at_s - took_s, attempt=attempt)
        self.emit(
            "coordinator",
            wire.WorkerJoined,
            at_s - took_s / 2,
            worker=worker,
            session=session,
            epoch=1,
            outcome=outcome,
            because="",
            incarnation=self._incarnations.get(worker, ""),
        )
        self.emit(
            worker,
            wire.Connected,
            at_s,
            attempt=attempt,
            session=session,
            epoch=1,
            outcome=outcome,
            because="",
            handshake_ms=took_s * 1e3,
            replayed=0,
        )

    def lose(self, worker: str, at_s: float, kind: str = "closed", silent_s: float = 0.1) -> None:
        """A connection ends, recorded by both sides."""
        session = self._sessions[worker]
        more = {"session": session, "kind": kind, "detail": "", "silent_ms": silent_s * 1e3}
        self.emit(worker, wire.ConnectionLost, at_s, **more)
        self.emit("coordinator", wire.WorkerLost, at_s + 0.001, worker=worker, **more)

    def fail_to_connect(self, worker: str, at_s: float, attempt: int, took_s: float = 0.01) -> None:
        """An attempt that is refused at `at_s`."""
        self.emit(worker, wire.Connecting, at_s - took_s, attempt=attempt)
        self.emit(worker, wire.ConnectFailed, at_s, attempt=attempt, kind="refused", detail="")

    def end(self, at_s: float) -> None:
        """Everything is drained and ends in order."""
        self.phase("drain", at_s - 1, at_s)
        self.totals(at_s - 0.5)
        for process in [*self.workers, "coordinator"]:
            self.emit(process, wire.ProcessStopping, at_s + 1, reason="SIGTERM")
        self.phase("collect", at_s + 0.1, at_s + 2)

    def phase(
        self,
        phase: str,
        began_s: float,
        ended_s: float,
        outcome: str = "done",
        zero_s: float | None = None,
        detail: str = "",
    ) -> None:
        """A phase of the run, and from when the scenario's times count, where that is known by then."""
        zero_ns = 0 if zero_s is None else ns(zero_s)
        self.emit("driver", driver.PhaseBegun, began_s, phase=phase, zero_ns=zero_ns)
        self.emit("driver", driver.PhaseEnded, ended_s, phase=phase, outcome=outcome, detail=detail)

    # -- the machine
    # ------------------------------------------------------------------------------------------

    def machine(self, at_s: float, runnable: int = 2, lag_ms: float = 1.0, **measured: float | None) -> None:
        """A sample of a machine with two cores, and without PSI unless it was `measured`."""
        nothing = {"steal_ratio": 0.0, "cpu_pressure": None, "io_pressure": None, "memory_pressure": None}
        self.emit(
            "driver",
            driver.MachineSample,
            at_s,
            runnable=runnable,
            cores=2,
            loop_lag_ms=lag_ms,
            **{**nothing, **measured},
        )

    def busy(self, from_s: int, to_s: int) -> None:
        """Samples of a machine that is too busy, one a second."""
        for second in range(from_s, to_s):
            self.machine(second, runnable=30)

    # -- work
    # -------------------------------------------------------------------------------------------------

    def submit(self, task: str, at_s: float, priority: str = "normal") -> None:
        """The driver submits a task, which was meant to start then; the coordinator takes it."""
        self.emit(
            "coordinator",
            task_events.TaskSubmitted,
            at_s,
            task=task,
            priority=priority,
            intended_ns=ns(at_s),
        )
        self.emit(
            "driver",
            load_events.TasksAccepted,
            at_s + 0.002,
            tasks=[task],
            intended_ns=[ns(at_s)],
            known=0,
            took_ms=2.0,
        )

    def assign(self, task: str, worker: str, at_s: float, attempt: int = 1, from_step: int = 0) -> int:
        """The coordinator gives a task to a worker, which begins it; the attempt's token."""
        self._token += 1
        self.emit(
            "coordinator",
            task_events.Assigned,
            at_s,
            task=task,
            token=self._token,
            worker=worker,
            attempt=attempt,
            from_step=from_step,
        )
        self.emit(
            worker,
            task_events.AssignmentReceived,
            at_s + 0.001,
            task=task,
            token=self._token,
            attempt=attempt,
        )
        self.emit(
            worker, task_events.Started, at_s + 0.001, task=task, token=self._token, from_step=from_step
        )
        return self._token

    def finish(self, task: str, worker: str, token: int, at_s: float, outcome: str = "completed") -> None:
        """The worker finishes an attempt, the coordinator records it and acknowledges it."""
        error = "" if outcome == "completed" else "went wrong"
        self.emit(
            worker, task_events.Finished, at_s - 0.001, task=task, token=token, error=error, took_ms=50.0
        )
        self.done(task, worker, token, at_s, outcome)
        self.emit(worker, task_events.ResultAcknowledged, at_s + 0.001, task=task, token=token)

    def done(
        self,
        task: str,
        worker: str,
        token: int,
        at_s: float,
        outcome: str = "completed",
        redone_steps: int = 0,
    ) -> None:
        """The coordinator counts a result."""
        self.emit(
            "coordinator",
            task_events.TaskDone,
            at_s,
            task=task,
            token=token,
            worker=worker,
            outcome=outcome,
            error="" if outcome == "completed" else "went wrong",
            attempts=1,
            started_ns=ns(at_s - 0.05),
            ended_ns=ns(at_s),
            redone_steps=redone_steps,
        )

    def lose_attempt(
        self, task: str, worker: str, token: int, at_s: float, reason: str = "worker gone"
    ) -> None:
        """The coordinator gives an attempt up."""
        self.emit(
            "coordinator",
            task_events.AttemptAbandoned,
            at_s,
            task=task,
            token=token,
            worker=worker,
            reason=reason,
        )

    def run_task(
        self, task: str, worker: str, at_s: float, takes_s: float = 0.05, priority: str = "normal"
    ) -> None:
        """A task from submission to its result, without trouble."""
        self.submit(task, at_s, priority)
        self.finish(task, worker, self.assign(task, worker, at_s + 0.003), at_s + takes_s)

    def flow(self, from_s: float, to_s: float, per_s: float = 10.0, name: str = "t") -> None:
        """Tasks at a steady rate, one worker after the other."""
        for number in range(int((to_s - from_s) * per_s)):
            at_s = from_s + number / per_s
            self.run_task(f"{name}-{at_s:.3f}", self.workers[number % len(self.workers)], at_s)

    def totals(self, at_s: float, **changed: int) -> task_events.Totals:
        """The coordinator's books at an instant, right unless `changed`."""
        lines = [event for event in self.lines["coordinator"] if event.at_ns <= ns(at_s)]
        submitted = {event.task for event in lines if isinstance(event, task_events.TaskSubmitted)}
        results = {event.task: event.outcome for event in lines if isinstance(event, task_events.TaskDone)}
        completed = sum(1 for outcome in results.values() if outcome == "completed")
        books = {
            "submitted": len(submitted),
            "completed": completed,
            "failed": len(results) - completed,
            "waiting": len(submitted - set(results)),
            "assigned": 0,
            "connected": len(self.workers),
        }
        return self.emit(
            "coordinator", task_events.Totals, at_s, waiting_by_priority={}, **{**books, **changed}
        )

    # -- faults
    # -----------------------------------------------------------------------------------------------

    def fault(
        self, fault: str, kind: str, targets: Sequence[str], at_s: float, for_s: float, *, cuts: bool = True,
        proved: bool | None = True,
        due_s: float | None = None,
        **measured: float,
    ) -> None:  # fmt: skip
        """A fault, its end, the healing, and its receipt (none when `proved` is None)."""
        named = {"fault": fault, "kind": kind, "targets": list(targets)}
        planned_ns = ns(at_s if due_s is None else due_s)
        self.emit(
            "driver",
            driver.FaultBegun,
            at_s,
            planned_ns=planned_ns,
            cuts=cuts,
            params=NO_SETTINGS,
            changes=sorted(FAULTS[kind].changes) if kind in FAULTS else [],
            **named,
        )
        self.emit("driver", driver.FaultEnded, at_s + for_s, planned_ns=ns(at_s + for_s), **named)
        self.emit("driver", driver.Healed, at_s + for_s + 0.01, links=[], containers=[], left=[], took_ms=1.0)
        if proved is not None:
            spared = [worker for worker in self.workers if worker not in targets]
            self.emit(
                "driver",
                driver.Receipt,
                at_s + for_s + 0.1,
                fault=fault,
                kind=kind,
                proved=proved,
                because="seen" if proved else "the prober saw nothing",
                hit=list(targets),
                missed=[],
                spared=spared,
                strayed=[],
                observers=["prober"],
                measured=measured,
            )

    def cut(
        self, fault: str, at_s: float, for_s: float, targets: Sequence[str] = (), back_s: float = 1.0
    ) -> None:
        """Links are refused for a while; their workers lose their connections and are back `back_s` later."""
        hit = list(targets or self.workers)
        self.fault(fault, "refuse", hit, at_s, for_s)
        for number, worker in enumerate(hit):
            self.lose(worker, at_s + 0.005)
            self.emit(
                worker, wire.BackoffStarted, at_s + 0.006, attempt=1, delay_ms=500.0, policy="full_jitter"
            )
            self.fail_to_connect(worker, at_s + for_s * (0.3 + 0.5 * number / len(hit)), attempt=1)
            self.connect(
                worker, at_s + for_s + back_s * (number + 1) / len(hit), outcome="resumed", attempt=2
            )

    # -- the whole
    # --------------------------------------------------------------------------------------------

    def history(self, expected: Iterable[str] | None = None) -> History:
        """The history in memory; every process with events is expected to have a journal."""
        journals = {}
        for name, lines in self.lines.items():
            ordered = sorted(lines, key=lambda event: event.at_ns)
            journals[name] = JournalRead.of(name, ordered)
        wanted = list(expected) if expected is not None else ["driver", "coordinator", *self.workers]
        return History(journals, wanted, sorted(self.workers, key=client_order))

    def write(self, folder: Path, expect: Sequence[object] = (), **changed: object) -> Path:
        """The run's folder; `changed` are fields of its record."""
        record = RunRecord(
            run=folder.name,
            scenario="herd",
            seed=1,
            clients=self.workers,
            duration_s=60.0,
            expect=list(expect),
            processes=["driver", "coordinator", *self.workers],
            planned_faults=sum(
                isinstance(event, driver.FaultBegun) for event in self.lines.get("driver", ())
            ),
        )
        save_start(folder, msgspec.structs.replace(record, **changed), "name: herd\n")
        (folder / "journals").mkdir(exist_ok=True)
        for name, lines in self.lines.items():
            (folder / "journals" / f"{name}.jsonl").write_bytes(b"".join(encoded(lines)))
        return folder

    def write_sealed(self, folder: Path, torn: Mapping[str, bytes] = NO_TORN, **changed: object) -> Path:
        """The same as a lab of today writes it: each third line has a seal, and the driver, which ends in
        order, notes all other journals. `torn`: what a kill left behind the last line of a process.
        """
        last_s = max(event.at_ns - BASE_NS for lines in self.lines.values() for event in lines) / 1e9
        files = {name: seal(lines) + torn.get(name, b"") for name, lines in self.lines.items()}
        for name, data in files.items():
            if name != "driver":
                read = read_chain(data)
                self.emit("driver", driver.JournalNoted, last_s, journal=name, lines=read.lines,
                          head=read.head, size_bytes=read.size_bytes)  # fmt: skip
        self.emit("driver", wire.ProcessStopping, last_s, reason="the run is over")
        self.write(folder, (), **{"sealed": True, **changed})
        for name, data in {**files, "driver": seal(self.lines["driver"])}.items():
            (folder / "journals" / f"{name}.jsonl").write_bytes(data)
        return folder


def encoded(lines: Iterable[Event]) -> list[bytes]:
    """The lines of a journal, in order of time."""
    ordered = sorted(lines, key=lambda event: event.at_ns)
    return [msgspec.json.encode(event) + b"\n" for event in ordered]


def seal(events: Iterable[Event]) -> bytes:
    """A journal as it is written by a process, three lines at a time."""
    chain, lines = JournalChain(), encoded(events)
    return b"".join(chain.seal(lines[at : at + 3]) for at in range(0, len(lines), 3))


def ns(at_s: float) -> int:
    """The monotonic nanosecond of a second of the run."""
    return BASE_NS + round(at_s * 1e9)


def healthy_herd(workers: int = 3, rounds: int = 2) -> Past:
    """All links cut at once, for some rounds; all workers reconnect, and no task is lost."""
    past = Past(workers)
    past.begin()
    for number in range(rounds):
        begin_s = 2.0 + number * 30
        past.flow(begin_s, begin_s + 9.5)
        past.cut(f"herd-{number + 1}", begin_s + 10, 5.0)
        past.flow(begin_s + 17, begin_s + 29)
    past.end(2.0 + rounds * 30 + 2)
    return past


def small(*, drained: bool = True) -> Past:
    """Two workers, forty tasks, no fault."""
    past = Past(2)
    past.begin()
    past.flow(2, 6)
    if drained:
        past.end(20)
    return past
