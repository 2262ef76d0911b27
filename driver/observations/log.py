"""Lines of a service's log that match a pattern."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

import re2
from pydantic import BeforeValidator, Field

from driver.histories.system_events import MAX_ROWS
from driver.observations.address import Target, TargetText, parse_target
from driver.observations.observation import ReadingContext, SystemObservation
from driver.observations.reading import Reader, ReadingError, ReadingTable, Value
from driver.observations.values import table
from driver.systems.system_access import SystemAccess
from driver.visible import one_line
from wire.limits import cut

LINE_CHARS = 2_000
"""Of a line that is kept as a whole; the pattern sees all of it."""
MOST_KEPT_CHARS = 64 << 20
"""Of all that matched in named groups."""
MOST_MEMORY_BYTES = 8 << 20
_OVERLAP = timedelta(seconds=1)


def _pattern(value: object) -> object:
    if not isinstance(value, str) or not value:
        raise ValueError(f"expected a regular expression; found {value!r}")
    try:
        compiled(value)
    except re2.error as error:
        raise ValueError(
            f"expected a regular expression (of RE2: without look-around and back-references); found "
            f"{value!r}: {_words(error)}"
        ) from None
    return value


def _words(error: Exception) -> str:
    """The library's own words, which it has as bytes."""
    found = error.args[0] if error.args else ""
    return found.decode(errors="replace") if isinstance(found, bytes) else str(found)


def compiled(pattern: str) -> Any:
    """Return a pattern of RE2, whose time is linear in the line, whatever the line is. Raises re2.error."""
    options = re2.Options()
    options.max_mem = MOST_MEMORY_BYTES
    options.log_errors = False
    return re2.compile(pattern, options)


class LogObservation(SystemObservation):
    """Matching lines of all that a service has printed."""

    name: ClassVar = "log"
    summary: ClassVar = "lines of a service's log that match a pattern, since its containers were made"
    result: ClassVar = (
        "the number of lines; with named groups in the pattern a table that has them as columns"
    )
    example: ClassVar = r"log: worker, pattern: 'job (?P<id>\S+): done'"
    rank: ClassVar = 500

    log: Annotated[TargetText, Field(description="a service, or one replica like `worker[2]`")]
    pattern: Annotated[
        str,
        BeforeValidator(_pattern),
        Field(
            max_length=1000,
            description="a regular expression of RE2, searched in each line. A group named `line` around all "
            "of it keeps the line, for the evidence of other claims",
        ),
    ]

    @property
    def tried(self) -> str:
        return f"the log of {self.log}"

    @property
    def targets(self) -> Mapping[str, Target]:
        return {self.name: parse_target(self.log)}

    def reader(self, context: ReadingContext) -> Reader:
        return _LogReader(parse_target(self.log), self.pattern, context.access).read


class _LogReader:
    """Keeps what matched, and how far each container's log was read."""

    def __init__(self, target: Target, pattern: str, access: SystemAccess) -> None:
        self._target = target
        self._pattern = compiled(pattern)
        self._access = access
        self._columns = tuple(sorted(self._pattern.groupindex, key=self._pattern.groupindex.__getitem__))
        self._ends: dict[str, _LogEnd] = {}
        self._count = 0
        self._rows: list[list[str]] = []
        self._kept_chars = 0

    def read(self) -> Value:
        for number in self._target.numbers(self._access):
            container = self._access.container(self._target.service, number)
            end = self._ends.setdefault(container, _LogEnd())
            data = self._access.logs(self._target.service, number, end.since_s)
            for line in end.new_lines(data):
                self._match(line)
        if not self._columns:
            return float(self._count)
        if len(self._rows) > MAX_ROWS:
            raise ReadingError(f"more than {MAX_ROWS:,} lines match")
        if self._kept_chars > MOST_KEPT_CHARS:
            raise ReadingError(f"more than {MOST_KEPT_CHARS:,} characters match")
        # A copy: the next reading adds to these rows while this one is written.
        found: ReadingTable = table(self._columns, list(self._rows))
        return found

    def _match(self, line: str) -> None:
        match = self._pattern.search(line)
        if match is None:
            return
        self._count += 1
        if self._columns and len(self._rows) <= MAX_ROWS and self._kept_chars <= MOST_KEPT_CHARS:
            groups = (match.group(name) or "" for name in self._columns)
            self._rows.append([one_line(cut(one, LINE_CHARS)) for one in groups])
            self._kept_chars += sum(map(len, self._rows[-1]))


class _LogEnd:
    """How far one container's log was read: the newest line's time, and the lines shortly before it.

    The engine writes both streams of a container on their own, so that a line may come after a newer one.
    """

    def __init__(self) -> None:
        self._last = ""
        self._seen: Counter[str] = Counter()

    @property
    def since_s(self) -> float | None:
        """The wall time from which on to read; None for all."""
        return None if not self._last else self._since().timestamp()

    def new_lines(self, data: bytes) -> list[str]:
        """Return the lines that were not there at the last reading, without their times."""
        found = []
        there: Counter[str] = Counter()
        since = self._since_text()
        for raw in data.decode(errors="backslashreplace").split("\n"):
            at, space, line = raw.partition(" ")
            if not space or not at.endswith("Z") or at < since:
                continue
            there[raw] += 1
            if there[raw] > self._seen[raw]:
                found.append(line.rstrip("\r"))
            self._last = max(self._last, at)
        since = self._since_text()
        self._seen = Counter({raw: many for raw, many in (self._seen | there).items() if raw >= since})
        return found

    def _since(self) -> datetime:
        return datetime.fromisoformat(self._last) - _OVERLAP

    def _since_text(self) -> str:
        """The time as a text that sorts with the engine's: those have nine digits, and a zone at the end."""
        return f"{self._since():%Y-%m-%dT%H:%M:%S.%f}" if self._last else ""
