"""Every fault on every engine: its receipt shows what its row promises; one that does nothing has none."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from chaos.actuator import Injection, LinkEffect, Times
from chaos.catalogue import FAULTS
from driver.engines.catalogue import default_kind
from driver.engines.engine_kind import EngineKind
from driver.histories.events import Receipt
from driver.labs.lab_actuator import LabActuator
from driver.scenarios.plan import PlannedFault
from driver.scenarios.resolve import resolve
from tests.conformance import engines
from tests.conformance.every_fault import SEED, is_in_file, lacking, loaded, run_plan
from tests.conformance.harness import engine_for

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


PLAN = resolve(loaded(), SEED)
OF_LINKS = [fault for fault in PLAN.faults if fault.targets[0].startswith("worker")]


def marked(faults: list[PlannedFault]) -> list[object]:
    """The faults as parameters; each proves what it needs of an engine."""
    return [
        pytest.param(
            fault, id=fault.id, marks=[pytest.mark.proves(*needs)] if (needs := fault.build().needs) else []
        )
        for fault in faults
    ]


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


@pytest.fixture(scope="session")
def real(kind: EngineKind, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Receipt]:
    """The receipts of one run of all faults that the engine is able to."""
    scenario = loaded(lacking(kind))
    return run_plan(engine_for(kind, "faults"), scenario, tmp_path_factory.mktemp(f"real-{kind.name}"))


@pytest.fixture(scope="session")
def idle(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Receipt]:
    """The receipts of a run whose faults do nothing: what they say is the same on every engine."""
    kind = default_kind(engines.running())
    scenario = loaded(lacking(kind))
    return run_plan(engine_for(kind, "idle"), scenario, tmp_path_factory.mktemp("idle"), IdleActuator)


def test_the_plan_holds_every_fault_of_the_catalogue() -> None:
    planned = {fault.fault for fault in PLAN.faults} | {fault.entry for fault in PLAN.faults}
    assert planned >= FAULTS.keys()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("fault", marked(list(PLAN.faults)))
def test_a_fault_is_proved_with_what_both_ends_saw(
    kind: EngineKind, fault: PlannedFault, real: dict[str, Receipt]
) -> None:
    receipt = real[fault.id]
    assert receipt.proved, receipt.because
    assert words_of(fault.fault) in receipt.because
    assert receipt.hit == list(fault.targets)
    needs = fault.build().needs
    assert receipt.mechanism == (kind.abilities().by[needs[0]] if needs else "")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("fault", marked(OF_LINKS))
def test_a_fault_of_a_link_names_the_links_that_it_spared(
    fault: PlannedFault, real: dict[str, Receipt]
) -> None:
    receipt = real[fault.id]
    assert receipt.strayed == []
    if fault.build().layer != "container":
        assert {"worker-26", "worker-27"} <= set(receipt.spared)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("fault", PLAN.faults, ids=lambda fault: fault.id)
def test_a_fault_that_does_nothing_gets_no_receipt(fault: PlannedFault, idle: dict[str, Receipt]) -> None:
    if fault.fault in lacking(default_kind(engines.running())):
        return
    assert not idle[fault.id].proved
    assert idle[fault.id].because
