"""Engine on Docker Compose: Compose creates and starts services, the Docker API does the rest."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from chaos.targets import CLIENT, SERVER, TOXIPROXY, client_name
from driver.engines import addresses, compose_environment, docker_answers
from driver.engines.compose_clients import ComposeClients, in_parallel, make_journal_folder
from driver.engines.compose_command import ComposeCommand, client_environment
from driver.engines.compose_environment import CLIENT_SETTINGS
from driver.engines.compose_images import ComposeImages
from driver.engines.docker_answers import NetworkAttachment
from driver.engines.docker_sdk import DockerSdk
from driver.engines.engine import CORE, MONITORS, PROBER, BuildEnvironment, LabSpec, Say
from driver.engines.labelled_containers import LabelledContainers, end_in_order, stop_in_order
from driver.errors import PortInUseError
from driver.host_ports import is_free, port_holder

UP_TIMEOUT_S = 300.0
_FIRST = {"STORMLAB_WORKER_INDEX": "1"}


class ComposeEngine(LabelledContainers):
    """Implements `Engine` for one project with the compose.yaml in `root`.

    `prepare` returns the variables of an image build. Contracts and errors are those of `Engine`.
    """

    def __init__(self, project: str, root: Path, prepare: BuildEnvironment) -> None:
        super().__init__(DockerSdk(project), project)
        self._compose_file = root / "compose.yaml"
        self._command = ComposeCommand(project, root, client_environment())
        self._images = ComposeImages(root, self._command, self._sdk, prepare)

    def versions(self) -> dict[str, str]:
        answer = self._sdk.version()
        return {
            "docker": answer["Version"],
            "docker_api": answer["ApiVersion"],
            "kernel": answer["KernelVersion"],
        }

    def own_listing(self) -> str:
        return f"docker compose -p {self._project} ps"

    # -- starting and stopping -----------------------------------------------------------------------------

    def ensure_images(self, services: Sequence[str], say: Say) -> dict[str, str]:
        return self._images.ensure(services, say)

    def existing_spec(self) -> LabSpec | None:
        names = [one.name for one in self.containers()]
        if not all(name in names for name in CORE):
            return None
        client = next((name for name in names if name.startswith(CLIENT)), None)
        return compose_environment.lab_spec(
            self._sdk.inspect(SERVER),
            self._sdk.inspect(TOXIPROXY),
            self._sdk.inspect(client) if client else None,
        )

    def reserve_addresses(self, spec: LabSpec) -> LabSpec:
        ports = (spec.toxiproxy_port, spec.control_port)
        taken = [port for port in ports if self.is_local and not is_free(spec.host, port)]
        own = self.existing_spec() if taken else None
        for port in taken:
            if own is None or port not in (own.toxiproxy_port, own.control_port):
                raise PortInUseError(
                    f"Port {port} on {spec.host} is taken by {port_holder(port)}.",
                    f"Stop that one, or choose others: --port {addresses.free_port_pair(spec.host)}",
                )
        given = docker_answers.subnets(self._sdk.all_networks())
        # Labs that start at the same moment begin at different indexes.
        first = zlib.crc32(self._project.encode()) % addresses.SUBNETS
        return replace(spec, subnet_index=addresses.free_subnet([*given, *addresses.host_routes()], first))

    def up(self, spec: LabSpec, services: Sequence[str]) -> None:
        self._compose(spec, *_profiles(services), "up", "-d", "--no-build", "--no-deps", *services)

    def create_clients(self, spec: LabSpec, clients: int, also: Sequence[str] = ()) -> None:
        # One call of Compose for all that it creates: each takes as long as to create three containers.
        left = [*also]

        def create_first() -> None:
            self._create(spec, *also, CLIENT, "--scale", f"{CLIENT}=1", more=_FIRST)
            left.clear()

        settings = self._variables(spec)[CLIENT_SETTINGS]
        ComposeClients(self._sdk, create_first, settings).create(clients, spec.journals)
        if left:
            self._create(spec, *left)

    def server_address(self, spec: LabSpec) -> str:
        return f"{addresses.core_prefix(spec.subnet_index)}.2:8765"

    def link_listen_host(self, spec: LabSpec) -> str:
        return "[::]"

    def stop_all(self, grace_s: float, *, processes_only: bool = False) -> None:
        if processes_only and self.is_local:
            end_in_order(self, grace_s)
        else:
            stop_in_order(self, grace_s)

    def down(self) -> list[str]:
        in_parallel(self._sdk.remove, self.containers())
        left = self._sdk.remove_networks_and_volumes()
        return [one.name for one in self.containers()] + left

    def interrupt(self) -> None:
        self._command.interrupt()

    def _create(self, spec: LabSpec, *services_and_words: str, more: Mapping[str, str] | None = None) -> None:
        words = [*_profiles(services_and_words), "up", "--no-start", "--no-build", "--no-deps"]
        self._compose(spec, *words, *services_and_words, more=more)

    def _compose(self, spec: LabSpec, *words: str, more: Mapping[str, str] | None = None) -> None:
        """Run Compose with the variables of `spec`, and with `more` that no digest of settings has."""
        if spec.journals is not None:
            for process in (SERVER, PROBER, client_name(1)):
                make_journal_folder(spec.journals, process)
        variables = {**self._variables(spec), **(more or {})}
        self._command(*words, environment=variables, timeout_s=UP_TIMEOUT_S)

    def _variables(self, spec: LabSpec) -> dict[str, str]:
        environment = {**self._images.variables(), **compose_environment.variables(spec)}
        digest = compose_environment.settings_digest(self._compose_file.read_bytes(), environment)
        return {**environment, CLIENT_SETTINGS: digest}

    # -- reading -------------------------------------------------------------------------------------------

    def fetch_journals(self, into: Path) -> list[str]:
        return [other for one in self.containers() for other in self.fetch_journal(one, into)]

    # -- faults -------------------------------------------------------------------------------------------

    def _due_attachments(self, name: str) -> list[NetworkAttachment]:
        """Return the connections of compose.yaml, for a container that another process unplugged."""
        core = self._sdk.network("core")
        return docker_answers.due_attachments(self._sdk.inspect(name), core, self._project)


def _profiles(services: Sequence[str]) -> list[str]:
    """Return Compose's options that enable the optional services in `services`."""
    asked = [*([PROBER] if PROBER in services else []), *(["prometheus"] if MONITORS[0] in services else [])]
    return [word for profile in asked for word in ("--profile", profile)]
