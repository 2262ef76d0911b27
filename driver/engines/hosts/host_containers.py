"""The containers of one lab on one host."""

from __future__ import annotations

from chaos.abilities import Ability
from chaos.targets import CLIENT, TOXIPROXY, client_number
from driver.engines import addresses, docker_answers
from driver.engines.docker_abilities import docker_abilities
from driver.engines.docker_answers import NetworkAttachment
from driver.engines.docker_sdk import DockerSdk
from driver.engines.engine import PROBER, Abilities, Container
from driver.engines.hosts import ENGINE_NAME
from driver.engines.hosts.host_agent import AGENT, HostClockAgent
from driver.engines.labelled_containers import LabelledContainers

LINKS, CORE, CONTROL = "links", "core", "control"
_LAST = {TOXIPROXY: 3, PROBER: 4}
"""Places from the end of the overlay's subnet: engines take addresses from its begin, one for each host."""
_CLIENTS_FROM = 5


def hosts_abilities() -> Abilities:
    """Return the abilities of an engine of several hosts."""
    one = docker_abilities(is_local=False)
    by = {**one.by, Ability.isolation: "an internal overlay network without a gateway"}
    return Abilities(ENGINE_NAME, by, {Ability.follow_journals: "journals stay on their hosts until the end"})


def links_address(subnet_index: int, name: str) -> str:
    """Return the fixed address of a process on the overlay."""
    last = addresses.links_last(subnet_index)
    if name.startswith(f"{CLIENT}-"):
        return str(last - _CLIENTS_FROM - client_number(name))
    return str(last - _LAST[name])


class HostContainers(LabelledContainers):
    """Reads, stops, freezes and unplugs the containers of one project on one host."""

    def __init__(self, address: str, project: str) -> None:
        super().__init__(DockerSdk(project, address=address), project)
        self.address = address
        self.sdk = self._sdk
        self.clock = HostClockAgent(self._sdk, address)

    @property
    def abilities(self) -> Abilities:
        return hosts_abilities()

    def containers(self) -> list[Container]:
        """Return the containers of the lab, without what the engine itself put there."""
        return [one for one in self._sdk.containers() if one.service != AGENT]

    def _due_attachments(self, name: str) -> list[NetworkAttachment]:
        """Return the connections that a container was created with, by its own addresses."""
        details = self._sdk.inspect(name)
        ends = details["NetworkSettings"]["Networks"]
        service = details["Config"]["Labels"]["com.docker.compose.service"]
        due = docker_answers.REFERENCE.due_networks(details["Config"]["Labels"])
        found = []
        for network in due:
            own = f"{self._project}_{network}"
            address = ((ends.get(own) or {}).get("IPAMConfig") or {}).get("IPv4Address", "")
            if network == LINKS and not address:
                address = links_address(self._subnet_index(), name)
            found.append(NetworkAttachment(own, address, [service, details["Name"].removeprefix("/")]))
        return found

    def _subnet_index(self) -> int:
        subnet = docker_answers.subnets([self._sdk.network(LINKS)])[0]
        return int(subnet.network_address.packed[2]) // 4
