"""Connections: losses, reconnections, and the phases of the time to reconnect."""

from __future__ import annotations

from driver.histories.connection_history import LOSS, RESTART, ConnectionHistory, Outage, connection_histories
from driver.histories.history import History
from driver.histories.intervals import intersection, length_ns
from driver.histories.refusals import refused
from driver.histories.run_timeline import run_timeline
from driver.histories.server_events import ClientLost
from driver.metrics.metric import Better, Metric, MetricFamily, Unit, Values, distribution, ratio, summed_up
from wire.events import HandshakeRefused

_S = Unit.seconds
_LOWER = Better.lower

METRICS = (
    Metric(
        "reconnections",
        Unit.count,
        Better.neither,
        "connections that followed a loss, or a restart of the client's process, until the drain's end",
    ),
    Metric(
        "reconnections_after_loss",
        Unit.count,
        Better.neither,
        "reconnections of a process that did not restart",
    ),
    Metric(
        "reconnections_after_restart",
        Unit.count,
        Better.neither,
        "reconnections of a worker's new process",
        on_system=False,
    ),
    Metric(
        "reconnections_per_worker_mean",
        Unit.count,
        Better.neither,
        "reconnections ÷ workers",
        on_system=False,
    ),
    Metric(
        "reconnections_per_worker_max",
        Unit.count,
        _LOWER,
        "most reconnections of one worker",
        on_system=False,
    ),
    Metric(
        "reconnections_per_worker_min",
        Unit.count,
        Better.neither,
        "fewest reconnections of one worker",
        on_system=False,
    ),
    Metric("losses", Unit.count, _LOWER, "connections that a client lost, or that ended with its process"),
    Metric("not_reconnected", Unit.count, _LOWER, "clients whose last loss no connection followed"),
    Metric(
        "workers_gave_up", Unit.count, _LOWER, "workers that stopped reconnecting for good", on_system=False
    ),
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
        "the times from a connection's break to the next connection, of processes that did not restart. The "
        "break is a fault's begin if one began since the client last received a frame, else that last frame "
        "(heartbeat timeout), else the loss; or the begin of a pause of the client during which the "
        "server declared the connection lost, if that is earlier. It is the sum of detection, waiting, "
        "failed attempts and handshake",
    ),
    *distribution(
        "detection_time", _S, _LOWER, "the times from a connection's break until the client detected it"
    ),
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
        on_system=False,
    ),
    *distribution(
        "rejoin_time",
        _S,
        _LOWER,
        "the times from the end of a worker's process to its next one's connection",
        on_system=False,
    ),
    *distribution(
        "coordinator_detection_time",
        _S,
        _LOWER,
        "the times without a frame after which the coordinator declared a connection lost",
        on_system=False,
    ),
    Metric(
        "sessions_resumed",
        Unit.count,
        Better.neither,
        "reconnections that resumed the session",
        on_system=False,
    ),
    Metric(
        "sessions_reset",
        Unit.count,
        _LOWER,
        "reconnections whose session the coordinator no longer had",
        on_system=False,
    ),
    Metric(
        "resume_rate",
        Unit.ratio,
        Better.higher,
        "sessions resumed ÷ reconnections after a loss",
        on_system=False,
    ),
    Metric(
        "handshakes_refused", Unit.count, _LOWER, "handshakes that the coordinator refused", on_system=False
    ),
    Metric(
        "connected_ratio_mean",
        Unit.ratio,
        Better.higher,
        "mean share of the clients that are connected by both sides' journals, from the first time all "
        "are to the drain's end",
    ),
    Metric(
        "disagreement_max_s",
        _S,
        _LOWER,
        "longest time in which one side's journal alone has a client connected",
    ),
)


def measure(history: History) -> Values:
    """Return the values of METRICS."""
    clients = list(history.view(connection_histories).values())
    outages = [outage for connections in clients for outage in connections.outages]
    back = [outage for outage in outages if outage.back is not None]
    after_loss = [outage for outage in back if outage.how == LOSS]
    per_client = [len(connections.reconnections) for connections in clients]
    attempts = [attempt for connections in clients for attempt in connections.attempts]
    ended = [attempt for attempt in attempts if attempt.kind]
    tries = [len(outage.attempts) for outage in after_loss]
    resumed = sum(1 for outage in after_loss if outage.back and outage.back.outcome == "resumed")
    return {
        "reconnections": len(back),
        "reconnections_after_loss": len(after_loss),
        "reconnections_after_restart": len(back) - len(after_loss),
        "reconnections_per_worker_mean": ratio(len(back), len(clients)),
        "reconnections_per_worker_max": max(per_client, default=None),
        "reconnections_per_worker_min": min(per_client, default=None),
        "losses": len(outages),
        "not_reconnected": sum(
            1 for connections in clients if connections.outages and connections.outages[-1].back is None
        ),
        "workers_gave_up": sum(1 for connections in clients if connections.gave_up),
        "connection_attempts": len(attempts),
        "connection_success_rate": ratio(
            sum(1 for attempt in ended if attempt.kind == "connected"), len(ended)
        ),
        "attempts_per_reconnection_mean": ratio(sum(tries), len(tries)),
        "attempts_per_reconnection_max": max(tries, default=None),
        **_times(after_loss, [outage for outage in back if outage.how == RESTART]),
        **summed_up("coordinator_detection_time", _S, _server_silences(history)),
        "sessions_resumed": resumed,
        "sessions_reset": sum(1 for outage in after_loss if outage.back and outage.back.outcome == "reset"),
        "resume_rate": ratio(resumed, len(after_loss)),
        "handshakes_refused": refused(history, HandshakeRefused),
        "connected_ratio_mean": _connected_ratio(history, clients),
        "disagreement_max_s": longest_disagreement_s(clients),
    }


def longest_disagreement_s(clients: list[ConnectionHistory]) -> float | None:
    """Return the longest time in which one side alone has a client connected; None without clients."""
    stretches = [
        end - begin
        for connections in clients
        for _, intervals in connections.one_sided
        for begin, end in intervals
    ]
    return max(stretches, default=0) / 1e9 if clients else None


def _times(after_loss: list[Outage], after_restart: list[Outage]) -> Values:
    return {
        **summed_up("reconnection_time", _S, [t for o in after_loss if (t := o.total_s) is not None]),
        **summed_up("detection_time", _S, [o.detection_s for o in after_loss]),
        **summed_up("waiting_time", _S, [t for o in after_loss if (t := o.waiting_s) is not None]),
        **summed_up("failed_attempts_time", _S, [o.failed_attempts_s for o in after_loss]),
        **summed_up("handshake_time", _S, [o.handshake_s for o in after_loss]),
        **summed_up("resume_time", _S, [t for o in after_loss if (t := o.resume_s) is not None]),
        **summed_up("rejoin_time", _S, [t for o in after_restart if (t := o.total_s) is not None]),
    }


def _server_silences(history: History) -> list[float]:
    end_ns = history.view(run_timeline).end_ns
    return [
        event.silent_ms / 1e3
        for event in history.of(ClientLost)
        if event.at_ns <= end_ns and event.kind != "superseded"
    ]


def _connected_ratio(history: History, clients: list[ConnectionHistory]) -> float | None:
    firsts = [connections.connected[0][0] for connections in clients if connections.connected]
    if not clients or len(firsts) < len(clients):
        return None
    span = (max(firsts), history.view(run_timeline).end_ns)
    whole_ns = (span[1] - span[0]) * len(clients)
    return ratio(
        sum(length_ns(intersection(connections.connected, [span])) for connections in clients), whole_ns
    )


BROKEN_BY = {
    "reconnections_after_restart": ("outage_claimed", "events_forgotten"),
    "reconnections": ("outage_claimed", "reconnection_forgotten"),
    "losses": ("loss_claimed",),
    "not_reconnected": ("reconnection_forgotten",),
    "reconnection_time": ("reconnection_late",),
    "waiting_time": ("reconnection_late",),
    "handshake_time": ("reconnection_late",),
    "rejoin_time": ("reconnection_late",),
    "resume_time": ("work_late",),
    "failed_attempts_time": ("failure_late",),
    "detection_time": ("loss_noticed_late",),
    "coordinator_detection_time": ("loss_noticed_late",),
    "sessions_re": ("session_reset",),
    "resume_rate": ("session_reset",),
    "connected_ratio": ("reconnection_forgotten",),
    "disagreement": ("reconnection_forgotten",),
    "connection": ("outage_claimed",),
    "attempts": ("outage_claimed",),
    "handshakes_refused": ("refusals_claimed",),
    "workers_gave_up": ("refusals_claimed",),
}
FAMILY = MetricFamily("Connections", METRICS, measure, rank=10, broken_by=BROKEN_BY, on_system=True)
