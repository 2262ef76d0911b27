"""One load on a server of this machine: its operations, as the journal has them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from driver.errors import UsageError
from driver.histories.journal_kinds import LOAD, reader_of
from driver.histories.system_events import LoadEnded, Operation
from driver.loads.catalogue import read_loads
from driver.loads.load import OutsideNetwork
from driver.loads.load_group import LoadGroup
from driver.systems.replicas import PublishedAddress
from wire.events import Event, Journal


class Addresses:
    """What a system publishes, and where its other ports are."""

    def __init__(self, published: Sequence[PublishedAddress] = (), inside: Mapping[str, str] = {}) -> None:
        self._published = published
        self._inside = inside

    def published(self) -> Sequence[PublishedAddress]:
        return self._published

    def inside(self, service: str, port: int, replica: int = 1) -> str:
        name = f"{service}:{port}"
        if name not in self._inside:
            raise UsageError(f"{name} is no port of the system.")
        return self._inside[name]

    def outside_network(self) -> OutsideNetwork:
        raise UsageError("the system has no network.")


class Record:
    """The journal of loads in memory."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.journal = Journal(LOAD, self.lines.append, time.monotonic_ns, time.time, 1 << 20)

    def events(self) -> Sequence[Event]:
        read = reader_of(LOAD).read(LOAD, b"".join(self.lines))
        assert not read.damage
        return read.events

    def operations(self) -> list[Operation]:
        return [one for one in self.events() if isinstance(one, Operation)]

    def trouble(self) -> str:
        """The trouble of the one load that has ended."""
        (end,) = [one for one in self.events() if isinstance(one, LoadEnded)]
        return end.trouble


def group(
    record: Record,
    workload: Mapping[str, Any],
    addresses: Addresses,
    folder: Path = Path(),
    *,
    duration_s: float = 0.3,
    seed: int = 1,
    begin_in_s: float = 0.0,
) -> LoadGroup:
    """The loads of a workload, which begin now or a little later."""
    return LoadGroup(
        read_loads(workload),
        addresses,
        record.journal,
        folder,
        folder,
        zero_ns=time.monotonic_ns() + round(begin_in_s * 1e9),
        duration_s=duration_s,
        seed=seed,
    )


async def operations_of(
    workload: Mapping[str, Any], addresses: Addresses, folder: Path = Path(), **more: Any
) -> list[Operation]:
    """The operations of a workload that ran to its end."""
    record = Record()
    loads = group(record, workload, addresses, folder, **more)
    await loads.run()
    await loads.after()
    return record.operations()
