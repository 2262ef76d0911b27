"""The fourteen failures of the system that Stormlab grew out of, one test for each."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from driver.checks.finding import Status
from driver.judging.verdict import RunOutcome
from driver.reference.workload import generate
from driver.results.judged_run import judge_run
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import Overrides, load_scenario
from tests.coordinator.harness import CoordinatorHarness
from tests.driver.judge.findings import found, value
from tests.driver.judge.histories import Past, healthy_herd
from tests.fuzz.hostile import EXAMPLES
from tests.worker.desk import Desk
from wire import events, task_events
from wire.address import coordinator_url, link_port, worker_name
from wire.channel import Channel
from wire.codec import FrameDecoder, FrameEncoder, FrameLimits
from wire.errors import CloseCode, FrameError
from wire.messages import UNNUMBERED, AttemptResult, Envelope, Frame, ToCoordinator, ToWorker
from wire.policies import POLICIES, PolicyAdvice
from wire.priority import Priority
from wire.settings import WorkerSettings

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def test_01_a_run_without_traffic_never_passes_and_a_documented_threshold_is_evaluated(
    tmp_path: Path,
) -> None:
    """A committed PASS had no messages, no connections and no success; its 95 % were never looked at."""
    silent = Past(5)
    silent.begin()
    silent.end(30)
    assert judge_run(silent.write(tmp_path / "silent")).verdict.verdict is RunOutcome.inconclusive
    kept = judge_run(healthy_herd().write(tmp_path / "kept", ["task_success_rate >= 95%"]))
    assert kept.verdict.exit_code == 0
    missed = judge_run(healthy_herd().write(tmp_path / "missed", ["task_throughput_per_s >= 1000000"]))
    assert missed.verdict.verdict is RunOutcome.failed


def test_02_metrics_come_from_typed_events_that_the_programs_really_write() -> None:
    """Metrics were searched for in log lines that no program wrote at that level."""
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    peer.finish(peer.assigned[0])
    decoder = msgspec.json.Decoder(task_events.ProcessEvent)
    found = [decoder.decode(msgspec.json.encode(line)) for line in world.lines]
    assert {
        events.WorkerJoined,
        task_events.TaskSubmitted,
        task_events.Assigned,
        task_events.TaskDone,
    } <= set(map(type, found))
    assert value("reconnections", healthy_herd(workers=3, rounds=2)) == 6


def test_03_rates_sizes_intervals_and_shares_reach_the_work_and_the_duration_counts_once() -> None:
    """None of the scenario's figures arrived at the workers, and its duration was waited for twice."""
    flood = load_scenario(
        SCENARIOS / "message_flood.yaml", Overrides(variables={"rate": "40/s", "size": "2KiB"})
    )
    plan = resolve(flood, seed=1)
    assert plan.workload is not None
    tasks = list(generate(plan.workload, 1, 10.0))
    assert len(tasks) == pytest.approx(400, abs=2)
    assert max(at_s for at_s, _ in tasks) <= 10.0
    assert all(2_048 <= len(bytes(task.params)) <= 2_200 for _, task in tasks)
    checkpoints = resolve(load_scenario(SCENARIOS / "checkpoint_heavy.yaml"), seed=1)
    settings = msgspec.convert(checkpoints.client_settings, WorkerSettings)
    assert settings.checkpoint_every_ms == checkpoints.client_settings["checkpoint_every_ms"] > 0
    mixed = resolve(load_scenario(SCENARIOS / "mixed_priority.yaml"), seed=1)
    assert mixed.workload is not None
    drawn = [task.priority for _, task in generate(mixed.workload, 1, 200.0)]
    for name, share in mixed.workload.priorities.items():
        assert drawn.count(name) / len(drawn) == pytest.approx(share, abs=0.05)


def test_04_a_fault_that_disconnected_no_worker_proves_nothing() -> None:
    """Stopped processes kept their sockets, nothing was disconnected, and the run counted as a storm."""
    past = Past(3)
    past.begin()
    past.flow(2, 9)
    past.fault("herd", "pause", past.workers, 10, 5)
    past.flow(22, 30)
    past.end(40)
    assert found("workers_were_cut_off", past).status is Status.unknown


def test_05_every_worker_has_a_name_and_a_link_of_its_own() -> None:
    """An escaped f-string left `{worker_id}` in the URL of all of them."""
    urls = {coordinator_url("toxiproxy", link_port(index)) for index in range(1, 51)}
    names = {worker_name(index) for index in range(1, 51)}
    assert len(urls) == len(names) == 50
    assert not any("{" in text for text in urls | names)


def test_06_what_is_compressed_is_inflated_and_what_is_signed_is_verified() -> None:
    """Large messages were dropped as unknown, and no signature was ever looked at."""
    large = AttemptResult("t", 1, b"x" * 100_000, "", 0, 1, 2)
    data = FrameEncoder(bytes(32)).encode(Frame(0, 1, [Envelope(1, large)]))
    assert len(data) < 10_000
    assert FrameDecoder(bytes(32), FrameLimits()).decode(data).envelopes[0].message == large
    for key, sent in ((bytes(32), data[:-1] + b"?"), (b"another key".ljust(32), data)):
        with pytest.raises(FrameError, match="altered"):
            FrameDecoder(key, FrameLimits()).decode(sent)


def test_07_the_end_of_an_old_socket_leaves_the_new_one_registered() -> None:
    """The old socket's close handler removed the new one's registration."""
    world = CoordinatorHarness()
    peer = world.peer()
    old = peer.connection
    peer.connect()
    assert [(close.connection, close.code) for close in world.closed] == [(old, CloseCode.superseded)]
    world.core.on_closed(world.now_ns, old, "closed", "late")
    peer.inventory()
    world.submit("a")
    assert [assign.task_id for assign in peer.assigned] == ["a"]
    assert world.core.state(world.now_ns).workers[0].state == "connected"


def test_08_a_dead_workers_tasks_are_shared_by_the_others_and_survive_a_restart() -> None:
    """They were never given again, the state was in memory, and all work went to the first worker."""
    world = CoordinatorHarness(lease_ms=5_000)
    first, second = world.peer("worker-1", slots=4), world.peer("worker-2", slots=4)
    world.submit("a", "b", "c", "d")
    assert len(first.assigned) == len(second.assigned) == 2
    first.cut()
    for _ in range(4):
        world.advance(2_000)
        second.beat(*second.assigned)
    assert {assign.task_id for assign in second.assigned} == {"a", "b", "c", "d"}
    world.crash()
    second.connect()
    second.inventory(*second.assigned)
    for assign in list(second.assigned):
        second.finish(assign)
    assert world.outcomes() == dict.fromkeys("abcd", "completed")


def test_09_results_are_sent_again_after_a_loss_and_finished_tasks_free_their_slots() -> None:
    """Results were gone with the connection, and five finished tasks blocked a worker for good."""
    desk = Desk(slots=5).up()
    for token in range(1, 6):
        desk.assign(token)
    desk.closed()
    for token in range(1, 6):
        desk.finish(token)
    desk.come_back()
    desk.exchange()
    assert [result.token for result in desk.said(AttemptResult)] == [1, 2, 3, 4, 5]
    for token in range(6, 11):
        desk.assign(token)
    assert desk.started == list(range(1, 11))


def test_10_one_result_of_an_attempt_is_sent_and_a_second_does_not_count() -> None:
    """`running` was submitted as the result, and the real one followed as a duplicate."""
    desk = Desk().up()
    desk.assign(1)
    desk.pass_ms(5_000)
    assert desk.said(AttemptResult) == []
    desk.finish(1, b'"real"')
    desk.exchange()
    assert [result.output for result in desk.said(AttemptResult)] == [b'"real"']
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    (held,) = peer.assigned
    peer.finish(held)
    peer.finish(held, error="again")
    assert world.outcomes() == {"a": "completed"}
    assert [line["because"] for line in world.events_of("result_refused")] == ["duplicate"]


def test_11_what_is_queued_while_cut_off_keeps_its_order_and_priority() -> None:
    """Every queued message was promoted to high and moved to the tail."""
    channel = Channel()
    lanes = (Priority.background, Priority.high, Priority.normal)
    for number, lane in itertools.product(range(3), lanes):
        channel.send(AttemptResult(f"{lane.name}-{number}", 1, b"", "", 0, 0, 0), lane, 0)
    channel.restart(512)
    channel.resume(0, 512)
    sent = [envelope.message.task_id for envelope in channel.take(0).envelopes]  # type: ignore[union-attr]
    for lane in lanes:
        assert [name for name in sent if name.startswith(lane.name)] == [f"{lane.name}-{n}" for n in range(3)]
    assert sent.index("high-2") < sent.index("background-1")


def test_12_jitter_comes_after_the_cap_and_no_attempt_is_too_late_to_be_computed() -> None:
    """From the eighth attempt on all delays were exactly 60 s, and the 1,025th overflowed."""
    advice, chance = PolicyAdvice(1_000, 60_000, None), random.Random(1)
    for name in ("full_jitter", "equal_jitter", "decorrelated", "slotted"):
        delays = [POLICIES[name].delay_ms(8, 30_000.0, advice, chance) for _ in range(200)]
        assert len(set(delays)) > 190, name
        assert sum(delay == 60_000 for delay in delays) <= 10, name
    assert all(0 <= POLICIES[name].delay_ms(5_000, 1.0, advice, chance) < 10**6 for name in POLICIES)


def test_13_silence_is_counted_for_each_connection_and_latency_is_a_whole_round_trip() -> None:
    """The time of the last answer survived a reconnect, which ended it at once; `send` alone was timed."""
    desk = Desk().up()
    desk.pass_ms(30_000, answered=False)
    assert desk.journal(events.ConnectionLost)[0]["kind"] == "heartbeat_timeout"
    desk.until_state("connecting")
    desk.failed()
    desk.until_state("connecting")
    desk.now_ms += 250
    desk.connected("resumed")
    desk.exchange()
    desk.pass_ms(20_000)
    assert desk.core.state == "connected"
    assert len(desk.journal(events.ConnectionLost)) == 1
    assert desk.journal(events.Connected)[-1]["handshake_ms"] == pytest.approx(250)


def test_14_each_side_decodes_every_message_of_the_other() -> None:
    """Acknowledgements arrived as `unknown message type`, on both sides."""
    assert {type(message) for message in EXAMPLES} == {*get_args(ToWorker), *get_args(ToCoordinator)}
    world = CoordinatorHarness()
    peer = world.peer()
    desk = Desk().up()
    for message in EXAMPLES:
        numbered = type(message) not in UNNUMBERED
        if isinstance(message, get_args(ToWorker)):
            desk.say(message) if numbered else desk.exchange(message)
        elif numbered:
            peer.queue(message)
            peer.send_frame()
        else:
            peer.send_frame(message)
    assert world.events_of("frame_refused") == []
    assert peer.channel.depth == desk.channel.depth == 0
