"""Every fault on real containers: its receipt shows what its row promises; one that does nothing has none."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest

from chaos.actuator import Injection, LinkEffect, Times
from chaos.catalogue import FAULTS
from driver.cli.options import engine_of
from driver.engines.addresses import free_port_pair
from driver.histories.events import Receipt
from driver.labs.fault_lab import FaultLab
from driver.labs.lab_actuator import LabActuator
from driver.labs.lease_renewer import LeaseRenewer
from driver.reference.run_subject import ReferenceSubject
from driver.runs.run import run
from driver.runs.run_request import RunRequest
from driver.scenarios.plan import Plan, PlannedFault
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import load_scenario, resolved_yaml
from driver.terminal import Terminal
from tests.integration.every_fault import FILE, is_in_file, scenario_text

with TemporaryDirectory() as _folder:
    _file = Path(_folder, FILE.name)
    _file.write_text(scenario_text(FAULTS.values()))
    LOADED = load_scenario(_file)
PLAN = resolve(LOADED, seed=7)
WORDS = {
    "latency": "longer",
    "bandwidth": "B/s went through",
    "fragment": "piece by piece",
    "stall": "every held byte arrived in order afterwards",
    "partition": "every held byte arrived in order afterwards",
    "blackhole": "what was sent never came",
    "cut": "FIN on the standing connection; new ones worked",
    "refuse": "FIN on the standing connection; new ones refused",
    "block_new_only": "the standing one stayed",
    "one_sided_close": "'s stayed open and silent; new connections worked",
    "reset": "RST on the standing connection; new ones worked",
    "truncate": "connections were truncated",
    "corrupt": "echoed bytes were damaged",
    "duplicate": "came back twice",
    "drop": "never came back",
    "fail_first": "connections failed",
    "reject": "got status 503",
    "hang": "accepted and not answered",
    "pause": "wrote nothing all the while",
    "kill": "without a goodbye",
    "stop": "stopped in order",
    "restart": "a new life",
    "unplug": "off the network, and the other side noticed",
    "cpu": "a quota of 0.1 cores",
    "memory": "a ceiling of",
}
"""What a kind's receipt says when it was seen."""


def words_of(fault: str) -> str:
    """Return the words of a kind; "" for one that only scenario_text adds."""
    return WORDS[fault] if is_in_file(fault) else ""


class IdleActuator(LabActuator):
    """Reports that it injected each fault, and does nothing."""

    async def inject_links(self, injection: Injection, effect: LinkEffect) -> Times:
        return dict.fromkeys(injection.targets, time.monotonic_ns())

    async def heal_links(self, fault_id: str) -> Times:
        return {}

    async def _call_engine(self, container: str, call: Callable[[str], object]) -> int:
        return time.monotonic_ns()


def run_plan(
    plan: Plan, results: Path, project: str, make_actuator: Callable[[FaultLab, LeaseRenewer], LabActuator]
) -> dict[str, Receipt]:
    """Run a plan on a lab of its own; the receipt of each fault."""
    request = RunRequest(plan, resolved_yaml(LOADED), results, make_actuator=make_actuator)

    async def whole_run() -> None:
        with Terminal() as terminal:
            engine, port = engine_of(project), free_port_pair("127.0.0.1")
            await run(request, ReferenceSubject(plan, engine, terminal, port=port), terminal)

    asyncio.run(whole_run())
    decoder = msgspec.json.Decoder(Receipt)
    lines = (results / "latest" / "journals" / "driver.jsonl").read_bytes().splitlines()
    receipts = [decoder.decode(line) for line in lines if b'"event":"receipt"' in line]
    return {receipt.fault: receipt for receipt in receipts}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Receipt]:
    return run_plan(PLAN, tmp_path_factory.mktemp("real"), f"every-fault-{os.getpid()}", LabActuator)


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Receipt]:
    return run_plan(PLAN, tmp_path_factory.mktemp("idle"), f"idle-faults-{os.getpid()}", IdleActuator)


def test_the_plan_holds_every_fault_of_the_catalogue() -> None:
    planned = {fault.fault for fault in PLAN.faults} | {fault.entry for fault in PLAN.faults}
    assert planned >= FAULTS.keys()


@pytest.mark.parametrize("fault", PLAN.faults, ids=lambda fault: fault.id)
def test_a_fault_is_proved_with_what_both_ends_saw(fault: PlannedFault, real: dict[str, Receipt]) -> None:
    receipt = real[fault.id]
    assert receipt.proved, receipt.because
    assert words_of(fault.fault) in receipt.because
    assert receipt.hit == list(fault.targets)


@pytest.mark.parametrize(
    "fault",
    [fault for fault in PLAN.faults if fault.targets[0].startswith("worker")],
    ids=lambda fault: fault.id,
)
def test_a_fault_of_a_link_names_the_links_that_it_spared(
    fault: PlannedFault, real: dict[str, Receipt]
) -> None:
    receipt = real[fault.id]
    assert receipt.strayed == []
    if fault.build().layer != "container":
        assert {"worker-26", "worker-27"} <= set(receipt.spared)


@pytest.mark.parametrize("fault", PLAN.faults, ids=lambda fault: fault.id)
def test_a_fault_that_does_nothing_gets_no_receipt(fault: PlannedFault, idle: dict[str, Receipt]) -> None:
    assert not idle[fault.id].proved
    assert idle[fault.id].because
