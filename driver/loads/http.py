"""HTTP requests to a service from outside, each when it is due."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, ClassVar
from urllib.parse import quote, urlsplit, urlunsplit

import re2
from pydantic import AfterValidator, Field, model_validator

from chaos.explain import shown
from chaos.unit_types import PerSecond
from driver.arrivals import ArrivalSchedule
from driver.histories.system_events import FAIL, OK, UNKNOWN
from driver.json_path import JsonPath, NoValueError, first_value
from driver.loads.addresses import host_address
from driver.loads.load import Load, LoadAccess, LoadContext
from driver.loads.open_loop import open_loop
from driver.loads.operation_log import OP_CHARS, Scalar, scalar
from driver.loads.statuses import StatusSet, is_in
from driver.loads.templates import DataTemplate, Subject, TextTemplate, fill, fill_text, key_source, known

HTTP_PORT = 80
_REQUEST = re.compile(r"([A-Za-z]{1,20})\s+(\S+)")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_DETAIL_BYTES = 200


class Cookies(StrEnum):
    """Whether a client sends back the cookies that it was given."""

    kept = "kept"
    fresh = "fresh"


def _request(text: str) -> str:
    """Return a text that is a method and the URL of a service. Raises ValueError."""
    match = _REQUEST.fullmatch(text.strip())
    try:
        parts = urlsplit(match[2]) if match else None
        fine = parts is not None and parts.scheme == "http" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine:
        raise ValueError(
            f"expected a method and the URL of a service, like POST http://web:8000/vote; found {shown(text)}"
        )
    return text.strip()


def _pattern(text: str) -> str:
    """Return a text that is a regular expression of RE2. Raises ValueError."""
    try:
        _compiled(text)
    except re2.error as error:
        raise ValueError(f"expected a regular expression; found {shown(text)}: {error}") from None
    return text


@cache
def _compiled(pattern: str) -> re2.Pattern[str]:
    """Return a pattern whose time is linear in the body, whatever the body is. Raises re2.error."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


def _headers(headers: dict[str, str]) -> dict[str, str]:
    """Return headers that can be sent. Raises ValueError."""
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or any(ord(one) < 32 or ord(one) > 255 for one in value):
            raise ValueError(f"expected a header's name and its value on one line; found {name!r}: {value!r}")
    return headers


@dataclass(frozen=True)
class HttpRequest:
    """One operation: what is sent, and by which of the simulated clients, from 0."""

    subject: Subject
    client: int
    method: str
    url: str
    headers: dict[str, str]
    form: dict[str, str] | None
    json: Any


@dataclass(frozen=True)
class Answered:
    """What an answer says of its operation."""

    outcome: str
    value: Scalar = None
    detail: str = ""


class HttpLoad(ArrivalSchedule, Load):
    """Requests at a rate, each when it is due. A connection that was refused before anything was sent is a
    fail; a time-out, or a connection that broke later, is unknown.
    """

    name: ClassVar = "http"
    summary: ClassVar = "HTTP requests to a service, at a rate"

    http: Annotated[
        str,
        AfterValidator(_request),
        AfterValidator(known),
        Field(max_length=2_000, description="a method and the URL of a service: POST http://web:8000/vote"),
    ]
    rate_per_s: Annotated[PerSecond, Field(gt=0, le=2_000, description="requests a second")]
    headers: Annotated[
        dict[str, TextTemplate], AfterValidator(_headers), Field(description="headers of each request")
    ] = {}
    form: Annotated[dict[str, TextTemplate] | None, Field(description="fields of a form, as the body")] = None
    json_body: Annotated[DataTemplate, Field(alias="json", description="the body, as JSON")] = None
    op: Annotated[
        str,
        Field(max_length=OP_CHARS, description="the operation's name; the method, or with `read`: read"),
    ] = ""
    value: Annotated[
        TextTemplate, Field(max_length=200, description="what it writes, for claims about values: ${n}")
    ] = ""
    read: Annotated[
        JsonPath | None, Field(description="JSON path of the value that it reads from the answer")
    ] = None
    keys: Annotated[
        int, Field(ge=0, le=100_000, description="number of keys to draw from; 0: one key an operation")
    ] = 0
    of: Annotated[
        str, Field(description="draws the key from those that this other load has lately written")
    ] = ""
    ok: Annotated[StatusSet, Field(description="statuses that are ok")] = ((200, 299),)
    ok_body: Annotated[
        str, AfterValidator(_pattern), Field(max_length=500, description="what the body of an ok answer has")
    ] = ""
    ok_json: Annotated[
        JsonPath | None, Field(description="what an ok answer has, neither false nor null")
    ] = None
    fail: Annotated[StatusSet, Field(description="statuses of an operation that certainly had no effect")] = (
        (400, 499),
    )
    clients: Annotated[int, Field(ge=1, le=1_000, description="simulated clients, in turns")] = 1
    cookies: Annotated[Cookies, Field(description="kept by each client, or fresh: none is sent")] = (
        Cookies.kept
    )
    keep_alive: Annotated[bool, Field(description="whether connections are used again")] = False
    in_flight: Annotated[
        int, Field(ge=1, le=5_000, description="requests at once; one more is a fail, and not sent")
    ] = 400

    @model_validator(mode="after")
    def _one_body_one_key(self) -> HttpLoad:
        if self.form is not None and self.json_body is not None:
            raise ValueError("expected `form` or `json`; found both")
        if self.keys and self.of:
            raise ValueError("expected `keys` or `of`; found both")
        return self

    @property
    def others(self) -> tuple[str, ...]:
        return (*super().others, *((self.of,) if self.of else ()))

    @property
    def services(self) -> Mapping[tuple[str | int, ...], str]:
        return {("http",): urlsplit(self._url).hostname or ""}

    async def run(self, context: LoadContext) -> None:
        # Its import takes as long as a container's start, and most commands send no request.
        from driver.loads.http_client import HttpClient

        base = await asyncio.to_thread(self._base, context.access)
        draw = random.Random(f"{context.seed}/load/{context.name}")
        key_of = key_source(context.seed, context.name, self.keys, draw)
        async with HttpClient(self, context.operations) as client:

            def request(number: int) -> HttpRequest | None:
                written = context.written.get(self.of, ())
                if self.of and not written:
                    return None
                key = draw.choice(written) if self.of else key_of(number)
                return self.request(Subject(key, number), base)

            async def operate(number: int, due_ns: int) -> None:
                if (made := request(number)) is not None:
                    await client.send(made, due_ns)

            def refuse(number: int, due_ns: int) -> None:
                if (made := request(number)) is not None:
                    client.refuse(made, due_ns)

            times_s = self.due_times(draw, context.duration_s)
            await open_loop(times_s, context.zero_ns, self.in_flight, operate, refuse)

    def _base(self, access: LoadAccess) -> str:
        parts = urlsplit(self._url)
        return host_address(access, parts.hostname or "", parts.port or HTTP_PORT)

    @property
    def _method(self) -> str:
        return self.http.split()[0].upper()

    @property
    def _url(self) -> str:
        return self.http.split()[1]

    @property
    def operation_name(self) -> str:
        """What each operation is called in the history."""
        return self.op or ("read" if self.read else self._method.lower())

    @property
    def reads_body(self) -> bool:
        """Whether the outcome follows from more than the status."""
        return bool(self.read or self.ok_body or self.ok_json)

    def request(self, subject: Subject, base: str) -> HttpRequest:
        """Return an operation's request to `base`, an `address:port`."""
        quoted = Subject(quote(subject.key, safe=""), subject.n)
        url = urlunsplit(urlsplit(fill_text(self._url, quoted))._replace(netloc=base))
        form = self.form
        return HttpRequest(
            subject=subject,
            client=(subject.n - 1) % self.clients,
            method=self._method,
            url=url,
            headers={name: fill_text(value, subject) for name, value in self.headers.items()},
            form=None if form is None else {name: fill_text(value, subject) for name, value in form.items()},
            json=fill(self.json_body, subject),
        )

    def written_value(self, subject: Subject) -> Scalar:
        """Return what an operation writes, as claims about values compare it."""
        return scalar(fill(self.value, subject)) if self.value else None

    def answered(self, status: int, reason: str, body: bytes) -> Answered:
        """Return what an answer says. `body` may be the begin of a long one."""
        shown_body = body[:_DETAIL_BYTES].decode(errors="replace")
        detail = f"{status} {reason}: {shown_body}" if shown_body else f"{status} {reason}"
        if not is_in(status, self.ok):
            return Answered(FAIL if is_in(status, self.fail) else UNKNOWN, None, detail)
        try:
            return Answered(OK, self._value_of(body))
        except ValueError as error:
            return Answered(UNKNOWN, None, f"{error}: {detail}")

    def _value_of(self, body: bytes) -> Scalar:
        """Return the value in the body of an ok answer. Raises ValueError for a body of another form."""
        if self.ok_body and not _compiled(self.ok_body).search(body.decode(errors="replace")):
            raise ValueError(f"the answer has no match of {self.ok_body}")
        if self.ok_json and first_value(self.ok_json, body) in (None, False):
            raise NoValueError(f"the answer says no at {self.ok_json}")
        return scalar(first_value(self.read, body)) if self.read else None
