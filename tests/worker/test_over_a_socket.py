"""Claims about the whole worker process over real sockets, against a small coordinator."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import socket
import struct

import pytest

from tests.waiting import eventually
from tests.worker.process import WorkerProcess
from tests.worker.small_coordinator import Knobs, SmallCoordinator
from wire.errors import CloseCode
from wire.handshake import Refusal
from wire.messages import AttemptReport, AttemptResult, CheckpointSaved, GoAway, Goodbye, ReturnTask


def results(coordinator: SmallCoordinator) -> list[AttemptResult]:
    return [message for message in coordinator.heard if isinstance(message, AttemptResult)]


def reset(connection: socket.socket) -> None:
    """Let the connection end by a reset (RST) when it is closed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def session(coordinator: SmallCoordinator, hellos: int = 1) -> None:
    """Wait until the worker is connected for the `hellos`-th time, and its first frame came."""
    await eventually(
        lambda: len(coordinator.hellos) >= hellos and len(coordinator.all(AttemptReport)) >= hellos,
        "a session",
    )


async def test_a_worker_connects_runs_a_task_and_reports_it() -> None:
    async with SmallCoordinator() as coordinator, WorkerProcess(coordinator.port) as worker:
        await session(coordinator)
        token = await coordinator.assign("noop")
        await eventually(lambda: results(coordinator), "a result")
        assert (results(coordinator)[0].token, results(coordinator)[0].output) == (token, b"null")
        await eventually(lambda: "result_acknowledged" in worker.happened(), "the acknowledgement")
        assert "worker-1 connected (fresh) after 1 attempt" in worker.log


async def test_the_journal_has_a_tasks_events_in_order() -> None:
    async with SmallCoordinator() as coordinator, WorkerProcess(coordinator.port) as worker:
        await session(coordinator)
        await coordinator.assign("fail")
        await eventually(lambda: "result_acknowledged" in worker.happened(), "the acknowledgement")
        story = ["process_started", "connecting", "connected", "received", "started", "finished"]
        assert [name for name in worker.happened() if name != "traffic"] == [*story, "result_acknowledged"]


async def test_cut_off_it_resumes_and_the_result_that_was_made_meanwhile_arrives_once() -> None:
    async with SmallCoordinator() as coordinator, WorkerProcess(coordinator.port) as worker:
        await session(coordinator)
        await coordinator.assign("sleep", b'{"sleep_ms": 300}')
        await eventually(lambda: "started" in worker.happened(), "the start")
        assert coordinator.connection is not None
        reset(coordinator.connection.transport.get_extra_info("socket"))
        await coordinator.stop_listening()
        await eventually(lambda: worker.journal("finished"), "the end of the task")
        await eventually(lambda: worker.journal("connect_failed"), "a refused attempt")
        await coordinator.listen()
        await eventually(lambda: results(coordinator), "the result")
        assert coordinator.outcomes == ["fresh", "resumed"]
        assert len(results(coordinator)) == 1
        assert worker.journal("lost")[0]["kind"] == "reset"
        assert {each["kind"] for each in worker.journal("connect_failed")} == {"refused"}
        assert worker.journal("connect_failed")[0]["attempt"] == 1


async def test_a_forgotten_session_is_reported_and_results_go_out_in_the_new_one() -> None:
    knobs = Knobs(resumes=False)
    async with SmallCoordinator(knobs) as coordinator, WorkerProcess(coordinator.port) as worker:
        await session(coordinator)
        await coordinator.assign("sleep", b'{"sleep_ms": 200}')
        await eventually(lambda: "started" in worker.happened(), "the start")
        await coordinator.stop_listening()
        await eventually(lambda: worker.journal("finished"), "the end of the task")
        await coordinator.listen()
        await eventually(lambda: results(coordinator), "the result")
        assert worker.journal("connected")[1]["outcome"] == "reset"
        assert worker.journal("connected")[1]["because"] == "told to"


async def test_a_half_open_link_is_noticed_within_interval_and_timeout() -> None:
    async with SmallCoordinator() as coordinator, WorkerProcess(coordinator.port) as worker:
        await session(coordinator)
        coordinator.knobs.answers_heartbeats = False
        await eventually(lambda: worker.journal("lost"), "the loss")
        lost = worker.journal("lost")[0]
        assert lost["kind"] == "heartbeat_timeout"
        assert lost["silent_ms"] >= coordinator.knobs.heartbeat_timeout_ms
        coordinator.knobs.answers_heartbeats = True
        await eventually(lambda: len(coordinator.outcomes) >= 2, "the return")
        assert coordinator.outcomes[1] == "resumed"


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "altered"),
        (lambda data: data[:20], "too_short"),
        (lambda data: "text", "text"),
        (lambda data: bytes(2 << 20), "too_large"),
    ],
    ids=["a flipped bit", "half a frame", "text", "too much"],
)
async def test_a_damaged_frame_is_refused_noted_and_healed_by_a_resume(spoil: object, fault: str) -> None:
    async with SmallCoordinator() as coordinator, WorkerProcess(coordinator.port) as worker:
        await session(coordinator)
        coordinator.knobs.spoil = spoil  # type: ignore[assignment]
        await coordinator.assign("noop")
        await eventually(lambda: worker.journal("frame_refused"), "the refusal")
        coordinator.knobs.spoil = None
        await eventually(lambda: results(coordinator), "the result")
        assert worker.journal("frame_refused")[0]["fault"] == fault
        assert worker.journal("lost")[0]["kind"] == "bad_frame"
        assert coordinator.outcomes[1] == "resumed"
        assert len(results(coordinator)) == 1


async def test_broken_framing_is_noticed_at_once_and_not_after_a_silence() -> None:
    knobs = Knobs(heartbeat_interval_ms=60_000, heartbeat_timeout_ms=60_000)
    async with SmallCoordinator(knobs) as coordinator, WorkerProcess(coordinator.port) as worker:
        await session(coordinator)
        assert coordinator.connection is not None
        transport = coordinator.connection.transport
        transport.pause_reading()  # It does not answer our close either.
        transport.write(b"\xff\xff\xff\xff")
        await eventually(lambda: worker.journal("lost"), "the loss")
        assert worker.journal("frame_refused")[0]["fault"] == "framing"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (CloseCode.superseded, "superseded"),
        (CloseCode.going_away, "going_away"),
        (CloseCode.full, "going_away"),
        (CloseCode.normal, "closed"),
    ],
)
async def test_a_close_is_reported_by_its_code(code: CloseCode, kind: str) -> None:
    async with SmallCoordinator() as coordinator, WorkerProcess(coordinator.port) as worker:
        await session(coordinator)
        assert coordinator.connection is not None
        await coordinator.connection.close(code, "so")
        await session(coordinator, 2)
        lost = worker.journal("lost")[0]
        assert (lost["kind"], lost["code"]) == (kind, code)
        assert "so" in lost["detail"]


async def test_a_server_that_drops_at_once_is_not_dialled_without_end() -> None:
    knobs = Knobs(base_ms=20, cap_ms=400, heartbeat_timeout_ms=10_000)
    async with (
        SmallCoordinator(knobs) as coordinator,
        WorkerProcess(coordinator.port, policy="exponential") as worker,
    ):
        await session(coordinator)

        def dropped_often() -> bool:
            if coordinator.connection is not None:
                coordinator.connection.transport.abort()
            return len(worker.journal("waiting")) >= 7

        await eventually(dropped_often, "seven losses")
        assert [each["delay_ms"] for each in worker.journal("waiting")][:7] == [
            20,
            40,
            80,
            160,
            320,
            400,
            400,
        ]


@pytest.mark.parametrize("status", [401, 426])
async def test_a_terminal_refusal_stops_the_worker_which_says_so(status: int) -> None:
    reason = {401: "bad_key", 426: "version"}[status]
    knobs = Knobs(refusal=(status, Refusal(reason, "never")))
    async with SmallCoordinator(knobs) as coordinator, WorkerProcess(coordinator.port) as worker:
        assert await worker.ended() == 1
        assert coordinator.dialled == 1
        assert f"worker-1 gives up: {reason}: never" in worker.log
        assert [name for name in worker.happened() if name != "traffic"][-2:] == [
            "gave_up",
            "process_stopping",
        ]
        assert worker.journal("connect_failed")[0]["status"] == status


async def test_a_worker_with_another_key_gives_up() -> None:
    async with SmallCoordinator() as coordinator, WorkerProcess(coordinator.port, key=bytes(32)) as worker:
        assert await worker.ended() == 1
        assert worker.journal("gave_up")[0]["reason"] == "bad_key"


async def test_a_full_coordinators_slot_is_kept() -> None:
    knobs = Knobs(refusal=(503, Refusal("full", "wait", retry_after_ms=700)))
    async with (
        SmallCoordinator(knobs) as coordinator,
        WorkerProcess(coordinator.port, policy="slotted") as worker,
    ):
        await eventually(lambda: coordinator.dialled == 1, "the first attempt")
        knobs.refusal = None
        await session(coordinator)
        failed, connecting = worker.journal("connect_failed")[0], worker.journal("connecting")[1]
        assert failed["retry_after_ms"] == 700
        assert connecting["at_ns"] - failed["at_ns"] >= 699_000_000


async def test_a_go_away_is_obeyed() -> None:
    async with SmallCoordinator() as coordinator, WorkerProcess(coordinator.port, policy="slotted") as worker:
        await session(coordinator)
        await coordinator.say(GoAway(2_000, "leaving"))
        assert coordinator.connection is not None
        await coordinator.connection.close(CloseCode.going_away, "leaving")
        await session(coordinator, 2)
        assert 500 <= worker.journal("waiting")[0]["delay_ms"] <= 2_000


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "status"),
        (b"nonsense\r\n\r\n", "handshake"),
        (b"", "handshake"),
        (None, "reset"),
    ],
    ids=["an error", "nonsense", "the end", "a reset"],
)
async def test_a_failed_attempt_is_reported_by_its_kind(answer: bytes | None, kind: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if answer is None:
            reset(writer.get_extra_info("socket"))
            return writer.transport.abort()
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, WorkerProcess(server.sockets[0].getsockname()[1]) as worker:
        await eventually(lambda: worker.journal("connect_failed"), "a failure")
        assert worker.journal("connect_failed")[0]["kind"] == kind


async def test_a_server_that_never_answers_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        async with WorkerProcess(server.getsockname()[1], connect_timeout_ms=300) as worker:
            await eventually(lambda: len(worker.journal("connect_failed")) >= 2, "two failures")
            assert {each["kind"] for each in worker.journal("connect_failed")} == {"timeout"}


async def test_checkpoints_are_uploaded_while_the_steps_go_on() -> None:
    async with (
        SmallCoordinator() as coordinator,
        WorkerProcess(coordinator.port, checkpoint_every_ms=100) as worker,
    ):
        await session(coordinator)
        await coordinator.assign("steps", b'{"steps": 40, "step_ms": 20}')
        await eventually(lambda: results(coordinator), "the result")
        saved = [each for each in coordinator.heard if isinstance(each, CheckpointSaved)]
        assert len(saved) >= 3
        assert [each.checkpoint.step for each in saved] == sorted({each.checkpoint.step for each in saved})
        assert len(worker.journal("checkpoint_created")) == len(saved)
        assert list((worker.folder / "checkpoints").iterdir()) == []


async def test_a_killed_worker_goes_on_from_its_own_disk() -> None:
    async with (
        SmallCoordinator() as coordinator,
        WorkerProcess(coordinator.port, checkpoint_every_ms=50) as worker,
    ):
        await session(coordinator)
        steps = b'{"steps": 60, "step_ms": 20}'
        await coordinator.assign("steps", steps, task_id="long")
        await eventually(lambda: len(worker.journal("checkpoint_created")) >= 3, "checkpoints")
        await worker.kill()
        saved = worker.journal("checkpoint_created")[-1]["step"]
        await worker.start()
        await session(coordinator, 2)
        await coordinator.assign("steps", steps, task_id="long", reached_step=saved + 5)
        await eventually(lambda: results(coordinator), "the result")
        result = results(coordinator)[0]
        assert worker.journal("started")[1]["from_step"] >= saved
        assert json.loads(result.output)["resumed_from"] == worker.journal("started")[1]["from_step"]
        assert 0 < result.redone_steps <= 5


async def test_long_work_in_every_slot_starves_no_heartbeat() -> None:
    async with SmallCoordinator() as coordinator, WorkerProcess(coordinator.port) as worker:
        await session(coordinator)
        for _ in range(8):
            await coordinator.assign("cpu", b'{"cpu_ms": 700}')
        await eventually(lambda: len(results(coordinator)) == 8, "all results", within_s=60)
        assert all(not result.error for result in results(coordinator))
        assert worker.journal("lost") == []


async def test_asked_to_leave_it_finishes_hands_back_says_goodbye_and_ends() -> None:
    async with SmallCoordinator() as coordinator, WorkerProcess(coordinator.port, slots=2) as worker:
        await session(coordinator)
        finishes = await coordinator.assign("sleep", b'{"sleep_ms": 500}')
        saves = await coordinator.assign("steps", b'{"steps": 1000, "step_ms": 50}')
        waits = await coordinator.assign("noop")
        await eventually(lambda: len(worker.journal("started")) == 2, "both to run")
        worker.signal(signal.SIGTERM)
        assert await worker.ended() == 0
        assert [result.token for result in results(coordinator)] == [finishes]
        back = {each.token for each in coordinator.heard if isinstance(each, ReturnTask)}
        assert back == {saves, waits}
        assert [type(each) for each in coordinator.heard].count(CheckpointSaved) == 1
        assert isinstance(coordinator.heard[-1], Goodbye)
        assert worker.happened()[-1] == "process_stopping"


async def test_asked_to_leave_without_a_listening_coordinator_it_ends_in_time() -> None:
    async with (
        SmallCoordinator() as coordinator,
        WorkerProcess(coordinator.port, drain_timeout_ms=1_000) as worker,
    ):
        await session(coordinator)
        await coordinator.assign("sleep", b'{"sleep_ms": 60000}')
        await eventually(lambda: worker.journal("started"), "the start")
        await coordinator.stop_listening()
        worker.signal(signal.SIGTERM)
        assert await worker.ended(within_s=5) == 0
        await coordinator.listen()


async def test_thousands_of_small_tasks_flow_through_one_worker() -> None:
    async with SmallCoordinator() as coordinator, WorkerProcess(coordinator.port, prefetch=500) as worker:
        await session(coordinator)
        for _ in range(2_000):
            await coordinator.assign("noop")
        await eventually(lambda: len(results(coordinator)) == 2_000, "all results", within_s=60)
        assert len({result.token for result in results(coordinator)}) == 2_000
        await eventually(lambda: len(worker.journal("result_acknowledged")) == 2_000, "all acknowledged")


async def test_a_worker_that_cannot_write_its_journal_ends_with_an_error() -> None:
    async with SmallCoordinator() as coordinator, WorkerProcess(coordinator.port) as worker:
        await session(coordinator)
        assert worker.process is not None
        size_bytes = (worker.folder / "worker-1.jsonl").stat().st_size
        resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, (size_bytes, size_bytes))
        await coordinator.assign("noop")
        assert await worker.ended() == 70
        assert "worker-1 stops: cannot write its journal" in worker.log
        assert "Traceback" not in worker.log


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("STORMLAB_KEY", "abc", "STORMLAB_KEY must be 64 hexadecimal digits"),
        ("STORMLAB_WORKER", '{"slotz": 1}', "slotz"),
        ("STORMLAB_WORKER", '{"slots": "four"}', "$.slots"),
        ("STORMLAB_WORKER", '{"policy": "best"}', "expected one of none, fixed"),
        ("STORMLAB_WORKER", '{"slots": 0}', "slots"),
        ("STORMLAB_LINK_PORT", "http", "STORMLAB_LINK_PORT"),
        ("WORKER_INDEX", "x", "WORKER_INDEX must be"),
        ("JOURNAL_DIR", "/no/such/folder", "/no/such/folder"),
    ],
)
async def test_wrong_settings_end_with_a_sentence(name: str, value: str, words: str) -> None:
    worker = WorkerProcess(1)
    worker.environment[name] = value
    async with worker:
        assert await worker.ended() == 64
        assert words in worker.log
        assert "Traceback" not in worker.log
        assert worker.log.count("\n") == 1
