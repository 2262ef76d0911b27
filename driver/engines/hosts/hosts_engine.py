"""Engine on several Docker hosts: plain containers on each host's engine, one overlay network of their swarm.

    first host    toxiproxy, server, prober; `core` and `control` are networks of this host alone
    all hosts     clients, in turn; `links` is an attachable, internal overlay network
    each host     `clock`, on no network, which answers with the host's clock

Swarm services are not used: they restart what a fault has cut off, and replace what it has killed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from chaos.targets import CLIENT, SERVER, TOXIPROXY, client_name, client_number
from driver.engines import addresses, compose_environment, docker_answers, images
from driver.engines.compose_clients import INDEX, SETTINGS, in_parallel
from driver.engines.compose_command import ComposeCommand, client_environment
from driver.engines.compose_images import ComposeImages
from driver.engines.docker_sdk import DockerSdk
from driver.engines.engine import CORE, Abilities, BuildEnvironment, Container, LabSpec, Say
from driver.engines.hosts import host_agent, host_checks, service_bodies
from driver.engines.hosts.host_agent import AGENT
from driver.engines.hosts.host_checks import VXLAN_BYTES, HostFacts
from driver.engines.hosts.host_containers import (
    CONTROL,
    LINKS,
    HostContainers,
    hosts_abilities,
    links_address,
)
from driver.engines.hosts.image_copy import copy_images
from driver.engines.hosts.placement import host_for
from driver.engines.hosts.resolved_compose import resolved_compose
from driver.engines.hosts.routed_containers import RoutedContainers
from driver.engines.labelled_containers import stop_in_order
from driver.errors import (
    EngineError,
    EngineGoneError,
    InterruptedCommandError,
    PortInUseError,
    SubnetInUseError,
    UsageError,
)
from driver.histories.host_clock import ClockReading
from driver.host_ports import answers

_TAKEN = ("port is already allocated", "address already in use")
LOOK_WITHIN_S = 20
PORT_WITHIN_S = 1.0
T = TypeVar("T")


class HostsEngine(RoutedContainers):
    """Implements `Engine` and `ManyHosts` for one project on the hosts at `hosts`, of which the first is the
    core's.

    Contracts and errors are those of `Engine`.
    """

    def __init__(
        self,
        project: str,
        root: Path,
        prepare: BuildEnvironment,
        hosts: Sequence[str],
    ) -> None:
        assert hosts, "an engine of hosts has one at least"
        self._root = root
        super().__init__(project, [HostContainers(address, project) for address in hosts])
        self._facts: list[HostFacts] | None = None
        local = DockerSdk(project)
        self._images = ComposeImages(
            root, ComposeCommand(project, root, client_environment()), local, prepare
        )
        self._image_ids: dict[str, str] = {}
        self._interrupted = False

    @property
    def abilities(self) -> Abilities:
        return hosts_abilities()

    def own_listing(self) -> str:
        return (
            f"docker -H {self._hosts[0].address} ps --filter label=com.docker.compose.project={self._project}"
        )

    def versions(self) -> dict[str, str]:
        found = {"hosts": str(len(self._hosts)), "docker": str(self._checked()[0].version["Version"])}
        for facts in self._checked():
            found[f"kernel of {facts.name}"] = str(facts.version["KernelVersion"])
        return found

    # -- hosts ---------------------------------------------------------------------------------------------

    def placed(self) -> Mapping[str, Sequence[str]]:
        names = dict(zip((one.address for one in self._hosts), self.names, strict=True))
        found: dict[str, list[str]] = {name: [] for name in names.values()}
        for one in self.containers():
            found[names[self._where[one.name].address]].append(one.name)
        return found

    @property
    def names(self) -> list[str]:
        """The hosts' own names, in their order."""
        return [facts.name for facts in self._checked()]

    def read_clock(self, host: str) -> ClockReading:
        return self._hosts[self.names.index(host)].clock.read()

    def offset_ns(self, process: str) -> int:
        read = self._host_of(process).clock.read()
        return (read.asked_ns + read.answered_ns) // 2 - read.host_ns

    def _checked(self) -> list[HostFacts]:
        """Return what the hosts answered, once. Raises UsageError where they cannot carry a lab together."""
        if self._facts is None:
            found = in_parallel(
                lambda one: HostFacts(one.address, one.sdk.version(), one.sdk.info()), self._hosts
            )
            if (refused := host_checks.refusal(found)) is not None:
                raise UsageError(*refused)
            self._facts = found
        return self._facts

    # -- starting and stopping -----------------------------------------------------------------------------

    def ensure_images(self, services: Sequence[str], say: Say) -> dict[str, str]:
        self._interrupted = False
        self._checked()
        wanted = list(dict.fromkeys([*services, CLIENT]))
        self._image_ids = self._images.ensure(wanted, say)
        names = {one.service: images.reference(one, self._root) for one in images.CATALOGUE}

        def copy(host: HostContainers) -> None:
            here = wanted if host is self._hosts[0] else [CLIENT]
            copy_images([names[one] for one in here], [self._image_ids[one] for one in here], host.sdk,
                        host.address, say)  # fmt: skip

        in_parallel(copy, self._hosts)
        return {service: self._image_ids[service] for service in services}

    def existing_spec(self) -> LabSpec | None:
        first = self._hosts[0]
        names = [one.name for one in first.containers()]
        if not all(name in names for name in CORE):
            return None
        client = next((one.name for one in self.containers() if one.service == CLIENT), None)
        return compose_environment.lab_spec(
            first.sdk.inspect(SERVER),
            first.sdk.inspect(TOXIPROXY),
            self._host_of(client).sdk.inspect(client) if client else None,
        )

    def reserve_addresses(self, spec: LabSpec) -> LabSpec:
        facts = self._checked()
        if (most := max(spec.placement.values(), default=0)) > len(facts):
            raise UsageError(
                f"The scenario places workers on host-{most}, and --hosts names {len(facts)}.",
                "Name as many hosts, or change `placement:`.",
            )
        self._refuse_taken_ports(spec, facts[0].node_address)
        taken = [network for host in self._hosts for network in host.sdk.all_networks()]
        first = zlib.crc32(self._project.encode()) % addresses.SUBNETS
        index = addresses.free_subnet(docker_answers.subnets(taken), first)
        # The lab is published where the other hosts, and this machine, reach the first one.
        return replace(spec, subnet_index=index, host=facts[0].node_address)

    def _refuse_taken_ports(self, spec: LabSpec, address: str) -> None:
        """Raise PortInUseError where something answers at a port that the lab is to publish, unless it is its
        own.
        """
        ports = (spec.toxiproxy_port, spec.control_port)
        taken = [port for port in ports if answers(address, port, PORT_WITHIN_S)]
        own = self.existing_spec() if taken else None
        for port in taken:
            if own is None or port not in (own.toxiproxy_port, own.control_port):
                raise PortInUseError(
                    f"Port {port} of {self.names[0]} ({address}) is taken.",
                    f"Choose others: --port {spec.toxiproxy_port + 100}",
                )

    def server_address(self, spec: LabSpec) -> str:
        return f"{addresses.core_prefix(spec.subnet_index)}.2:8765"

    def link_listen_host(self, spec: LabSpec) -> str:
        return "[::]"

    def up(self, spec: LabSpec, services: Sequence[str]) -> None:
        compose, _ = self._resolved(spec)
        self._make_networks(spec, compose)
        in_parallel(self._ensure_agent, self._hosts)
        for service in services:
            self._raise_if_interrupted()
            self._create(spec, compose, service, service)
            try:
                self._hosts[0].start(service)
            except EngineError as error:
                if any(sign in error.sentence for sign in _TAKEN):
                    raise PortInUseError(
                        f"A port of the lab is taken on {self.names[0]}: {error.sentence}",
                        "Choose others: --port 18474",
                    ) from None
                raise

    def create_clients(self, spec: LabSpec, clients: int, also: Sequence[str] = ()) -> None:
        compose, settings = self._resolved(spec)
        for service in also:
            self._create(spec, compose, service, service)
        wanted = {client_name(index) for index in range(1, clients + 1)}
        for host in self._hosts:
            old = [
                one for one in host.containers()
                if one.service == CLIENT
                and (one.name not in wanted or self._settings_of(host, one) != settings)
            ]  # fmt: skip
            in_parallel(host.sdk.remove, old)
        have = {one.name for one in self.containers()}
        compose["services"][CLIENT]["labels"][SETTINGS] = settings
        in_parallel(lambda name: self._create(spec, compose, CLIENT, name), sorted(wanted - have))
        self.containers()

    def stop_all(self, grace_s: float, *, processes_only: bool = False) -> None:
        stop_in_order(self, grace_s)

    def fetch_journals(self, into: Path) -> list[str]:
        found = in_parallel(lambda one: self._host_of(one.name).fetch_journal(one, into), self.containers())
        lost = [f"nothing of {host}, which does not answer: {why}" for host, why in self._gone.items()]
        return [sentence for left_out in found for sentence in left_out] + lost

    def down(self) -> list[str]:
        # The overlay is the first host's to remove, once no container of any host is on it.
        left = [one for host in reversed(self._hosts) for one in self._down(host)]
        self._where = {name: host for name, host in self._where.items() if host.address in self._gone}
        return left

    def interrupt(self) -> None:
        self._interrupted = True

    def _down(self, host: HostContainers) -> list[str]:
        host.clock.close()
        try:
            in_parallel(host.sdk.remove, host.sdk.containers())
            left = host.sdk.remove_networks_and_volumes()
            return [f"{one.name} on {host.address}" for one in host.sdk.containers()] + left
        except EngineGoneError as error:
            self._gone[host.address] = error.sentence
            return []
        except EngineError:
            if self._gone:
                # The overlay stays while a host that does not answer may have a container on it.
                return []
            raise

    def _resolved(self, spec: LabSpec) -> tuple[dict[str, Any], str]:
        """Return compose.yaml for a lab, and the digest of everything that clients are created from."""
        variables = {**self._images.variables(), **compose_environment.variables(spec)}
        compose = resolved_compose(self._project, self._root, variables)
        digest = compose_environment.settings_digest(json.dumps(self._image_ids).encode(), variables)
        return compose, digest

    def _make_networks(self, spec: LabSpec, compose: Mapping[str, Any]) -> None:
        first, core = self._hosts[0].sdk, compose["networks"]["core"]
        mtu = {"com.docker.network.driver.mtu": str(self._overlay_mtu())}
        try:
            first.create_network(CONTROL, driver="bridge")
            first.create_network("core", core["ipam"]["config"][0]["subnet"], driver="bridge", internal=True,
                                 options=core["driver_opts"])  # fmt: skip
            first.create_network(LINKS, addresses.links_subnet(spec.subnet_index), driver="overlay",
                                 attachable=True, internal=True, options=mtu)  # fmt: skip
        except EngineError as error:
            if "overlap" in error.sentence.lower():
                raise SubnetInUseError(
                    f"The lab's network is taken: {error.sentence}", "Try again."
                ) from None
            raise
        for volume in compose.get("volumes") or {}:
            first.create_volume(volume)

    def _overlay_mtu(self) -> int:
        """Return the largest MTU that fits into the packets of every host. Raises UsageError."""

        def look(host: HostContainers) -> dict[str, Any]:
            facts = self._checked()[self._hosts.index(host)]
            body = host_agent.look_body(self._project, self._image_ids[CLIENT], facts.node_address)
            printed = host.sdk.output_of(f"{self._project}-look-1", body, LOOK_WITHIN_S)
            seen = dict(json.loads(printed))
            if (refused := host_checks.network_refusal(facts.name, seen)) is not None:
                raise UsageError(*refused)
            return seen

        return min(int(seen["mtu"]) for seen in in_parallel(look, self._hosts)) - VXLAN_BYTES

    def _ensure_agent(self, host: HostContainers) -> None:
        """Start what answers with the host's clock, unless it runs."""
        found = [one for one in host.sdk.containers() if one.name == AGENT]
        if not found:
            body = host_agent.agent_body(self._project, self._image_ids[CLIENT])
            host.sdk.create(service_bodies.container_name(self._project, AGENT), body)
        if not found or found[0].status != "running":
            host.sdk.start(AGENT)

    def _create(self, spec: LabSpec, compose: Mapping[str, Any], service: str, name: str) -> None:
        """Create one container on its host, unless it is there."""
        self._raise_if_interrupted()
        host = self._hosts[self.names.index(host_for(name, self.names, spec.placement))]
        if any(one.name == name for one in host.containers()):
            return
        number = client_number(name) if service == CLIENT else 1
        definition = compose["services"][service]
        if service == CLIENT:
            definition = {**definition, "environment": {**definition["environment"], INDEX: str(number)}}
        on_links = LINKS in (definition.get("networks") or {})
        fixed = {LINKS: links_address(spec.subnet_index, name)} if on_links else {}
        body = service_bodies.body(
            self._project, service, definition, self._image_ids[service], fixed, number
        )
        host.sdk.create(service_bodies.container_name(self._project, service, number), body)

    @staticmethod
    def _settings_of(host: HostContainers, one: Container) -> str:
        return str(host.sdk.inspect(one.name)["Config"]["Labels"].get(SETTINGS, ""))

    def _raise_if_interrupted(self) -> None:
        if self._interrupted:
            raise InterruptedCommandError("The start of the lab was stopped.")
