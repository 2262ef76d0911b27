"""Messages and bytes: the processes' own totals, and the latency of single messages."""

from __future__ import annotations

from collections.abc import Iterable

from driver.histories.history import SERVER, History
from driver.histories.refusals import refused
from driver.histories.run_timeline import run_timeline
from driver.metrics.metric import Better, Metric, MetricFamily, Unit, Values, distribution, ratio, summed_up
from wire.events import FrameRefused, ProcessStarted, TrafficTotals
from wire.task_events import Assigned, AssignmentReceived, Finished, ResultRefused, TaskDone

_LOWER = Better.lower
COUNTED = (
    "frames_sent",
    "frames_received",
    "messages_sent",
    "messages_received",
    "messages_resent",
    "duplicates_received",
    "raw_bytes_sent",
    "wire_bytes_sent",
    "raw_bytes_received",
    "wire_bytes_received",
)

METRICS = (
    Metric(
        "messages_sent",
        Unit.count,
        Better.neither,
        "messages sent by workers and coordinator (each process's last total; a killed one's last second "
        "is missing)",
    ),
    Metric("messages_received", Unit.count, Better.neither, "messages received by workers and coordinator"),
    Metric("messages_to_coordinator", Unit.count, Better.neither, "messages that the coordinator received"),
    Metric("messages_to_workers", Unit.count, Better.neither, "messages that the coordinator sent"),
    Metric("messages_resent", Unit.count, _LOWER, "messages sent again after a connection was resumed"),
    Metric(
        "duplicates_received", Unit.count, _LOWER, "messages that arrived a second time, and were dropped"
    ),
    Metric("frames_sent", Unit.count, Better.neither, "frames sent by workers and coordinator"),
    Metric("frames_received", Unit.count, Better.neither, "frames received by workers and coordinator"),
    Metric(
        "frames_refused",
        Unit.count,
        Better.neither,
        "frames that either side refused as damaged, replayed or out of order",
    ),
    Metric(
        "message_throughput_per_s",
        Unit.per_second,
        Better.higher,
        "messages received by workers and coordinator ÷ seconds from the first submission to the drain's end",
    ),
    Metric(
        "wire_sent_bytes",
        Unit.bytes,
        Better.neither,
        "bytes sent by workers and coordinator, after compression",
    ),
    Metric(
        "wire_throughput_bytes_per_s",
        Unit.bytes_per_second,
        Better.neither,
        "bytes sent ÷ seconds from the first submission to the drain's end",
    ),
    Metric(
        "message_size_mean_bytes",
        Unit.bytes,
        Better.neither,
        "bytes sent before compression ÷ messages sent (envelope and frame among them)",
    ),
    Metric(
        "compression_ratio",
        Unit.factor,
        _LOWER,
        "bytes after compression ÷ bytes before it, of all that was sent",
    ),
    *distribution(
        "message_latency",
        Unit.seconds,
        _LOWER,
        "the times from a message's cause at the sender (assigned, finished) to its effect at the receiver "
        "(received, recorded or refused): queues, outages and retransmission are part of it",
    ),
    Metric(
        "queue_depth_max", Unit.count, _LOWER, "most messages that waited for acknowledgement in one process"
    ),
)


def measure(history: History) -> Values:
    """Return the values of METRICS."""
    workers = totals(history, history.clients)
    coordinator = totals(history, [SERVER])
    both = {name: workers[name] + coordinator[name] for name in COUNTED}
    seconds = _seconds(history)
    known = bool(history.of(TrafficTotals))
    values: Values = {
        "messages_sent": both["messages_sent"],
        "messages_received": both["messages_received"],
        "messages_to_coordinator": coordinator["messages_received"],
        "messages_to_workers": coordinator["messages_sent"],
        "messages_resent": both["messages_resent"],
        "duplicates_received": both["duplicates_received"],
        "frames_sent": both["frames_sent"],
        "frames_received": both["frames_received"],
        "message_throughput_per_s": ratio(both["messages_received"], seconds),
        "wire_sent_bytes": both["wire_bytes_sent"],
        "wire_throughput_bytes_per_s": ratio(both["wire_bytes_sent"], seconds),
        "message_size_mean_bytes": ratio(both["raw_bytes_sent"], both["messages_sent"]),
        "compression_ratio": ratio(both["wire_bytes_sent"], both["raw_bytes_sent"]),
        "queue_depth_max": max((event.queue_depth for event in history.of(TrafficTotals)), default=0),
    }
    return {
        **{name: value if known else None for name, value in values.items()},
        "frames_refused": refused(history, FrameRefused),
        **summed_up("message_latency", Unit.seconds, latencies_s(history)),
    }


def totals(history: History, processes: Iterable[str]) -> dict[str, int]:
    """Return the sums of COUNTED over all restarts of some processes."""
    wanted = set(processes)
    sums = dict.fromkeys(COUNTED, 0)
    newest: dict[str, TrafficTotals] = {}

    def close(process: str) -> None:
        if (last := newest.pop(process, None)) is not None:
            for name in COUNTED:
                sums[name] += getattr(last, name)

    for event in history.merged(ProcessStarted, TrafficTotals):
        if event.by not in wanted:
            continue
        if isinstance(event, TrafficTotals):
            newest[event.by] = event
        else:
            close(event.by)
    for process in list(newest):
        close(process)
    return sums


def latencies_s(history: History) -> list[float]:
    """Return the seconds that assignments and results were in transit, by token. All share one clock."""
    assigned = {event.token: event.at_ns for event in history.of(Assigned)}
    finished = {event.token: event.at_ns for event in history.of(Finished)}
    ways = [(event.at_ns, assigned.get(event.token)) for event in history.of(AssignmentReceived)]
    ways += [(event.at_ns, finished.get(event.token)) for event in history.of(TaskDone)]
    ways += [(event.at_ns, finished.get(event.token)) for event in history.of(ResultRefused)]
    return [(to_ns - from_ns) / 1e9 for to_ns, from_ns in ways if from_ns is not None and to_ns >= from_ns]


def _seconds(history: History) -> float:
    run = history.view(run_timeline)
    return (run.end_ns - run.first_load_ns) / 1e9 if run.first_load_ns is not None else 0.0


BROKEN_BY = {
    "message_latency": ("result_late",),
    "frames_refused": ("refusals_claimed", "damage_unnoticed"),
    "": ("numbers_changed",),
}
FAMILY = MetricFamily("Messages", METRICS, measure, rank=30, broken_by=BROKEN_BY)
