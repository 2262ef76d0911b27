"""Connections and outages of every worker, from the raw lines."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.second_judge.raw import BESIDE_NS, Fault, Line, Raw, Span, merged


@dataclass
class Outage:
    """From the break of a connection to the next one. `tries` are its attempts: begin, end, how it ended."""

    worker: str
    after: str
    broken_ns: int
    noticed_ns: int
    tries: list[list[object]] = field(default_factory=list)
    back: Line | None = None
    worked_ns: int | None = None


@dataclass
class Connections:
    """Of one worker: when each side had the connection, its outages and all its attempts."""

    worker: str
    own: list[Span]
    seen: list[Span]
    outages: list[Outage]
    tries: list[list[object]]
    gave_up: bool


def connections(raw: Raw) -> list[Connections]:
    """Of every worker."""
    return [_of(raw, worker) for worker in raw.workers]


def _of(raw: Raw, worker: str) -> Connections:
    lines = _before_the_end(raw, worker)
    tries = _tries(lines)
    own: list[Span] = []
    outages: list[Outage] = []
    up: int | None = None
    lives = 0
    for place, line in enumerate(lines):
        before_ns = lines[place - 1]["at_ns"] if place else 0
        away = bool(outages) and outages[-1].back is None
        kind, at_ns = line["event"], line["at_ns"]
        if kind == "process_started":
            lives += 1
            if up is not None:
                died_ns = _break_ns(raw, worker, before_ns, at_ns, before_ns)
                own.append((up, died_ns))
                outages.append(Outage(worker, "restart", died_ns, at_ns))
                up = None
            elif away:
                outages[-1].after = "restart"
            elif lives > 1:
                outages.append(Outage(worker, "restart", before_ns, at_ns))
        elif kind == "lost":
            outages.append(Outage(worker, "loss", _lost_ns(raw, worker, line, up), at_ns))
        elif kind == "connected" and away:
            outages[-1].back = line
        elif kind == "connecting" and away:
            outages[-1].tries.append(next(one for one in tries if one[3] is line))
        elif kind in ("received", "result_acknowledged") and outages and not away:
            outages[-1].worked_ns = outages[-1].worked_ns or at_ns
        if kind in ("lost", "connected", "process_stopping") and up is not None:
            own.append((up, at_ns))
            up = None
        if kind == "connected":
            up = at_ns
    if up is not None:
        own.append((up, raw.end_ns))
    gave_up = any(line["event"] == "gave_up" for line in lines)
    return Connections(worker, merged(own), _seen(raw, worker), outages, tries, gave_up)


def _before_the_end(raw: Raw, process: str) -> list[Line]:
    lines: list[Line] = []
    for line in raw.by(process):
        if line["at_ns"] > raw.end_ns:
            break
        lines.append(line)
    return lines


def _tries(lines: list[Line]) -> list[list[object]]:
    """Every attempt to connect: [begin, end, how, its line]. The next word on any attempt ends the newest."""
    tries: list[list[object]] = []
    for line in lines:
        if line["event"] == "connecting":
            tries.append([line["at_ns"], 0, "", line])
        elif line["event"] in ("connect_failed", "connected") and tries and not tries[-1][2]:
            tries[-1][1] = line["at_ns"]
            tries[-1][2] = "connected" if line["event"] == "connected" else line["kind"]
    return tries


def _break_ns(raw: Raw, worker: str, after_ns: int, before_ns: int, otherwise_ns: int) -> int:
    """The begin of the first fault between two instants; `otherwise_ns` without one."""
    begins = [
        fault.began_ns
        for fault in raw.reaching(worker)
        if fault.began_ns >= after_ns and fault.due_ns <= before_ns + BESIDE_NS
    ]
    return min(before_ns, *begins) if begins else otherwise_ns


def _lost_ns(raw: Raw, worker: str, lost: Line, up: int | None) -> int:
    """The fault's begin if one began since the worker's last frame, else that frame (heartbeat timeout), else
    the loss; or the begin of a pause under which the coordinator ended the connection, if earlier.
    """
    heard_ns = lost["at_ns"] - int(lost["silent_ms"] * 1e6)
    otherwise_ns = heard_ns if lost["kind"] == "heartbeat_timeout" else lost["at_ns"]
    broken_ns = _break_ns(raw, worker, heard_ns, lost["at_ns"], otherwise_ns)
    given_up = [
        line["at_ns"]
        for line in raw.of("worker_lost")
        if line["worker"] == worker and line["kind"] != "superseded" and line["at_ns"] <= lost["at_ns"]
    ]
    if up is None or not given_up or given_up[-1] < up:
        return broken_ns
    pauses = [
        fault.began_ns
        for fault in raw.faults
        if fault.begun["kind"] == "pause" and fault.is_aimed_at(worker)
        if up <= fault.began_ns <= given_up[-1]
        if fault.ended_ns is None or given_up[-1] <= fault.ended_ns + BESIDE_NS
    ]
    return min(broken_ns, max(pauses)) if pauses else broken_ns


def _seen(raw: Raw, worker: str) -> list[Span]:
    """When the coordinator held a connection with the worker."""
    lines = _before_the_end(raw, "coordinator")
    seen: list[Span] = []
    session, since_ns = "", 0
    for place, line in enumerate(lines):
        kind, at_ns = line["event"], line["at_ns"]
        until_ns = None
        if kind == "process_started":
            until_ns = _died_ns(raw, lines[place - 1]["at_ns"] if place else 0, at_ns)
        elif (
            kind == "process_stopping"
            or (kind == "worker_joined" and line["worker"] == worker)
            or (
                kind in ("worker_lost", "worker_gone")
                and (line["worker"], line["session"]) == (worker, session)
                and line.get("kind") != "superseded"
            )
        ):
            until_ns = at_ns
        if until_ns is not None and session:
            seen.append((since_ns, until_ns))
            session = ""
        if kind == "worker_joined" and line["worker"] == worker:
            session, since_ns = line["session"], at_ns
    if session:
        seen.append((since_ns, raw.end_ns))
    return merged(seen)


def _died_ns(raw: Raw, last_line_ns: int, restart_ns: int) -> int:
    """When a killed coordinator ended: at the first fault aimed at it since its last line, else at that."""
    begins = [
        fault.began_ns
        for fault in _aimed_at_coordinator(raw)
        if last_line_ns <= fault.began_ns and fault.due_ns <= restart_ns
    ]
    return min(begins[0] if begins else last_line_ns, restart_ns)


def _aimed_at_coordinator(raw: Raw) -> list[Fault]:
    return [fault for fault in raw.faults if fault.is_aimed_at("coordinator")]
