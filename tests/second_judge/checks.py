"""Every check by what docs/metrics.md says that it claims, from raw lines: passed, failed or unknown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from tests.second_judge.connections import Connections, connections
from tests.second_judge.metrics import lateness_s, runnable_per_core, ten_seconds
from tests.second_judge.raw import BESIDE_NS, Fault, Line, Raw, S, both, is_in, only
from tests.second_judge.tasks import Task, tasks

PASSED, FAILED, UNKNOWN = "passed", "failed", "unknown"
ALIVE = ("running", "paused", "restarting", "created")
CAN_END = ("kill", "stop", "restart", "memory")
TAKE_TIME = (
    "converged_after_healing", "workers_were_cut_off", "no_metastable_state", "no_starvation",
    "agreement_on_connected", "left_in_order",
)  # fmt: skip
Params = Mapping[str, float]
Check = Callable[[Raw, Params], str]


def judge(raw: Raw, gaps: set[str], params: Mapping[str, Params]) -> dict[str, str]:
    """The status of every check. `gaps` are the processes whose journals may lack lines: a failure that rests
    on one of those is unknown.
    """
    statuses = {}
    for name, (check, rests_on) in CHECKS.items():
        status = check(raw, params.get(name, {}))
        roles = {"workers" if process in raw.workers else process for process in gaps}
        unproved = status == FAILED and (roles & set(rests_on) or (name in TAKE_TIME and _is_too_busy(raw)))
        statuses[name] = UNKNOWN if unproved else status
    statuses["journals_complete"] = UNKNOWN if gaps or not raw.journals else PASSED
    return statuses


def _is_too_busy(raw: Raw) -> bool:
    """Whether over any ten judged seconds more than four processes a core could run, or time was lost."""
    judged = [e for e in raw.of("machine_sample") if raw.zero_ns() <= e["at_ns"] <= raw.end_ns]
    for span in ten_seconds(judged):
        stalls = [[e[name] for e in span] for name in ("io_pressure", "memory_pressure")]
        stalled = any(None not in one and math.fsum(one) / len(one) > 0.5 for one in stalls)
        stolen = math.fsum(e["steal_ratio"] for e in span) / len(span) > 0.3
        if runnable_per_core(span) > 4 or stolen or stalled:
            return True
    return False


def driver_was_punctual(raw: Raw, params: Params) -> str:
    late_s = lateness_s(raw)
    return PASSED if late_s and max(late_s) <= params.get("at_most_s", 1.0) else UNKNOWN


def gaps_of(raw: Raw, damaged: Iterable[str]) -> set[str]:
    """The processes whose journals may lack lines: damaged, not there, or without a last line."""
    found = set(damaged)
    if any(outcome == "stopped" for _, _, outcome in raw.phases.values()):
        found.add("driver")
    ended = {line["load"] for line in raw.of("load_ended")}
    if any(line["trouble"] for line in raw.of("load_ended")) or any(
        line["load"] not in ended for line in raw.of("operation")
    ):
        found.add("load")
    return found | {process for process in raw.expected if not _is_whole(raw, process)}


def _is_whole(raw: Raw, process: str) -> bool:
    lines = raw.by(process)
    if not lines:
        return False
    if process == "driver":
        return "collect" in raw.phases
    ends = [e for e in lines if e["event"] in ("process_started", "process_stopping")]
    if ends and ends[-1]["event"] == "process_stopping":
        return True
    if any(e["container"] == process and e["status"] not in ALIVE for e in raw.of("container_seen")):
        return True
    return any(
        fault.is_aimed_at(process) and fault.began_ns >= lines[-1]["at_ns"] and fault.ended_ns is None
        for fault in raw.faults
    )


def _fails(wrong: object, otherwise: str = PASSED) -> str:
    return FAILED if wrong else otherwise


# -- whether anything was tried, and can be believed ------------------------------


def traffic_flowed(raw: Raw, params: Params) -> str:
    done = [e["at_ns"] for e in raw.of("task_done") if e["outcome"] == "completed"]
    first_ns = min((fault.due_ns for fault in raw.faults), default=math.inf)
    before = [at_ns for at_ns in done if at_ns < first_ns]
    return PASSED if len(done) >= params["tasks"] and len(before) >= params["before"] else UNKNOWN


def faults_were_proved(raw: Raw, params: Params) -> str:
    proved = all(f.receipt and f.receipt["proved"] and f.ended_ns is not None for f in raw.faults)
    return PASSED if proved and not raw.of("fault_failed") else UNKNOWN


def lab_was_sound(raw: Raw, params: Params) -> str:
    healed = raw.of("healed")
    outcomes = {name: outcome for name, (_, _, outcome) in raw.phases.items()}
    ours = ["coordinator", *raw.workers]
    dead = [e for e in raw.of("container_seen") if e["status"] not in ALIVE and e["container"] not in ours]
    unsound = (
        *raw.of("aborted", "trouble", "submit_given_up"),
        *[name for name, outcome in outcomes.items() if outcome == "stopped"],
        *[name for name in ("up", "ready", "gate") if outcomes.get(name) == "failed"],
        *dead,
        *set(_unplanned_exits(raw)) - set(ours),
    )
    unhealed = raw.faults and (not healed or healed[-1]["left"])
    return UNKNOWN if unsound or unhealed else PASSED


def no_process_died(raw: Raw, params: Params) -> str:
    ours = ["coordinator", *raw.workers]
    if not any(e["by"] in ours for e in raw.of("process_started")):
        return UNKNOWN
    dead = [e for e in raw.of("container_seen") if e["container"] in ours and e["status"] not in ALIVE]
    ends = [end for process in ours for end in _ends(raw, process) if not _can_end(raw, process, *end)]
    exits = set(_unplanned_exits(raw)) & set(ours)
    return _fails(dead or ends or exits or raw.of("gave_up"))


def _ends(raw: Raw, process: str) -> list[tuple[int, int]]:
    """The ends of a process's lives before the run's: from its last line to the next life's first."""
    lines = raw.by(process)
    ends = []
    for before, line in zip([None, *lines], lines, strict=False):
        if line["event"] == "process_stopping" and line["at_ns"] <= raw.end_ns:
            ends.append((line["at_ns"], line["at_ns"]))
        elif line["event"] == "process_started" and before and before["event"] != "process_stopping":
            ends.append((before["at_ns"], line["at_ns"]))
    return ends


def _can_end(raw: Raw, process: str, from_ns: int, until_ns: int) -> bool:
    for failed in raw.of("fault_failed"):
        may_have_hit = process in failed["targets"] and failed["kind"] in CAN_END
        if may_have_hit and failed["at_ns"] - 20 * S <= until_ns:
            return True
    return any(
        fault.is_aimed_at(process)
        and "ended" in _changes(fault)
        and fault.due_ns - BESIDE_NS <= until_ns
        and (fault.ended_ns is None or fault.ended_ns + BESIDE_NS >= from_ns)
        for fault in raw.faults
    )


def only_planned_workers(raw: Raw, params: Params) -> str:
    joined = raw.of("worker_joined")
    if not raw.workers or not joined:
        return UNKNOWN
    if any(e["worker"] not in raw.workers for e in raw.of("worker_joined", "assigned", "task_done")):
        return FAILED
    started = [(e["by"], e["incarnation"]) for e in raw.of("process_started")]
    lives = [(e["worker"], e["incarnation"]) for e in joined if e.get("incarnation")]
    return _fails([life for life in lives if life not in started])


def links_as_planned(raw: Raw, params: Params) -> str:
    looks = raw.of("links_seen")
    for look in looks:
        planned = {link["name"]: (link["listen"], link["upstream"]) for link in look["planned"]}
        found = {link["name"]: (link["listen"], link["upstream"]) for link in look["found"]}
        if look["moment"] == "end":
            hurt = any(link["hurts"] or not link["enabled"] for link in look["found"])
            if hurt or found != planned:
                return UNKNOWN
        elif not set(found.items()) <= set(planned.items()):
            return UNKNOWN
    was_looked = any(look["moment"] == "end" for look in looks)
    return PASSED if was_looked or raw.of("run_started") else UNKNOWN


def _changes(fault: Fault) -> list[str]:
    """What the driver wrote that a fault can change; an older lab wrote nothing of it."""
    written = fault.begun.get("changes")
    return list(written if written is not None else ["ended"] if fault.begun["kind"] in CAN_END else [])


def _unplanned_exits(raw: Raw) -> list[str]:
    """The containers whose process ended before the run's end, and no fault that can end it was on it."""
    return [
        e["container"]
        for e in raw.until_end("container_exited")
        if not _can_end(raw, e["container"], e["at_ns"], e["at_ns"])
    ]


# -- tasks ------------------------------


def nothing_lost(raw: Raw, params: Params) -> str:
    known = [task for task in tasks(raw) if task.is_promised]
    if not known:
        return UNKNOWN
    if all(task.results for task in known):
        return PASSED
    _, ended_ns, outcome = raw.phases.get("drain", (0, None, ""))
    return UNKNOWN if ended_ns is None or outcome == "stopped" else FAILED


def nothing_counted_twice(raw: Raw, params: Params) -> str:
    counted = [task for task in tasks(raw) if task.results]
    unanswered = [name for e in raw.of("submit_given_up") for name in e["tasks"]]
    twice = [task for task in counted if len(task.results) > 1]
    unasked = [task for task in counted if not task.is_promised and task.task not in unanswered]
    return _fails(twice or unasked, PASSED if counted else UNKNOWN)


def books_balance(raw: Raw, params: Params) -> str:
    books = raw.of("totals")
    if not books:
        return UNKNOWN
    parts = ("completed", "failed", "waiting", "assigned")
    if any(book["submitted"] != sum(book[part] for part in parts) for book in books):
        return FAILED
    for name in ("submitted", "completed", "failed"):
        totals = [book[name] for book in books]
        if totals != sorted(totals) or not _fits(raw, books[-1], name):
            return FAILED
    return PASSED


def _fits(raw: Raw, book: Line, name: str) -> bool:
    """Whether a total equals the count of its lines; a line may lie a second beside it."""
    known = tasks(raw)
    if name == "submitted":
        at = [task.submitted["at_ns"] for task in known if task.submitted]
    else:
        results = [task.results[0] for task in known if task.results]
        at = [e["at_ns"] for e in results if (e["outcome"] == "completed") == (name == "completed")]
    least = len([at_ns for at_ns in at if at_ns <= book["at_ns"] - S])
    most = len([at_ns for at_ns in at if at_ns <= book["at_ns"] + S])
    return bool(least <= book[name] <= most)


def no_zombie_effects(raw: Raw, params: Params) -> str:
    effects = 0
    given: dict[str, Line] = {}
    wrong = False
    for line in raw.of("assigned", "checkpoint_committed", "task_done"):
        if line["event"] == "assigned":
            given[line["task"]] = line
        else:
            effects += 1
            wrong |= line["task"] not in given or given[line["task"]]["token"] != line["token"]
    return _fails(wrong, PASSED if effects else UNKNOWN)


def no_work_repeated(raw: Raw, params: Params) -> str:
    if not raw.of("started"):
        return UNKNOWN
    for kind in ("started", "finished"):
        attempts = [(e["task"], e["token"]) for e in raw.of(kind)]
        if len(attempts) != len(set(attempts)):
            return FAILED
    newest: dict[str, int] = {}
    for line in raw.of("assigned", "finished"):
        if line["event"] == "assigned":
            newest[line["task"]] = line["token"]
        elif newest.get(line["task"], 0) > line["token"]:
            return FAILED
    return _fails([e for e in raw.of("result_refused") if _is_repeated(raw, e)])


def _is_repeated(raw: Raw, refused: Line) -> bool:
    """The result that had counted came once more, from a worker whose session was never reset."""
    resets = [
        e["at_ns"]
        for e in raw.of("worker_joined")
        if e["worker"] == refused["worker"] and e["outcome"] == "reset"
    ]
    results = [task.results[0] for task in tasks(raw) if task.task == refused["task"] and task.results]
    same = bool(results) and results[0]["token"] == refused["token"]
    return same and not (resets and refused["at_ns"] > resets[0])


def acknowledged_results_stand(raw: Raw, params: Params) -> str:
    acknowledged = raw.of("result_acknowledged")

    def attempts(*kinds: str) -> list[tuple[str, int]]:
        return [(e["task"], e["token"]) for e in raw.of(*kinds)]

    answered = attempts("task_done", "result_refused")
    well = [(e["task"], e["token"]) for e in raw.of("finished") if not e["error"]]
    vanished = [e for e in attempts("result_acknowledged") if e in well and e not in answered]
    return _fails(vanished, PASSED if acknowledged else UNKNOWN)


def order_within_priority(raw: Raw, params: Params) -> str:
    submitted = [e["task"] for e in raw.of("submitted")]
    place = {task: number for number, task in enumerate(submitted)}
    known = {task.task: task for task in tasks(raw)}
    first: list[Task] = [
        known[e["task"]] for e in raw.of("assigned")
        if known[e["task"]].submitted and known[e["task"]].assigned[0] is e
    ]  # fmt: skip
    compared, wrong = 0, 0
    for number, task in enumerate(first):
        earlier = [one for one in first[:number] if _priority(one) == _priority(task)]
        compared += bool(earlier)
        wrong += any(place[one.task] > place[task.task] for one in earlier)
    return _fails(wrong, PASSED if compared else UNKNOWN)


def _priority(task: Task) -> str:
    assert task.submitted
    return str(task.submitted["priority"])


def no_starvation(raw: Raw, params: Params) -> str:
    """Assignments of others in a row, while a task of one's own waited, for each priority."""
    priority: dict[str, str] = {}
    state: dict[str, str] = {}
    passed_over: dict[str, int] = {}
    worst, contended = 0, False
    for line in raw.of("submitted", "task_done", "attempt_lost", "assigned"):
        kind, task = line["event"], line["task"]
        if kind == "submitted":
            priority[task] = line["priority"]
            passed_over.setdefault(line["priority"], 0)
            state[task] = "waits"
        elif task not in priority:
            continue
        elif kind == "task_done":
            state[task] = "done"
        elif kind == "attempt_lost":
            state[task] = "given" if state[task] == "done" else "waits"
        else:
            state[task] = "given"
            for name in passed_over:
                waits = any(state[one] == "waits" and priority[one] == name for one in state)
                if name == priority[task] or not waits:
                    passed_over[name] = 0
                else:
                    contended = True
                    passed_over[name] += 1
                    worst = max(worst, passed_over[name])
    if not contended:
        return UNKNOWN
    return _fails(worst > params["picks"])


# -- connections ------------------------------


def workers_were_cut_off(raw: Raw, params: Params) -> str:
    cutting = [fault for fault in raw.faults if fault.begun["cuts"]]
    if not cutting:
        return PASSED
    workers = connections(raw)
    if any(worker.own and not is_in(raw.end_ns - 1, worker.own) for worker in workers):
        return FAILED
    spared = [
        (fault, worker)
        for fault in cutting
        for worker in workers
        if any(fault is one for one in raw.reaching(worker.worker)) and not _was_cut(worker, fault)
    ]
    within_ns = int(params["notices_within_s"] * S)
    for fault, worker in spared:
        proved = fault.receipt is not None and fault.receipt["proved"] and fault.ended_ns is not None
        if not proved or (fault.ended_ns or 0) - fault.began_ns < within_ns:
            continue
        until_ns = (fault.ended_ns or 0) + within_ns
        if not any(fault.due_ns - BESIDE_NS <= o.noticed_ns <= until_ns for o in worker.outages):
            return FAILED
    return UNKNOWN if spared else PASSED


def _was_cut(worker: Connections, fault: Fault) -> bool:
    ended_ns = fault.began_ns if fault.ended_ns is None else fault.ended_ns
    for outage in worker.outages:
        if fault.due_ns - BESIDE_NS <= outage.broken_ns <= ended_ns + BESIDE_NS:
            return True
        back_ns = outage.back["at_ns"] if outage.back else math.inf
        if outage.broken_ns < fault.began_ns < back_ns:
            return True
    return False


def agreement_on_connected(raw: Raw, params: Params) -> str:
    workers = connections(raw)
    if not any(worker.own for worker in workers) or not any(worker.seen for worker in workers):
        return UNKNOWN
    if any(is_in(raw.end_ns - 1, w.own) != is_in(raw.end_ns - 1, w.seen) for w in workers):
        return FAILED
    differ = [span for w in workers for span in (*only(w.own, w.seen), *only(w.seen, w.own))]
    outside = only_each(differ, raw)
    return _fails([end - begin for begin, end in outside if (end - begin) / 1e9 > params["longest_s"]])


def only_each(spans: list[tuple[int, int]], raw: Raw) -> list[tuple[int, int]]:
    """The parts of each span outside any fault."""
    return [part for span in spans for part in only([span], raw.fault_spans())]


def converged_after_healing(raw: Raw, params: Params) -> str:
    workers, heals = connections(raw), raw.heals()
    if not workers or not heals:
        return UNKNOWN
    agreed = [both(worker.own, worker.seen) for worker in workers]
    if any(not spans or spans[-1][1] < raw.end_ns for spans in agreed):
        return FAILED
    return _fails(max(spans[-1][0] for spans in agreed) - heals[-1] > params["within_s"] * S)


def no_metastable_state(raw: Raw, params: Params) -> str:
    heals, known = raw.heals(), [task for task in tasks(raw) if task.is_promised]
    if not raw.faults or not heals or raw.first_load_ns() is None:
        return UNKNOWN
    first_ns, from_ns = min(f.due_ns for f in raw.faults), heals[-1] + int(params["settle_s"] * S)
    before = [task for task in known if 0 < task.intended_ns < first_ns]
    after = [task for task in known if task.intended_ns >= from_ns]
    if len(before) < params["tasks"] or len(after) < params["tasks"]:
        return UNKNOWN
    if any(from_ns <= e["at_ns"] < raw.end_ns for e in raw.of("lost", "connect_failed")):
        return FAILED
    return _fails(_median_s(raw, after) > _median_s(raw, before) * params["factor"] + params["slack_s"])


def _median_s(raw: Raw, known: list[Task]) -> float:
    """A task without a result counts with the time until the drain's end."""
    ends = [task.results[0]["at_ns"] if task.results else raw.end_ns for task in known]
    waits = sorted((min(end, raw.end_ns) - t.start_ns) / 1e9 for end, t in zip(ends, known, strict=True))
    return float(waits[(len(waits) + 1) // 2 - 1])


# -- damage, and leaving ------------------------------


def every_damaged_frame_noticed(raw: Raw, params: Params) -> str:
    certain = silent = 0
    for fault in raw.faults:
        per_byte = fault.receipt["measured"].get("damaged_per_byte", 0) if fault.receipt else 0
        until_ns = fault.ended_ns or fault.began_ns
        for worker in fault.receipt["hit"] if fault.receipt and per_byte > 0 else ():
            carried = _carried(raw, worker, until_ns) - _carried(raw, worker, fault.began_ns)
            if per_byte * max(0, carried) < params["expected"]:
                continue
            certain += 1
            notices = [
                e
                for e in raw.of("frame_refused", "handshake_refused", "lost", "connect_failed")
                if fault.began_ns <= e["at_ns"] <= until_ns + 2 * S
                and worker in (e["by"], e.get("peer"), e.get("worker"))
            ]
            silent += not notices
    if not certain:
        return UNKNOWN
    return _fails(silent)


def _carried(raw: Raw, worker: str, until_ns: int) -> int:
    before = [e for e in raw.of("traffic") if e["by"] == worker and e["at_ns"] <= until_ns]
    return int(before[-1]["wire_bytes_sent"] + before[-1]["wire_bytes_received"]) if before else 0


def damage_was_not_believed(raw: Raw, params: Params) -> str:
    faults = [e["fault"] for e in raw.of("frame_refused")]
    behind = {"undecodable", "bomb", "sequence_gap", "ack_from_future"}
    return _fails(behind & set(faults), PASSED if faults else UNKNOWN)


def left_in_order(raw: Raw, params: Params) -> str:
    leaves = [
        (fault, worker)
        for fault in raw.faults
        for worker in raw.workers
        if fault.begun["kind"] in ("restart", "stop") and fault.is_aimed_at(worker)
        if not _is_cut_off(raw, worker, fault)
    ]
    wrong = [leave for leave in leaves if not _left_well(raw, *leave)]
    return _fails(wrong, PASSED if leaves else UNKNOWN)


def _is_cut_off(raw: Raw, worker: str, leave: Fault) -> bool:
    return any(
        other.begun["cuts"]
        and other.due_ns <= leave.began_ns + BESIDE_NS
        and (other.ended_ns is None or other.ended_ns >= leave.due_ns - BESIDE_NS)
        for other in raw.reaching(worker)
        if other is not leave
    )


def _left_well(raw: Raw, leave: Fault, worker: str) -> bool:
    lines = list(raw.by(worker))
    starts = [k for k, e in enumerate(lines) if e["event"] == "process_started"]
    later = [k for k in starts if lines[k]["at_ns"] > leave.due_ns]
    earlier = [k for k in starts if k < (later[0] if later else len(lines))]
    life = lines[earlier[-1] if earlier else 0 : later[0] if later else len(lines)]
    if not life or life[-1]["event"] != "process_stopping":
        return False
    ended = [e["token"] for e in life if e["event"] in ("dropped", "lease_expired", "result_acknowledged")]
    if any(e["event"] in ("started", "finished") and e["token"] not in ended for e in life):
        return False
    return any(
        e["worker"] == worker and e["reason"] == "goodbye"
        and leave.due_ns - BESIDE_NS <= e["at_ns"] <= leave.began_ns + 5 * S
        for e in raw.of("worker_gone")
    )  # fmt: skip


ALL = ("driver", "coordinator", "workers")


def test_commands_passed(raw: Raw, params: Params) -> str:
    ends = ("first", "_driver", "anytime", "eventually", "finally")
    outcomes = [line["outcome"] for line in raw.of("operation") if line["op"].endswith(ends)]
    if "fail" in outcomes:
        return FAILED
    return PASSED if outcomes and set(outcomes) == {"ok"} else UNKNOWN


CHECKS: dict[str, tuple[Check, tuple[str, ...]]] = {
    "traffic_flowed": (traffic_flowed, ALL),
    "faults_were_proved": (faults_were_proved, ALL),
    "workers_were_cut_off": (workers_were_cut_off, ("driver", "workers")),
    "nothing_lost": (nothing_lost, ("coordinator", "driver")),
    "nothing_counted_twice": (nothing_counted_twice, ("coordinator", "driver")),
    "books_balance": (books_balance, ("coordinator",)),
    "no_zombie_effects": (no_zombie_effects, ("coordinator",)),
    "no_work_repeated": (no_work_repeated, ("coordinator", "workers")),
    "acknowledged_results_stand": (acknowledged_results_stand, ("coordinator", "workers")),
    "only_planned_workers": (only_planned_workers, ("coordinator", "workers")),
    "no_process_died": (no_process_died, ("driver",)),
    "lab_was_sound": (lab_was_sound, ALL),
    "links_as_planned": (links_as_planned, ("driver",)),
    "driver_was_punctual": (driver_was_punctual, ALL),
    "order_within_priority": (order_within_priority, ("coordinator",)),
    "no_starvation": (no_starvation, ("coordinator",)),
    "agreement_on_connected": (agreement_on_connected, ("coordinator", "workers")),
    "converged_after_healing": (
        converged_after_healing, ("driver", "coordinator", "workers")),
    "no_metastable_state": (
        no_metastable_state, ALL),
    "every_damaged_frame_noticed": (
        every_damaged_frame_noticed, ("coordinator", "workers")),
    "damage_was_not_believed": (damage_was_not_believed, ("coordinator", "workers")),
    "left_in_order": (left_in_order, ("coordinator", "workers")),
    "test_commands_passed": (test_commands_passed, ("driver", "load")),
}  # fmt: skip
