"""What single metrics say of histories made by hand: connections, tasks, messages, checkpoints, resources."""

from __future__ import annotations

import pytest

from driver.histories import events as driver
from driver.histories.connection_history import connection_histories
from driver.metrics import measure
from tests.driver.judge.findings import value
from tests.driver.judge.histories import Past, healthy_herd, ns, small
from wire import events as wire
from wire import task_events

# -- connections ------------------------------


def test_reconnections_count_what_followed_a_loss_and_not_the_first_connection() -> None:
    past = healthy_herd(workers=3, rounds=2)
    assert value("reconnections", past) == 6
    assert measure(past.history()).reconnections_per_client == {f"worker-{n}": 2 for n in (1, 2, 3)}


def test_a_worker_that_comes_back_as_a_new_process_is_a_reconnection_after_restart() -> None:
    past = small()
    past.fault("kill-1", "kill", ["worker-1"], 8, 1)
    past.start("worker-1", 9.5)
    past.connect("worker-1", 10)
    assert value("reconnections_after_restart", past) == 1
    assert value("reconnections_after_loss", past) == 0
    assert value("rejoin_time_max_s", past) == pytest.approx(2.0)
    assert value("reconnection_time_max_s", past) is None


def test_a_worker_that_said_goodbye_before_its_restart_is_a_reconnection_after_restart_too() -> None:
    past = small()
    past.lose("worker-1", 8, kind="stopped")
    past.emit("worker-1", wire.ProcessStopping, 8.1, reason="SIGTERM")
    past.start("worker-1", 9.5)
    past.connect("worker-1", 10)
    assert value("reconnections_after_restart", past) == 1


def test_what_the_teardown_does_is_no_loss() -> None:
    past = small()
    past.lose("worker-1", 20.5, kind="going_away")
    assert value("losses", past) == 0


def paused(given_up_s: float) -> Past:
    """A worker that is paused for twenty seconds, and reads at waking that its connection was closed."""
    past = Past(1)
    past.begin()
    past.fault("pause", "pause", ["worker-1"], 10, 20)
    past.lose("worker-1", 30.05, kind="closed", silent_s=0.01)
    past.lines["coordinator"] = [e for e in past.lines["coordinator"] if not isinstance(e, wire.WorkerLost)]
    past.emit(
        "coordinator", wire.WorkerLost, given_up_s, worker="worker-1", session="worker-1/0.5",
        kind="heartbeat_timeout", detail="", silent_ms=3000.0,
    )  # fmt: skip
    past.connect("worker-1", 30.41, outcome="resumed")
    past.end(40)
    return past


def test_a_paused_worker_is_gone_since_its_pause_and_not_since_it_woke() -> None:
    assert value("reconnection_time_max_s", paused(given_up_s=13)) == pytest.approx(20.41)


def test_a_pause_that_cost_no_connection_is_no_begin_of_a_later_loss() -> None:
    assert value("reconnection_time_max_s", paused(given_up_s=30.9)) == pytest.approx(0.36)


def test_reconnection_time_counts_from_the_faults_begin_and_is_the_sum_of_its_parts() -> None:
    past = Past(1)
    past.begin()
    past.fault("stall", "stall", ["worker-1"], 10, 5)
    past.lose("worker-1", 13, kind="heartbeat_timeout", silent_s=3.5)
    past.fail_to_connect("worker-1", 14.5, attempt=1, took_s=0.5)
    past.connect("worker-1", 17, outcome="resumed", attempt=2, took_s=0.25)
    past.end(30)
    assert value("reconnection_time_max_s", past) == pytest.approx(7.0)
    assert value("detection_time_max_s", past) == pytest.approx(3.0)
    assert value("failed_attempts_time_max_s", past) == pytest.approx(0.5)
    assert value("handshake_time_max_s", past) == pytest.approx(0.25)
    assert value("waiting_time_max_s", past) == pytest.approx(3.25)


def test_a_silence_without_a_fault_counts_from_the_last_word() -> None:
    past = Past(1)
    past.begin()
    past.lose("worker-1", 13, kind="heartbeat_timeout", silent_s=4)
    past.connect("worker-1", 14, outcome="resumed")
    past.end(30)
    assert value("reconnection_time_max_s", past) == pytest.approx(5.0)


def test_a_connection_that_was_closed_while_idle_broke_when_it_was_closed() -> None:
    past = Past(1)
    past.begin()
    past.lose("worker-1", 13, kind="closed", silent_s=1.9)
    past.connect("worker-1", 14, outcome="resumed")
    past.end(30)
    assert value("reconnection_time_max_s", past) == pytest.approx(1.0)
    assert value("detection_time_max_s", past) == 0


def test_resume_time_ends_with_the_first_work_over_the_new_connection() -> None:
    past = Past(1)
    past.begin()
    past.lose("worker-1", 13)
    past.connect("worker-1", 14, outcome="resumed")
    past.run_task("t", "worker-1", 14.5)
    past.end(30)
    assert value("resume_time_max_s", past) == pytest.approx(0.504)


def test_a_reconnection_over_which_no_work_came_has_no_resume_time() -> None:
    past = Past(1)
    past.begin()
    past.run_task("t", "worker-1", 5)
    past.lose("worker-1", 13)
    past.connect("worker-1", 14, outcome="resumed")
    past.end(30)
    assert value("resume_time_max_s", past) is None


def test_a_connection_that_a_newer_one_superseded_ends_nothing() -> None:
    past = Past(1)
    past.begin()
    past.emit(
        "worker-1", wire.ConnectionLost, 5, session="worker-1/0.5", kind="closed", detail="", silent_ms=1.0
    )
    past.connect("worker-1", 6, outcome="resumed")
    lost = {"session": "worker-1/0.5", "kind": "superseded", "detail": "", "silent_ms": 1.0}
    past.emit("coordinator", wire.WorkerLost, 6.1, worker="worker-1", **lost)
    past.end(30)
    story = past.history().view(connection_histories)["worker-1"]
    assert story.connected[-1][1] - story.connected[-1][0] == pytest.approx(24e9)


def test_a_restart_of_the_coordinator_ends_its_connections() -> None:
    past = Past(1)
    past.begin()
    past.fault("kill-1", "kill", ["coordinator"], 9, 1)
    past.start("coordinator", 10, role="coordinator")
    past.emit(
        "worker-1", wire.ConnectionLost, 9, session="worker-1/0.5", kind="reset", detail="", silent_ms=1.0
    )
    past.connect("worker-1", 11, outcome="resumed")
    past.end(30)
    story = past.history().view(connection_histories)["worker-1"]
    assert len(story.by_server) == 2
    assert story.connected[0][1] == ns(9)


def test_the_longest_disagreement_of_the_two_sides_is_reported() -> None:
    past = Past(2)
    past.begin()
    for worker, until_s in (("worker-1", 7.0), ("worker-2", 10.0)):
        past.emit(worker, wire.ConnectionLost, 5, session="", kind="closed", detail="", silent_ms=0.0)
        past.connect(worker, until_s, outcome="resumed", took_s=0.0)
    past.end(20)
    assert value("disagreement_max_s", past) == pytest.approx(5.0)


def test_workers_that_both_sides_never_saw_connected_are_no_disagreement() -> None:
    past = Past(1)
    past.begin()
    past.forget("worker-1", wire.Connected)
    past.forget("coordinator", wire.WorkerJoined)
    past.end(20)
    assert value("disagreement_max_s", past) == 0


def test_the_coordinator_s_detection_is_that_of_losses_before_the_end_that_no_connection_superseded() -> None:
    past = small()
    past.lose("worker-1", 8, silent_s=0.5)
    past.connect("worker-1", 9, outcome="resumed")
    past.lose("worker-1", 10, kind="superseded", silent_s=7)
    past.connect("worker-1", 11, outcome="resumed")
    past.lose("worker-1", 20.5, silent_s=9)
    assert value("coordinator_detection_time_max_s", past) == pytest.approx(0.5)


def test_connected_counts_from_the_moment_when_all_were() -> None:
    past = Past(2)
    past.begin()
    past.lose("worker-1", 10.51)
    past.connect("worker-1", 15.51, outcome="resumed", took_s=0.0)
    past.end(20.51)
    assert value("connected_ratio_mean", past) == pytest.approx(35 / 40)


def test_workers_that_never_connected_leave_the_share_unknown() -> None:
    past = Past(2)
    past.begin()
    past.forget("worker-2", wire.Connected)
    past.end(20)
    assert value("connected_ratio_mean", past) is None


def test_success_of_connections_is_attempts_that_became_one() -> None:
    assert value("connection_success_rate", healthy_herd(workers=1, rounds=1)) == pytest.approx(2 / 3)


# -- tasks ------------------------------


def test_success_is_completed_of_submitted() -> None:
    past = small()
    past.submit("bad", 7)
    past.finish("bad", "worker-1", past.assign("bad", "worker-1", 7.1), 7.2, outcome="failed")
    past.submit("lost", 7)
    assert value("tasks_submitted", past) == 42
    assert value("tasks_completed", past) == 40
    assert value("tasks_failed", past) == 1
    assert value("tasks_lost", past) == 1
    assert value("task_success_rate", past) == pytest.approx(40 / 42)


def test_a_task_that_is_due_after_the_measured_load_is_not_measured_and_may_not_be_lost() -> None:
    past = Past(1)
    past.begin(measured_s=6.0)
    past.run_task("measured", "worker-1", 6.0)
    past.run_task("late", "worker-1", 6.1, takes_s=9.0)
    past.submit("lost", 7)
    assert value("tasks_submitted", past) == value("tasks_completed", past) == 1
    assert value("task_success_rate", past) == 1.0
    assert value("task_latency_max_s", past) == pytest.approx(0.05)
    assert value("tasks_lost", past) == 1


def test_latency_counts_from_the_intended_start() -> None:
    past = Past(1)
    past.begin()
    past.run_task("t", "worker-1", 5, takes_s=0.8)
    past.end(20)
    assert value("task_latency_max_s", past) == pytest.approx(0.8)
    assert value("task_queueing_max_s", past) == pytest.approx(0.003)
    assert value("task_execution_max_s", past) == pytest.approx(0.05)


def test_waiting_is_reported_by_priority() -> None:
    past = Past(1)
    past.begin()
    past.submit("slow", 5, "low")
    past.assign("slow", "worker-1", 9)
    past.end(20)
    assert value("task_queueing_low_max_s", past) == pytest.approx(4)
    assert value("task_queueing_high_max_s", past) is None


def test_throughput_is_completed_tasks_between_the_first_submission_and_the_last_result() -> None:
    past = Past(1)
    past.begin()
    past.run_task("a", "worker-1", 5, takes_s=1)
    past.run_task("b", "worker-1", 6, takes_s=4)
    past.end(20)
    assert value("task_throughput_per_s", past) == pytest.approx(0.4)


# -- messages, checkpoints, resources ------------------------------


def test_totals_of_all_lives_of_all_processes_are_added() -> None:
    past = small()
    past.emit("worker-1", wire.TrafficTotals, 5, messages_sent=10, raw_bytes_sent=1000, wire_bytes_sent=400)
    past.emit("worker-1", wire.TrafficTotals, 6, messages_sent=15, raw_bytes_sent=2000, wire_bytes_sent=800)
    past.start("worker-1", 7)
    past.emit(
        "worker-1",
        wire.TrafficTotals,
        8,
        messages_sent=5,
        raw_bytes_sent=1000,
        wire_bytes_sent=700,
        queue_depth=9,
    )
    past.emit("coordinator", wire.TrafficTotals, 8, messages_sent=7, messages_received=18)
    assert value("messages_sent", past) == 27
    assert value("messages_to_coordinator", past) == 18
    assert value("compression_ratio", past) == pytest.approx(0.5)
    assert value("queue_depth_max", past) == 9


def test_without_any_traffic_line_messages_are_unknown() -> None:
    assert value("messages_sent", small()) is None


def test_a_message_is_on_its_way_from_assigned_to_received_and_from_finished_to_counted() -> None:
    assert value("message_latency_max_s", small()) == pytest.approx(0.001)


def test_an_attempt_that_could_have_begun_from_a_checkpoint_and_did_not_lowers_the_ratio() -> None:
    past = small()
    for number, from_step in enumerate((3, 0)):
        task = f"c-{number}"
        past.submit(task, 7)
        token = past.assign(task, "worker-1", 7.1)
        past.emit(
            "worker-1", task_events.CheckpointCreated, 7.2, task=task, token=token, step=3, size_bytes=100
        )
        point = {"task": task, "token": token, "step": 3, "size_bytes": 100}
        past.emit("coordinator", task_events.CheckpointCommitted, 7.3, worker="worker-1", **point)
        past.lose_attempt(task, "worker-1", token, 7.4)
        past.assign(task, "worker-2", 7.5, attempt=2, from_step=from_step)
    assert value("checkpoint_restore_ratio", past) == 0.5
    assert value("checkpoints_restored", past) == 1
    assert value("checkpoint_commit_time_max_s", past) == pytest.approx(0.1)
    assert value("checkpoint_size_mean_bytes", past) == 100


def test_cpu_is_seconds_used_between_samples_and_a_restart_counts_from_nothing() -> None:
    past = small()
    for at_s, memory, cpu_s in ((2, 100, 1.0), (3, 300, 1.5), (4, 200, 0.25)):
        past.emit(
            "driver",
            driver.ResourceSample,
            at_s,
            container="worker-1",
            memory_bytes=memory,
            cpu_s=cpu_s,
        )
    assert value("memory_worker_max_bytes", past) == 300
    assert value("cpu_worker_max_cores", past) == pytest.approx(0.5)
    assert value("cpu_worker_mean_cores", past) == pytest.approx(0.375)
    assert value("memory_coordinator_max_bytes", past) is None
