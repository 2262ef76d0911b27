"""Connections: how often they broke, how long the way back took, and what it was spent on."""

from __future__ import annotations

from driver.histories.connection_history import LOSS, RESTART, ConnectionHistory, Outage, connection_histories
from driver.histories.history import History
from driver.histories.intervals import difference, intersection, length_ns
from driver.histories.refusals import refused
from driver.histories.run_timeline import run_timeline
from driver.metrics.metric import Better, Metric, Unit, Values, distribution, ratio, summed_up
from wire.events import HandshakeRefused, WorkerLost

_S = Unit.seconds
_LOWER = Better.lower

METRICS = (
    Metric(
        "reconnections",
        Unit.count,
        Better.neither,
        "connections of a worker that followed a loss, or a restart of its process, until the drain was over",
    ),
    Metric(
        "reconnections_after_loss", Unit.count, Better.neither, "reconnections of a process that lived on"
    ),
    Metric(
        "reconnections_after_restart", Unit.count, Better.neither, "reconnections of a worker's new process"
    ),
    Metric("reconnections_per_worker_mean", Unit.count, Better.neither, "reconnections ÷ workers"),
    Metric("reconnections_per_worker_max", Unit.count, _LOWER, "most reconnections of one worker"),
    Metric("reconnections_per_worker_min", Unit.count, Better.neither, "fewest reconnections of one worker"),
    Metric("losses", Unit.count, _LOWER, "connections that a worker lost, or that ended with its process"),
    Metric("not_reconnected", Unit.count, _LOWER, "workers whose last loss no connection followed"),
    Metric("workers_gave_up", Unit.count, _LOWER, "workers that stopped trying for good"),
    Metric(
        "connection_attempts", Unit.count, _LOWER, "attempts to connect, the first of each process among them"
    ),
    Metric(
        "connection_success_rate",
        Unit.ratio,
        Better.higher,
        "attempts that became a connection ÷ attempts that ended",
    ),
    Metric(
        "attempts_per_reconnection_mean",
        Unit.count,
        _LOWER,
        "mean number of attempts in an outage that ended",
    ),
    Metric("attempts_per_reconnection_max", Unit.count, _LOWER, "most attempts in one outage that ended"),
    *distribution(
        "reconnection_time",
        _S,
        _LOWER,
        "the times from a connection's break to the next connection, of processes that lived on. The break "
        "is the fault's begin if one began since the worker last heard, else the last it heard (heartbeat "
        "timeout), else the loss; or the begin of a pause of the worker under which the coordinator gave the "
        "connection up, if that is earlier. It is the sum of detection, waiting, failed attempts and "
        "handshake",
    ),
    *distribution("detection_time", _S, _LOWER, "the times from a connection's break until the worker knew"),
    *distribution(
        "waiting_time", _S, _LOWER, "the times spent waiting between attempts, summed over each outage"
    ),
    *distribution(
        "failed_attempts_time", _S, _LOWER, "the times spent in attempts that failed, summed over each outage"
    ),
    *distribution(
        "handshake_time", _S, _LOWER, "the times of the attempts that succeeded, from begin to session"
    ),
    *distribution(
        "resume_time",
        _S,
        _LOWER,
        "the times from a reconnection to the first assignment or acknowledgement that came over it",
    ),
    *distribution(
        "rejoin_time", _S, _LOWER, "the times from the end of a worker's process to its next one's connection"
    ),
    *distribution(
        "coordinator_detection_time",
        _S,
        _LOWER,
        "the times that the coordinator had heard nothing when it gave a connection up",
    ),
    Metric(
        "sessions_resumed", Unit.count, Better.neither, "reconnections that took the old session up again"
    ),
    Metric(
        "sessions_reset",
        Unit.count,
        _LOWER,
        "reconnections whose old session the coordinator did not have any more",
    ),
    Metric("resume_rate", Unit.ratio, Better.higher, "sessions resumed ÷ reconnections after a loss"),
    Metric("handshakes_refused", Unit.count, _LOWER, "handshakes that the coordinator turned away"),
    Metric(
        "connected_ratio_mean",
        Unit.ratio,
        Better.higher,
        "mean share of the workers that both sides believed connected, from the first time all were to "
        "the drain's end",
    ),
    Metric(
        "disagreement_max_s",
        _S,
        _LOWER,
        "longest time that a worker and the coordinator disagreed on whether the worker was connected",
    ),
)


def measure(history: History) -> Values:
    """The values of METRICS."""
    told = list(history.view(connection_histories).values())
    outages = [outage for connections in told for outage in connections.outages]
    back = [outage for outage in outages if outage.back is not None]
    after_loss = [outage for outage in back if outage.how == LOSS]
    per_worker = [len(connections.reconnections) for connections in told]
    attempts = [attempt for connections in told for attempt in connections.attempts]
    ended = [attempt for attempt in attempts if attempt.kind]
    tries = [len(outage.attempts) for outage in after_loss]
    resumed = sum(1 for outage in after_loss if outage.back and outage.back.outcome == "resumed")
    return {
        "reconnections": len(back),
        "reconnections_after_loss": len(after_loss),
        "reconnections_after_restart": len(back) - len(after_loss),
        "reconnections_per_worker_mean": ratio(len(back), len(told)),
        "reconnections_per_worker_max": max(per_worker, default=None),
        "reconnections_per_worker_min": min(per_worker, default=None),
        "losses": len(outages),
        "not_reconnected": sum(
            1 for connections in told if connections.outages and connections.outages[-1].back is None
        ),
        "workers_gave_up": sum(1 for connections in told if connections.gave_up),
        "connection_attempts": len(attempts),
        "connection_success_rate": ratio(
            sum(1 for attempt in ended if attempt.kind == "connected"), len(ended)
        ),
        "attempts_per_reconnection_mean": ratio(sum(tries), len(tries)),
        "attempts_per_reconnection_max": max(tries, default=None),
        **_times(after_loss, [outage for outage in back if outage.how == RESTART]),
        **summed_up("coordinator_detection_time", _S, _coordinator_silences(history)),
        "sessions_resumed": resumed,
        "sessions_reset": sum(1 for outage in after_loss if outage.back and outage.back.outcome == "reset"),
        "resume_rate": ratio(resumed, len(after_loss)),
        "handshakes_refused": refused(history, HandshakeRefused),
        "connected_ratio_mean": _connected_ratio(history, told),
        "disagreement_max_s": longest_disagreement_s(told),
    }


def longest_disagreement_s(told: list[ConnectionHistory]) -> float | None:
    """The longest stretch in which exactly one side believed a worker connected; None without workers."""
    stretches = [
        end - begin
        for connections in told
        for ones, others in (
            (connections.by_worker, connections.by_coordinator),
            (connections.by_coordinator, connections.by_worker),
        )
        for begin, end in difference(ones, others)
    ]
    return max(stretches, default=0) / 1e9 if told else None


def _times(after_loss: list[Outage], after_restart: list[Outage]) -> Values:
    return {
        **summed_up("reconnection_time", _S, [t for o in after_loss if (t := o.total_s) is not None]),
        **summed_up("detection_time", _S, [o.detection_s for o in after_loss]),
        **summed_up("waiting_time", _S, [t for o in after_loss if (t := o.waiting_s) is not None]),
        **summed_up("failed_attempts_time", _S, [o.failed_attempts_s for o in after_loss]),
        **summed_up("handshake_time", _S, [o.handshake_s for o in after_loss]),
        **summed_up(
            "resume_time", _S, [(o.work_ns - o.back_ns) / 1e9 for o in after_loss if o.work_ns and o.back_ns]
        ),
        **summed_up("rejoin_time", _S, [t for o in after_restart if (t := o.total_s) is not None]),
    }


def _coordinator_silences(history: History) -> list[float]:
    end_ns = history.view(run_timeline).end_ns
    return [
        event.silent_ms / 1e3
        for event in history.of(WorkerLost)
        if event.at_ns <= end_ns and event.kind != "superseded"
    ]


def _connected_ratio(history: History, told: list[ConnectionHistory]) -> float | None:
    firsts = [connections.connected[0][0] for connections in told if connections.connected]
    if not told or len(firsts) < len(told):
        return None
    span = (max(firsts), history.view(run_timeline).end_ns)
    whole_ns = (span[1] - span[0]) * len(told)
    return ratio(
        sum(length_ns(intersection(connections.connected, [span])) for connections in told), whole_ns
    )
