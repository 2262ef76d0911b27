"""Containers of one lab on several hosts: a call on a container goes to its host, a list is of all hosts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from typing import TypeVar

from driver.engines import docker_answers
from driver.engines.compose_clients import in_parallel
from driver.engines.engine import Abilities, Container, ContainerState, Limits, ResourceReading
from driver.engines.hosts.host_agent import AGENT
from driver.engines.hosts.host_containers import HostContainers, hosts_abilities
from driver.engines.hosts.merged_events import MergedEvents
from driver.errors import ContainerGoneError, EngineGoneError

T = TypeVar("T")


class RoutedContainers:
    """Implements `FaultEngine` and the reading of resources for the containers on some hosts.

    A host that stops answering is left out of what is read, unless it is the first.
    """

    is_local = False

    def __init__(self, project: str, hosts: Sequence[HostContainers]) -> None:
        self._project = project
        self._hosts = hosts
        self._where: dict[str, HostContainers] = {}
        self._gone: dict[str, str] = {}

    @property
    def project(self) -> str:
        return self._project

    @property
    def abilities(self) -> Abilities:
        return hosts_abilities()

    def unreachable(self) -> list[str]:
        found = []
        for host in self._hosts:
            if host.address in self._gone:
                # A command that has not seen the lab before does not have the names.
                names = sorted(name for name, its in self._where.items() if its is host)
                what = ", ".join(names) or "workers of this lab"
                found.append(
                    f"{host.address} does not answer; what may still run there: {what}. Once it "
                    f"does: python lab.py down --project {self._project}"
                )
        return found

    # -- reading -------------------------------------------------------------------------------------------

    def containers(self) -> list[Container]:
        found = self._each(lambda host: [(one, host) for one in host.containers()])
        pairs = [pair for of_host in found for pair in of_host]
        self._where.update({one.name: host for one, host in pairs})
        return sorted((one for one, _ in pairs), key=docker_answers.sort_key)

    def inspect(self, name: str) -> ContainerState:
        return self._host_of(name).inspect(name)

    def states(self, closely: Collection[str] = ()) -> dict[str, ContainerState]:
        read = self._each(lambda host: {n: s for n, s in host.states(closely).items() if n != AGENT})
        return {name: state for of_host in read for name, state in of_host.items()}

    def frozen(self) -> dict[str, bool]:
        return {}

    def events(self, since_ns: int | None = None) -> MergedEvents:
        return MergedEvents(self._each(lambda host: host.events(since_ns)), but=AGENT)

    def log(self, name: str, tail: int | None = None) -> str:
        return self._host_of(name).log(name, tail)

    def whole_log(self, name: str) -> Generator[bytes, None, None]:
        return self._host_of(name).whole_log(name)

    def follow_log(self, name: str, tail: int) -> Iterator[str]:
        return self._host_of(name).follow_log(name, tail)

    def degradations(self) -> dict[str, list[str]]:
        read = self._each(lambda host: host.degradations())
        return {name: what for of_host in read for name, what in of_host.items()}

    def usage(self) -> list[ResourceReading]:
        return [one for of_host in self._each(lambda host: host.usage()) for one in of_host]

    # -- faults --------------------------------------------------------------------------------------------

    def pause(self, name: str) -> None:
        self._host_of(name).pause(name)

    def unpause(self, name: str) -> None:
        self._host_of(name).unpause(name)

    def kill(self, name: str) -> None:
        self._host_of(name).kill(name)

    def start(self, name: str) -> None:
        self._host_of(name).start(name)

    def stop(self, name: str, grace_s: float) -> None:
        self._host_of(name).stop(name, grace_s)

    def restart(self, name: str, grace_s: float) -> None:
        self._host_of(name).restart(name, grace_s)

    def unplug(self, name: str) -> None:
        self._host_of(name).unplug(name)

    def plug(self, name: str) -> None:
        self._host_of(name).plug(name)

    def limit(self, name: str, limits: Limits) -> None:
        self._host_of(name).limit(name, limits)

    def unlimit(self, name: str, cpus: bool = True, memory: bool = True) -> None:
        self._host_of(name).unlimit(name, cpus, memory)

    # -- routing -------------------------------------------------------------------------------------------

    def _host_of(self, name: str) -> HostContainers:
        if name not in self._where:
            self.containers()
        try:
            return self._where[name]
        except KeyError:
            raise ContainerGoneError(
                f"There is no container {name} in the lab {self._project!r}.", "See: python lab.py status"
            ) from None

    def _each(self, call: Callable[[HostContainers], T]) -> list[T]:
        """Return the answers of all hosts that answer. Raises EngineGoneError when the first one does not."""

        def asked(host: HostContainers) -> list[T]:
            try:
                answer = call(host)
            except EngineGoneError as error:
                if host is self._hosts[0]:
                    raise
                self._gone[host.address] = error.sentence
                return []
            self._gone.pop(host.address, None)
            return [answer]

        return [answer for found in in_parallel(asked, self._hosts) for answer in found]
