"""What an injection says at its end: its effect on connections, and its receipt, by journals as they grow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from driver.cli.inject import ending_as_dict, ending_lines
from driver.cli.main import run as lab
from driver.histories.history import History
from driver.histories.link_connections import link_journals
from driver.histories.link_events import CLIENT
from driver.histories.live_journals import BACK_BYTES, DOOR_BACK_BYTES, LiveJournals
from driver.labs.injection_effect import InjectionEffect, injection_effect
from driver.labs.injection_plan import plan_injection
from driver.labs.manual_injection import EndedInjection, EndReason
from driver.reference.labs.injection_site import ReferenceSite
from driver.reference.labs.lab import Lab
from driver.scenarios.plan import PlannedFault
from driver.systems.system_site import SystemSite
from tests.driver.fakes import SPEC, FakeEngine, FakeLinks
from tests.driver.judge.door_journal import LINK, PROCESS, DoorPast
from tests.driver.judge.histories import Past
from tests.driver.judge.test_receipt_rebuild import history as seen_by_the_prober
from tests.driver.systems.test_system_site import running
from wire.events import ConnectionLost, ProcessStarted

LAB = Lab(FakeEngine({}), SPEC, FakeLinks({}))


def effect_of(history: History, faults: list[PlannedFault]) -> InjectionEffect:
    """The effect on a lab whose links are the workers'."""
    return injection_effect(history, faults, history.clients, ReferenceSite(LAB))


def planned(name: str = "f1") -> list[PlannedFault]:
    (one,) = plan_injection("refuse", {}, "all", 5.0, seed=1, clients=3)
    return [one.model_copy(update={"id": name})]


def herd(back_s: float = 0.3) -> Past:
    past = Past(3)
    past.begin()
    past.cut("f1", 5.0, 5.0, ["worker-1", "worker-2"], back_s=back_s)
    past.cut("f2", 30.0, 2.0, ["worker-3"])
    return past


def test_it_names_the_disconnected_workers_and_how_soon_all_were_back() -> None:
    effect = effect_of(herd().history(), planned())
    assert (effect.cut_off, effect.away) == (["worker-1", "worker-2"], [])
    assert effect.text == "cut off 2 workers, all back in 300 ms"


def test_workers_that_were_back_before_the_end_took_no_time_after_it() -> None:
    past = Past(3)
    past.begin()
    past.fault("f1", "refuse", ["worker-1"], 5.0, 5.0)
    past.lose("worker-1", 5.1)
    past.connect("worker-1", 6.0, outcome="resumed")
    assert effect_of(past.history(), planned()).text == "cut off 1 worker, all back before it ended"


def test_workers_that_are_not_back_are_named() -> None:
    past = Past(3)
    past.begin()
    past.fault("f1", "refuse", ["worker-1"], 5.0, 5.0)
    past.lose("worker-1", 5.1)
    assert effect_of(past.history(), planned()).text == "cut off 1 worker; worker-1 is not back"


def test_a_fault_that_cost_no_connection_says_so() -> None:
    past = Past(3)
    past.begin()
    past.fault("f1", "refuse", ["worker-1"], 5.0, 5.0)
    assert effect_of(past.history(), planned()).text == "no worker lost its connection"


def test_a_fault_that_did_not_begin_had_no_effect_to_speak_of() -> None:
    effect = effect_of(herd().history(), planned("f3"))
    assert (effect.text, effect.proof_text) == ("not known", "not proved: it did not begin")


@pytest.mark.parametrize(("seen", "words"), [(True, "proved: seen on"), (False, "not proved: not seen on")])
def test_its_receipt_is_made_of_what_the_prober_saw(seen: bool, words: str) -> None:
    run = seen_by_the_prober(seen=seen, proved=not seen)
    run.clients = ["worker-1", "worker-2", "worker-3"]
    effect = effect_of(run, planned())
    assert effect.is_proved is seen
    assert effect.proof_text.startswith(words)


def test_of_several_faults_each_needs_its_receipt() -> None:
    effect = effect_of(seen_by_the_prober(seen=True, proved=True), [*planned(), *planned("f2")])
    wrong = effect_of(seen_by_the_prober(seen=False, proved=True), planned())
    both = InjectionEffect(proofs=[*effect.proofs, *wrong.proofs])
    assert not both.is_proved
    assert both.proof_text.startswith("not proved 1 of 2 times: ")


@pytest.mark.parametrize("seen", [True, False])
def test_an_unproved_fault_is_shown_with_the_machine_s_load(seen: bool) -> None:
    effect = effect_of(seen_by_the_prober(seen=seen, proved=True), planned())
    lines = ending_lines("refuse is over.", effect)
    assert lines[:2] == ["refuse is over.", f"effect: {effect.text}"]
    assert lines[2] == effect.proof_text
    assert any(line.startswith("This machine's load is ") for line in lines) is not seen


# -- what doors saw of a system's connections --------------------------------------------------------------


def hit(past: DoorPast, kind: str = "cut") -> InjectionEffect:
    """The effect of a fault of a moment on a system's only link."""
    past.named()
    past.fault("f1", kind, [LINK], 5.0, 0.01)
    (one,) = plan_injection(kind, {}, "all", None, seed=1, clients=1)
    return injection_effect(
        past.history([]), [one.model_copy(update={"id": "f1"})], [LINK], SystemSite(running())
    )


def test_connections_that_a_fault_ended_are_counted() -> None:
    past = DoorPast()
    past.carried(1.0, 5.005)
    past.failed(5.008)
    effect = hit(past)
    assert effect.cut_off == [LINK]
    assert effect.text.endswith("is not back; 1 of 1 open connection ended, 1 new one was refused")


def test_a_fault_that_met_no_connection_says_that_nothing_was_there() -> None:
    past = DoorPast()
    past.carried(1.0, 2.0, CLIENT)
    past.failed(5.008)
    past.failed(5.009)
    says = "no connection was open: nothing was there to be cut, 2 new ones were refused"
    assert hit(past).text == f"{says}; {LINK} is not back"


def test_a_connection_that_outlived_a_fault_is_none_that_ended() -> None:
    past = DoorPast()
    past.carried(1.0, 20.0, CLIENT)
    assert hit(past).text == "none of 1 open connection ended"


def test_json_has_the_end_the_effect_and_what_doors_saw() -> None:
    past = DoorPast()
    past.carried(1.0, 5.005)
    ended = EndedInjection(EndReason.over, 0.01, LiveJournals([]))
    found = ending_as_dict("cut", [LINK], ended, hit(past))
    assert (found["ended"], found["cut_off"], found["not_back"]) == ("over", [LINK], [LINK])
    assert found["connections"] == {"open": 1, "ended": 1, "refused": 0, "cuts": True}
    assert json.loads(json.dumps(found)) == found


def test_the_help_of_inject_names_the_directions_of_both_systems(capsys: pytest.CaptureFixture[str]) -> None:
    lab(["inject", "latency", "--help"])
    shown = "".join(capsys.readouterr().out.split())
    assert "to_worker|to_coordinator|both|to_client|to_server" in shown


def test_the_name_of_a_link_is_read_wherever_it_is_in_a_door_s_journal(tmp_path: Path) -> None:
    past = DoorPast()
    past.named()
    past.carried(1.0, 5.005)
    folder = past.write(tmp_path / "lab") / "journals"
    path = folder / f"{PROCESS}.jsonl"
    *before, ended = path.read_bytes().splitlines(keepends=True)
    many = DOOR_BACK_BYTES // len(ended) + 1
    path.write_bytes(b"".join(before) + many * ended)
    history = LiveJournals([folder]).read()
    assert list(link_journals(history)) == [LINK]


# -- journals that grow ------------------------------------------------------------------------------------


def test_lines_are_read_once_and_a_torn_one_when_it_is_whole(tmp_path: Path) -> None:
    folder = herd().write(tmp_path / "lab") / "journals"
    path = folder / "worker-1.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    recent = LiveJournals([folder])
    path.write_bytes(b"".join(lines[:2]) + lines[2][:10])
    assert len(recent.read().by("worker-1")) == 2
    with path.open("ab") as file:
        file.write(lines[2][10:] + b"".join(lines[3:]))
    assert len(recent.read().by("worker-1")) == len(lines)
    assert recent.read().clients == ["worker-1", "worker-2", "worker-3"]


def test_of_a_long_journal_only_the_end_is_read(tmp_path: Path) -> None:
    folder = herd().write(tmp_path / "lab") / "journals"
    path = folder / "worker-1.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    assert b"process_started" in lines[0]
    path.write_bytes(2 * lines[0] + lines[1] * (1 + BACK_BYTES // len(lines[1])) + b"".join(lines[2:]))
    history = LiveJournals([folder]).read()
    assert not any(isinstance(event, ProcessStarted) for event in history.by("worker-1"))
    assert history.of(ConnectionLost)


def test_the_driver_s_two_journals_are_one(tmp_path: Path) -> None:
    lab, by_hand = (herd().write(tmp_path / name) / "journals" for name in ("lab", "by-hand"))
    once = len(LiveJournals([lab], only="driver").read().by("driver"))
    assert len(LiveJournals([lab, by_hand], only="driver").read().by("driver")) == 2 * once


def test_a_client_whose_door_left_lines_out_is_not_known() -> None:
    link = "api[1]->db:5432"
    assert InjectionEffect(unknown=[link]).text == f"not known of {link}, whose door left lines out"
    cut = InjectionEffect(cut_off=["a"], back_s=0.3, client="client", unknown=[link])
    assert cut.text == f"cut off 1 client, all back in 300 ms; not known of {link}, whose door left lines out"
