"""Faults reach Toxiproxy and the engine through the actuator, and their errors and counters come back."""

from __future__ import annotations

import pytest

from chaos.actuator import ActuatorError, Injection, LinkAction, LinkEffect, Toxic
from chaos.directions import Direction
from driver.labs.lab import Lab
from driver.labs.lab_actuator import LabActuator, fault_body
from driver.labs.lease_renewer import LeaseRenewer
from tests.driver.fakes import SPEC, FakeEngine, FakeLinks

INJECTION = Injection("f1", ("worker-1",), seed=7, lease_ms=8_000, begin_at_ns=123)


class Rig:
    """An actuator on a lab in memory."""

    def __init__(self) -> None:
        self.engine = FakeEngine({"worker-1": "running", "toxiproxy": "running"})
        self.links = FakeLinks({"worker-1": []})
        self.renewer = LeaseRenewer(self.links, [], lambda *_: None)
        self.actuator = LabActuator(Lab(self.engine, SPEC, self.links), self.renewer)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_an_injection_becomes_a_request_body_of_toxiproxy() -> None:
    effect = LinkEffect((Toxic("delay", Direction.to_worker, {"mean_ms": 5.0}),), LinkAction.none)
    assert fault_body(INJECTION, effect) == {
        "id": "f1",
        "links": ["worker-1"],
        "lease_ms": 8_000,
        "seed": 7,
        "action": "none",
        "toxics": [{"type": "delay", "stream": "downstream", "attributes": {"mean_ms": 5.0}}],
        "begin_at_mono_ns": 123,
    }


async def test_the_lease_of_an_injection_is_renewed_until_it_is_healed(rig: Rig) -> None:
    assert await rig.actuator.inject_links(INJECTION, LinkEffect(action=LinkAction.refuse)) == {
        "worker-1": 1_000
    }
    assert rig.renewer._leases == {"f1": 8_000}
    assert await rig.actuator.heal_links("f1") == {"worker-1": 2_000}
    assert rig.renewer._leases == {}


async def test_counters_of_all_toxics_of_a_link_are_summed(rig: Rig) -> None:
    await rig.actuator.heal_links("f1")
    ended = rig.actuator.counters("f1")
    assert ended.counters == {"worker-1": {"delayed_chunks": 3}}
    assert ended.connections_hit == {"worker-1": 3}
    assert rig.actuator.counters("another").counters == {}


async def test_a_refusal_of_toxiproxy_is_an_actuator_error(rig: Rig) -> None:
    rig.links.silent = True
    with pytest.raises(ActuatorError, match="does not answer"):
        await rig.actuator.inject_links(INJECTION, LinkEffect(action=LinkAction.cut))


async def test_a_refusal_of_the_engine_is_an_actuator_error(rig: Rig) -> None:
    rig.engine.refuses = {"pause"}
    with pytest.raises(ActuatorError, match="pause worker-1 was refused"):
        await rig.actuator.pause("worker-1")


async def test_toxiproxy_gets_its_links_back_after_its_own_fault(rig: Rig) -> None:
    await rig.actuator.kill("toxiproxy")
    assert rig.renewer._outage_expected
    await rig.actuator.start("toxiproxy")
    assert not rig.renewer._outage_expected
    assert "put 0" in rig.links.asked
