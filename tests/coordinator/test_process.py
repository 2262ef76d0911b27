"""The coordinator as it ships: a process with real sockets and a real disk."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.coordinator.fake_worker import FakeWorker, RefusedError
from tests.coordinator.live_coordinator import KEY, ROOT, TOKEN, LiveCoordinator, coordinator
from wire.codec import FrameLimits
from wire.errors import CloseCode
from wire.messages import GoAway, HeldAttempt


def worker(running: LiveCoordinator, name: str = "worker-1", *, slots: int = 4) -> FakeWorker:
    return FakeWorker(name, running.port, KEY, slots=slots)


async def ready(running: LiveCoordinator, name: str = "worker-1", *, slots: int = 4) -> FakeWorker:
    made = worker(running, name, slots=slots)
    await made.connect()
    await made.inventory()
    return made


async def closed(made: FakeWorker) -> tuple[int, str]:
    """Return how the coordinator closes the connection."""
    try:
        async with asyncio.timeout(15):
            while True:
                await made.link.recv()
    except ConnectionClosed as ended:
        return (ended.rcvd.code, ended.rcvd.reason) if ended.rcvd else (1006, "")


async def holder_of_the_task(*made: FakeWorker) -> FakeWorker:
    """The worker that was given a task."""
    while not any(worker.assigned for worker in made):
        for worker in made:
            with contextlib.suppress(TimeoutError):
                await worker.listen(0.05)
    return next(worker for worker in made if worker.assigned)


# -- the whole way -----------------------------------------


async def test_tasks_go_out_and_results_come_in(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        made = await ready(running)
        assert (await running.submit("a", "b", "c"))["accepted"] == 3
        for assign in await made.wait_assigned(3):
            await made.finish(assign)
        await made.wait_acknowledged(3)
        counts = await running.wait_counts(completed=3)
        assert counts == {"submitted": 3, "completed": 3, "failed": 0, "waiting": 0, "assigned": 0}
        assert sorted(line["task"] for line in running.events_of("task_done")) == ["a", "b", "c"]


async def test_a_submission_is_answered_when_it_is_durable(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        await running.submit("a")
        await running.kill()
        await running.start()
        assert (await running.submit("a"))["known"] == 1
        assert (await running.wait_counts(submitted=1, waiting=1))["completed"] == 0


async def test_kill_and_restart_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        made = await ready(running, slots=8)
        names = [f"t{n}" for n in range(60)]
        await running.submit(*names)
        finished = 0
        for life in range(1, 4):
            for assign in (await made.wait_assigned(finished + 8))[finished:]:
                await made.finish(assign)
                finished += 1
            await running.kill()
            await running.start()
            welcome = await made.connect()
            assert (welcome.outcome, welcome.epoch) == ("resumed", life + 1)
            acknowledged = {getattr(message, "token", 0) for message in made.acknowledged}
            held = [assign for assign in made.assigned if assign.token not in acknowledged]
            await made.inventory(
                *(HeldAttempt(assign.task_id, assign.token, assign.proof) for assign in held)
            )
        while finished < len(names):
            await made.wait_assigned(finished + 1)
            await made.finish(made.assigned[finished])
            finished += 1
        await running.wait_counts(completed=60, submitted=60)
        found = [line["task"] for line in running.events_of("task_done")]
        assert sorted(found) == sorted(names)
        assert sorted(line["task"] for line in running.events_of("submitted")) == sorted(names)
        assert {line["outcome"] for line in running.events_of("task_done")} == {"completed"}


async def test_sigterm_gives_each_worker_its_slot_and_waits_for_attempts_under_way(tmp_path: Path) -> None:
    async with coordinator(tmp_path, admission_per_s=2.0) as running:
        first, second = await ready(running, "worker-1"), await ready(running, "worker-2")
        await running.submit("a")
        holder = await holder_of_the_task(first, second)
        ending = asyncio.create_task(running.terminate())
        while not any(isinstance(message, GoAway) for message in holder.received_messages):
            await holder.listen()
        assert running.process.returncode is None
        await holder.finish(holder.assigned[0])
        await holder.wait_acknowledged(1)
        assert (await closed(holder))[0] == CloseCode.going_away
        assert await ending == 0
        assert running.events_of("process_stopping")
        assert running.events_of("task_done")


async def test_a_disk_that_fails_while_it_leaves_ends_it_with_a_sentence(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        made = await ready(running)
        await running.submit("a")
        assign = (await made.wait_assigned(1))[0]
        await running.ask("POST", "/drain")
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (4096, 4096))
        await made.finish(assign)
        assert await running.ended() == 70
        assert [line for line in running.said if "stops: " in line]


# -- admission ---------------------------------------------


async def test_a_wrong_key_is_refused_for_good_within_the_upgrade(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        stranger = FakeWorker("worker-1", running.port, bytes(32))
        with pytest.raises(RefusedError) as caught:
            await stranger.connect()
        assert (caught.value.status, caught.value.refusal.reason) == (401, "bad_key")


async def test_a_full_coordinator_answers_503_with_the_time_to_come_back(tmp_path: Path) -> None:
    async with coordinator(tmp_path, admission_per_s=0.5, admission_burst=1) as running:
        await ready(running, "worker-1")
        with pytest.raises(RefusedError) as caught:
            await worker(running, "worker-2").connect()
        assert caught.value.status == 503
        assert 0 < caught.value.refusal.retry_after_ms <= 2_000
        assert caught.value.retry_after == "2"


async def test_a_newer_connection_closes_the_older_one_with_its_own_code(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        made = await ready(running)
        older = made.link
        assert (await made.connect()).outcome == "resumed"
        await made.inventory()
        await asyncio.wait_for(older.wait_closed(), 10)
        assert older.close_code == CloseCode.superseded
        await running.submit("a")
        assert len(await made.wait_assigned(1)) == 1


async def test_of_two_connections_that_come_at_once_one_stays(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        first = worker(running)
        second = worker(running)
        second.incarnation = first.incarnation
        for _ in range(20):
            await asyncio.gather(first.connect(), second.connect())
            # Each proves itself by its first frame; one may be gone before it comes to that.
            await asyncio.gather(first.inventory(), second.inventory(), return_exceptions=True)
            links = [asyncio.create_task(made.link.wait_closed()) for made in (first, second)]
            done, pending = await asyncio.wait(links, timeout=10, return_when=asyncio.FIRST_COMPLETED)
            assert (len(done), len(pending)) == (1, 1)
            for made in (first, second):
                await made.close()
            await asyncio.wait(pending)
        codes = {made.link.close_code for made in (first, second)}
        assert codes == {CloseCode.superseded, CloseCode.normal}


async def test_silence_is_noticed_and_closed(tmp_path: Path) -> None:
    async with coordinator(tmp_path, heartbeat_interval_ms=200, heartbeat_timeout_ms=300) as running:
        made = await ready(running)
        assert (await closed(made))[0] == CloseCode.heartbeat_timeout
        assert [line["kind"] for line in await running.wait_events("worker_lost")] == ["heartbeat_timeout"]


# -- bad input ---------------------------------------------


@pytest.mark.parametrize(
    ("data", "code", "fault"),
    [
        ("text", CloseCode.bad_frame, "text"),
        (bytes(40), CloseCode.bad_frame, "altered"),
        (bytes(FrameLimits().frame_bytes + 1), 1009, "too_large"),
    ],
    ids=["text", "forged", "too large"],
)
async def test_a_bad_message_closes_its_connection_and_no_other(
    tmp_path: Path, data: bytes | str, code: int, fault: str
) -> None:
    async with coordinator(tmp_path) as running:
        bad, good = await ready(running, "worker-1"), await ready(running, "worker-2")
        await bad.link.send(data)
        assert (await closed(bad))[0] == code
        await good.heartbeat()
        assert [line["fault"] for line in await running.wait_events("frame_refused")] == [fault]
        assert (await bad.connect()).outcome == "resumed"


async def test_bytes_that_are_no_websocket_frame_are_counted_as_damage(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        made = await ready(running)
        made.link.transport.write(b"\xff\xff\xff\xff")
        assert (await closed(made))[0] == 1002
        assert [line["fault"] for line in await running.wait_events("frame_refused")] == ["framing"]


async def test_half_a_frame_and_then_silence_ends_like_any_silence(tmp_path: Path) -> None:
    async with coordinator(tmp_path, heartbeat_interval_ms=200, heartbeat_timeout_ms=300) as running:
        made = await ready(running)
        made.link.transport.write(b"\x82\xfe\x10\x00")
        await asyncio.wait_for(made.link.wait_closed(), 10)
        assert [line["kind"] for line in await running.wait_events("worker_lost")] == ["heartbeat_timeout"]


async def test_a_connection_that_never_asks_anything_is_dropped(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(b"GET /v1/worker HTTP/1.1\r\n")
        assert await asyncio.wait_for(reader.read(), 15) == b""
        writer.close()


# -- the control API ---------------------------------------


async def test_what_is_scraped_is_prometheus_text(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        made = await ready(running)
        await made.link.send("text")
        await closed(made)
        status, body = await running.ask("GET", "/metrics")
        families = {family.name: family for family in text_string_to_metric_families(body.decode())}
        assert status == 200
        workers = {s.labels["state"]: s.value for s in families["stormlab_workers"].samples}
        assert workers == {"connected": 0, "lost": 1, "gone": 0}
        faults = {s.labels["fault"]: s.value for s in families["stormlab_frames_refused"].samples}
        assert faults == {"text": 1}


async def test_health_says_the_epoch(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        status, body = await running.ask("GET", "/healthz")
        assert (status, b'"epoch":1' in body) == (200, True)


async def test_a_submission_that_is_none_gets_a_sentence(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        status, body = await running.ask("POST", "/tasks", b'{"tasks": [{"kind": "noop"}]}')
        assert status == 400
        assert b"task_id" in body
        for nonsense in (b'{"tasks": [{"task_id": "\xff"}]}', b'{"x": ' + b"[" * 100_000):
            assert (await running.ask("POST", "/tasks", nonsense))[0] == 400


async def test_drain_can_be_asked_for_over_http(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        assert (await running.ask("POST", "/drain"))[0] == 202
        assert await running.ended() == 0


# -- the prober's end --------------------------------------


async def test_the_probe_gets_its_pattern(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(b"GET /probe/300 HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        head, body = answer.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 200 ")
        assert body == bytes(i % 251 for i in range(300))


async def test_the_probe_receives_its_echo_and_is_no_worker(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        url = f"ws://127.0.0.1:{running.port}/v1/probe"
        probe = await connect(url, proxy=None, compression=None)
        await probe.send(b"\x00\x01" * 100)
        assert await probe.recv() == b"\x00\x01" * 100
        assert (await running.state())["workers"] == []
        await probe.close()


async def test_no_more_than_64_probes_are_echoed_at_a_time(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        url = f"ws://127.0.0.1:{running.port}/v1/probe"
        probes = [await connect(url, proxy=None, compression=None) for _ in range(64)]
        with pytest.raises(InvalidStatus):
            await connect(url, proxy=None, compression=None)
        await probes[0].close()
        for probe in probes[1:]:
            await probe.close()


# -- starting and stopping ---------------------------------


def test_without_a_key_it_does_not_start_and_says_what_to_do(tmp_path: Path) -> None:
    environment = {**os.environ, "STORMLAB_KEY": ""}
    ended = subprocess.run(
        [sys.executable, "-m", "coordinator"], cwd=ROOT, env=environment, capture_output=True, timeout=20
    )
    assert ended.returncode == 64
    assert b"openssl rand -hex 32" in ended.stderr
    assert b"Traceback" not in ended.stderr


@pytest.mark.parametrize("token", ["", "short", "with a blank, and long enough to be one"])
def test_without_a_control_token_it_does_not_start_and_says_what_to_do(token: str) -> None:
    environment = {**os.environ, "STORMLAB_KEY": KEY.hex(), "STORMLAB_CONTROL_TOKEN": token}
    ended = subprocess.run(
        [sys.executable, "-m", "coordinator"], cwd=ROOT, env=environment, capture_output=True, timeout=20
    )
    assert ended.returncode == 64
    assert b"STORMLAB_CONTROL_TOKEN must be 32 or more letters and digits" in ended.stderr
    assert b"openssl rand -hex 32" in ended.stderr


def test_a_setting_that_makes_no_sense_is_named(tmp_path: Path) -> None:
    environment = {
        **os.environ, "STORMLAB_KEY": KEY.hex(), "STORMLAB_CONTROL_TOKEN": TOKEN,
        "STORMLAB_COORDINATOR": '{"fleet": -3}',
    }  # fmt: skip
    ended = subprocess.run(
        [sys.executable, "-m", "coordinator"], cwd=ROOT, env=environment, capture_output=True, timeout=20
    )
    assert ended.returncode == 64
    assert b"fleet" in ended.stderr


def test_a_port_that_is_taken_ends_with_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment = {
            **os.environ, "STORMLAB_KEY": KEY.hex(), "STORMLAB_CONTROL_TOKEN": TOKEN,
            "STORMLAB_LISTEN": "127.0.0.1",
            "COORDINATOR_PORT": str(taken.getsockname()[1]), "CONTROL_PORT": "0",
            "JOURNAL_DIR": str(tmp_path), "STORE_DIR": str(tmp_path),
        }  # fmt: skip
        ended = subprocess.run(
            [sys.executable, "-m", "coordinator"], cwd=ROOT, env=environment, capture_output=True, timeout=20
        )
    assert ended.returncode == 70
    assert b"address already in use" in ended.stderr
    assert b"Traceback" not in ended.stderr


async def test_the_health_check_distinguishes_up_from_down(tmp_path: Path) -> None:
    async def check(port: int) -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-S", "-m", "coordinator.healthcheck", cwd=ROOT,
            env={**os.environ, "CONTROL_PORT": str(port)}, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        return await process.wait()

    async with coordinator(tmp_path) as running:
        assert await check(running.control_port) == 0
        await running.kill()
        assert await check(running.control_port) == 1
