"""The driver's hands: what reaches Toxiproxy and the engine, and what comes back."""

from __future__ import annotations

import pytest

from chaos.actuator import ActuatorError, Injection, LinkAction, LinkEffect, Toxic
from chaos.directions import Direction
from driver.labs.guardian import Guardian
from driver.labs.hands import LabHands, _body
from driver.labs.lab import Lab
from tests.driver.fakes import SPEC, FakeEngine, FakeLinks

STRIKE = Injection("f1", ("worker-1",), seed=7, lease_ms=8_000, begin_at_ns=123)


class Hurt:
    """Hands on a lab in memory, with all that they touch."""

    def __init__(self) -> None:
        self.engine = FakeEngine({"worker-1": "running", "toxiproxy": "running"})
        self.links = FakeLinks({"worker-1": []})
        self.guardian = Guardian(self.links, [], lambda *_: None)
        self.hands = LabHands(Lab(self.engine, SPEC, self.links), self.guardian)


@pytest.fixture
def hurt() -> Hurt:
    return Hurt()


def test_a_strike_is_told_in_toxiproxy_s_words() -> None:
    effect = LinkEffect((Toxic("delay", Direction.to_worker, {"mean_ms": 5.0}),), LinkAction.none)
    assert _body(STRIKE, effect) == {
        "id": "f1",
        "links": ["worker-1"],
        "lease_ms": 8_000,
        "seed": 7,
        "action": "none",
        "toxics": [{"type": "delay", "stream": "downstream", "attributes": {"mean_ms": 5.0}}],
        "begin_at_mono_ns": 123,
    }


async def test_a_strike_is_kept_alive_until_it_is_released(hurt: Hurt) -> None:
    assert await hurt.hands.inject_links(STRIKE, LinkEffect(action=LinkAction.refuse)) == {"worker-1": 1_000}
    assert hurt.guardian._leases == {"f1": 8_000}
    assert await hurt.hands.heal_links("f1") == {"worker-1": 2_000}
    assert hurt.guardian._leases == {}


async def test_counters_of_all_toxics_of_a_link_are_summed(hurt: Hurt) -> None:
    await hurt.hands.heal_links("f1")
    figures = hurt.hands.figures("f1")
    assert figures.counters == {"worker-1": {"delayed_chunks": 3}}
    assert figures.connections_hit == {"worker-1": 3}
    assert hurt.hands.figures("another").counters == {}


async def test_what_toxiproxy_refuses_becomes_an_error_of_the_hands(hurt: Hurt) -> None:
    hurt.links.silent = True
    with pytest.raises(ActuatorError, match="does not answer"):
        await hurt.hands.inject_links(STRIKE, LinkEffect(action=LinkAction.cut))


async def test_what_the_engine_refuses_becomes_an_error_of_the_hands(hurt: Hurt) -> None:
    hurt.engine.refuses = {"pause"}
    with pytest.raises(ActuatorError, match="pause worker-1 was refused"):
        await hurt.hands.pause("worker-1")


async def test_toxiproxy_gets_its_links_back_after_its_own_fault(hurt: Hurt) -> None:
    await hurt.hands.kill("toxiproxy")
    assert hurt.guardian._hurt_on_purpose
    await hurt.hands.start("toxiproxy")
    assert not hurt.guardian._hurt_on_purpose
    assert "put 0" in hurt.links.asked
