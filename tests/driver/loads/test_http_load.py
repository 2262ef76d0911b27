"""Claims about HTTP loads, on real servers: what is sent, what each answer means, and when latency begins."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from driver.histories.system_events import Operation
from driver.loads.catalogue import LoadError, read_loads
from driver.loads.http_client import MOST_BODY_BYTES
from driver.systems.replicas import PublishedAddress
from tests.driver.loads.one_load import Addresses, Record, group, operations_of
from tests.waiting import eventually, forever

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[Addresses]:
    """A real server that answers with `handler`, published as web:8000."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield Addresses(
            [PublishedAddress("web", 8000, runner.addresses[0][0] + f":{runner.addresses[0][1]}")]
        )
    finally:
        await runner.cleanup()


async def sent_to(handler: Handler, load: Mapping[str, Any], **more: Any) -> list[Operation]:
    async with served(handler) as addresses:
        return await operations_of(
            {"http": "POST http://web:8000/vote", "rate": "50/s", **load}, addresses, **more
        )


def answer(status: int, text: str = "") -> Handler:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=status, text=text)

    return handler


async def test_each_operation_sends_a_key_of_its_own_in_url_form_and_headers() -> None:
    seen: list[tuple[str, str, str, str]] = []

    async def handler(request: web.Request) -> web.Response:
        form = await request.post()
        seen.append((request.path, request.headers["X-N"], str(form["vote"]), request.method))
        return web.Response()

    load = {
        "http": "put http://web:8000/v/${key}",
        "form": {"vote": "v ${key}&"},
        "headers": {"X-N": "${n}"},
        "arrivals": "constant",
    }
    operations = await sent_to(handler, load)
    assert len(operations) == 15
    assert len({one.key for one in operations}) == 15
    assert {(f"/v/{one.key}", f"v {one.key}&") for one in operations} == {
        (path, vote) for path, _, vote, _ in seen
    }
    assert sorted(int(n) for _, n, _, _ in seen) == list(range(1, 16))
    assert {method for *_, method in seen} == {"PUT"}
    assert {(one.op, one.outcome, one.load) for one in operations} == {("put", "ok", "load")}


async def test_the_seed_fixes_keys_and_instants() -> None:
    def drawn(operations: list[Operation]) -> list[tuple[str, int]]:
        first = min(one.due_ns for one in operations)
        return sorted((one.key, (one.due_ns - first) // 1000) for one in operations)

    one, same, other = [drawn(await sent_to(answer(200), {}, seed=seed)) for seed in (7, 7, 8)]
    assert one == same
    assert {key for key, _ in one}.isdisjoint(key for key, _ in other)


async def test_a_json_body_has_numbers_where_a_text_is_one_variable() -> None:
    bodies: list[Any] = []

    async def handler(request: web.Request) -> web.Response:
        bodies.append(await request.json())
        return web.Response()

    load = {"json": {"id": "${key}", "n": "${n}", "deep": ["x-${n}", True]}, "value": "${n}"}
    operations = await sent_to(handler, load)
    by_key = {one.key: one.value for one in operations}
    assert bodies
    for body in bodies:
        assert body["deep"] == [f"x-{body['n']}", True]
        assert by_key[body["id"]] == body["n"]


@pytest.mark.parametrize(
    ("status", "load", "outcome"),
    [
        (200, {}, "ok"),
        (302, {}, "unknown"),
        (404, {}, "fail"),
        (500, {}, "unknown"),
        (404, {"ok": [200, "404-405"]}, "ok"),
        (409, {"fail": [400, 404]}, "unknown"),
        (503, {"fail": ["4xx", 503]}, "fail"),
    ],
)
async def test_a_status_decides_the_outcome(status: int, load: Mapping[str, Any], outcome: str) -> None:
    operations = await sent_to(answer(status, "because"), load)
    assert {one.outcome for one in operations} == {outcome}
    if outcome != "ok":
        assert operations[0].detail.startswith(f"{status} ")
        assert operations[0].detail.endswith(": because")


@pytest.mark.parametrize(
    ("body", "load", "outcome"),
    [
        ("stored 7", {"ok_body": r"stored \d"}, "ok"),
        ("queued", {"ok_body": r"stored \d"}, "unknown"),
        ('{"done": true}', {"ok_json": "$.done"}, "ok"),
        ('{"done": false}', {"ok_json": "$.done"}, "unknown"),
        ('{"other": 1}', {"ok_json": "$.done"}, "unknown"),
        ("<html>", {"ok_json": "$.done"}, "unknown"),
        ("[" * 100_000, {"ok_json": "$.done"}, "unknown"),
    ],
)
async def test_a_body_that_is_not_as_asked_for_makes_an_ok_status_unknown(
    body: str, load: Mapping[str, Any], outcome: str
) -> None:
    operations = await sent_to(answer(200, body), load, duration_s=0.1)
    assert {one.outcome for one in operations} == {outcome}


@pytest.mark.parametrize(
    ("body", "value", "outcome"),
    [
        ('{"a": [{"v": 3}]}', 3, "ok"),
        ('{"a": [{"v": null}]}', None, "ok"),
        ('{"a": [{"v": {}}]}', None, "unknown"),
        ('{"a": [{"v": %s}]}' % ("9" * 400), None, "unknown"),
        ('{"a": [{"v": "%s"}]}' % ("x" * 5_000), None, "unknown"),
        ('{"a": [{"v": "%s"}]}' % ("x" * MOST_BODY_BYTES), None, "unknown"),
        ('{"a": []}', None, "unknown"),
    ],
    ids=["number", "null", "mapping", "huge", "long", "longer", "absent"],
)
async def test_a_value_is_read_by_its_path_or_the_operation_is_unknown(
    body: str, value: object, outcome: str
) -> None:
    operations = await sent_to(answer(200, body), {"read": "$.a[0].v"}, duration_s=0.1)
    assert {(one.op, one.value, one.outcome) for one in operations} == {("read", value, outcome)}


async def test_latency_counts_from_the_due_instant_while_answers_stall() -> None:
    async def handler(request: web.Request) -> web.Response:
        await asyncio.sleep(0.2)
        return web.Response()

    operations = await sent_to(handler, {"arrivals": "burst", "burst": 20, "rate": "100/s", "in_flight": 10})
    assert len({one.due_ns for one in operations}) == 2
    assert [one.outcome for one in operations].count("fail") >= 10
    assert all(one.due_ns <= one.call_ns <= one.return_ns for one in operations)
    answered = [one for one in operations if one.outcome == "ok"]
    assert min(one.return_ns - one.due_ns for one in answered) >= 190_000_000


async def test_requests_beyond_those_in_flight_are_fails_that_were_not_sent() -> None:
    release = asyncio.Event()
    arrived = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal arrived
        arrived += 1
        await release.wait()
        return web.Response()

    async with served(handler) as addresses:
        record = Record()
        loads = group(record, {"http": "GET http://web:8000/", "rate": "100/s", "in_flight": 3}, addresses)
        running = asyncio.create_task(loads.run())
        await eventually(lambda: len(record.operations()) >= 5, "requests that were not sent")
        release.set()
        await running
    first = record.operations()[:5]
    assert {one.detail for one in first} == {"not sent: 3 requests wait for an answer"}
    assert arrived == sum(one.outcome == "ok" for one in record.operations())


async def test_no_answer_in_time_is_unknown() -> None:
    async def handler(request: web.Request) -> web.Response:
        await forever()
        return web.Response()

    operations = await sent_to(handler, {"timeout": "100ms"}, duration_s=0.1)
    assert {(one.outcome, one.detail) for one in operations} == {("unknown", "no answer within 0.1 s")}


async def test_a_connection_that_breaks_before_the_answer_is_unknown() -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    operations = await sent_to(handler, {})
    assert {one.outcome for one in operations} == {"unknown"}


async def test_a_body_that_breaks_off_is_unknown() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "100"})
        await answer.prepare(request)
        await answer.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return answer

    operations = await sent_to(handler, {})
    assert {one.outcome for one in operations} == {"unknown"}


async def test_a_refused_connection_is_a_fail() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        addresses = Addresses(inside={"web:8000": f"127.0.0.1:{closed.getsockname()[1]}"})
        operations = await operations_of({"http": "GET http://web:8000/", "rate": "50/s"}, addresses)
    assert {one.outcome for one in operations} == {"fail"}
    assert operations[0].detail.startswith("not connected: ")


async def test_a_connection_that_is_not_accepted_in_time_is_a_fail() -> None:
    with socket.socket() as full, socket.socket() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting.connect(full.getsockname())
        addresses = Addresses(inside={"web:8000": f"127.0.0.1:{full.getsockname()[1]}"})
        load = {"http": "GET http://web:8000/", "rate": "50/s", "timeout": "200ms", "in_flight": 50}
        operations = await operations_of(load, addresses, duration_s=0.2)
    assert "not connected: no answer within 0.2 s" in {
        one.detail for one in operations if one.outcome == "fail"
    }


async def test_cookies_are_kept_by_each_client_or_never_sent() -> None:
    async def handler(request: web.Request) -> web.Response:
        answer = web.json_response({"who": request.cookies.get("who")})
        answer.set_cookie("who", str((int(request.headers["X-N"]) - 1) % 3))
        return answer

    load = {"clients": 3, "rate": "30/s", "headers": {"X-N": "${n}"}, "read": "$.who", "arrivals": "constant"}
    operations = await sent_to(handler, load, duration_s=2.0)
    assert {(one.process, one.value) for one in operations if one.value is not None} == {
        (0, "0"),
        (1, "1"),
        (2, "2"),
    }
    operations = await sent_to(handler, load | {"cookies": "fresh"}, duration_s=0.5)
    assert {(one.outcome, one.value) for one in operations} == {("ok", None)}


async def test_keys_of_another_load_are_read_after_they_were_written() -> None:
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        if request.method == "GET":
            asked.append(request.path[1:])
        return web.json_response({"v": 1})

    workload = {
        "writes": {"http": "POST http://web:8000/${key}", "rate": "50/s", "op": "add"},
        "reads": {"http": "GET http://web:8000/${key}", "rate": "50/s", "of": "writes", "read": "$.v"},
    }
    async with served(handler) as addresses:
        operations = await operations_of(workload, addresses, duration_s=0.5)
    written = {one.key for one in operations if one.load == "writes"}
    assert asked
    assert set(asked) <= written
    assert {one.op for one in operations} == {"add", "read"}


async def test_reads_are_recorded_as_operations_of_the_load_that_writes() -> None:
    workload = {
        "kv": {
            "http": "PUT http://web:8000/${key}",
            "rate": "50/s",
            "keys": 1,
            "op": "write",
            "value": "${n}",
        },
        "reads": {"http": "GET http://web:8000/${key}", "rate": "50/s", "keys": 1, "read": "$", "into": "kv"},
    }
    async with served(answer(200, "7")) as addresses:
        operations = await operations_of(workload, addresses)
    assert {(one.load, one.op, one.key) for one in operations} == {
        ("kv", "write", "key-1"),
        ("kv", "read", "key-1"),
    }
    assert {one.value for one in operations if one.op == "read"} == {7}


async def test_some_keys_are_shared_by_all_loads() -> None:
    workload = {
        name: {"http": "POST http://web:8000/", "rate": "100/s", "keys": 2} for name in ("one", "other")
    }
    async with served(answer(200)) as addresses:
        operations = await operations_of(workload, addresses)
    assert {(one.load, one.key) for one in operations} == {
        (load, key) for load in ("one", "other") for key in ("key-1", "key-2")
    }


async def test_a_cancelled_load_leaves_its_requests_as_unknown() -> None:
    arrived = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        arrived.set()
        await forever()
        return web.Response()

    async with served(handler) as addresses:
        record = Record()
        loads = group(record, {"http": "GET http://web:8000/", "rate": "20/s"}, addresses, duration_s=60)
        running = asyncio.create_task(loads.run())
        await arrived.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert {(one.outcome, one.detail) for one in record.operations()} == {
        ("unknown", "the load ended before an answer")
    }


@pytest.mark.parametrize(
    ("load", "path", "said"),
    [
        ({"http": "http://web/"}, "http", "expected a method and the URL of a service, like POST http://"),
        ({"http": "GET https://web/"}, "http", "expected a method and the URL"),
        ({"http": "GET http://web:0/"}, "http", "expected a method and the URL"),
        ({"http": "GET http://web/${id}"}, "http", "expected ${key} and ${n} alone; found '${id}'"),
        ({"form": {"a": "${x}"}}, "form.a", "expected ${key} and ${n} alone; found '${x}'"),
        ({"form": {}, "json": 1}, "", "expected `form` or `json`; found both"),
        ({"ok": "6xx"}, "ok", "expected a status like 200, 2xx or 200-299; found '6xx'"),
        ({"ok": "299-200"}, "ok", "the smaller first"),
        ({"ok_body": "("}, "ok_body", "expected a regular expression; found '('"),
        ({"read": "$.a["}, "read", "expected a JSON path like $.id; found '$.a['"),
        ({"headers": {"X": "a\nb"}}, "headers", "its value on one line"),
        ({"of": "other"}, "", "expected another load of this scenario; found 'other'"),
        ({"rate": "0/s"}, "rate", "expected more than 0"),
        ({"rate": "3000/s"}, "rate", "expected at most 2000"),
        ({"bodies": 1}, "bodies", "a load of kind http has no 'bodies'"),
    ],
)
def test_a_load_that_cannot_be_sent_is_refused(load: Mapping[str, Any], path: str, said: str) -> None:
    with pytest.raises(LoadError) as error:
        read_loads({"http": "GET http://web:8000/", "rate": "1/s", **load})
    assert ".".join(map(str, error.value.path)) == path
    assert said in error.value.problem


def test_a_load_is_written_as_it_is_read() -> None:
    given = {"http": "GET http://web/", "rate": "2/s", "ok": [200, "3xx"], "json": {"a": "${n}"}}
    (load,) = read_loads(given).values()
    again = read_loads(load.model_dump(mode="json", by_alias=True))["load"]
    assert again == load


async def test_a_request_on_a_kept_connection_that_breaks_is_sent_once_and_unknown() -> None:
    lines: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines.append(head.decode().splitlines()[0])
                if len(lines) == 2:
                    break
                status = b"200 OK" if len(lines) == 1 else b"409 Conflict"
                writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    addresses = Addresses([PublishedAddress("web", 8000, f"{host}:{port}")])
    load = {"http": "PUT http://web:8000/${key}", "rate": "20/s", "arrivals": "constant", "keep_alive": True}
    async with server:
        operations = await operations_of({**load, "clients": 1}, addresses)
    second = sorted(operations, key=lambda one: one.call_ns)[1]
    assert sum(f"/{second.key} " in one for one in lines) == 1
    assert second.outcome == "unknown"
