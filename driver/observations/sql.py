"""Rows of a database: PostgreSQL, MySQL and MariaDB by a connection, SQLite by a copy of its file."""

from __future__ import annotations

import io
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any, ClassVar

import psycopg
import pymysql
import pymysql.cursors
from pydantic import BeforeValidator, Field

from driver.errors import EngineError, NoFileError
from driver.observations.address import ServiceUrl, Target, parse_url
from driver.observations.observation import ReadingContext, SystemObservation
from driver.observations.reading import Reader, ReadingError, ReadingTable, Value
from driver.observations.values import number, shown, table
from driver.systems.system_access import SystemAccess

POSTGRES, MYSQL, SQLITE = "postgresql", "mysql", "sqlite"
PORTS = {POSTGRES: 5432, "postgres": 5432, MYSQL: 3306, "mariadb": 3306, SQLITE: 0}
EXAMPLE = "postgresql://user:password@db:5432/name"
COPIES = 5
"""How often an SQLite file is copied until two copies are the same: then no write is within them."""
_SUFFIXES = ("", "-wal", "-journal")
MOST_VALUE_BYTES = 8 << 20
"""Of a row of SQLite's, which the query itself can make of any size."""
_STEPS = 10_000
"""Steps of SQLite's machine between two looks at the clock."""

Rows = tuple[Sequence[str], Iterator[Sequence[Any]]]


def _checked(value: object) -> object:
    url = parse_url(value, PORTS, EXAMPLE)
    if url.scheme == SQLITE and not url.path.strip("/"):
        raise ValueError("expected sqlite://SERVICE/PATH/IN/THE/CONTAINER; found no path")
    return value


class SqlObservation(SystemObservation):
    """The rows of one query."""

    name: ClassVar = "sql"
    summary: ClassVar = "the rows of a query to PostgreSQL, MySQL, MariaDB or SQLite"
    result: ClassVar = (
        "a number where the answer is one row of one number, else a table with the query's columns"
    )
    example: ClassVar = 'sql: "postgresql://jobs:jobs@db:5432/jobs", query: "SELECT job_id FROM results"'
    rank: ClassVar = 200

    sql: Annotated[
        str,
        BeforeValidator(_checked),
        Field(
            description="a URL whose host is a service: `postgresql://`, `mysql://`, `mariadb://`, or "
            "`sqlite://SERVICE/PATH` for a file in its container"
        ),
    ]
    query: Annotated[str, Field(min_length=1, max_length=10_000, description="the query; it cannot write")]
    replica: Annotated[int, Field(ge=1, description="the service's replica")] = 1

    @property
    def tried(self) -> str:
        return f"{self._url.written} {shown(self.query)}"

    @property
    def _url(self) -> ServiceUrl:
        return parse_url(self.sql, PORTS, EXAMPLE)

    @property
    def targets(self) -> Mapping[str, Target]:
        return {self.name: Target(self._url.service, self.replica)}

    def reader(self, context: ReadingContext) -> Reader:
        url, access = self._url, context.access
        ask = {SQLITE: self._sqlite, MYSQL: self._mysql, "mariadb": self._mysql}.get(
            url.scheme, self._postgres
        )

        def read() -> Value:
            try:
                with ask(url, access) as (columns, rows):
                    return _value(table(columns, rows))
            except (psycopg.Error, pymysql.Error, sqlite3.Error) as error:
                raise ReadingError(_reason(error)) from None

        return read

    @contextmanager
    def _postgres(self, url: ServiceUrl, access: SystemAccess) -> Iterator[Rows]:
        host, port = url.host_and_port(access, self.replica)
        with (
            psycopg.connect(
                host=host,
                port=port,
                user=url.user or None,
                password=url.password or None,
                dbname=url.path.strip("/") or None,
                connect_timeout=max(2, round(self.timeout_s)),
                autocommit=True,
            ) as connection,
            connection.cursor() as cursor,
        ):
            limit_ms = round(self.timeout_s * 1000)
            cursor.execute(f"SET default_transaction_read_only = on; SET statement_timeout = {limit_ms}")
            # One row at a time: an answer of any size takes no more memory than the rows that are read.
            # Closed before the connection, whose end would else wait for the end of the answer.
            rows: Any = cursor.stream(self.query.encode())
            with closing(rows):
                first = next(rows, None)
                if first is not None:
                    yield _columns(cursor), _chained(first, rows)
                    return
            # An answer without rows that comes one row at a time has no columns either.
            cursor.execute(self.query.encode())
            yield _columns(cursor), iter(cursor if cursor.description else ())

    @contextmanager
    def _mysql(self, url: ServiceUrl, access: SystemAccess) -> Iterator[Rows]:
        host, port = url.host_and_port(access, self.replica)
        connection = pymysql.connect(
            host=host,
            port=port,
            user=url.user,
            password=url.password,
            database=url.path.strip("/") or None,
            connect_timeout=max(1, round(self.timeout_s)),
            read_timeout=self.timeout_s,
            write_timeout=self.timeout_s,
            cursorclass=pymysql.cursors.SSCursor,
            charset="utf8mb4",
            local_infile=False,
        )
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET SESSION TRANSACTION READ ONLY")
                cursor.execute(self.query)
                if not cursor.description:
                    raise ReadingError("expected a query that answers rows")
                yield [one[0] for one in cursor.description], cursor
        finally:
            # Not `close`, which reads what is left of the answer.
            connection._force_close()

    @contextmanager
    def _sqlite(self, url: ServiceUrl, access: SystemAccess) -> Iterator[Rows]:
        deadline = time.monotonic() + self.timeout_s
        files = _still_copy(access, url.service, url.path, self.replica, deadline)
        with tempfile.TemporaryDirectory(prefix="stormlab-sqlite-") as folder:
            for suffix, data in files.items():
                (Path(folder) / f"copy.db{suffix}").write_bytes(data)
            with closing(sqlite3.connect(Path(folder) / "copy.db")) as connection:
                connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_VALUE_BYTES)
                connection.execute("PRAGMA trusted_schema = OFF")
                connection.execute("PRAGMA query_only = ON")
                connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
                cursor = connection.execute(self.query)
                if not cursor.description:
                    raise ReadingError("expected a query that answers rows")
                yield [one[0] for one in cursor.description], cursor


def _columns(cursor: psycopg.Cursor[Any]) -> list[str]:
    if not cursor.description:
        raise ReadingError("expected a query that answers rows")
    return [one.name for one in cursor.description]


def _chained(first: Sequence[Any], rows: Iterator[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    yield first
    yield from rows


def _value(found: ReadingTable) -> Value:
    if len(found.rows) == len(found.columns) == 1:
        only = found.rows[0][0]
        if isinstance(only, int | float):
            return number(only)
    return found


def _reason(error: Exception) -> str:
    """Return a driver's error as one line; PyMySQL's have a number before the text."""
    text = error.args[-1] if isinstance(error, pymysql.Error) and error.args else str(error)
    return shown(text or type(error).__name__)


def _still_copy(
    access: SystemAccess, service: str, path: str, replica: int, deadline: float
) -> dict[str, bytes]:
    """Return the files of a database by their suffixes, of a moment in which nothing wrote to them.

    Raises ReadingError where it is written to all the time, or is not there.
    """
    before = _copy(access, service, path, replica)
    for _ in range(COPIES - 1):
        again = _copy(access, service, path, replica)
        if again == before:
            return again
        if time.monotonic() > deadline:
            break
        before = again
    raise ReadingError(f"{path} was written to while it was copied, again and again")


def _copy(access: SystemAccess, service: str, path: str, replica: int) -> dict[str, bytes]:
    found = {}
    for suffix in _SUFFIXES:
        try:
            packed = access.file(service, path + suffix, replica)
        except NoFileError as error:
            # A database has the others while it is written to, or in one of SQLite's modes alone.
            if suffix:
                continue
            raise ReadingError(shown(error.sentence)) from None
        except EngineError as error:
            # Without one that is there, rows that were committed would be missing.
            raise ReadingError(shown(error.sentence)) from None
        found[suffix] = _only_file(packed, path)
    return found


def _only_file(packed: bytes, path: str) -> bytes:
    """Return the one file of an archive that the engine made. Raises ReadingError for anything else."""
    try:
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            entry = archive.next()
            file = archive.extractfile(entry) if entry is not None and entry.isreg() else None
            if file is None:
                raise ReadingError(f"expected a plain file at {path} in the container")
            return file.read()
    except tarfile.TarError as error:
        raise ReadingError(f"{path} could not be copied: {shown(error)}") from None
