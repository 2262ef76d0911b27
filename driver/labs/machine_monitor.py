"""Measures the load of this machine and the delay of the driver's event loop."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from driver.histories.events import MachineSample
from driver.histories.machine_load import too_busy
from wire.events import Journal

TICK_S = 0.05
SAMPLE_EVERY_S = 1.0
KEPT = 120
_PROC = Path("/proc")


@dataclass(frozen=True)
class KernelCounters:
    """The kernel's counters at an instant: processor time in ticks, and stalled time in microseconds.

    `stalled_us` has cpu (some process waits), io and memory (all wait), as far as the kernel counts them
    (Documentation/accounting/psi.rst).
    """

    at_ns: int
    total_ticks: int
    steal_ticks: int
    runnable: int
    stalled_us: Mapping[str, int]


class MachineMonitor:
    """Writes a sample each second. `busy` returns why the machine was too busy in the last KEPT seconds."""

    def __init__(self, journal: Journal, proc: Path = _PROC) -> None:
        self._journal = journal
        self._proc = proc
        self._samples: deque[MachineSample] = deque(maxlen=KEPT)

    def busy(self, since_ns: int = 0) -> str:
        """Return why this machine was too busy since then, in the last KEPT seconds; "" when it was not."""
        return too_busy([one for one in list(self._samples) if one.at_ns >= since_ns])

    async def run(self) -> None:
        """Measure until cancelled. The loop's lag is its largest delay of a wake-up since the last sample."""
        before = read_counters(self._proc)
        lag_s = 0.0
        while True:
            slept_ns = time.monotonic_ns()
            await asyncio.sleep(TICK_S)
            now_ns = time.monotonic_ns()
            lag_s = max(lag_s, (now_ns - slept_ns) / 1e9 - TICK_S)
            if now_ns - before.at_ns >= SAMPLE_EVERY_S * 1e9:
                after = read_counters(self._proc)
                self._write(before, after, lag_s)
                before, lag_s = after, 0.0

    def _write(self, before: KernelCounters, after: KernelCounters, lag_s: float) -> None:
        fields = {**sample_fields(before, after), "cores": os.cpu_count() or 1, "loop_lag_ms": lag_s * 1e3}
        self._journal(MachineSample, **fields)
        sample = MachineSample(at_ns=after.at_ns, wall_s=time.time(), by="driver", **fields)
        self._samples.append(sample)


def read_counters(proc: Path = _PROC) -> KernelCounters:
    """Return the kernel's counters now; zeros where `proc` has no such files."""
    ticks: list[int] = []
    runnable = 0
    for line in _lines(proc / "stat"):
        words = line.split()
        if words and words[0] == "cpu":
            ticks = [int(word) for word in words[1:9]]
        elif words and words[0] == "procs_running":
            # This process is counted too.
            runnable = int(words[1]) - 1
    stalled = {
        resource: found
        for resource, kind in (("cpu", "some"), ("io", "full"), ("memory", "full"))
        if (found := _stalled_us(proc / "pressure" / resource, kind)) is not None
    }
    steal = ticks[7] if len(ticks) > 7 else 0
    return KernelCounters(time.monotonic_ns(), sum(ticks), steal, max(0, runnable), stalled)


def sample_fields(before: KernelCounters, after: KernelCounters) -> dict[str, Any]:
    """Return the fields of a sample between two readings: processes, and ratios from 0 to 1."""
    passed_us = max(1.0, (after.at_ns - before.at_ns) / 1e3)
    ticks = after.total_ticks - before.total_ticks
    pressures = {
        f"{name}_pressure": (
            min(1.0, (after.stalled_us[name] - before.stalled_us[name]) / passed_us)
            if name in after.stalled_us and name in before.stalled_us
            else None
        )
        for name in ("cpu", "io", "memory")
    }
    steal_ratio = (after.steal_ticks - before.steal_ticks) / ticks if ticks > 0 else 0.0
    return {"runnable": after.runnable, "steal_ratio": steal_ratio, **pressures}


def _stalled_us(file: Path, kind: str) -> int | None:
    for line in _lines(file):
        words = line.split()
        if words and words[0] == kind:
            return int(words[-1].partition("=")[2])
    return None


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:
        return []


def machine_load_text() -> str:
    """Return this machine's load as a sentence, the first question about a wait that failed."""
    return f"This machine's load is {os.getloadavg()[0]:.1f} on {os.cpu_count() or 1} cores."
