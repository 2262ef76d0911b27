"""Memory and CPU of a container, as the page shows them. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class LiveUsage:
    """A container's memory and CPU, from its last two samples; None before there are any."""

    memory_bytes: int | None = None
    cpu_cores: float | None = None
    _at_ns: int = 0
    _cpu_s: float = 0.0

    def add_sample(self, at_ns: int, memory_bytes: int, cpu_s: float) -> None:
        """Take the newest sample. `cpu_s` is the total since the container's start; a restart resets it."""
        if self._at_ns and at_ns > self._at_ns and cpu_s >= self._cpu_s:
            self.cpu_cores = (cpu_s - self._cpu_s) / (at_ns - self._at_ns) * 1e9
        self._at_ns, self._cpu_s, self.memory_bytes = at_ns, cpu_s, memory_bytes
