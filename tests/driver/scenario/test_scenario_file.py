"""Scenario files: what they may say, what overrides do, and how exactly a mistake is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.errors import UsageError
from driver.reference.scenarios.scenario import ReferenceScenario
from driver.scenarios.scenario_file import (
    Overrides,
    ScenarioFile,
    combinations,
    find_scenario,
    load_scenario,
    parse_scenario,
    resolved_yaml,
    scenario_paths,
)
from driver.scenarios.yaml_file import FileError

HEAD = "# All is well.\n#\n# It teaches.\nworkers: 5\nduration: 60s\n"


def test_the_first_paragraph_of_the_comment_is_the_claim() -> None:
    loaded = parse_scenario(HEAD, "x")
    assert (loaded.claim, loaded.teaches) == ("All is well.", "All is well.\n\nIt teaches.")


def reference(loaded: ScenarioFile) -> ReferenceScenario:
    """The scenario of the reference system in a file."""
    assert isinstance(loaded.scenario, ReferenceScenario)
    return loaded.scenario


@pytest.mark.parametrize(
    ("more", "line", "message"),
    [
        ("duraton: 3s", 6, "`duraton`: there is no key 'duraton' here. Did you mean duration?"),
        ("workload: {rate: 3}", 6, "`workload.rate`: expected a rate with its unit, like 20/s"),
        ("workload: {rate: 3/s}", 6, "kinds"),
        ("workload: {rate: 3/s, kinds: [{kind: noop, share: 0.3}]}", 6, "add up to 0.3"),
        ("workload: {rate: 3/s, kinds: [{kind: nop}]}", 6, "there is no task kind 'nop'"),
        ("workload: {rate: 3/s, kinds: [{kind: sleep}]}", 6, "sleep_ms"),
        ("workload: {rate: 3/s, priorities: {urgent: 100%}, kinds: [{kind: noop}]}", 6, "critical, high"),
        ("workload: {rate: 3/s, arrivals: ramp, kinds: [{kind: noop}]}", 6, "expected `to`"),
        ("worker: {slot: 3}", 6, "`worker.slot`: worker has no setting 'slot'. Did you mean slots?"),
        ("worker:\n  slots: x", 7, "`worker.slots`: expected `int`, got `str`; found 'x'"),
        ("worker: {slots: 0}", 6, "`worker.slots`"),
        ("coordinator: {lease_ms: 1.5}", 6, "`coordinator.lease_ms`"),
        ("repeat: 0", 6, "`repeat`: expected at least 1; found 0"),
        ("vars: [1]", 6, "`vars`: expected a mapping"),
        ("groups:\n  x: ${y}", 7, "`groups.x`: there is no variable 'y'"),
        ("matrix: {policy: none}", 6, "`matrix.policy`: expected a list"),
        ("known_issues: [{check: nothing_lost}]", 6, "because"),
        ("quick: 3", 6, "`quick`"),
    ],
)
def test_a_mistake_is_named_with_line_and_key_path(more: str, line: int, message: str) -> None:
    with pytest.raises(FileError) as caught:
        parse_scenario(HEAD + more, "x")
    assert caught.value.line == line
    assert message.replace("`", "") in str(caught.value).replace("`", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a mapping"),
        ("- 1", "expected a mapping"),
        ("workers: 5\nduration: 60s\n", "expected a comment at the top"),
        ("# C.\nduration: 60s\n", "'workers' is missing"),
        ("# C.\nworkers: 0\nduration: 60s\n", "expected at least 1; found 0"),
        ("# C.\nworkers: abc\nduration: 60s\n", "expected a whole number; found 'abc'"),
        ("# C.\nworkers: 501\nduration: 60s\n", "expected at most 500"),
        ("# C.\nworkers: 5\nduration: 60\n", "which has no unit"),
        ("# C.\nworkers: 5\nduration: -60s\n", "out of range"),
    ],
)
def test_a_file_that_is_no_scenario_is_refused(text: str, message: str) -> None:
    with pytest.raises(FileError, match=message):
        parse_scenario(text, "x")


def test_the_command_line_overrides_workers_duration_and_variables() -> None:
    text = HEAD + "vars: {n: 3}\ngroups: {some: 'first ${n}'}\n"
    scenario = reference(parse_scenario(text, "x", Overrides(clients=9, duration_s=90.0, variables={"n": 4})))
    assert (scenario.workers, scenario.duration_s, scenario.groups) == (9, 90.0, {"some": "first 4"})


def test_a_variable_that_the_scenario_does_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean outage"):
        parse_scenario(HEAD + "vars: {outage: 3s}", "x", Overrides(variables={"outge": "4s"}))


def test_the_short_form_changes_what_it_names_and_nothing_else() -> None:
    text = HEAD + "worker: {slots: 2, prefetch: 1}\nquick:\n  duration: 20s\n  worker: {slots: 3}\n"
    plain, quick = (
        reference(parse_scenario(text, "x")),
        reference(parse_scenario(text, "x", Overrides(quick=True))),
    )
    assert (plain.duration_s, plain.worker) == (60.0, {"slots": 2, "prefetch": 1})
    assert (quick.duration_s, quick.worker, quick.workers) == (20.0, {"slots": 3, "prefetch": 1}, 5)


def test_a_mistake_in_the_short_form_is_reported_on_its_own_line() -> None:
    with pytest.raises(FileError) as caught:
        parse_scenario(HEAD + "quick:\n  duration: 20\n", "x", Overrides(quick=True))
    assert caught.value.line == 7


def test_a_scenario_that_runs_is_stored_without_what_was_applied_already() -> None:
    text = HEAD + "vars: {n: 3}\ngroups: {some: 'first ${n}'}\nquick: {workers: 2}\n"
    stored = resolved_yaml(parse_scenario(text, "x", Overrides(quick=True)))
    assert "vars" not in stored
    assert "quick" not in stored
    again = parse_scenario(stored, "x")
    assert (again.claim, again.scenario.clients, again.scenario.groups) == (
        "All is well.",
        2,
        {"some": "first 3"},
    )


def test_a_matrix_gives_each_combination_once(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(
        HEAD
        + "matrix: {slots: [1, 2], policy: [none, fixed]}\nworker: {slots: '${slots}', policy: '${policy}'}\n"
    )
    found = combinations(path)
    assert found == [
        {"slots": slots, "policy": policy} for slots in (1, 2) for policy in ("none", "fixed")
    ]  # fmt: skip
    assert reference(load_scenario(path, Overrides(variables=found[3]))).worker == {
        "slots": 2,
        "policy": "fixed",
    }
    assert len(combinations(path, Overrides(variables={"slots": 5}))) == 2


def test_a_scenario_without_a_matrix_is_one_run(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(HEAD)
    assert combinations(path) == [{}]


def test_a_scenario_is_found_by_name_or_path(tmp_path: Path) -> None:
    (tmp_path / "calm.yaml").write_text(HEAD)
    assert find_scenario("calm", tmp_path) == tmp_path / "calm.yaml"
    assert find_scenario(str(tmp_path / "calm.yaml"), tmp_path) == tmp_path / "calm.yaml"
    assert list(scenario_paths(tmp_path)) == ["calm"]
    with pytest.raises(UsageError, match="Did you mean calm"):
        find_scenario("clam", tmp_path)
    with pytest.raises(UsageError, match="no file"):
        find_scenario(str(tmp_path / "other.yaml"), tmp_path)
