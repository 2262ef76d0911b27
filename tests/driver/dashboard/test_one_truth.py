"""The dashboard and the report show the same figures, since both use the same definitions."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from driver.histories.journals import read_history
from driver.metrics import measure
from driver.metrics.metric import percentile
from driver.reference.dashboard.feed import Feed
from driver.reference.dashboard.model import Model
from driver.reference.dashboard.state_encoder import StateEncoder
from tests.driver.judge.histories import Past, healthy_herd
from wire import events as wire

LATER_NS = 10**18
SAME = (
    *("reconnections", "reconnection_time_p50_s", "reconnection_time_p99_s", "connection_attempts"),
    *("tasks_completed", "tasks_failed", "task_latency_p50_s", "task_latency_p99_s"),
)


def troubled() -> Past:
    """A herd, with a process that was killed, a heartbeat that timed out, and a task that failed."""
    past = healthy_herd(workers=4, rounds=2)
    past.begin()
    past.lose("worker-1", 30.0, kind="heartbeat_timeout", silent_s=4.0)
    past.fail_to_connect("worker-1", 31.0, 1)
    past.connect("worker-1", 32.0, "resumed", 2)
    past.start("worker-2", 33.0)
    past.connect("worker-2", 33.5)
    past.submit("broken", 34.0)
    past.finish("broken", "worker-3", past.assign("broken", "worker-3", 34.1), 34.3, "failed")
    return past


def torn_down() -> Past:
    """A herd whose workers lose their connections once more while the lab is taken down."""
    past = healthy_herd()
    past.lose("worker-1", 64.05)
    past.fail_to_connect("worker-1", 64.06, 1)
    past.connect("worker-1", 64.3, attempt=2)
    past.run_task("late", "worker-2", 63.95, takes_s=0.5)
    return past


def paused() -> Past:
    """A herd in which a worker is paused until the coordinator has given its connection up."""
    past = healthy_herd()
    past.fault("pause", "pause", ["worker-1"], 25.0, 6.0)
    past.emit(
        "coordinator", wire.WorkerLost, 28.0, worker="worker-1", session=past.session("worker-1"),
        kind="heartbeat_timeout", detail="", silent_ms=3000.0,
    )  # fmt: skip
    past.lose("worker-1", 31.05)
    past.connect("worker-1", 31.2, "resumed")
    return past


@pytest.mark.parametrize(
    "past", [healthy_herd(), healthy_herd(workers=6, rounds=3), troubled(), torn_down(), paused()]
)
def test_the_figures_of_the_page_are_the_metrics_of_the_report(past: Past, tmp_path: Path) -> None:
    folder = past.write(tmp_path / "run")
    feed = Feed(folder / "journals")
    while feed.step(LATER_NS, 0.0):
        pass
    found = feed.encoder.state({}, {}, 0.0)["figures"]
    metrics = measure(read_history(folder, clients=past.workers)).values
    assert {name: found[name] for name in SAME} == {name: metrics[name] for name in SAME}


def test_the_last_few_of_many_tasks_count_too_once_no_more_come() -> None:
    model = Model()
    encoder = StateEncoder(model)
    model.tasks.latencies_s.extend(range(1, 301))
    encoder.delta({}, {}, 0.0)
    model.tasks.latencies_s.extend((400, 401))
    for _ in range(2):
        encoder.delta({}, {}, 0.0)
    figures = encoder.state({}, {}, 0.0)["figures"]
    exact = [percentile(sorted(model.tasks.latencies_s), share) for share in (50, 99)]
    assert [figures["task_latency_p50_s"], figures["task_latency_p99_s"]] == exact


def test_what_comes_line_by_line_ends_where_the_whole_does(tmp_path: Path) -> None:
    past = troubled()
    whole = Feed(past.write(tmp_path / "run") / "journals")
    whole.step(LATER_NS, 0.0)
    growing = tmp_path / "growing"
    growing.mkdir()
    feed = Feed(growing)
    events = sorted(
        ((event, by) for by, found in past.lines.items() for event in found), key=lambda one: one[0].at_ns
    )
    for event, by in events:
        with (growing / f"{by}.jsonl").open("ab") as file:
            file.write(msgspec.json.encode(event) + b"\n")
        feed.step(event.at_ns, event.wall_s)
    feed.step(LATER_NS, 0.0)
    a, b = (one.encoder.state({}, {}, 0.0) for one in (whole, feed))
    assert (a["figures"], a["faults"], a["tiles"]) == (b["figures"], b["faults"], b["tiles"])
