"""Reads the output of `docker compose config --format json` into a System. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from chaos.explain import nearest
from driver.errors import UsageError
from driver.systems.system import OUTSIDE, ServicePair, System, SystemService
from driver.typed_json import decode_json
from wire.errors import DECODE_ERRORS

TCP = "tcp"
PREFIX = "sl-"
"""Of each service that the generated file adds, and of each service's own network."""
LAB_PREFIX = "sl_"
"""Of the lab's own networks, which no service's own network can be called."""


class PublishedPort(msgspec.Struct, frozen=True):
    """One entry of a service's `ports`; `published` is "" where Docker chooses."""

    target: int
    published: str = ""
    host_ip: str = ""
    protocol: str = TCP
    mode: str = "ingress"


class Attachment(msgspec.Struct, frozen=True):
    """A service's entry for one network."""

    aliases: tuple[str, ...] = ()
    ipv4_address: str = ""
    ipv6_address: str = ""


class Mount(msgspec.Struct, frozen=True):
    """One entry of a service's `volumes`, by what it mounts."""

    source: str = ""


class Deployment(msgspec.Struct, frozen=True):
    replicas: int | None = None


class Dependency(msgspec.Struct, frozen=True):
    condition: str = "service_started"


class ComposeService(msgspec.Struct, frozen=True):
    """The keys of a service that decide about its doors; others keep their meaning without being read."""

    image: str = ""
    build: dict[str, Any] | None = None
    command: list[str] | None = None
    entrypoint: list[str] | None = None
    environment: dict[str, str | None] = {}
    expose: list[str] = []
    ports: list[PublishedPort] = []
    networks: dict[str, Attachment | None] = {}
    network_mode: str = ""
    links: list[str] = []
    external_links: list[str] = []
    extra_hosts: list[str] = []
    hostname: str = ""
    container_name: str = ""
    depends_on: dict[str, Dependency] = {}
    volumes: list[Mount] = []
    volumes_from: list[str] = []
    deploy: Deployment | None = None
    scale: int | None = None
    privileged: bool = False
    cap_add: list[str] = []

    @property
    def replicas(self) -> int:
        """How many containers Compose starts."""
        if self.scale is not None:
            return self.scale
        deployed = self.deploy.replicas if self.deploy else None
        return 1 if deployed is None else deployed


class Subnet(msgspec.Struct, frozen=True):
    subnet: str = ""


class AddressPools(msgspec.Struct, frozen=True):
    config: list[Subnet] | None = None


class ComposeNetwork(msgspec.Struct, frozen=True):
    """One of the user's networks."""

    name: str = ""
    driver: str = ""
    external: bool = False
    enable_ipv6: bool | None = None
    ipam: AddressPools = AddressPools()


class ComposeVolume(msgspec.Struct, frozen=True):
    """One of the user's named volumes."""

    name: str = ""
    external: bool = False


class ResolvedConfig(msgspec.Struct, frozen=True):
    """A Compose project after interpolation, merging, `extends`, `include` and profiles."""

    name: str
    services: dict[str, ComposeService]
    networks: dict[str, ComposeNetwork] = {}
    volumes: dict[str, ComposeVolume] = {}
    warnings: tuple[str, ...] = ()
    """What Compose said on its error stream while it read the files, each once."""


def parse(output: bytes, file: str) -> ResolvedConfig:
    """Return the resolved config in Compose's JSON. Raises UsageError, which names `file`."""
    try:
        config = decode_json(output, ResolvedConfig)
    except DECODE_ERRORS as error:
        raise UsageError(
            f"{file}: `docker compose config` printed something else than expected: {error}.",
            f"Look at it: docker compose -f {shlex.quote(file)} config --format json",
        ) from None
    if not config.services:
        raise UsageError(
            f"{file} has no service that starts.", "Are all of them in profiles? Add --profile NAME"
        )
    refuse_names_of_the_lab(config, file)
    return config


def refuse_names_of_the_lab(config: ResolvedConfig, file: str) -> None:
    """Raise UsageError for a service or network with a name that the lab gives to its own."""
    keys = [f"services.{name}" for name in config.services] + [f"networks.{name}" for name in config.networks]
    for key in keys:
        name = key.partition(".")[2]
        if name.startswith((PREFIX, LAB_PREFIX)):
            raise UsageError(
                f"{file}: {key} begins with {name[: len(PREFIX)]!r}, as the names of the lab do.",
                "Give it another name.",
            )
    if OUTSIDE in config.services:
        raise UsageError(
            f"{file}: services.{OUTSIDE} has the name of what connects to published ports.",
            "Give it another name.",
        )


def refuse_unknown_services(config: ResolvedConfig, option: str, names: Iterable[str]) -> None:
    """Raise UsageError for a service that `option` names and that is not in the file."""
    for name in sorted(set(names) - set(config.services)):
        raise UsageError(
            f"{option} {name}: there is no such service.", nearest(name, sorted(config.services))
        )


def system_of(config: ResolvedConfig, listening: Mapping[str, Collection[int]]) -> System:
    """Return the system: each service may be a client of every other one that shares a network with it.

    `listening` adds TCP ports that the file does not name, by service. Raises UsageError for a port that is
    no number.
    """
    services = tuple(
        SystemService(name, one.replicas, tcp_ports(name, one, listening.get(name, ())))
        for name, one in sorted(config.services.items())
    )
    return System(config.name, services, tuple(sorted(_pairs(config, services))))


def tcp_ports(name: str, service: ComposeService, also: Iterable[int] = ()) -> tuple[int, ...]:
    """Return the TCP ports that a service exposes, publishes, or that are in `also`, in order."""
    exposed = {number for number, protocol in exposed_ports(name, service) if protocol == TCP}
    published = {port.target for port in service.ports if port.protocol == TCP}
    return tuple(sorted({*exposed, *published, *also}))


def exposed_ports(name: str, service: ComposeService) -> Iterator[tuple[int, str]]:
    """Each port of `expose` with its protocol; ranges are unfolded. Raises UsageError."""
    for index, text in enumerate(service.expose):
        numbers, _, protocol = text.partition("/")
        first, _, last = numbers.partition("-")
        if not first.isdigit() or not (last or first).isdigit():
            raise UsageError(
                f"services.{name}.expose[{index}] takes a port or a range of ports; found {text!r}.",
                'Example: "8000" or "8000-8010"',
            )
        for number in range(int(first), int(last or first) + 1):
            yield number, protocol or TCP


def names_of(name: str, service: ComposeService, networks: Collection[str] | None = None) -> set[str]:
    """Return the names by which others find a service on `networks`; None: on any of its own."""
    ends = [
        end
        for network, end in service.networks.items()
        if end is not None and (networks is None or network in networks)
    ]
    own = {given for given in (service.container_name, service.hostname) if given}
    return {name, *own, *(alias for end in ends for alias in end.aliases)}


def texts_of(service: ComposeService) -> Iterator[tuple[str, str]]:
    """Each text that a service is started with, after its key."""
    for key, value in sorted(service.environment.items()):
        yield f"environment.{key}", value or ""
    for key, words in (("command", service.command), ("entrypoint", service.entrypoint)):
        for index, word in enumerate(words or ()):
            yield f"{key}[{index}]", word


def share_network(one: ComposeService, other: ComposeService) -> bool:
    """Whether two services are on the same network of the user's."""
    return bool(set(one.networks) & set(other.networks))


def _pairs(config: ResolvedConfig, services: Iterable[SystemService]) -> Iterator[ServicePair]:
    for server in services:
        written = config.services[server.name]
        if written.network_mode:
            continue
        for port in server.ports:
            for name, client in config.services.items():
                if name != server.name and share_network(client, written):
                    yield ServicePair(name, server.name, port)
        for port in sorted({one.target for one in written.ports if one.protocol == TCP}):
            yield ServicePair(OUTSIDE, server.name, port)
