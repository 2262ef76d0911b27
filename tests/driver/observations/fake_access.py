"""A system for observations without an engine: addresses of local servers, logs and files by name."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from driver.engines.engine import ResourceReading
from driver.errors import NoFileError, UsageError
from driver.observations.observation import ReadingContext
from driver.systems.replicas import PublishedAddress
from driver.systems.system_access import Ran


@dataclass
class FakeAccess:
    """Implements SystemAccess. `ends` are addresses by service and port; `runs` answers commands."""

    ends: dict[tuple[str, int], str] = field(default_factory=dict)
    log: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    figures: dict[str, ResourceReading] = field(default_factory=dict)
    runs: Callable[[Sequence[str]], Ran] = lambda argv: Ran(0, b"", b"")
    since: list[float | None] = field(default_factory=list)

    def published(self) -> Sequence[PublishedAddress]:
        return ()

    def inside(self, service: str, port: int, replica: int = 1) -> str:
        if (service, port) not in self.ends:
            raise UsageError(f"{service!r} is no service of the system that has a container.")
        return self.ends[service, port]

    def container(self, service: str, replica: int = 1) -> str:
        return f"{service}{replica}"

    def replicas(self, service: str) -> list[int]:
        return [
            number for number in range(1, 9) if f"{service}[{number}]" in {*self.details, *self.figures}
        ] or [1]

    def ports(self) -> list[tuple[str, int]]:
        return list(self.ends)

    def execute(self, service: str, argv: Sequence[str], replica: int = 1, timeout_s: float = 10.0) -> Ran:
        return self.runs(argv)

    def logs(self, service: str, replica: int = 1, since_s: float | None = None) -> bytes:
        self.since.append(since_s)
        return self.log[service]

    def inspect(self, service: str, replica: int = 1) -> Mapping[str, Any]:
        return self.details[f"{service}[{replica}]"]

    def usage(self, service: str, replica: int = 1) -> ResourceReading:
        return self.figures[f"{service}[{replica}]"]

    def file(self, service: str, path: str, replica: int = 1) -> bytes:
        if path not in self.files:
            raise NoFileError(f"Could not find the file {path} in container {service}.")
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            entry = tarfile.TarInfo(Path(path).name)
            entry.size = len(self.files[path])
            archive.addfile(entry, io.BytesIO(self.files[path]))
        return packed.getvalue()


def context(access: FakeAccess, home: Path = Path()) -> ReadingContext:
    """The place of readings in this system."""
    return ReadingContext(access, home)
