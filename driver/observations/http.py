"""Answers of a service to an HTTP request: the status, the text, or a part of its JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar
from urllib.parse import quote

import aiohttp
import jsonpath
from pydantic import BeforeValidator, Field

from driver.json_path import check_path
from driver.observations.address import ServiceUrl, Target, parse_url
from driver.observations.observation import ReadingContext, SystemObservation
from driver.observations.reading import Reader, ReadingError, Value
from driver.observations.values import shown, value_of
from driver.typed_json import decode_json
from wire.errors import DECODE_ERRORS

MOST_BYTES = 8 << 20
STATUS, TEXT = "status", "text"
PORTS = {"http": 80}
EXAMPLE = "http://web:8000/health"
ANY: Any = Any
_FAILURE = 400
_QUERY_SAFE = "=&/?:@!$'()*+,;%~-._[]"


def _what(value: object) -> object:
    if value in (STATUS, TEXT):
        return value
    if not isinstance(value, str) or not value.startswith("$"):
        raise ValueError(f"expected status, text, or a JSON path like $.count; found {value!r}")
    return check_path(value, "expected a JSON path (RFC 9535) like $.count")


def _checked(value: object) -> object:
    parse_request(value)
    return value


def parse_request(value: object) -> tuple[str, ServiceUrl]:
    """Return method and URL of `GET http://web:8000/health`; GET may be left out. Raises ValueError."""
    words = value.split() if isinstance(value, str) else []
    if len(words) == 2 and words[0].isascii() and words[0].isalpha():
        return words[0].upper(), parse_url(words[1], PORTS, EXAMPLE)
    return "GET", parse_url(value, PORTS, EXAMPLE)


class HttpObservation(SystemObservation):
    """One HTTP request, straight to a container."""

    name: ClassVar = "http"
    summary: ClassVar = "the answer to an HTTP request: its status, its text, or a part of its JSON"
    result: ClassVar = (
        "the status, or what the answer has: a number, or a table of what the path finds. An answer of 400 "
        "and above has no text and no JSON: such a reading is unknown"
    )
    example: ClassVar = 'http: "http://web:8000/stats", read: "$.stored"'
    rank: ClassVar = 100

    http: Annotated[
        str,
        BeforeValidator(_checked),
        Field(description="a URL of a service, after a method if it is not GET"),
    ]
    read: Annotated[
        str, BeforeValidator(_what), Field(description="`status`, `text`, or a JSON path like `$.count`")
    ] = STATUS
    headers: Annotated[dict[str, str], Field(description="headers of the request")] = {}
    replica: Annotated[int, Field(ge=1, description="the service's replica")] = 1

    @property
    def tried(self) -> str:
        method, url = parse_request(self.http)
        return f"{method} {url.written}"

    @property
    def targets(self) -> Mapping[str, Target]:
        return {self.name: Target(parse_request(self.http)[1].service, self.replica)}

    def reader(self, context: ReadingContext) -> Reader:
        method, url = parse_request(self.http)

        def read() -> Value:
            host, port = url.host_and_port(context.access, self.replica)
            query = f"?{quote(url.query, _QUERY_SAFE)}" if url.query else ""
            target = f"http://{host}:{port}{url.path or '/'}{query}"
            headers = {"Host": f"{url.service}:{url.port}", **self.headers}
            status, body = asyncio.run(fetch(method, target, headers, self.timeout_s))
            return answer_value(status, body, self.read)

        return read


async def fetch(method: str, url: str, headers: dict[str, str], timeout_s: float) -> tuple[int, bytes]:
    """Return status and body of one request. Raises ReadingError."""
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.request(method, url, headers=headers, allow_redirects=False) as answer,
        ):
            body = bytearray()
            async for piece in answer.content.iter_chunked(1 << 16):
                body += piece
                if len(body) > MOST_BYTES:
                    raise ReadingError(f"its answer has more than {MOST_BYTES:,} bytes")
            return answer.status, bytes(body)
    except TimeoutError:
        raise ReadingError(f"no answer within {timeout_s:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise ReadingError(shown(str(error) or type(error).__name__)) from None


def answer_value(status: int, body: bytes, what: str) -> Value:
    """Return the part of an answer that is read. Raises ReadingError."""
    if what == STATUS:
        return float(status)
    text = body.decode(errors="backslashreplace")
    if status >= _FAILURE:
        raise ReadingError(f"it answered {status}: {shown(text)}")
    if what == TEXT:
        return value_of(text.strip())
    return json_value(body, what)


def json_value(body: bytes, path: str) -> Value:
    """Return what a JSON path finds in a text: the one value, or a table of several. Raises ReadingError."""
    try:
        data = decode_json(body, ANY)
    except (*DECODE_ERRORS, RecursionError):
        raise ReadingError(
            f"expected JSON; it answered {shown(body[:400].decode(errors='replace'))}"
        ) from None
    try:
        found = jsonpath.findall(path, data)
    except (jsonpath.JSONPathError, RecursionError) as error:
        reason = shown(str(error).partition("\n")[0])
        raise ReadingError(f"{path}: {reason}") from None
    if not found:
        keys = f" It has {shown(', '.join(map(str, data)))}." if isinstance(data, dict) else ""
        raise ReadingError(f"{path} finds nothing in its answer.{keys}")
    return value_of(found[0] if len(found) == 1 else found)
