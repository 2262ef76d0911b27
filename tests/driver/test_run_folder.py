"""What is kept of a run, and under which name."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from driver.reference.scenarios.probe_schedule import probe_windows, settings_json
from driver.results.run_folder import LATEST, PLAN, RUN, SCENARIO, RunRecord, new_folder
from driver.runs.run_record import save_record
from driver.runs.run_subject import RunFacts
from driver.scenarios.plan import Plan, PlannedFault
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import find_scenario, load_scenario, parse_scenario

NOW = datetime(2026, 11, 24, 2, 15, tzinfo=UTC)


def plan() -> Plan:
    return resolve(load_scenario(find_scenario("thundering_herd")), seed=5)


def test_a_folder_is_named_by_time_and_scenario(tmp_path: Path) -> None:
    assert new_folder("herd", tmp_path, NOW).name == "20261124T021500Z-herd"


def test_two_runs_of_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    assert new_folder("herd", tmp_path, NOW) != new_folder("herd", tmp_path, NOW)


def test_a_run_is_recorded_before_it_starts(tmp_path: Path) -> None:
    folder = new_folder("thundering_herd", tmp_path, NOW)
    workers = [f"worker-{number}" for number in range(1, 21)]
    facts = RunFacts({"docker": "26"}, {"worker": "sha256:1"}, ["coordinator", "prober", *workers], workers)
    save_record(folder, plan(), "workers: 20\n", facts, ["lab.py"])
    record = msgspec.json.decode((folder / RUN).read_bytes(), type=RunRecord)
    assert (record.seed, record.planned_faults, len(record.clients)) == (5, len(plan().faults), 20)
    assert record.processes[:3] == ["driver", "coordinator", "prober"]
    assert record.images == {"worker": "sha256:1"}
    version = r"\d+\.\d+\.\d+(, checkout( [0-9a-f]{7,}( with changes)?)?)?"
    assert re.fullmatch(version, record.versions["stormlab"])
    assert Plan.model_validate_json((folder / PLAN).read_bytes()) == plan()
    assert (tmp_path / LATEST).resolve() == folder
    assert (folder / "journals").stat().st_mode & 0o777 == 0o755
    modes = {name: (folder / name).stat().st_mode & 0o777 for name in (RUN, SCENARIO, PLAN)}
    assert modes == {RUN: 0o644, SCENARIO: 0o600, PLAN: 0o600}, "passwords of the system are its owner's"


def test_the_prober_looks_closer_around_each_fault() -> None:
    first, *_ = probe_windows(plan(), zero_ns=10**12)
    fault = plan().faults[0]
    begins_ns, ends_ns = (10**12 + at_s * 1e9 for at_s in (fault.at_s, fault.end_s))
    assert first.from_ns < begins_ns < ends_ns < first.until_ns
    assert first.links == list(fault.targets)
    assert first.rate == fault.build().probe_rate_for(fault.for_s)


def test_a_prober_without_a_signal_probes_at_the_high_rate_all_the_time() -> None:
    damage = "{fault: corrupt, rate: 1e-3, targets: all, at: 6s, for: 3s}"
    text = f"# Damage needs volume to be seen.\n\nworkers: 2\nduration: 20s\ntimeline: [{damage}]\n"
    close_look = resolve(parse_scenario(text, "damage"), seed=1)
    found = msgspec.json.decode(settings_json(close_look, reads_windows=True))["usual"]
    unread = msgspec.json.decode(settings_json(close_look, reads_windows=False))["usual"]
    assert found["volume_bytes_per_s"] == 0
    assert unread["volume_bytes_per_s"] > 0


def test_links_that_a_fault_spares_are_watched_too_where_no_other_fault_is_on() -> None:
    faults = "{fault: latency, mean: 100ms, targets: 1, at: 20s, for: 5s}, {fault: cut, targets: 2, at: 22s}"
    text = f"# Spared links show that they were.\n\nworkers: 4\nduration: 40s\ntimeline: [{faults}]\n"
    found = probe_windows(resolve(parse_scenario(text, "spared"), seed=1), zero_ns=0)
    spared = {link for watch in found for link in watch.links if watch.rate.burst_bytes}
    assert spared == {"worker-3", "worker-4"}


def test_the_probe_windows_of_a_thousand_faults_are_computed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # The driver works it out while tasks are due: a look at all faults for each of them took a second.
    many = resolve(load_scenario(find_scenario("million_tasks")), seed=1)
    read: list[str] = []

    def end_s(fault: PlannedFault) -> float:
        read.append(fault.id)
        return fault.at_s + (fault.for_s or 0.0)

    monkeypatch.setattr(PlannedFault, "end_s", property(end_s))
    assert len(probe_windows(many, zero_ns=0)) > len(many.faults) > 1000
    assert len(read) < 5 * len(many.faults)
