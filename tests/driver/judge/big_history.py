"""A long run of many workers, made up: what reading, judging and reporting are measured with.

    python -m tests.driver.judge.big_history FOLDER [WORKERS] [SECONDS] [TASKS_PER_S]

200 workers, an hour and 28 tasks a second make about a million events. Every five minutes all links are
refused for 20 s.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from driver.histories import events as driver
from driver.results.run_folder import RunRecord, save_start
from wire import events as wire
from wire import task_events
from wire.events import Event
from wire.priority import Priority

BASE_NS = 1_000_000_000_000
ROUND_S, CUT_AT_S, CUT_S = 300.0, 120.0, 20.0
NOTHING = msgspec.Raw(b"{}")
PRIORITIES = [priority.name for priority in Priority]
EXPECT = (
    "task_success_rate >= 90%",
    "reconnection_time_p99 <= 60s",
    "within 60s of heal: connected >= 95% for 10s",
    "order_within_priority",
    "no_starvation",
    "agreement_on_connected",
    "converged_after_healing",
)


class _Writer:
    """Collects the lines of every process, to be sorted by time at the end."""

    def __init__(self) -> None:
        self.lines: dict[str, list[tuple[int, bytes]]] = {}
        self._encode = msgspec.json.Encoder().encode

    def __call__(self, by: str, kind: type[Event], at_s: float, /, **fields: object) -> None:
        at_ns = BASE_NS + int(at_s * 1e9)
        event = kind(at_ns=at_ns, wall_s=1.7e9 + at_s, by=by, **fields)
        self.lines.setdefault(by, []).append((at_ns, self._encode(event)))

    def save(self, folder: Path) -> int:
        (folder / "journals").mkdir(parents=True, exist_ok=True)
        for by, lines in self.lines.items():
            lines.sort(key=lambda line: line[0])
            (folder / "journals" / f"{by}.jsonl").write_bytes(b"".join(line + b"\n" for _, line in lines))
        return sum(len(lines) for lines in self.lines.values())


def write_big(
    folder: Path, workers: int = 200, seconds: float = 3600.0, tasks_per_s: float = 28.0, seed: int = 1
) -> int:
    """Write a run's folder, and return how many events are in it."""
    draw = random.Random(seed)
    names = [f"worker-{number}" for number in range(1, workers + 1)]
    emit = _Writer()
    cuts = [(at_s, at_s + CUT_S) for at_s in _steps(CUT_AT_S, seconds - 90, ROUND_S)]
    _processes(emit, names, seconds)
    down = _connections(emit, names, cuts, draw)
    _faults(emit, names, cuts)
    _tasks(emit, names, seconds, tasks_per_s, down, draw)
    _figures(emit, names, seconds)
    record = RunRecord(
        run=folder.name,
        scenario="big",
        seed=seed,
        clients=names,
        duration_s=seconds,
        expect=list(EXPECT),
        processes=["driver", "coordinator", *names],
        planned_faults=len(cuts),
    )
    save_start(folder, record, "name: big\n")
    return emit.save(folder)


def _steps(from_s: float, to_s: float, every_s: float) -> list[float]:
    return [from_s + index * every_s for index in range(max(0, int((to_s - from_s) // every_s) + 1))]


def _processes(emit: _Writer, names: list[str], seconds: float) -> None:
    for by in ("coordinator", *names):
        role = "worker" if by in names else by
        emit(by, wire.ProcessStarted, 0.1, role=role, incarnation=f"{by}-1", settings=NOTHING)
        emit(by, wire.ProcessStopping, seconds + 33, reason="SIGTERM")
    for phase, began_s, ended_s in (
        ("up", 0, 1),
        ("ready", 1, 2),
        ("gate", 2, 5),
        ("timeline", 5, seconds),
        ("heal", seconds, seconds + 1),
        ("converge", seconds + 1, seconds + 2),
        ("drain", seconds + 2, seconds + 30),
        ("collect", seconds + 31, seconds + 34),
    ):  # fmt: skip
        emit("driver", driver.PhaseBegun, began_s, phase=phase)
        emit("driver", driver.PhaseEnded, ended_s, phase=phase, outcome="done")


def _connections(
    emit: _Writer, names: list[str], cuts: list[tuple[float, float]], draw: random.Random
) -> dict[str, list[tuple[float, float]]]:
    """Every worker connects, is cut off with the others, and comes back by full jitter; when it was down."""
    down: dict[str, list[tuple[float, float]]] = {}
    for name in names:
        session = f"{name}-session"
        _join(emit, name, session, 1.0 + draw.random(), 1, "fresh")
        for cut_s, heal_s in cuts:
            lost_s = cut_s + draw.uniform(0.001, 0.05)
            lost = {"session": session, "kind": "closed", "detail": "", "silent_ms": draw.uniform(0, 2000)}
            emit(name, wire.ConnectionLost, lost_s, **lost)
            emit("coordinator", wire.WorkerLost, lost_s + 0.001, worker=name, **lost)
            back_s = _storm(emit, name, session, lost_s, heal_s, draw)
            down.setdefault(name, []).append((lost_s, back_s))
    return down


def _storm(
    emit: _Writer, name: str, session: str, lost_s: float, heal_s: float, draw: random.Random
) -> float:
    at_s, attempt = lost_s, 1
    while True:
        wait_s = draw.uniform(0, min(8.0, 0.25 * 2**attempt))
        emit(
            name,
            wire.BackoffStarted,
            at_s + 0.001,
            attempt=attempt,
            delay_ms=wait_s * 1e3,
            policy="full_jitter",
        )
        at_s += 0.001 + wait_s
        if at_s > heal_s:
            return _join(emit, name, session, at_s, attempt, "resumed")
        emit(name, wire.Connecting, at_s, attempt=attempt)
        at_s += 0.003
        emit(name, wire.ConnectFailed, at_s, attempt=attempt, kind="refused", detail="connection refused")
        attempt += 1


def _join(emit: _Writer, name: str, session: str, at_s: float, attempt: int, outcome: str) -> float:
    emit(name, wire.Connecting, at_s, attempt=attempt)
    joined = {"session": session, "epoch": 1, "outcome": outcome, "because": ""}
    emit("coordinator", wire.WorkerJoined, at_s + 0.004, worker=name, **joined)
    emit(name, wire.Connected, at_s + 0.008, attempt=attempt, handshake_ms=8.0, replayed=0, **joined)
    return at_s + 0.008


def _faults(emit: _Writer, names: list[str], cuts: list[tuple[float, float]]) -> None:
    for number, (cut_s, heal_s) in enumerate(cuts, 1):
        fault = {"fault": f"herd-{number}", "kind": "refuse", "targets": names}
        planned = {"spread_ms": 3.0}
        emit(
            "driver",
            driver.FaultBegun,
            cut_s,
            planned_ns=BASE_NS + int(cut_s * 1e9),
            cuts=True,
            params=NOTHING,
            **fault,
            **planned,
        )
        emit(
            "driver",
            driver.FaultEnded,
            heal_s,
            planned_ns=BASE_NS + int(heal_s * 1e9),
            **fault,
            **planned,
        )
        emit(
            "driver",
            driver.Receipt,
            heal_s + 1,
            fault=fault["fault"],
            kind="refuse",
            proved=True,
            because="seen",
            hit=names,
            missed=[],
            spared=[],
            strayed=[],
            observers=["prober", "toxiproxy"],
        )
    end_s = cuts[-1][1] + 2 if cuts else 1.0
    emit("driver", driver.Healed, end_s, links=[], containers=[], left=[], took_ms=5.0)


def _tasks(
    emit: _Writer, names: list[str], seconds: float, per_s: float, down: dict[str, list[tuple[float, float]]],
    draw: random.Random,
) -> None:  # fmt: skip
    submitted = done = 0
    later: Callable[[str, float], float] = lambda name, at_s: next(  # noqa: E731
        (back_s + 0.01 for lost_s, back_s in down.get(name, ()) if lost_s - 0.3 <= at_s < back_s), at_s
    )
    for token, at_s in enumerate(_steps(5.0, seconds - 1, 1 / per_s), 1):
        task, name = f"task-{token:07d}", names[token % len(names)]
        priority = PRIORITIES[token % len(PRIORITIES)]
        emit(
            "coordinator",
            task_events.TaskSubmitted,
            at_s,
            task=task,
            priority=priority,
            intended_ns=BASE_NS + int(at_s * 1e9),
        )
        emit(
            "coordinator", task_events.Assigned, at_s + 0.002, task=task, token=token, worker=name, attempt=1
        )
        got_s = later(name, at_s + 0.004)
        end_s = got_s + draw.uniform(0.01, 0.2)
        emit(name, task_events.AssignmentReceived, got_s, task=task, token=token, attempt=1)
        emit(name, task_events.Started, got_s + 0.0005, task=task, token=token)
        emit(
            name, task_events.Finished, end_s, task=task, token=token, error="", took_ms=(end_s - got_s) * 1e3
        )
        counted_s = later(name, end_s + 0.003)
        emit(
            "coordinator",
            task_events.TaskDone,
            counted_s,
            task=task,
            token=token,
            worker=name,
            outcome="completed",
            error="",
            attempts=1,
            started_ns=BASE_NS + int(got_s * 1e9),
            ended_ns=BASE_NS + int(end_s * 1e9),
        )
        emit(name, task_events.ResultAcknowledged, counted_s + 0.002, task=task, token=token)
        submitted = done = token
    emit(
        "coordinator",
        task_events.Totals,
        seconds + 29,
        submitted=submitted,
        completed=done,
        failed=0,
        waiting=0,
        assigned=0,
        connected=len(names),
        waiting_by_priority={},
    )


def _figures(emit: _Writer, names: list[str], seconds: float) -> None:
    """Totals of traffic every ten seconds, samples of memory and CPU every fifteen."""
    for number, name in enumerate(("coordinator", *names)):
        for index, at_s in enumerate(_steps(3.0 + number * 0.01, seconds, 10.0), 1):
            emit(
                name,
                wire.TrafficTotals,
                at_s,
                frames_sent=index * 20,
                frames_received=index * 20,
                messages_sent=index * 40,
                messages_received=index * 40,
                raw_bytes_sent=index * 9000,
                wire_bytes_sent=index * 4000,
                raw_bytes_received=index * 9000,
                wire_bytes_received=index * 4000,
                queue_depth=index % 7,
            )
        for index, at_s in enumerate(_steps(3.0, seconds, 15.0), 1):
            emit(
                "driver",
                driver.ResourceSample,
                at_s,
                container=name,
                memory_bytes=25_000_000 + index * 1000,
                cpu_s=index * 0.3,
            )


if __name__ == "__main__":
    arguments = sys.argv[1:]
    print(
        write_big(
            Path(arguments[0]),
            *(kind(text) for kind, text in zip((int, float, float), arguments[1:], strict=False)),
        )
    )
