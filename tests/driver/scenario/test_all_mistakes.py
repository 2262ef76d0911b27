"""`validate` names every mistake of a file at once, unknown keys first."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.cli.main import run
from driver.exit_codes import ExitCode
from driver.scenarios.yaml_file import flow_yaml

WRONG = """# claim
workers: true
durration: 10s
duration: soon
worker: {policy: fulljitter, slotz: 3}
workload:
  rate: 5
  kinds:
    - {kind: noop, share: 100%, colour: red}
timeline:
  - {fault: kil, targets: all, for: 1s}
  - {fault: kill, targets: all, for: 1s, sauce: 3}
  - {fault: latency, targets: all, at: 6s}
expect:
  - within 15s of heal: connected >= 95% for 10s
  - reconection_time_p99 <= 5s
  - 5
"""
LOAD = "workload:\n  rate: 5/s\n  kinds:\n    - {kind: noop}\n"
GOOD = f"# claim\nworkers: 4\nduration: 60s\n{LOAD}"


def validate(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What `validate` says of a file, a line for each mistake, without the file's name."""
    path = tmp_path / "case.yaml"
    path.write_text(text)
    code = run(["validate", str(path)])
    said = capsys.readouterr().err.removeprefix("lab.py: ").splitlines()
    assert code == (ExitCode.WRONG_USE if said else ExitCode.PASSED)
    return [line.removeprefix(f"{path}:") for line in said]


def test_every_mistake_is_reported_at_once_unknown_keys_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = validate(WRONG, tmp_path, capsys)
    assert [line.partition("`: ")[0] for line in found] == [
        "3: `durration", "5: `worker.slotz", "9: `workload.kinds[0].colour",
        "2: `workers", "4: `duration", "5: `worker.policy", "7: `workload.rate", "11: `timeline[0].fault",
        "12: `timeline[1].sauce", "13: `timeline[2].mean", "15: `expect[0]", "16: `expect[1]",
        "17: `expect[2]",
    ]  # fmt: skip


def test_a_value_of_a_setting_is_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shown,) = validate(f"{GOOD}worker: {{policy: fulljitter}}\n", tmp_path, capsys)
    assert "expected one of none, fixed," in shown
    assert shown.endswith("found 'fulljitter'. Did you mean full_jitter or equal_jitter?")


def test_an_anchored_threshold_without_quotes_is_to_be_quoted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    timeline = "timeline: [{fault: cut, targets: all, at: 9s}]\n"
    expect = "expect:\n  - within 9s of heal: connected >= 95%\n"
    (found,) = validate(GOOD + timeline + expect, tmp_path, capsys)
    assert found == (
        "10: `expect[0]`: quote this line, since its colon makes a mapping of it: "
        "'within 9s of heal: connected >= 95%'"
    )


def test_entries_that_cannot_be_placed_are_all_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = [
        "targets: 9",
        "targets: all, at: 1s",
        "targets: all, at: 9s, after: absent",
        "targets: 2, at: 9s",
    ]
    found = validate(
        f"{GOOD}timeline:\n" + "".join(f"  - {{fault: cut, {entry}}}\n" for entry in entries),
        tmp_path,
        capsys,
    )
    assert [line.partition("`: ")[0] for line in found] == [
        "9: `timeline[0].targets", "10: `timeline[1].at", "11: `timeline[2].after",
    ]  # fmt: skip


def test_every_value_of_a_matrix_is_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    matrix = "matrix: {p: [fixed, fulljitter]}\nworker: {policy: '${p}'}\n"
    (shown,) = validate(f"{GOOD}{matrix}", tmp_path, capsys)
    assert "found 'fulljitter'" in shown


def test_all_variables_that_are_missing_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = validate(f"{GOOD}converge: '${{a}}'\ncooldown: '${{b}}'\n", tmp_path, capsys)
    assert [line.partition(".")[0] for line in found] == [
        "8: `converge`: there is no variable 'a'", "9: `cooldown`: there is no variable 'b'",
    ]  # fmt: skip


def test_many_mistakes_are_counted_and_not_all_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = validate(GOOD + "".join(f"key{n}: 1\n" for n in range(100)), tmp_path, capsys)
    assert len(found) == 21
    assert found[-1] == "and 80 more"


def test_a_missing_comment_hides_no_other_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = validate(GOOD.removeprefix("# claim\n").replace("60s", "soon"), tmp_path, capsys)
    assert len(found) == 2
    assert "expected a comment at the top" in found[0]
    assert "`duration`" in found[1]


def test_a_missing_key_does_not_hide_the_unknown_name_of_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = validate(GOOD + "timeline: [{fault: latencyy, at: 9s}]\n", tmp_path, capsys)
    assert [line.partition("`: ")[0] for line in found] == [
        "8: `timeline[0].fault",
        "8: `timeline[0].targets",
    ]


def test_a_setting_in_the_wrong_section_is_sent_to_the_right_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (found,) = validate(f"{GOOD}worker: {{heartbeat_interval_ms: 500}}\n", tmp_path, capsys)
    assert found.endswith("worker has no setting 'heartbeat_interval_ms'. It is a setting of `coordinator:`.")


def test_a_parameter_that_a_kind_of_task_lacks_is_answered_with_those_it_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = GOOD.replace("{kind: noop}", "{kind: sleep, params: {sleep: 20}}")
    (found,) = validate(text, tmp_path, capsys)
    assert found.endswith("params of sleep: there is no parameter 'sleep'; there are sleep_ms, payload")


def test_a_scenario_without_a_load_is_good_and_said_to_prove_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "case.yaml"
    path.write_text("# claim\nworkers: 4\nduration: 60s\n")
    assert run(["validate", str(path)]) == ExitCode.PASSED
    assert "without `workload:` a run of it can only be inconclusive" in capsys.readouterr().out.replace(
        "\n", " "
    )


def test_a_wrong_value_and_a_wrong_key_of_a_load_are_reported_at_once_and_what_is_checked_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(
        "# claim\nsystem: compose.yaml\nduration: soon\n"
        "workload: {http: GET http://web:80/, rate: 5/s, body: x}\n"
    )
    assert run(["validate", str(path)]) == ExitCode.WRONG_USE
    said = capsys.readouterr()
    assert "`duration`" in said.err
    assert "`workload.body`" in said.err
    assert said.out == "Targets and times are not checked yet: they are once the above is right.\n"


def test_an_expectation_with_parameters_is_shown_as_in_its_file() -> None:
    assert flow_yaml({"converged_after_healing": {"within_s": 5}}) == "converged_after_healing: {within_s: 5}"
