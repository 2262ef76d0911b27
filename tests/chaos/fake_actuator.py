"""An actuator that does nothing but record its calls."""

from __future__ import annotations

from dataclasses import dataclass, field

from chaos.actuator import ActuatorError, Injection, LinkEffect, Times


@dataclass
class FakeActuator:
    """Implements FaultActuator. `calls` are (call, target); calls on `broken` containers fail."""

    calls: list[tuple[str, str]] = field(default_factory=list)
    effects: dict[str, LinkEffect] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    now_ns: int = 0

    async def inject_links(self, strike: Injection, effect: LinkEffect) -> Times:
        self.effects[strike.fault_id] = effect
        return dict.fromkeys(strike.targets, self._at("strike", ",".join(strike.targets)))

    async def heal_links(self, fault_id: str) -> Times:
        return {"worker-1": self._at("release", fault_id)}

    async def pause(self, container: str) -> int:
        return self._at("pause", container)

    async def unpause(self, container: str) -> int:
        return self._at("unpause", container)

    async def kill(self, container: str) -> int:
        return self._at("kill", container)

    async def stop(self, container: str, grace_s: float) -> int:
        return self._at(f"stop {grace_s:g}", container)

    async def start(self, container: str) -> int:
        return self._at("start", container)

    async def restart(self, container: str, grace_s: float) -> int:
        return self._at(f"restart {grace_s:g}", container)

    async def unplug(self, container: str) -> int:
        return self._at("unplug", container)

    async def plug(self, container: str) -> int:
        return self._at("plug", container)

    async def limit(
        self, container: str, *, cpus: float | None = None, memory_bytes: int | None = None
    ) -> int:
        return self._at(f"limit {cpus} {memory_bytes}", container)

    async def unlimit(self, container: str, *, cpus: bool = False, memory: bool = False) -> int:
        return self._at("unlimit" + " cpus" * cpus + " memory" * memory, container)

    def _at(self, what: str, whom: str) -> int:
        self.calls.append((what, whom))
        if whom in self.broken:
            raise ActuatorError(f"{whom} cannot be touched")
        self.now_ns += 1
        return self.now_ns
