"""Faults that are undone, moved or weakened on a real lab: receipts say so; untouched ones are proved."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from chaos.actuator import Injection, LinkEffect, Times
from chaos.directions import Direction
from driver.cli.options import engine_of
from driver.histories.events import Receipt
from driver.labs.fault_lab import FaultLab
from driver.labs.lab_actuator import LabActuator, fault_body
from driver.labs.lease_renewer import LeaseRenewer
from driver.reference.labs.links import Links
from driver.reference.run_subject import ReferenceSubject
from driver.runs.run import run
from driver.runs.run_request import RunRequest
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import load_scenario, resolved_yaml
from driver.terminal import Terminal
from tests.ports import reserved_pair

LOADED = load_scenario(Path(__file__).with_name("sabotage.yaml"))
PLAN = resolve(LOADED, seed=7)
SLOWED = "worker-10"


def moved(effect: LinkEffect) -> LinkEffect:
    """The same to the coordinator alone."""
    return replace(effect, toxics=tuple(replace(one, direction=Direction.to_server) for one in effect.toxics))


def weak(effect: LinkEffect) -> LinkEffect:
    """Corruption at two fifths of its rate."""
    (toxic,) = effect.toxics
    rate = float(toxic.attributes["rate_per_byte"]) * 0.4
    return replace(effect, toxics=(replace(toxic, attributes={**toxic.attributes, "rate_per_byte": rate}),))


def same(effect: LinkEffect) -> LinkEffect:
    """As it was asked for."""
    return effect


CHANGES: dict[str, Callable[[LinkEffect], LinkEffect]] = {
    "moved_latency": moved,
    "moved_stall": moved,
    "weak_corruption": weak,
}


class Saboteur(LabActuator):
    """Does what it is asked, and then something else behind the driver's back."""

    def __init__(self, lab: FaultLab, renewer: LeaseRenewer) -> None:
        super().__init__(lab, renewer)
        assert isinstance(lab.links, Links)
        self._links = lab.links
        self._renewing = renewer
        self._again: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def inject_links(self, strike: Injection, effect: LinkEffect) -> Times:
        times = await super().inject_links(strike, CHANGES.get(strike.fault_id, same)(effect))
        if strike.fault_id == "gap":
            self._behind(self._gap(strike, effect))
        elif strike.fault_id == "lease":
            self._renewing.remove(strike.fault_id)
        elif strike.fault_id == "taken_away":
            self._behind(self._take_away(strike.targets[0]))
        elif strike.fault_id == "beside_a_slow_one":
            slow = replace(strike, fault_id="nobody-s", targets=(SLOWED,), begin_at_ns=None)
            self._behind(
                asyncio.to_thread(self._links.begin_fault, {**fault_body(slow, effect), "lease_ms": 11_000})
            )
        return times

    async def heal_links(self, fault_id: str) -> Times:
        for task in self._tasks:
            if task.done():
                task.result()
        self._renewing.remove(fault_id)
        return await super().heal_links(self._again.get(fault_id, fault_id))

    def _behind(self, act: object) -> None:
        assert asyncio.iscoroutine(act)
        self._tasks.add(asyncio.ensure_future(act))

    async def _gap(self, strike: Injection, effect: LinkEffect) -> None:
        """Off for four seconds; then the same again, under another name."""
        await asyncio.sleep(4)
        self._renewing.remove(strike.fault_id)
        await asyncio.to_thread(self._links.end_fault, strike.fault_id)
        await asyncio.sleep(4)
        again = replace(strike, fault_id="gap-again", begin_at_ns=None)
        await super().inject_links(again, effect)
        self._again[strike.fault_id] = again.fault_id

    async def _take_away(self, link: str) -> None:
        """Its toxics, through the stock API."""
        await asyncio.sleep(6)
        names = next(one.toxics for one in self._links.states() if one.name == link)
        for name in names:
            url = f"{self._links._base}/proxies/{link}/toxics/{name}"
            answer = await asyncio.to_thread(self._links._session.request, "DELETE", url)
            assert answer.status_code == 204, answer.text


@pytest.fixture(scope="module")
def receipts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Receipt]:
    results = tmp_path_factory.mktemp("sabotage")
    request = RunRequest(PLAN, resolved_yaml(LOADED), results, make_actuator=Saboteur)

    async def whole_run() -> None:
        with Terminal() as terminal:
            engine, port = engine_of(f"sabotage-{os.getpid()}"), reserved_pair("127.0.0.1")
            await run(request, ReferenceSubject(PLAN, engine, terminal, port=port), terminal)

    asyncio.run(whole_run())
    decoder = msgspec.json.Decoder(Receipt)
    lines = (results / "latest" / "journals" / "driver.jsonl").read_bytes().splitlines()
    found = [decoder.decode(line) for line in lines if b'"event":"receipt"' in line]
    return {receipt.fault: receipt for receipt in found}


@pytest.mark.parametrize("fault", ["honest", "drop"])
def test_a_fault_that_is_as_it_was_asked_for_is_proved(fault: str, receipts: dict[str, Receipt]) -> None:
    assert receipts[fault].proved, receipts[fault].because


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("gap", "it was gone from"),
        ("moved_latency", "asked was 100 ms to_worker"),
        ("moved_stall", "not the way that was asked"),
        ("weak_corruption", "was asked for"),
        ("wide_throttle", "the limit proves nothing"),
        ("lease", "its lease ran out"),
        ("tiny_corruption", ""),
        ("taken_away", "Toxiproxy no longer had it on worker-9"),
        ("beside_a_slow_one", f"{SLOWED} should be unaffected"),
    ],
)
def test_a_fault_that_is_not_is_not_proved_and_the_receipt_says_why(
    fault: str, expected: str, receipts: dict[str, Receipt]
) -> None:
    assert not receipts[fault].proved
    assert expected in receipts[fault].because
