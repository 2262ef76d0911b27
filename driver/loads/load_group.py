"""Runs the loads of a run side by side, and says which of them never succeeds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from driver.errors import NotReadyError
from driver.loads.load import Load, LoadAccess, LoadContext
from driver.loads.operation_log import MOST_OPERATIONS, OperationLog
from wire.events import Journal

LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class _Member:
    load: Load
    context: LoadContext

    @property
    def has_succeeded(self) -> bool:
        return self.load.has_succeeded(self.context.operations)

    @property
    def is_under_way(self) -> bool:
        """Whether it may well succeed later than other loads do."""
        return self.load.is_slow and not self.context.operations.written


class LoadGroup:
    """The loads of one run by their names. `write` is the journal of loads, in `folder` are their outputs,
    and `home` is the folder of the scenario's file.

    `zero_ns` is when they begin (CLOCK_MONOTONIC), and `duration_s` how long they last.
    """

    def __init__(
        self,
        loads: Mapping[str, Load],
        access: LoadAccess,
        write: Journal,
        folder: Path,
        home: Path,
        *,
        zero_ns: int,
        duration_s: float,
        seed: int,
    ) -> None:
        logs = {
            name: OperationLog(name, write, MOST_OPERATIONS, recorded_as=one.into or name)
            for name, one in loads.items()
        }
        written = {name: log.lately_written for name, log in logs.items()}
        self._members = {
            name: _Member(
                load,
                LoadContext(
                    name=name,
                    access=access,
                    operations=logs[name],
                    zero_ns=zero_ns,
                    duration_s=duration_s,
                    seed=seed,
                    folder=folder,
                    home=home,
                    written=written,
                ),
            )
            for name, load in loads.items()
        }

    async def run(self) -> None:
        """Run all loads to their ends. A group has the LabError of each that cannot run; the others are then
        ended.
        """
        async with asyncio.TaskGroup() as group:
            for member in self._members.values():
                group.create_task(member.load.run(member.context))

    async def wait_ok(self, within_s: float) -> None:
        """Wait until each load has succeeded once.

        Raises NotReadyError after `within_s`, with what was tried and what came back.
        """
        deadline_s = time.monotonic() + within_s
        while silent := {name: one for name, one in self._members.items() if not one.has_succeeded}:
            if time.monotonic() >= deadline_s:
                if silent := {name: one for name, one in silent.items() if not one.is_under_way}:
                    raise _never_ok(silent, within_s)
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def after(self) -> None:
        """Do what the loads do once the system has settled, and end their records. Raises LabError."""
        try:
            for member in self._members.values():
                await member.load.after(member.context)
        finally:
            self.close()

    def close(self) -> None:
        """End the records of all loads: no operation is written after it. Also where the run was aborted."""
        for member in self._members.values():
            member.context.operations.end()


def _never_ok(silent: Mapping[str, _Member], within_s: float) -> NotReadyError:
    each = []
    for name, one in silent.items():
        log = one.context.operations
        came = f"the last one: {log.last_not_ok}" if log.last_not_ok else "nothing came back"
        each.append(
            f"load `{name}` had no operation that was ok in {within_s:.1f} s, of {log.written}; {came}."
        )
    return NotReadyError(
        f"No fault was injected: {' '.join(each)}",
        "A load that never succeeds without faults shows nothing under them: correct it, or the system.",
    )
