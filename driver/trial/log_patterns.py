"""Reduces lines of logs that report an error to patterns, so that a line is new or seen before. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from driver.visible import one_line

MOST_PATTERNS = 4_000
LONGEST_LINE = 300
_PATTERN_LENGTH = 120
_ERROR = re.compile(
    r"error|exception|traceback|fatal|panic|critical|refused|time[d ]?-?out|reset by peer|broken pipe"
    r"|unreachable|unavailable|failed|lost connection|connection (?:lost|closed)|disconnect",
    re.I,
)
_CONTINUED = re.compile(r"\s|Traceback \(most recent|During handling of the above|The above exception")
"""Begins of lines that belong to an error, and do not say which."""
_VARIES = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b|\d+", re.I)


class LogNews(msgspec.Struct, frozen=True):
    """Lines of one container with a pattern that was not seen before: the first one, and how many."""

    container: str
    line: str
    count: int


class LogPatterns:
    """The patterns of errors that were seen; each container has its own. At most MOST_PATTERNS are kept."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()

    def learn(self, container: str, lines: Iterable[str]) -> None:
        """Take these lines as usual."""
        for line in lines:
            if len(self._seen) < MOST_PATTERNS and _reports_error(line):
                self._seen.add((container, pattern(line)))

    def news(self, container: str, lines: Iterable[str]) -> list[LogNews]:
        """Return the errors among these lines that are not usual, the most frequent first."""
        counts: dict[str, tuple[str, int]] = {}
        for line in lines:
            if not _reports_error(line):
                continue
            key = pattern(line)
            if (container, key) not in self._seen and (key in counts or len(counts) < MOST_PATTERNS):
                first, count = counts.get(key, (one_line(line[:LONGEST_LINE]), 0))
                counts[key] = (first, count + 1)
        found = [LogNews(container, line, count) for line, count in counts.values()]
        return sorted(found, key=lambda one: -one.count)


def _reports_error(line: str) -> bool:
    return bool(_ERROR.search(line[:LONGEST_LINE])) and not _CONTINUED.match(line)


def pattern(line: str) -> str:
    """Return a line without what varies from time to time: numbers, addresses, ids."""
    return _VARIES.sub("#", one_line(line[:LONGEST_LINE]))[:_PATTERN_LENGTH]
