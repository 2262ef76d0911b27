"""Bodies of the control API: each within its limit, all together within a budget, and none kept longer than
needed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import cast

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from coordinator.control_api import MESSAGE_MAX_BYTES, SOCKETS_MAX, ControlApi
from coordinator.control_auth import ControlAuth
from coordinator.request_bodies import BODY_MAX_BYTES, MIB, NoRoomError, RequestBodies, TooLargeError
from coordinator.result_waiters import ResultWaiters, within
from coordinator.rows import ResultRow
from coordinator.server import CoordinatorServer
from tests.coordinator.live_coordinator import TOKEN
from tests.coordinator.test_control_api import Desk
from tests.waiting import eventually_answers
from wire.control import ANSWER_BYTES, TASKS_MAX, TYPED_CHARS, authorization
from wire.limits import BULK_BYTES


class Pieces:
    """A body that arrives in pieces, and then ends, or never does."""

    def __init__(self, *pieces: bytes, ends: bool = True) -> None:
        self._pieces = list(pieces)
        self._ends = ends

    async def readany(self) -> bytes:
        if self._pieces:
            return self._pieces.pop(0)
        if not self._ends:
            await asyncio.get_running_loop().create_future()
        return b""


# -- the budget --------------------------------------------


async def test_a_body_is_read_whole_and_its_room_given_back_once_it_is_done() -> None:
    room = RequestBodies(limit=10, one=8)
    body = await room.read(Pieces(b"abc", b"de"), None)
    assert (body, room.held_bytes) == (b"abcde", 5)
    room.release(len(body))
    assert room.held_bytes == 0


@pytest.mark.parametrize("announced", [None, 9])
async def test_one_body_that_is_too_large_is_refused_and_holds_nothing(announced: int | None) -> None:
    room = RequestBodies(limit=100, one=8)
    with pytest.raises(TooLargeError, match="at most 8 bytes"):
        await room.read(Pieces(b"abcd", b"efgh", b"i"), announced)
    assert room.held_bytes == 0


async def test_bodies_that_are_too_many_together_are_refused_one_by_one() -> None:
    room = RequestBodies(limit=20, one=8)
    first, second = await room.read(Pieces(b"x" * 8), None), await room.read(Pieces(b"x" * 8), None)
    with pytest.raises(NoRoomError):
        await room.read(Pieces(b"x" * 4, b"x"), None)
    assert room.held_bytes == 16
    room.release(len(first))
    assert await room.read(Pieces(b"x" * 4, b"x"), None) == b"xxxxx"
    room.release(len(second))


async def test_a_body_that_does_not_end_is_given_up() -> None:
    room = RequestBodies(read_timeout_s=0.01)
    with pytest.raises(TimeoutError):
        await room.read(Pieces(b"abc", ends=False), None)
    assert room.held_bytes == 0


# -- over HTTP ---------------------------------------------


async def _client(ends: AsyncExitStack) -> TestClient:  # type: ignore[type-arg]
    desk = Desk()
    desk.committer.let_go.set()
    app = ControlApi(cast(CoordinatorServer, desk), lambda: None, ControlAuth(TOKEN)).app()
    return await ends.enter_async_context(TestClient(TestServer(app), headers=authorization(TOKEN)))


def _tasks(count: int, **fields: object) -> bytes:
    tasks = [{"task_id": str(number), "kind": "noop", **fields} for number in range(count)]
    return json.dumps({"tasks": tasks}).encode()


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        (b"x" * (BODY_MAX_BYTES + 1), 413, "at most"),
        (b'{"tasks":' + b"[" * 1_000_000, 400, "Submission"),
        (b'{"tasks":[{"task_id":"a","kind":"n","params":' + b"[" * 1_000_000, 400, "Submission"),
        (b'{"tasks":[{"task_id":"a","kind":"n","timeout_ms":' + b"9" * 1_000 + b"}]}", 400, "timeout_ms"),
        (_tasks(TASKS_MAX + 1), 400, "length <="),
        (_tasks(1, task_id="t" * (TYPED_CHARS + 1)), 400, "length <="),
        (_tasks(1, priority="p" * (TYPED_CHARS + 1)), 400, "length <="),
    ],
    ids=["large", "deep", "deep params", "a huge number", "many tasks", "a long id", "a long priority"],
)
async def test_a_body_that_is_too_much_is_refused_in_a_sentence(body: bytes, status: int, word: str) -> None:
    async with AsyncExitStack() as ends:
        client = await _client(ends)
        answer = await client.post("/tasks", data=body)
        text = await answer.text()
        assert (answer.status, word in text) == (status, True), text[:300]
        assert len(text) < 1_000
        assert (await client.post("/tasks", data=_tasks(1))).status == 200


async def test_a_body_without_a_length_is_cut_off_where_it_is_too_large() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(4 * BODY_MAX_BYTES // MIB):
            yield bytes(MIB)

    async with AsyncExitStack() as ends:
        client = await _client(ends)
        with suppress(aiohttp.ClientError):  # The answer may come while it still sends.
            assert (await client.post("/tasks", data=endless())).status == 413
        assert (await client.post("/tasks", data=_tasks(1))).status == 200


async def test_submitters_over_websockets_are_bounded_in_number_and_in_size() -> None:
    async with AsyncExitStack() as ends:
        client = await _client(ends)
        sockets = [await client.ws_connect("/tasks") for _ in range(SOCKETS_MAX)]
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await client.ws_connect("/tasks")
        assert caught.value.status == 503
        with suppress(ConnectionError):  # The answer may come while it still sends.
            await sockets[0].send_bytes(bytes(MESSAGE_MAX_BYTES + 1))
        closed = await sockets[0].receive()
        assert closed.type is not aiohttp.WSMsgType.BINARY
        await sockets[0].close()
        await eventually_answers(lambda: _connects(client), "room for another connection")


async def _connects(client: TestClient) -> bool:  # type: ignore[type-arg]
    try:
        await (await client.ws_connect("/tasks")).close()
    except aiohttp.WSServerHandshakeError:
        return False
    return True


# -- answers -----------------------------------------------


def _row(name: str, size_bytes: int) -> ResultRow:
    return ResultRow(1, name, 7, "worker-1", "completed", "", bytes(size_bytes), 1, 10, 20, 0)


async def test_large_results_are_kept_for_an_answer_up_to_a_bound_and_the_wait_ends_all_the_same() -> None:
    awaited = ResultWaiters()
    names = [f"t{number}" for number in range(100)]
    waiting = asyncio.create_task(awaited.wait(names, 30_000))
    await asyncio.sleep(0)
    for name in names:
        awaited.on_stored([_row(name, BULK_BYTES)])
    rows = await waiting
    assert len(rows) == ANSWER_BYTES // BULK_BYTES
    assert awaited._kept_bytes == 0


async def test_results_for_all_waiting_requests_are_kept_up_to_a_bound() -> None:
    awaited = ResultWaiters(limit_bytes=10)
    waits = [asyncio.create_task(awaited.wait([f"t{number}", "never"], 200)) for number in range(4)]
    await asyncio.sleep(0)
    for number in range(4):
        awaited.on_stored([_row(f"t{number}", 4)])
    assert sorted([len(rows) for rows in await asyncio.gather(*waits)]) == [0, 0, 1, 1]
    assert awaited._kept_bytes == 0


def test_an_answer_holds_the_first_results_that_fit() -> None:
    rows = [_row("a", 3), _row("b", 4), _row("c", 1)]
    assert [row.task_id for row in within(rows, 7)] == ["a", "b"]
    assert within(rows, 100) == rows
