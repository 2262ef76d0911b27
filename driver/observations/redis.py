"""The answer of a Redis server to one command that reads."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field
from redis import ConnectionPool, RedisError
from redis import Redis as Client
from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.retry import Retry

from driver.observations.address import ServiceUrl, Target, parse_url
from driver.observations.observation import ReadingContext, SystemObservation
from driver.observations.reading import Reader, ReadingError, Value
from driver.observations.values import shown, value_of

PORTS = {"redis": 6379}
EXAMPLE = "redis://redis:6379/0"
READ = "readonly"
"""The flag by which a server knows a command that changes nothing."""
MOST_BYTES = 8 << 20
"""Of all that a server answers on one connection: the client builds an answer whole, of any length."""
READ_BYTES = 1 << 20
"""At once: the client copies all that it has of a long line at each piece."""
HARMLESS = ("PING", "INFO", "TIME", "ECHO")
"""Commands about no key, which have no such flag."""


def _checked(value: object) -> object:
    url = parse_url(value, PORTS, EXAMPLE)
    if not (url.path.strip("/") or "0").isdecimal():
        raise ValueError(f"expected the number of a database after the port; found {url.path!r}")
    return value


class BoundedSocket(socket.socket):
    """A socket from which at most MOST_BYTES are received; `recv` raises ReadingError for more."""

    received = 0

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        data = super().recv(size, flags)
        self.received += len(data)
        if self.received > MOST_BYTES:
            raise ReadingError(f"its answer has more than {MOST_BYTES:,} bytes")
        return data


class BoundedConnection(Connection):
    """A connection on a BoundedSocket."""

    def _connect(self) -> socket.socket:
        plain: socket.socket = super()._connect()  # type: ignore[no-untyped-call]
        limit_s = plain.gettimeout()
        bounded = BoundedSocket(plain.family, plain.type, plain.proto, plain.detach())
        bounded.settimeout(limit_s)
        return bounded


class RedisObservation(SystemObservation):
    """One command."""

    name: ClassVar = "redis"
    summary: ClassVar = "the answer of Redis to a command that reads"
    result: ClassVar = (
        "a number where the answer is one, else a table: of a hash with the columns key and value"
    )
    example: ClassVar = 'redis: "redis://redis:6379/0", command: [LLEN, votes]'
    rank: ClassVar = 300

    redis: Annotated[
        str,
        BeforeValidator(_checked),
        Field(description="a URL whose host is a service, with the number of a database"),
    ]
    command: Annotated[
        list[str],
        Field(
            min_length=1, max_length=1000, description="the command; one that does not read alone is refused"
        ),
    ]
    replica: Annotated[int, Field(ge=1, description="the service's replica")] = 1

    @property
    def tried(self) -> str:
        return f"{self._url.written} {shown(' '.join(self.command))}"

    @property
    def _url(self) -> ServiceUrl:
        return parse_url(self.redis, PORTS, EXAMPLE)

    @property
    def targets(self) -> Mapping[str, Target]:
        return {self.name: Target(self._url.service, self.replica)}

    def reader(self, context: ReadingContext) -> Reader:
        url = self._url

        def read() -> Value:
            host, port = url.host_and_port(context.access, self.replica)
            try:
                with self._client(url, host, port) as client:
                    self._refuse_write(client)
                with self._client(url, host, port) as client:
                    return value_of(client.execute_command(*self.command))
            except (RedisError, OSError) as error:
                raise ReadingError(shown(error)) from None

        return read

    def _client(self, url: ServiceUrl, host: str, port: int) -> Client:
        pool = ConnectionPool(
            connection_class=BoundedConnection,
            max_connections=1,
            host=host,
            port=port,
            db=int(url.path.strip("/") or 0),
            username=url.user or None,
            password=url.password or None,
            socket_timeout=self.timeout_s,
            socket_connect_timeout=self.timeout_s,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            socket_read_size=READ_BYTES,
        )
        return Client.from_pool(pool)

    def _refuse_write(self, client: Client) -> None:
        """Raise ReadingError for a command that the server does not know to read alone."""
        # A raw answer: the client's own reading of it fails at a command that is not there.
        client.response_callbacks.clear()
        ask: Callable[..., Any] = client.execute_command
        command, *rest = self.command
        names = [f"{command}|{rest[0]}", command] if rest else [command]
        found = [one for one in ask("COMMAND", "INFO", *names) if one]
        flags = {_text(one) for one in found[0][2]} if found else {READ}
        if READ not in flags and command.upper() not in HARMLESS:
            raise ReadingError(f"{command} is no command that reads alone: {', '.join(sorted(flags))}")


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
