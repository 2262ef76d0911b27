"""The scenario of test_every_fault.py: every_fault.yaml, and the other faults of the catalogue; its plans and
its runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from chaos.catalogue import FAULTS
from chaos.fault import Fault
from driver.engines.engine import HOST, Engine
from driver.engines.engine_kind import EngineKind
from driver.histories.events import Receipt
from driver.labs.fault_lab import FaultLab
from driver.labs.lab_actuator import LabActuator
from driver.labs.lease_renewer import LeaseRenewer
from driver.reference.run_subject import ReferenceSubject
from driver.runs.run import run
from driver.runs.run_request import RunRequest
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import ScenarioFile, load_scenario, resolved_yaml
from driver.terminal import Terminal
from tests.ports import reserved_pair

FILE = Path(__file__).with_name("every_fault.yaml")
SEED = 7
WORKERS = 27
"""The workers of the file; the last two are spared. Each further fault has a worker of its own."""


def scenario_text(kinds: Iterable[type[Fault]], without: Collection[str] = ()) -> str:
    """Return the scenario's text, without some faults. One that the file does not name has the parameters of
    its example.
    """
    lines = FILE.read_text().splitlines(keepends=True)
    text = "".join(line for line in lines if not any(f"fault: {name}," in line for name in without))
    further = [kind for kind in kinds if not is_in_file(kind.name) and kind.name not in without]
    assert f"\nworkers: {WORKERS}\n" in text
    entries = [_entry(kind, WORKERS + 1 + place) for place, kind in enumerate(further)]
    return text.replace(f"\nworkers: {WORKERS}\n", f"\nworkers: {WORKERS + len(further)}\n") + "".join(
        entries
    )


def loaded(without: Collection[str] = ()) -> ScenarioFile:
    """Return the scenario with every fault of the catalogue but some."""
    with TemporaryDirectory() as folder:
        file = Path(folder, FILE.name)
        file.write_text(scenario_text(FAULTS.values(), without))
        return load_scenario(file)


def lacking(kind: EngineKind) -> list[str]:
    """Return the faults that need what an engine lacks here."""
    lacks = kind.abilities().lacks
    return [name for name, fault in FAULTS.items() if any(ability in lacks for ability in fault.needs)]


def run_plan(
    engine: Engine,
    scenario: ScenarioFile,
    results: Path,
    make_actuator: Callable[[FaultLab, LeaseRenewer], LabActuator] = LabActuator,
) -> dict[str, Receipt]:
    """Run the scenario on a lab of its own; the receipt of each fault."""
    plan = resolve(scenario, SEED)
    request = RunRequest(plan, resolved_yaml(scenario), results, make_actuator=make_actuator)

    async def whole_run() -> None:
        with Terminal() as terminal:
            port = reserved_pair(HOST)
            await run(request, ReferenceSubject(plan, engine, terminal, port=port), terminal)

    asyncio.run(whole_run())
    decoder = msgspec.json.Decoder(Receipt)
    lines = (results / "latest" / "journals" / "driver.jsonl").read_bytes().splitlines()
    receipts = [decoder.decode(line) for line in lines if b'"event":"receipt"' in line]
    return {receipt.fault: receipt for receipt in receipts}


def is_in_file(fault: str) -> bool:
    """Return whether the file names the fault."""
    return f"fault: {fault}," in FILE.read_text()


def _entry(kind: type[Fault], worker: int) -> str:
    parts = [f"id: {kind.name}", f"fault: {kind.name}", f"targets: {worker}", "at: 10s", kind.example]
    return f"  - {{{', '.join([part for part in parts if part] + ['for: 12s'] * kind.lasting)}}}\n"
