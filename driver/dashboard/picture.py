"""What viewers get of a model: the whole state, and what changed since the last time. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy

from driver.dashboard.faults_now import FaultNow
from driver.dashboard.model import Model
from driver.dashboard.worker_now import WorkerNow
from driver.metrics.metric import percentile
from wire.priority import Priority

Part = dict[str, Any]


class Painter:
    """Makes states and deltas of one model; remembers what the last delta left the viewers with."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.sequence = 0
        self._tiles: dict[str, Part] = {}
        self._parts: Part = {}
        self._events = 0
        self._since_s = 0.0
        self._thinned = 0
        self._sorted = self._counted = 0
        self._latencies: tuple[float | None, float | None] = (None, None)

    def state(self, lab: Part, doing: Part, now_s: float) -> Part:
        """All there is; of the events, those that the last delta told: the next one brings the others."""
        return {
            "seq": self.sequence,
            "now_s": now_s,
            "lab": lab,
            "doing": doing,
            "tiles": list(self._now().values()),
            **self._named(),
            "series": self._model.series.columns,
            "events": [_line(told) for told in self._model.ring if told.number <= self._events],
        }

    def delta(self, lab: Part, doing: Part, now_s: float) -> Part | None:
        """What is new since the last delta; None when the curves were thinned: a whole state is due."""
        series = self._model.series
        if series.thinned != self._thinned:
            self._thinned = series.thinned
            return None
        self.sequence += 1
        new: Part = {"seq": self.sequence, "now_s": now_s}
        for name, part in {"lab": lab, "doing": doing, **self._named()}.items():
            if self._parts.get(name) != part:
                self._parts[name] = new[name] = part
        tiles = self._now()
        changed = [tile for name, tile in tiles.items() if self._tiles.get(name) != tile]
        if changed:
            self._tiles, new["tiles"] = tiles, changed
        points = series.tail(self._since_s)
        if points["t"]:
            new["points"], self._since_s = points, points["t"][-1] or 0.0
        if self._events < self._model.heard:
            new["events"] = [_line(told) for told in self._model.ring if told.number > self._events]
            self._events = self._model.heard
        return new

    def skip(self) -> None:
        """Nobody is told of what is new: whoever comes gets it with the whole state, and not once more."""
        self._events = self._model.heard

    def _now(self) -> dict[str, Part]:
        hurt = self._model.faults.hurt()
        workers = sorted(self._model.workers.values(), key=lambda one: (len(one.name), one.name))
        return {one.name: _tile(one, hurt.get(one.name, [])) for one in workers}

    def _named(self) -> Part:
        model = self._model
        faults = list(model.faults.all.values())
        return {
            "figures": self._figures(),
            "queue": _queue(model.totals.waiting_by_priority if model.totals else {}),
            "faults": [_fault(fault) for fault in faults],
            "markers": [_marker(fault) for fault in faults],
        }

    def _figures(self) -> Part:
        model = self._model
        totals = model.totals
        latency_p50_s, latency_p99_s = self._latency()
        back = model.reconnection_times_s
        return {
            "connected": model.connected,
            "workers": len(model.workers),
            "reconnections": model.reconnections,
            "reconnection_time_p50_s": percentile(back, 50),
            "reconnection_time_p99_s": percentile(back, 99),
            "connection_attempts": model.attempts,
            "tasks_submitted": totals.submitted if totals else 0,
            "tasks_completed": model.completed,
            "tasks_failed": model.failed,
            "task_latency_p50_s": latency_p50_s,
            "task_latency_p99_s": latency_p99_s,
            "waiting": totals.waiting if totals else 0,
            "assigned": totals.assigned if totals else 0,
        }

    def _latency(self) -> tuple[float | None, float | None]:
        """Of all tasks so far; sorted again once their number has grown by a hundredth, or grows no more."""
        count = len(self._model.latencies_s)
        rests, self._counted = count == self._counted, count
        if count - self._sorted > (0 if rests else count // 100):
            ordered = array("d", numpy.sort(numpy.array(self._model.latencies_s)).tobytes())
            self._sorted = count
            self._latencies = percentile(ordered, 50), percentile(ordered, 99)
        return self._latencies


def _tile(worker: WorkerNow, faults: list[str]) -> Part:
    usage = worker.usage
    return {
        "name": worker.name,
        "state": worker.standing.value,
        "since_s": worker.since_wall_s,
        "doing": worker.doing,
        "attempt": worker.attempt,
        "faults": faults,
        "reconnections": worker.reconnections,
        "tasks": worker.tasks,
        "memory_bytes": usage.memory_bytes,
        "cpu": None if usage.cpu_cores is None else round(usage.cpu_cores, 3),
    }


def _queue(waiting: Mapping[str, int]) -> Part:
    return {priority.name: waiting.get(priority.name, 0) for priority in Priority}


def _fault(fault: FaultNow) -> Part:
    receipt = fault.receipt
    return {
        "id": fault.begun.fault,
        "kind": fault.begun.kind,
        "targets": list(fault.begun.targets),
        "params": msgspec.json.decode(fault.begun.params),
        "since_s": fault.begun.wall_s,
        "ended_s": fault.ended_wall_s,
        "until_s": None if fault.begun.for_s is None else fault.begun.wall_s + fault.begun.for_s,
        "receipt": "" if receipt is None else ("proved" if receipt.proved else "unproved"),
        "because": receipt.because if receipt else "",
        "by_hand": fault.begun.fault.startswith("by-hand"),
    }


def _marker(fault: FaultNow) -> Part:
    begun = fault.begun
    return {"id": begun.fault, "kind": begun.kind, "from_s": begun.wall_s, "to_s": fault.ended_wall_s}


def _line(told: Any) -> Part:
    event = told.event
    kind = str(event.__struct_config__.tag)
    return {"n": told.number, "t": event.wall_s, "by": event.by, "event": kind, "text": told.text}
