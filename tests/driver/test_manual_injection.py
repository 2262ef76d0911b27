"""A manual injection ends when its time is over, and at once when `heal` is called in another terminal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from driver.labs import lab_journals, lab_lock
from driver.labs.end_request import EndRequest, end_injections
from driver.labs.injection_effect import InjectionEffect
from driver.labs.injection_plan import plan_injection
from driver.labs.lease_renewer import LeaseTiming
from driver.labs.manual_injection import EndedInjection, EndReason, InjectionTiming, await_effect, inject
from driver.reference.labs.injection_site import ReferenceSite
from driver.reference.labs.lab import Lab
from driver.terminal import Terminal
from tests.driver.fakes import SPEC, FakeEngine, FakeLinks, events_in
from tests.waiting import eventually

TEN_S = 10.0


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_journals, "state_dir", lambda: tmp_path)
    monkeypatch.setattr(lab_lock, "LOCKS", tmp_path / "locks")


BRISK = InjectionTiming(start_in_ns=0, baseline_within_s=0.1, settled_within_s=0.1, leases=LeaseTiming(0.05))


def lab() -> Lab:
    engine = FakeEngine({"worker-1": "running"})
    return Lab(engine, SPEC, FakeLinks({"worker-1": []}))


async def injected(one: Lab, fault: str, for_s: float | None = None, **params: str) -> EndedInjection:
    planned = plan_injection(fault, params, "1", for_s, seed=1, clients=1)
    request = EndRequest("fake")
    with lab_lock.lab_lock("fake", "inject", fault, shared=True):
        return await inject(ReferenceSite(one), planned, request, Terminal(), BRISK)


async def wait_settled(one: Lab, fault: str, for_s: float | None = None) -> InjectionEffect:
    planned = plan_injection(fault, {}, "1", for_s, seed=1, clients=1)
    injection = await inject(ReferenceSite(one), planned, EndRequest("fake"), Terminal(), BRISK)
    return await await_effect(ReferenceSite(one), injection, planned, Terminal(), BRISK)


async def until_asked(one: Lab, what: str) -> None:
    """Wait until Toxiproxy or the engine was asked for it."""
    engine, links = one.engine, one.links
    assert isinstance(engine, FakeEngine)
    assert isinstance(links, FakeLinks)
    await eventually(
        lambda: any(asked.startswith(what) for asked in (*engine.asked, *links.asked)), f"a call of {what}"
    )


async def test_it_ends_when_its_time_is_over() -> None:
    injection = await injected(lab(), "refuse", 0.3)
    assert injection.reason is EndReason.over
    assert 0.3 <= injection.lasted_s < TEN_S


@pytest.mark.parametrize(("fault", "begins"), [("refuse", "begin"), ("pause", "pause worker-1")])
async def test_heal_in_another_terminal_ends_it_at_once(fault: str, begins: str) -> None:
    one = lab()
    running = asyncio.create_task(injected(one, fault, 600.0))
    await until_asked(one, begins)
    assert await asyncio.to_thread(end_injections, "fake")
    injection = await asyncio.wait_for(running, TEN_S)
    assert injection.reason is EndReason.healed
    assert injection.lasted_s < TEN_S


async def test_what_heal_ended_comes_back_in_no_later_stretch() -> None:
    one = lab()
    running = asyncio.create_task(injected(one, "flap", 600.0, of="refuse", down="200ms", up="200ms"))
    await until_asked(one, "end")
    await asyncio.to_thread(end_injections, "fake")
    await asyncio.wait_for(running, TEN_S)
    assert isinstance(one.links, FakeLinks)
    begins = [asked for asked in one.links.asked if asked.startswith("begin")]
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert [asked for asked in one.links.asked if asked.startswith("begin")] == begins


async def test_a_fault_that_toxiproxy_lost_ends_its_command() -> None:
    one = lab()
    running = asyncio.create_task(injected(one, "refuse", 600.0))
    await until_asked(one, "renew")
    assert isinstance(one.links, FakeLinks)
    one.links.gone_faults = {asked.split()[1] for asked in one.links.asked if asked.startswith("renew")}
    assert (await asyncio.wait_for(running, TEN_S)).reason is EndReason.healed


async def test_what_cannot_be_proved_says_why() -> None:
    one = lab()
    assert one.spec.journals is None
    effect = await wait_settled(one, "cut")
    assert not effect.is_proved
    assert effect.proof_text.startswith("not proved: this lab keeps its journals inside the engine")
    assert effect.text == "not known"


async def test_a_fault_that_no_prober_saw_is_not_proved(tmp_path: Path) -> None:
    journals = tmp_path / "journals"
    (journals / "prober").mkdir(parents=True)
    one = replace(lab(), spec=replace(SPEC, journals=journals))
    effect = await wait_settled(one, "refuse", 0.2)
    assert "the prober saw nothing" in effect.proof_text
    found = [event["event"] for event in events_in(tmp_path / "by-hand" / "fake")]
    assert found == ["fault_begun", "fault_ended", "receipt"]


def test_heal_waits_for_no_command_where_none_injects() -> None:
    began = time.monotonic()
    assert end_injections("fake")
    assert time.monotonic() - began < 1.0


async def test_heal_returns_whether_every_command_ended() -> None:
    request = EndRequest("fake")
    with lab_lock.lab_lock("fake", "inject", "cut", shared=True):
        assert not await asyncio.to_thread(end_injections, "fake", 0.2)
        await asyncio.wait_for(request.wait(), TEN_S)


async def test_a_command_that_begins_later_is_not_ended() -> None:
    with lab_lock.lab_lock("fake", "inject", "cut", shared=True):
        await asyncio.to_thread(end_injections, "fake", 0.0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(EndRequest("fake").wait(), 0.3)


@dataclass(frozen=True)
class NotingSite(ReferenceSite):
    """A site that keeps the containers that a fault may end."""

    noted: list[str] = field(default_factory=list)

    def note_ended(self, containers: Collection[str]) -> None:
        self.noted.extend(containers)


@pytest.mark.parametrize(
    ("fault", "params", "noted"), [("kill", {}, ["worker-1"]), ("pause", {}, []), ("cpu", {"cores": 0.1}, [])]
)
async def test_containers_that_a_fault_can_end_are_noted_before_it_begins(
    fault: str, params: dict[str, float], noted: list[str]
) -> None:
    site = NotingSite(lab())
    planned = plan_injection(fault, params, "1", 0.1, seed=1, clients=1)
    await inject(site, planned, EndRequest("fake"), Terminal(), BRISK)
    assert site.noted == noted


async def test_a_container_is_read_again_once_its_fault_has_ended(tmp_path: Path) -> None:
    await injected(lab(), "kill", 0.1)
    events = events_in(tmp_path / "by-hand" / "fake")
    last_end = max(place for place, event in enumerate(events) if event["event"] == "fault_ended")
    assert any(event["event"] == "containers_read" for event in events[last_end:])
