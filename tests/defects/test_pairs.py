"""Claims about the pairs of scenario and defect: there are enough, and each can be built and noticed."""

from __future__ import annotations

import ast
import shutil
from collections import Counter
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from driver.checks import ALWAYS
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import Overrides, load_scenario
from driver.scenarios.thresholds import parse_expectations
from tests.defects.defect import FOLDER, lab_defect
from tests.defects.pairs import EVERYWHERE, PAIRS, Pair, all_pairs
from tests.defects.record import PairOutcome
from tests.mutants.apply import DefectError

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("wire", "worker", "coordinator")
COMPARISONS = {"backoff_policies"}
SCENARIOS = {path.stem for path in (ROOT / "scenarios").glob("*.yaml")} - COMPARISONS
DEFECTS = sorted({pair.defect for pair in all_pairs()})


def test_each_scenario_has_two_defects_that_it_exists_to_catch() -> None:
    counted = Counter(pair.scenario for pair in set(PAIRS))
    assert {name: counted[name] for name in SCENARIOS if counted[name] < 2} == {}
    assert set(counted) == SCENARIOS


def test_lost_and_repeated_work_are_tried_in_every_scenario() -> None:
    tried = {(pair.scenario, pair.defect) for pair in all_pairs()}
    assert {(name, defect) for name in SCENARIOS for defect, _ in EVERYWHERE} <= tried


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_fits_the_code_that_ships(name: str, tmp_path: Path) -> None:
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room)
    defect = lab_defect(name)
    defect.put_into(tmp_path)
    assert defect.sides
    for edit in defect.edits:
        assert missing_names((tmp_path / edit.file).read_text()) == []


def missing_names(source: str) -> list[str]:
    """The names that a file takes from modules of ours, and that these don't have."""
    tree, modules, missing = ast.parse(source), dict[str, ModuleType](), list[str]()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or str(node.module).partition(".")[0] not in ROOMS:
            continue
        module = import_module(str(node.module))
        for alias in node.names:
            with suppress(ModuleNotFoundError):
                import_module(f"{node.module}.{alias.name}")
            found = getattr(module, alias.name, None)
            if found is None:
                missing.append(f"{node.module}.{alias.name}")
            elif isinstance(found, ModuleType):
                modules[alias.asname or alias.name] = found
    used = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    for node in used:
        owner = modules.get(node.value.id) if isinstance(node.value, ast.Name) else None
        if owner is not None and not hasattr(owner, node.attr):
            missing.append(f"{owner.__name__}.{node.attr}")
    return missing


def test_a_name_that_a_module_has_not_is_missed() -> None:
    assert missing_names("from wire import events, nothing\nevents.Connected\nevents.Lost\n") == [
        "wire.nothing", "wire.events.Lost",
    ]  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.scenario}-{pair.defect}")
def test_what_should_notice_is_judged_in_the_quick_form(pair: Pair) -> None:
    path = ROOT / "scenarios" / f"{pair.scenario}.yaml"
    plan = resolve(load_scenario(path, Overrides(quick=True)), seed=7)
    asked = {expectation.text for expectation in parse_expectations([*plan.expect, *plan.checks])}
    assert set(pair.noticed_by) <= asked | set(ALWAYS)


def test_every_defect_file_is_used() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} <= set(DEFECTS)


def test_a_defect_that_is_not_in_the_catalogue_is_named() -> None:
    with pytest.raises(DefectError, match="no_such_defect"):
        lab_defect("no_such_defect")


def test_a_run_that_failed_for_another_reason_is_not_caught() -> None:
    outcome = PairOutcome(
        scenario="half_open", defect="deaf", wrong="", verdict="failed", exit_code=1,
        failed={"journals_complete": "torn"}, noticed_by=("nothing_lost",), seed=7, date="", commit="",
        run="", took_s=1.0,
    )  # fmt: skip
    assert not outcome.caught
    assert "MISSED half_open × deaf" in outcome.sentence()
