"""Faults reach Toxiproxy and the engine through the actuator, and their errors and counters come back."""

from __future__ import annotations

import pytest

from chaos.actuator import ActuatorError, AnchorMissedError, Injection, LinkAction, LinkEffect, Toxic
from chaos.anchor import Anchor, AnchorPoint
from chaos.directions import Direction
from driver.labs.lab_actuator import LabActuator, anchor_body, fault_body
from driver.labs.lease_renewer import LeaseRenewer
from driver.reference.labs.lab import Lab
from tests.driver.fakes import SPEC, FakeEngine, FakeLinks
from tests.waiting import eventually

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
    effect = LinkEffect((Toxic("delay", Direction.to_client, {"mean_ms": 5.0}),), LinkAction.none)
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


ANCHORED = Injection(
    "f1", ("worker-1",), anchor=Anchor(("worker-1",), AnchorPoint(frame=3, connection=2)), within_s=0.2
)


@pytest.mark.parametrize(
    ("point", "body"),
    [
        (AnchorPoint(bytes=1200), {"bytes": 1200, "stream": "upstream"}),
        (
            AnchorPoint(frame=3, direction=Direction.to_client, before=True),
            {"frame": 3, "stream": "downstream", "before": True},
        ),
        (
            AnchorPoint(pattern="COMMIT", occurrence=2, connection=4),
            {"pattern": "COMMIT", "occurrence": 2, "stream": "upstream", "connection": 4},
        ),
        (AnchorPoint(response=1, before=True), {"response": 1, "before": True}),
        (AnchorPoint(connection=2), {"connection": 2}),
    ],
)
def test_an_anchor_becomes_a_part_of_the_request_body(point: AnchorPoint, body: dict[str, object]) -> None:
    assert anchor_body(Anchor(("api->db:5432",), point)) == {"links": ["api->db:5432"], **body}


def test_the_prober_does_not_count_on_the_links_of_workers() -> None:
    assert anchor_body(Anchor(("worker-1",), AnchorPoint(frame=3)))["skip"] == [
        "GET /probe/",
        "GET /v1/probe",
    ]


async def test_a_fault_with_an_anchor_begins_once_it_was_reached(rig: Rig) -> None:
    rig.links.misses = 2
    times = await rig.actuator.inject_links(ANCHORED, LinkEffect(action=LinkAction.reset))
    assert times == {"worker-1": 1_600}
    assert rig.links.asked == ["begin f1", "wait f1", "wait f1", "wait f1"]
    strike = rig.actuator.strike("f1")
    assert strike is not None
    assert strike.text == "after 40 bytes (frame 3) to_coordinator of connection 2 on worker-1"
    assert rig.actuator.strike("f1") is None


async def test_a_fault_whose_anchor_does_not_come_is_disarmed(rig: Rig) -> None:
    rig.links.misses = 1_000_000
    with pytest.raises(AnchorMissedError, match=r"frame 3 .* on worker-1\) did not come within 200ms"):
        await rig.actuator.inject_links(ANCHORED, LinkEffect(action=LinkAction.reset))
    assert rig.links.asked[-1] == "end f1"
    assert rig.renewer._leases == {}


async def test_an_anchor_that_is_reached_for_the_driver_begins_nothing(rig: Rig) -> None:
    strike = await rig.actuator.reach(ANCHORED)
    assert not strike.by_door
    await eventually(lambda: len(rig.links.asked) == 3, "the anchor is disarmed")
    assert rig.links.asked == ["begin f1-anchor", "wait f1-anchor", "end f1-anchor"]
    assert rig.renewer._leases == {}
