"""A system that is up as a lab into which faults are injected by hand, and the plan of one such fault."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from chaos.anchor import AnchorEntry
from chaos.catalogue import FaultError, make
from chaos.fault import Layer
from chaos.system_targets import SystemTargets
from chaos.targets import TargetError
from driver.engines.engine import Say
from driver.errors import LabError
from driver.files import FileReadError, read_file, write_file
from driver.histories.history import DRIVER, History
from driver.histories.link_connections import incomplete_links, link_journals
from driver.histories.link_history import link_history
from driver.interrupts import to_completion
from driver.labs.injection_plan import DRAW, plan_anchor, plan_on_targets, refusal
from driver.labs.lab_prober import request_probe_rate
from driver.labs.toxiproxy_api import Link
from driver.scenarios.plan import PlannedFault
from driver.systems.compose_config import PREFIX
from driver.systems.prober_compose import PROBER
from driver.systems.running_system import RunningSystem, SystemControl
from driver.systems.system_file import MOST_BYTES
from driver.systems.system_links import SystemLinks
from driver.terminal import ProgressView, Terminal
from driver.typed_json import decode_json
from wire.errors import DECODE_ERRORS

ENDED_FILE = "ended.json"
"""File in a system's folder with the containers that faults by hand may have ended."""


@dataclass(frozen=True)
class SystemSite:
    """Implements `injection_site.InjectionSite`, whose contracts are those of its methods.

    `ensure_images` makes images of the lab that are missing; None where they were made before.
    """

    running: RunningSystem
    ensure_images: Callable[[Sequence[str], Say], object] | None = None

    @property
    def engine(self) -> SystemControl:
        return self.running.engine

    @property
    def links(self) -> SystemLinks:
        return self.running.links

    @property
    def journals(self) -> Sequence[Path]:
        return [self.running.journals]

    @property
    def driver_folder(self) -> Path:
        return self.running.journals / DRIVER

    @property
    def option(self) -> str:
        return f" --system {shlex.quote(self.running.compose_file)}"

    @property
    def client(self) -> str:
        return "client"

    def wanted(self) -> list[Link]:
        return self.links.wanted()

    def clients(self, history: History) -> History | None:
        """Return a history of links, by the doors' journals; None where no door has written one."""
        return link_history(history) if link_journals(history) else None

    def unknown_clients(self, history: History) -> Sequence[str]:
        return incomplete_links(history)

    def note_ended(self, containers: Collection[str]) -> None:
        """Add containers to those of earlier faults: another one that ends is ended by its own system."""
        found = sorted({*self._noted(), *containers})
        write_file(self.running.folder / ENDED_FILE, msgspec.json.encode(found))

    def ended_by_faults(self) -> Collection[str]:
        """Return the targets of faults that can end a container, and the lab's own containers."""
        own = (name for name in self.running.file.containers if name.startswith(PREFIX))
        return {*own, *self._noted()}

    def _noted(self) -> Collection[str]:
        path = self.running.folder / ENDED_FILE
        if not path.exists():
            return ()
        try:
            return decode_json(read_file(path, MOST_BYTES), list[str])
        except (FileReadError, *DECODE_ERRORS) as error:
            raise LabError(f"{path} cannot be read: {error}.", "Take the system down, then up.") from None

    async def ensure_prober(self, terminal: Terminal) -> bool:
        prober = self.running.prober
        if prober is None:
            return False
        observed = asyncio.to_thread(prober.observe, lambda: self._get_image(terminal))
        await to_completion(observed, on_cancel=prober.interrupt)
        return True

    def _get_image(self, terminal: Terminal) -> None:
        terminal.show(ProgressView("starting the prober, which observes faults"))
        if self.ensure_images is not None:
            self.ensure_images((PROBER,), terminal.info)

    async def follow_links(self) -> None:
        if self.running.prober is not None:
            await self.running.prober.keep_following()

    def request_probe_rate(self, planned: Sequence[PlannedFault], zero_ns: int) -> None:
        names = [link.name for link in self.wanted()]
        request_probe_rate(self.running.journals, planned, names, zero_ns)


def plan_system_injection(
    running: RunningSystem,
    fault: str,
    params: Mapping[str, Any],
    selection: str,
    for_s: float | None,
    seed: int,
    when: AnchorEntry | None = None,
) -> list[PlannedFault]:
    """Return the plan of one fault on a system: one entry for each of its segments.

    `for_s` and `when` are as in `injection_plan.plan_injection`; a `selection` of "" is every link, and no
    container. Raises UsageError as that does, and EngineError where the system's links cannot be read.
    """
    system = running.file.system
    services = {one.name: one.replicas for one in system.services}
    targets = SystemTargets(services, [link.name for link in running.links.wanted()], seed)
    try:
        made = make(fault, params)
        if made.layer is not Layer.container:
            hit = targets.links(selection or "all", DRAW)
        elif selection:
            hit = targets.containers(selection, DRAW)
        else:
            raise TargetError(f"expected containers, like {next(iter(services))}; found none")
        anchor = plan_anchor(made, when, hit, targets.links)
    except (FaultError, TargetError) as error:
        raise refusal(fault, error) from None
    return plan_on_targets(made, hit, for_s, seed, anchor)
