"""A submitter may wait for the results, in the same request."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from coordinator.result_waiters import RESULTS_MAX, ResultWaiters
from coordinator.rows import ResultRow
from tests.coordinator.fake_worker import FakeWorker
from tests.coordinator.live_coordinator import KEY, TOKEN, LiveCoordinator, coordinator
from wire.control import authorization


def result(name: str) -> ResultRow:
    return ResultRow(1, name, 7, "worker-1", "completed", "", b"1", 1, 10, 20, 0)


async def submit(running: LiveCoordinator, *names: str, wait_ms: object = 15_000) -> dict[str, Any]:
    """Submit tasks and wait; return the answer, with its status."""
    body = json.dumps({"tasks": [{"task_id": name, "kind": "noop"} for name in names]}).encode()
    status, answer = await running.ask("POST", f"/tasks?wait_ms={wait_ms}", body)
    text = answer.decode()
    return {"status": status, "text": text, **(json.loads(text) if status == 200 else {})}


async def ready(running: LiveCoordinator) -> FakeWorker:
    made = FakeWorker("worker-1", running.port, KEY, slots=4)
    await made.connect()
    await made.inventory()
    return made


async def test_a_submission_that_waits_is_answered_with_the_results(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        made = await ready(running)
        asked = asyncio.create_task(submit(running, "a", "b"))
        first, second = await made.wait_assigned(2)
        await made.finish(first)
        await made.wait_acknowledged(1)
        assert not asked.done()
        await made.finish(second)
        answer = await asked
        assert (answer["accepted"], answer["refused"]) == (2, [])
        found = {shown["task_id"]: (shown["outcome"], shown["worker"]) for shown in answer["results"]}
        assert found == {"a": ("completed", "worker-1"), "b": ("completed", "worker-1")}


async def test_a_result_that_is_durable_is_answered_at_once_even_after_a_restart(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        made = await ready(running)
        asked = asyncio.create_task(submit(running, "a"))
        await made.finish((await made.wait_assigned(1))[0])
        before = (await asked)["results"]
        await running.kill()
        await running.start()
        answer = await submit(running, "a")
        assert (answer["known"], answer["results"]) == (1, before)
        assert len(before) == 1


async def test_a_request_that_times_out_gets_the_results_so_far(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        answer = await submit(running, "a", wait_ms=50)
        assert (answer["status"], answer["accepted"], answer["results"]) == (200, 1, [])


async def test_what_is_refused_is_not_waited_for(tmp_path: Path) -> None:
    async with coordinator(tmp_path, waiting_tasks=1) as running:
        answer = await asyncio.wait_for(submit(running, "a" * 201), 5)
        assert (len(answer["refused"]), answer["results"]) == (1, [])


@pytest.mark.parametrize("wait_ms", ["-1", "soon", "60001", "9" * 5_000])
async def test_a_wait_that_is_none_gets_a_sentence(tmp_path: Path, wait_ms: str) -> None:
    async with coordinator(tmp_path) as running:
        answer = await submit(running, "a", wait_ms=wait_ms)
        assert (answer["status"], answer["text"]) == (400, "wait_ms must be a number from 0 to 60000\n")
        assert (await running.state())["counts"]["submitted"] == 0


async def test_every_request_that_waits_for_a_task_gets_its_result_and_nothing_is_kept() -> None:
    awaited = ResultWaiters(limit=3)
    asked = [asyncio.create_task(awaited.wait(["a", *more], 5_000)) for more in ([], ["b"])]
    await asyncio.sleep(0)
    assert not awaited.has_room(1)
    awaited.on_stored([result("c"), result("a")])
    assert await asked[0] == [result("a")]
    awaited.on_stored([result("b")])
    assert await asked[1] == [result("a"), result("b")]
    assert awaited.has_room(3)
    assert not awaited._by_task


async def over_a_socket(
    running: LiveCoordinator, *messages: bytes, wait_ms: int = 15_000
) -> ClientConnection:
    """Return a connection that submits, after it sent these messages."""
    link = await connect(
        f"ws://127.0.0.1:{running.control_port}/tasks?wait_ms={wait_ms}",
        proxy=None,
        additional_headers=authorization(TOKEN),
    )
    for message in messages:
        await link.send(message)
    return link


def submission(name: str) -> bytes:
    return json.dumps({"tasks": [{"task_id": name, "kind": "noop"}]}).encode()


async def test_over_a_socket_each_submission_is_answered_with_its_result(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        made = await ready(running)
        link = await over_a_socket(running, submission("a"), submission("b"))
        for number, name in enumerate(("a", "b")):
            await made.finish((await made.wait_assigned(number + 1))[number])
            shown = json.loads(await asyncio.wait_for(link.recv(), 10))
            assert [found["task_id"] for found in shown["results"]] == [name]
        await link.close()


async def test_over_a_socket_what_is_no_submission_ends_it_with_a_sentence(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        link = await over_a_socket(running, b"{}")
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(link.recv(), 10)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason[:21]) == (1007, "expected a Submission")


async def test_a_draining_coordinator_closes_pending_submissions(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        link = await over_a_socket(running)
        running.process.terminate()
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(link.recv(), 10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        assert await asyncio.wait_for(running.process.wait(), 10) == 0


async def test_over_a_socket_what_is_no_websocket_frame_ends_it_without_a_defect(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        link = await over_a_socket(running)
        link.transport.write(b"\x8f\x80\x00\x00\x00\x00")
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(link.recv(), 10)
        await running.submit("a")
        assert not [line for line in running.said if "Traceback" in line]


async def test_a_request_that_disconnects_before_its_answer_takes_no_place(tmp_path: Path) -> None:
    names = [f"t{number}" for number in range(RESULTS_MAX // 10)]
    async with coordinator(tmp_path, waiting_tasks=len(names)) as running:
        for _ in range(10):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(submit(running, *names), 0.5)
        assert (await submit(running, *names, wait_ms=1))["status"] == 200
