"""What subscribers get of a model, as JSON objects: the whole state, and deltas. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Mapping

import numpy

from driver.dashboard.event_log import EventLine
from driver.dashboard.json_state import JsonObject, fault_state
from driver.dashboard.live_faults import LiveFault
from driver.metrics.metric import percentile
from driver.reference.dashboard.live_worker import LiveWorker
from driver.reference.dashboard.model import Model
from wire.priority import Priority


class StateEncoder:
    """Makes states and deltas of one model; keeps what the last delta contained."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._sequence = 0
        self._tiles: dict[str, JsonObject] = {}
        self._parts: JsonObject = {}
        self._sent_lines = 0
        self._since_s = 0.0
        self._times_thinned = 0
        self._sorted = self._counted = 0
        self._latencies: tuple[float | None, float | None] = (None, None)

    def state(self, lab: JsonObject, doing: JsonObject, now_s: float) -> JsonObject:
        """Return the whole state. Its event lines end with the last delta: the next one has the rest.

        `lab` and `doing` are included as they are; `now_s` is Unix time.
        """
        return {
            "seq": self._sequence,
            "now_s": now_s,
            "lab": lab,
            "doing": doing,
            "tiles": list(self._tiles_now().values()),
            **self._parts_now(),
            "series": self._model.series.columns,
            "events": [_line(line) for line in self._model.log.up_to(self._sent_lines)],
        }

    def delta(self, lab: JsonObject, doing: JsonObject, now_s: float) -> JsonObject | None:
        """Return what has changed since the last delta; None where a whole state is due (thinned curves)."""
        series, log = self._model.series, self._model.log
        if series.times_thinned != self._times_thinned:
            self._times_thinned = series.times_thinned
            return None
        self._sequence += 1
        new: JsonObject = {"seq": self._sequence, "now_s": now_s}
        for name, part in {"lab": lab, "doing": doing, **self._parts_now()}.items():
            if self._parts.get(name) != part:
                self._parts[name] = new[name] = part
        tiles = self._tiles_now()
        changed = [tile for name, tile in tiles.items() if self._tiles.get(name) != tile]
        if changed:
            self._tiles, new["tiles"] = tiles, changed
        points = series.since(self._since_s)
        if points["t"]:
            new["points"], self._since_s = points, points["t"][-1] or 0.0
        if self._sent_lines < log.count:
            new["events"] = [_line(line) for line in log.after(self._sent_lines)]
            self._sent_lines = log.count
        return new

    def skip(self) -> None:
        """Count all event lines as sent, for want of subscribers; a whole state contains them."""
        self._sent_lines = self._model.log.count

    def _tiles_now(self) -> dict[str, JsonObject]:
        faults = self._model.faults.by_target()
        workers = sorted(self._model.workers.values(), key=lambda one: (len(one.name), one.name))
        return {one.name: _tile(one, faults.get(one.name, [])) for one in workers}

    def _parts_now(self) -> JsonObject:
        totals, faults = self._model.tasks.totals, list(self._model.faults.all.values())
        return {
            "figures": self._figures(),
            "queue": _queue(totals.waiting_by_priority if totals else {}),
            "faults": [fault_state(fault) for fault in faults],
            "markers": [_marker(fault) for fault in faults],
        }

    def _figures(self) -> JsonObject:
        model, tasks, connections = self._model, self._model.tasks, self._model.connections
        totals = tasks.totals
        latency_p50_s, latency_p99_s = self._latency()
        return {
            "connected": model.connected,
            "connected_under_faults": model.connected_under_faults,
            "workers": len(model.workers),
            "reconnections": connections.reconnections,
            "reconnection_time_p50_s": percentile(connections.times_s, 50),
            "reconnection_time_p99_s": percentile(connections.times_s, 99),
            "connection_attempts": connections.attempts,
            "tasks_submitted": totals.submitted if totals else 0,
            "tasks_completed": tasks.completed,
            "tasks_failed": tasks.failed,
            "task_latency_p50_s": latency_p50_s,
            "task_latency_p99_s": latency_p99_s,
            "waiting": totals.waiting if totals else 0,
            "assigned": totals.assigned if totals else 0,
        }

    def _latency(self) -> tuple[float | None, float | None]:
        """Return p50 and p99 of all tasks; sorted again when 1 % more are done, or when no more come."""
        latencies_s = self._model.tasks.latencies_s
        count = len(latencies_s)
        is_at_rest, self._counted = count == self._counted, count
        if count - self._sorted > (0 if is_at_rest else count // 100):
            ordered = array("d", numpy.sort(numpy.array(latencies_s)).tobytes())
            self._sorted = count
            self._latencies = percentile(ordered, 50), percentile(ordered, 99)
        return self._latencies


def _tile(worker: LiveWorker, faults: list[str]) -> JsonObject:
    usage = worker.usage
    return {
        "name": worker.name,
        "state": worker.state.value,
        "since_s": worker.since_wall_s,
        "doing": worker.task_text,
        "attempt": worker.attempt,
        "faults": faults,
        "reconnections": worker.reconnections,
        "tasks": worker.tasks,
        "memory_bytes": usage.memory_bytes,
        "cpu": None if usage.cpu_cores is None else round(usage.cpu_cores, 3),
    }


def _queue(waiting: Mapping[str, int]) -> JsonObject:
    return {priority.name: waiting.get(priority.name, 0) for priority in Priority}


def _marker(fault: LiveFault) -> JsonObject:
    begun = fault.begun
    return {"id": begun.fault, "kind": begun.kind, "from_s": begun.wall_s, "to_s": fault.ended_wall_s}


def _line(line: EventLine) -> JsonObject:
    event = line.event
    kind = str(event.__struct_config__.tag)
    return {"n": line.number, "t": event.wall_s, "by": event.by, "event": kind, "text": line.text}
