"""known_issues.yaml: what is declared to fail, by scenario or everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.errors import UsageError
from driver.scenarios.known_issues import FILE, known_issues

DECLARED = """
- {scenario: slow_link, check: no_starvation, because: leases end too early here}
- {check: "task_success_rate >= 90%", because: the queue has no aging yet}
"""


def written(folder: Path, text: str) -> Path:
    (folder / FILE).write_text(text)
    return folder


def test_a_scenario_has_its_own_issues_and_those_of_every_one(tmp_path: Path) -> None:
    folder = written(tmp_path, DECLARED)
    assert [one.check for one in known_issues("slow_link", folder)] == [
        "no_starvation",
        "task_success_rate >= 90%",
    ]
    assert [one.check for one in known_issues("herd", folder)] == ["task_success_rate >= 90%"]


def test_without_the_file_there_are_no_known_issues(tmp_path: Path) -> None:
    assert known_issues("herd", tmp_path) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {check: a, because: no}", "because"),
        ("- {check: a, because: long enough it is, scenarios: all}", "scenarios"),
        ("- {because: long enough it is}", "check"),
        ("just: this", "expected a list"),
        ("- 7", "mapping"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_line_and_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        known_issues("herd", written(tmp_path, text))
    assert message in refused.value.sentence
    assert FILE in refused.value.sentence
