"""Engine on processes of this machine: a client of the lab's supervisor, which holds them."""

from __future__ import annotations

import platform
import threading
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from chaos.targets import CLIENT
from driver.engines import images
from driver.engines.engine import (
    CORE,
    MONITORS,
    STOP_ORDER,
    LabSpec,
    Say,
)
from driver.engines.process import lab_addresses
from driver.engines.process.lab_addresses import API_PORT, CONTROL_PORT, SERVER_PORT, LabAddresses
from driver.engines.process.lab_folder import STORES, make_private_folder
from driver.engines.process.lab_services import (
    MODULES,
    TOXIPROXY_PROGRAM,
    USER,
    ProcessPlace,
    client_names,
    process_specs,
)
from driver.engines.process.namespaces import is_privileged, refusal
from driver.engines.process.process_containers import ProcessContainers
from driver.engines.process.requests import SupervisorPlace
from driver.engines.process.toxiproxy_binary import binary_path, ensure_binary
from driver.errors import (
    EngineError,
    EngineGoneError,
    InterruptedCommandError,
    LabError,
    PortInUseError,
)
from driver.host_ports import is_free, port_holder
from driver.typed_json import decode_json

AT_ONCE = 64
"""Clients that are stopped by one call."""
SURPLUS_GRACE_S = 12.0
"""A client that is removed may take so long to end its work."""


class LabDescription(msgspec.Struct, frozen=True, kw_only=True):
    """What a supervisor keeps of its lab for the next command."""

    place: SupervisorPlace
    key: str
    control_token: str
    host: str
    toxiproxy_port: int
    control_port: int
    # The names of a lab that an earlier version started.
    server_json: str = msgspec.field(name="coordinator_json")
    client_json: str = msgspec.field(name="worker_json")
    subnet_index: int
    journals: str


class ProcessEngine(ProcessContainers):
    """Implements `engine.Engine` for one project with the code in `root`. Contracts and errors are those of
    `Engine`.

    `isolated`: in namespaces of the lab's own; else on addresses of the loopback network.
    """

    def __init__(self, project: str, root: Path, isolated: bool) -> None:
        super().__init__(project, isolated)
        self._root = root
        self._stop = threading.Event()

    def holds_lab(self) -> bool:
        """Return whether a supervisor of this kind holds the lab. Raises nothing."""
        try:
            found = self._description()
        except EngineError:
            return False
        if found is None:
            # A start that was killed early: either kind can take it down.
            return self._isolated and self._supervisor.is_there()
        return found.place.isolated == self._isolated

    def versions(self) -> dict[str, str]:
        return {"engine": self.abilities.engine, "kernel": platform.release()}

    def own_listing(self) -> str:
        return ""

    # -- starting and stopping -----------------------------------------------------------------------------

    def ensure_images(self, services: Sequence[str], say: Say) -> dict[str, str]:
        self._stop.clear()
        if self._isolated and (why := refusal()):
            raise EngineError(
                f"The engine {self.abilities.engine} can start no lab here. {why}",
                "Or, without isolation and unplug: --engine plain",
            )
        ensure_binary(self._root, say, self._stop.is_set)
        return {name: image for name, image in self._images().items() if name in services}

    def existing_spec(self) -> LabSpec | None:
        found = self._description()
        if found is None or not {*CORE} <= {row.name for row in self._rows()}:
            return None
        return LabSpec(
            key=found.key, control_token=found.control_token, host=found.host,
            toxiproxy_port=found.toxiproxy_port, control_port=found.control_port,
            server_json=found.server_json, client_json=found.client_json,
            subnet_index=found.subnet_index, journals=Path(found.journals),
        )  # fmt: skip

    def reserve_addresses(self, spec: LabSpec) -> LabSpec:
        own = self._description()
        mine = (own.toxiproxy_port, own.control_port) if own else ()
        for port in (spec.toxiproxy_port, spec.control_port):
            if port not in mine and not is_free(spec.host, port):
                raise PortInUseError(
                    f"Port {port} on {spec.host} is taken by {port_holder(port)}.",
                    "Stop that one, or choose others: --port 18474",
                )
        if self._isolated:
            return replace(spec, subnet_index=0)
        if own is not None:
            return replace(spec, subnet_index=own.subnet_index)
        first = zlib.crc32(self._project.encode()) % lab_addresses.LOOPBACK_LABS
        return replace(spec, subnet_index=lab_addresses.free_loopback(first))

    def up(self, spec: LabSpec, services: Sequence[str]) -> None:
        self._stop.clear()
        if asked := [one for one in services if one in MONITORS]:
            raise EngineError(
                f"{' and '.join(asked)} are containers, which the engine {self.abilities.engine} has not.",
                "Start the lab with --engine compose.",
            )
        place = self._place(spec)
        known = self._description()
        if known is not None and known.place != place:
            self.down()
            known = None
        if known is None:
            self._supervisor.start(place, self._stop.is_set)
        self._describe(spec, place)
        self._create(spec, services)
        self._supervisor.call("start", names=list(services))

    def create_clients(self, spec: LabSpec, clients: int, also: Sequence[str] = ()) -> None:
        self._stop.clear()
        wanted = client_names(clients)
        surplus = [row.name for row in self._rows() if row.service == CLIENT and row.name not in wanted]
        for first in range(0, len(surplus), AT_ONCE):
            # A call has its time: hundreds that use up their grace would outlast it.
            part = surplus[first : first + AT_ONCE]
            self._supervisor.call("stop_all", names=part, grace_s=SURPLUS_GRACE_S)
        self._supervisor.call("remove", names=surplus)
        self._describe(spec, self._place(spec))
        self._create(spec, [*wanted, *also])
        if self._stop.is_set():
            raise InterruptedCommandError("Stopped while clients were created.")

    def start_created(self) -> None:
        names = [row.name for row in self._rows() if row.status in ("created", "exited")]
        self._supervisor.call("start", names=names)

    def server_address(self, spec: LabSpec) -> str:
        return f"{self._addresses(spec).server}:{SERVER_PORT}"

    def link_listen_host(self, spec: LabSpec) -> str:
        return self._addresses(spec).link_listen

    def stop_all(self, grace_s: float, *, processes_only: bool = False) -> None:
        if self._supervisor.is_there():
            for group in STOP_ORDER:
                names = [row.name for row in self._rows() if row.service in group]
                self._supervisor.call("stop_all", names=names, grace_s=grace_s)

    def down(self) -> list[str]:
        return self._supervisor.end()

    def interrupt(self) -> None:
        self._stop.set()

    def fetch_journals(self, into: Path) -> list[str]:
        # They are in folders of this machine.
        return []

    # -- the lab's supervisor ------------------------------------------------------------------------------

    def _create(self, spec: LabSpec, names: Sequence[str]) -> None:
        place = ProcessPlace(
            addresses=self._addresses(spec),
            isolated=self._isolated,
            as_user=self._isolated and is_privileged(),
            stores=self._supervisor.folder / STORES,
            journals=_journals(spec),
            toxiproxy=binary_path(self._root),
            images=self._images(),
        )
        for name in names:
            for folder in (place.stores / name, place.journals / name):
                make_private_folder(folder, USER if place.as_user else None)
        specs = process_specs(spec, place, names)
        self._supervisor.call("create", specs=specs)

    def _images(self) -> dict[str, str]:
        return {one.service: f"process:{images.digest(one, self._root)}" for one in images.CATALOGUE}

    def _addresses(self, spec: LabSpec) -> LabAddresses:
        return lab_addresses.ISOLATED if self._isolated else lab_addresses.loopback(spec.subnet_index)

    def _place(self, spec: LabSpec) -> SupervisorPlace:
        """Return what a supervisor for this specification is started with: another one needs a new
        supervisor.
        """
        where = self._addresses(spec)
        return SupervisorPlace(
            project=self._project,
            folder=str(self._supervisor.folder),
            checkout=str(self._root),
            code=self._images(),
            modules=tuple(MODULES.values()),
            published=(
                (spec.host, spec.toxiproxy_port, where.toxiproxy_api, API_PORT),
                (spec.host, spec.control_port, where.server_control, CONTROL_PORT),
            ),
            programs={TOXIPROXY_PROGRAM: str(binary_path(self._root))},
            hosts={"toxiproxy": where.toxiproxy_links},
            isolated=self._isolated,
            claim=where.claim,
        )

    def _description(self) -> LabDescription | None:
        try:
            text: str = self._supervisor.call("description", str)
        except EngineGoneError:
            return None
        return decode_json(text, LabDescription) if text else None

    def _describe(self, spec: LabSpec, place: SupervisorPlace) -> None:
        description = LabDescription(
            place=place, key=spec.key, control_token=spec.control_token, host=spec.host,
            toxiproxy_port=spec.toxiproxy_port, control_port=spec.control_port,
            server_json=spec.server_json, client_json=spec.client_json,
            subnet_index=spec.subnet_index, journals=str(_journals(spec)),
        )  # fmt: skip
        self._supervisor.call("describe", text=msgspec.json.encode(description).decode())


def _journals(spec: LabSpec) -> Path:
    if spec.journals is None:
        raise LabError("A lab of processes keeps its journals in a folder of this machine; none was given.")
    return spec.journals


def holds(project: str, isolated: bool) -> bool:
    """Return whether a supervisor holds a lab of that name, in namespaces or not. Raises nothing."""
    engine = ProcessEngine(project, Path(), isolated)
    return engine.holds_lab()
