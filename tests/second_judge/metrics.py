"""Every metric by its formula in docs/metrics.md, from raw lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from tests.second_judge.connections import Connections, Outage, connections
from tests.second_judge.raw import BESIDE_NS, Fault, Line, Raw, S, Span, both, only
from tests.second_judge.tasks import Task, tasks

Values = dict[str, float | None]
PRIORITIES = ("critical", "high", "normal", "low", "background")


def measure(raw: Raw) -> Values:
    """All metrics of a history."""
    workers = connections(raw)
    return {
        **_connections(raw, workers),
        **_tasks(raw),
        **_operations(raw),
        **_messages(raw),
        **_checkpoints(raw),
        **_storm(raw, workers),
        **_faults(raw, workers),
        **_resources(raw),
        **_lab(raw),
    }


def five(stem: str, unit: str, numbers: Sequence[float]) -> Values:
    """Mean, three percentiles by nearest rank, and the largest."""
    ordered = sorted(numbers)

    def rank(percent: int) -> float | None:
        return next((x for k, x in enumerate(ordered, 1) if k * 100 >= percent * len(ordered)), None)

    return {
        f"{stem}_mean_{unit}": math.fsum(ordered) / len(ordered) if ordered else None,
        **{f"{stem}_p{percent}_{unit}": rank(percent) for percent in (50, 90, 99)},
        f"{stem}_max_{unit}": ordered[-1] if ordered else None,
    }


def of(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def seconds(*spans_ns: tuple[int, int]) -> list[float]:
    return [(end - begin) / 1e9 for begin, end in spans_ns]


def _refused(raw: Raw, kind: str, until_ns: int | None = None) -> int:
    """Lines of refusals, and those that were only counted."""
    lines = [e for e in raw.of(kind, "refusals_omitted") if until_ns is None or e["at_ns"] <= until_ns]
    return sum(
        1 if e["event"] == kind else e["count"] for e in lines if e["event"] == kind or e["kind"] == kind
    )


# -- connections ------------------------------


def _connections(raw: Raw, workers: list[Connections]) -> Values:
    outages = [outage for worker in workers for outage in worker.outages]
    back = [outage for outage in outages if outage.back]
    lived = [outage for outage in back if outage.after == "loss"]
    born = [outage for outage in back if outage.after == "restart"]
    each = [sum(1 for outage in worker.outages if outage.back) for worker in workers]
    tries: list[Any] = [one for worker in workers for one in worker.tries]
    ended = [one for one in tries if one[2]]
    counts = [len(outage.tries) for outage in lived]
    outcomes = [outage.back["outcome"] for outage in lived if outage.back]
    silences = [e["silent_ms"] / 1e3 for e in raw.until_end("worker_lost") if e["kind"] != "superseded"]
    return {
        "reconnections": len(back),
        "reconnections_after_loss": len(lived),
        "reconnections_after_restart": len(born),
        "reconnections_per_worker_mean": of(len(back), len(workers)),
        "reconnections_per_worker_max": max(each, default=None),
        "reconnections_per_worker_min": min(each, default=None),
        "losses": len(outages),
        "not_reconnected": sum(1 for w in workers if w.outages and not w.outages[-1].back),
        "workers_gave_up": sum(1 for worker in workers if worker.gave_up),
        "connection_attempts": len(tries),
        "connection_success_rate": of(sum(1 for one in ended if one[2] == "connected"), len(ended)),
        "attempts_per_reconnection_mean": of(sum(counts), len(counts)),
        "attempts_per_reconnection_max": max(counts, default=None),
        **_times(lived),
        **five("rejoin_time", "s", [_total_s(outage) for outage in born]),
        **five("coordinator_detection_time", "s", silences),
        "sessions_resumed": outcomes.count("resumed"),
        "sessions_reset": outcomes.count("reset"),
        "resume_rate": of(outcomes.count("resumed"), len(lived)),
        "handshakes_refused": _refused(raw, "handshake_refused"),
        "connected_ratio_mean": _connected_ratio(raw, workers),
        "disagreement_max_s": _disagreement_s(workers),
    }


def _total_s(outage: Outage) -> float:
    assert outage.back
    return float(outage.back["at_ns"] - outage.broken_ns) / 1e9


def _times(lived: list[Outage]) -> Values:
    detection = seconds(*((o.broken_ns, o.noticed_ns) for o in lived))
    tries: list[list[Any]] = [outage.tries for outage in lived]
    failed = [sum(t[1] - t[0] for t in some if t[2] not in ("", "connected")) / 1e9 for some in tries]
    shaken = [sum(t[1] - t[0] for t in some if t[2] == "connected") / 1e9 for some in tries]
    total = [_total_s(outage) for outage in lived]
    parts = zip(total, detection, failed, shaken, strict=True)
    resumed = [(o.worked_ns - o.back["at_ns"]) / 1e9 for o in lived if o.worked_ns and o.back]
    return {
        **five("reconnection_time", "s", total),
        **five("detection_time", "s", detection),
        **five("waiting_time", "s", [max(0.0, t - d - f - h) for t, d, f, h in parts]),
        **five("failed_attempts_time", "s", failed),
        **five("handshake_time", "s", shaken),
        **five("resume_time", "s", resumed),
    }


def _connected_ratio(raw: Raw, workers: list[Connections]) -> float | None:
    """From the first time all were connected by both sides' word to the drain's end."""
    agreed = [both(worker.own, worker.seen) for worker in workers]
    if not workers or not all(agreed):
        return None
    begin_ns = max(spans[0][0] for spans in agreed)
    inside = [span for spans in agreed for span in both(spans, [(begin_ns, raw.end_ns)])]
    return of(sum(end - begin for begin, end in inside), (raw.end_ns - begin_ns) * len(workers))


def _disagreement_s(workers: list[Connections]) -> float | None:
    if not workers:
        return None
    differ: list[Span] = [span for w in workers for span in (*only(w.own, w.seen), *only(w.seen, w.own))]
    return max((end - begin for begin, end in differ), default=0) / 1e9


# -- tasks ------------------------------


def _tasks(raw: Raw) -> Values:
    promised = [task for task in tasks(raw) if task.is_promised]
    until_ns, end_ns = raw.measured_until_ns(), raw.end_ns
    known = [task for task in promised if until_ns is None or task.intended_ns <= until_ns]
    ended = [task for task in known if task.results and task.results[0]["at_ns"] <= end_ns]
    results = [task.results[0] for task in ended]
    completed = sum(1 for result in results if result["outcome"] == "completed")
    given = [len([e for e in task.assigned if e["at_ns"] <= end_ns]) for task in known]
    queueing = [(task, q) for task in known if (q := _queueing_s(task, end_ns)) is not None]
    values: Values = {
        "tasks_submitted": len(known),
        "tasks_refused": sum(len(e["tasks"]) for e in raw.of("tasks_refused")),
        "tasks_completed": completed,
        "tasks_failed": len(results) - completed,
        "tasks_lost": sum(1 for task in promised if not task.results),
        "tasks_duplicated": sum(len(task.results) - 1 for task in promised if task.results),
        "task_success_rate": of(completed, len(known)),
        "task_throughput_per_s": _throughput(known, results, completed),
        **five("task_latency", "s", [
            (task.results[0]["at_ns"] - task.start_ns) / 1e9 for task in ended if task.intended_ns
        ]),
        **five("task_queueing", "s", [waited for _, waited in queueing]),
        **five("task_execution", "s", [
            (e["ended_ns"] - e["started_ns"]) / 1e9 for e in results if e["ended_ns"]
        ]),
        "task_attempts_mean": of(sum(given), len([count for count in given if count])),
        "attempts_lost": sum(1 for task in promised for e in task.lost if e["at_ns"] <= end_ns),
        "leases_expired": len(raw.until_end("lease_expired")),
        "attempts_dropped": len(raw.until_end("dropped")),
        "results_refused": _refused(raw, "result_refused", end_ns),
    }  # fmt: skip
    for name in PRIORITIES:
        waits = [q for task, q in queueing if task.submitted and task.submitted["priority"] == name]
        values.update(five(f"task_queueing_{name}", "s", waits))
    return values


def _queueing_s(task: Task, end_ns: int) -> float | None:
    """From submission to the first assignment."""
    if not task.submitted or not task.assigned or task.assigned[0]["at_ns"] > end_ns:
        return None
    return float(task.assigned[0]["at_ns"] - task.submitted["at_ns"]) / 1e9


def _throughput(known: list[Task], results: list[Line], completed: int) -> float | None:
    first_ns = min((line["at_ns"] for task in known if (line := task.submitted or task.accepted)), default=0)
    last_ns = max((line["at_ns"] for line in results), default=0)
    return of(completed, (last_ns - first_ns) / 1e9) if last_ns > first_ns else None


# -- operations ------------------------------


def _operations(raw: Raw) -> Values:
    heal_ns = raw.phases["heal"][0] if "heal" in raw.phases else None
    every = [line for line in raw.of("operation") if heal_ns is None or line["call_ns"] < heal_ns]
    ok = [line for line in every if line["outcome"] == "ok"]
    failed = [line for line in every if line["outcome"] == "fail"]
    open_ended = [line for line in every if line["outcome"] not in ("ok", "fail")]
    due = sorted(line["due_ns"] for line in every)
    lasted_s = (due[-1] - due[0]) / 1e9 if due else 0
    return {
        "operations": len(every),
        "operations_ok": len(ok),
        "operations_fail": len(failed),
        "operations_unknown": len(open_ended),
        "ok_share": of(len(ok), len(every)),
        "fail_share": of(len(failed), len(every)),
        "unknown_share": of(len(open_ended), len(every)),
        "operations_per_s": of(len(every), lasted_s),
        "ok_operations_per_s": of(len(ok), lasted_s),
        **five("latency", "s", seconds(*((line["due_ns"], line["return_ns"]) for line in ok))),
        "without_ok_max_s": _without_ok_s(every),
        "ok_after_heal_max_s": _ok_after_heal_s(raw, every),
    }


def _without_ok_s(every: list[Line]) -> float | None:
    """The widest of the spaces that the answers of ok operations leave in the time of all operations."""
    if not every:
        return None
    edges = [min(line["due_ns"] for line in every), max(line["return_ns"] for line in every)]
    edges += [line["return_ns"] for line in every if line["outcome"] == "ok"]
    edges.sort()
    return max(seconds(*pairwise(edges)))


def _ok_after_heal_s(raw: Raw, every: list[Line]) -> float | None:
    longest = None
    for heal_ns in raw.heals():
        until_ns = raw.next_fault_ns(heal_ns)
        if [line for line in every if heal_ns < line["call_ns"] < until_ns]:
            answers = [line["return_ns"] for line in every if line["outcome"] == "ok"]
            answers = [at_ns for at_ns in answers if heal_ns < at_ns <= until_ns]
            if not answers:
                return None
            longest = max(longest or 0.0, (min(answers) - heal_ns) / 1e9)
    return longest


# -- messages ------------------------------

TRAFFIC = (
    *("frames_sent", "frames_received", "messages_sent", "messages_received", "messages_resent"),
    *("duplicates_received", "raw_bytes_sent", "wire_bytes_sent"),
)


def _messages(raw: Raw) -> Values:
    own, coordinator = _totals(raw, raw.workers), _totals(raw, ["coordinator"])
    all_of = {name: own[name] + coordinator[name] for name in TRAFFIC}
    traffic = raw.of("traffic")
    first_ns = raw.first_load_ns()
    lasted_s = (raw.end_ns - first_ns) / 1e9 if first_ns is not None else 0
    values: Values = {
        **{name: all_of[name] for name in TRAFFIC if "bytes" not in name},
        "messages_to_coordinator": coordinator["messages_received"],
        "messages_to_workers": coordinator["messages_sent"],
        "message_throughput_per_s": of(all_of["messages_received"], lasted_s),
        "wire_sent_bytes": all_of["wire_bytes_sent"],
        "wire_throughput_bytes_per_s": of(all_of["wire_bytes_sent"], lasted_s),
        "message_size_mean_bytes": of(all_of["raw_bytes_sent"], all_of["messages_sent"]),
        "compression_ratio": of(all_of["wire_bytes_sent"], all_of["raw_bytes_sent"]),
        "queue_depth_max": max((e["queue_depth"] for e in traffic), default=0),
    }
    return {
        **{name: value if traffic else None for name, value in values.items()},
        "frames_refused": _refused(raw, "frame_refused"),
        **five("message_latency", "s", _ways(raw)),
    }


def _totals(raw: Raw, processes: Sequence[str]) -> dict[str, int]:
    """Each process's last total of each of its lives."""
    sums = dict.fromkeys(TRAFFIC, 0)
    for process in processes:
        lines = [e for e in raw.of("process_started", "traffic") if e["by"] == process]
        for place, line in enumerate(lines):
            last = place + 1 == len(lines) or lines[place + 1]["event"] == "process_started"
            if line["event"] == "traffic" and last:
                for name in TRAFFIC:
                    sums[name] += line[name]
    return sums


def _ways(raw: Raw) -> list[float]:
    """From a message's cause at the sender to its effect at the receiver, by token."""
    ways = []
    for cause, effects in (("assigned", ("received",)), ("finished", ("task_done", "result_refused"))):
        for effect in raw.of(*effects):
            causes = [e["at_ns"] for e in raw.of(cause) if e["token"] == effect["token"]]
            if causes and causes[-1] <= effect["at_ns"]:
                ways.append((effect["at_ns"] - causes[-1]) / 1e9)
    return ways


# -- checkpoints ------------------------------


def _checkpoints(raw: Raw) -> Values:
    created = raw.of("checkpoint_created")
    committed = raw.of("checkpoint_committed")
    started = raw.of("started")
    delays = []
    for kept in committed:
        same = [e for e in created if all(e[key] == kept[key] for key in ("task", "token", "step"))]
        delays += seconds((same[-1]["at_ns"], kept["at_ns"])) if same else []
    could = [
        [e for e in started if e["token"] == given["token"]][-1]
        for given in raw.of("assigned")
        if any(e["task"] == given["task"] and e["at_ns"] <= given["at_ns"] for e in committed)
        and any(e["token"] == given["token"] for e in started)
    ]
    return {
        "checkpoints_created": len(created),
        "checkpoints_committed": len(committed),
        "checkpoints_refused": _refused(raw, "checkpoint_refused"),
        "checkpoints_restored": sum(1 for e in started if e["from_step"] > 0),
        "checkpoint_restore_ratio": of(sum(1 for e in could if e["from_step"] > 0), len(could)),
        "redone_steps": sum(e["redone_steps"] for e in raw.of("task_done")),
        "checkpoint_bytes": sum(e["size_bytes"] for e in created),
        **five("checkpoint_size", "bytes", [e["size_bytes"] for e in created]),
        **five("checkpoint_commit_time", "s", delays),
    }


# -- storm ------------------------------


def storms(raw: Raw, workers: list[Connections]) -> list[tuple[Fault, list[Outage]]]:
    """Each outage belongs to the newest fault upon its worker when the connection broke."""
    by_due = sorted(raw.faults, key=lambda fault: fault.due_ns)
    found: list[tuple[Fault, list[Outage]]] = [(fault, []) for fault in by_due]
    for worker in workers:
        upon = raw.reaching(worker.worker)
        for outage in worker.outages:
            before = [
                place
                for place, fault in enumerate(by_due)
                if fault.due_ns <= outage.broken_ns + BESIDE_NS and any(fault is one for one in upon)
            ]
            if before:
                found[before[-1]][1].append(outage)
    return found


def back_s(fault: Fault, outages: list[Outage], share: float) -> float | None:
    """From the heal until `share` of the workers that were cut off are back, each after its last outage."""
    if fault.ended_ns is None or not outages:
        return None
    names = {outage.worker for outage in outages}
    last = [[outage for outage in outages if outage.worker == name][-1] for name in names]
    back = sorted(o.back["at_ns"] if o.back else math.inf for o in last)
    for count, at_ns in enumerate(back, 1):
        if count >= share * len(names):
            return None if at_ns == math.inf else max(0.0, (at_ns - fault.ended_ns) / 1e9)
    return None


def _storm(raw: Raw, workers: list[Connections]) -> Values:
    every: list[Any] = [t[0] for worker in workers for o in worker.outages for t in o.tries]
    cut = [(fault, outages) for fault, outages in storms(raw, workers) if outages]
    knocks: list[list[Any]] = [[t[0] for o in outages for t in o.tries] for _, outages in cut]
    busiest = [_most(begins, S10) / len(begins) for begins in knocks if begins]
    amplified = [
        len(begins) / len({o.worker for o in outages})
        for begins, (_, outages) in zip(knocks, cut, strict=True)
    ]
    shares: list[tuple[str, float]] = [("50_percent", 0.5), ("95_percent", 0.95), ("all", 1.0)]
    return {
        "storm_peak_attempts_per_s": _most(every, 10 * S10) if every else None,
        "storm_busiest_100ms_ratio": max(busiest, default=None),
        "storm_amplification": max(amplified, default=None),
        **{f"time_to_{n}_back_s": _worst([back_s(f, o, share) for f, o in cut]) for n, share in shares},
    }


S10 = 100_000_000


def _most(instants: list[int], span_ns: int) -> int:
    return max(sum(1 for other in instants if at - span_ns < other <= at) for at in instants)


def _worst(numbers: list[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return max(known) if known and len(known) == len(numbers) else None


# -- faults ------------------------------


def _faults(raw: Raw, workers: list[Connections]) -> Values:
    recoveries = [_recovery_s(raw, fault, outages) for fault, outages in storms(raw, workers)]
    known = [recovery for recovery in recoveries if recovery is not None]
    complete = bool(known) and len(known) == len(recoveries)
    first_ns = min((fault.due_ns for fault in raw.faults), default=raw.end_ns)
    under_ns = sum(end - begin for begin, end in raw.fault_spans())
    return {
        "faults_begun": len(raw.faults),
        "faults_proved": sum(1 for fault in raw.faults if fault.receipt and fault.receipt["proved"]),
        "fault_time_ratio": min(1, under_ns / (raw.end_ns - first_ns)) if raw.end_ns > first_ns else None,
        "recovery_time_mean_s": sum(known) / len(known) if complete else None,
        "recovery_time_max_s": max(known) if complete else None,
    }


def _recovery_s(raw: Raw, fault: Fault, outages: list[Outage]) -> float | None:
    """Until all workers that it cut off are back, and no more tasks wait than before it."""
    if fault.ended_ns is None:
        return None
    back = back_s(fault, outages, 1.0) if outages else 0.0
    books = raw.of("totals")

    def waiting(at_ns: int) -> int:
        before = [book for book in books if book["at_ns"] <= at_ns]
        return int(before[-1]["waiting"]) if before else 0

    level = waiting(fault.began_ns)
    down = [book["at_ns"] for book in books if book["at_ns"] > fault.ended_ns and book["waiting"] <= level]
    down_ns = fault.ended_ns if waiting(fault.ended_ns) <= level else min(down, default=None)
    if back is None or down_ns is None or down_ns > raw.next_fault_ns(fault.ended_ns):
        return None
    return float(max(back, (down_ns - fault.ended_ns) / 1e9))


# -- resources ------------------------------


def _resources(raw: Raw) -> Values:
    values: Values = {}
    every = ["coordinator", *raw.workers]
    for who, names in (("worker", raw.workers), ("coordinator", ["coordinator"]), ("container", every)):
        memory: list[int] = []
        cores: list[float] = []
        for name in names:
            samples = [e for e in raw.until_end("sample") if e["container"] == name]
            memory += [e["memory_bytes"] for e in samples]
            cores += [_cores(a, b) for a, b in pairwise(samples)]
        values[f"memory_{who}_mean_bytes"] = of(sum(memory), len(memory))
        values[f"memory_{who}_max_bytes"] = max(memory, default=None)
        values[f"cpu_{who}_mean_cores"] = of(sum(cores), len(cores))
        values[f"cpu_{who}_max_cores"] = max(cores, default=None)
    return values


def _cores(before: Line, after: Line) -> float:
    """CPU seconds ÷ seconds between two samples; a restarted container counts from nothing."""
    used = after["cpu_s"] - before["cpu_s"]
    passed_s = (after["at_ns"] - before["at_ns"]) / 1e9
    return float(used if used >= 0 else after["cpu_s"]) / passed_s if passed_s > 0 else 0.0


# -- the lab itself ------------------------------


def _lab(raw: Raw) -> Values:
    spans = ten_seconds(raw.of("machine_sample"))
    pressures = [[e["cpu_pressure"] for e in span] for span in spans]
    means = [math.fsum(one) / len(one) for one in pressures if None not in one]
    return {
        "driver_lateness_max_s": max(lateness_s(raw), default=None),
        "machine_runnable_per_core_max": max((runnable_per_core(span) for span in spans), default=None),
        "machine_steal_max_ratio": max(
            (math.fsum(e["steal_ratio"] for e in span) / len(span) for span in spans), default=None
        ),
        "machine_cpu_pressure_max_ratio": max(means, default=None),
    }


def ten_seconds(samples: list[Line]) -> list[list[Line]]:
    """The samples of the ten seconds before each, where three or more span eight seconds at least."""
    spans = [
        [e for e in samples[: place + 1] if e["at_ns"] >= last["at_ns"] - 10 * S]
        for place, last in enumerate(samples)
    ]
    return [span for span in spans if len(span) >= 3 and span[-1]["at_ns"] - span[0]["at_ns"] >= 8 * S]


def runnable_per_core(span: list[Line]) -> float:
    return math.fsum(e["runnable"] / max(1, e["cores"]) for e in span) / len(span)


def lateness_s(raw: Raw) -> list[float]:
    """By how much the driver was late with each thing that it did."""
    acts = [*raw.of("fault_begun"), *[e for e in raw.of("fault_ended") if not e.get("detail")]]
    calls = [e["called_ns"] - e["planned_ns"] for e in acts if e.get("called_ns") and e["planned_ns"]]
    tasks_ns = []
    for line in raw.of("tasks_accepted"):
        noticed = line.get("noticed_ns") or line["intended_ns"][:1]
        tasks_ns += [
            noticed_ns - due_ns for noticed_ns, due_ns in zip(noticed, line["intended_ns"], strict=False)
        ]
    lags_ns = [e["loop_lag_ms"] * 1e6 for e in raw.of("machine_sample")]
    return [max(0.0, late_ns) / 1e9 for late_ns in (*calls, *tasks_ns, *lags_ns)]
