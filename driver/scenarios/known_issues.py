"""`known_issues.yaml` beside the scenarios' folder: known failures of scenarios.

- {scenario: slow_link, check: "reconnection_time_p99 <= 5s", because: the backoff grows beyond that}
- {check: no_starvation, because: the queue has no aging yet}        # without `scenario`: in every one
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from driver.paths import working_root
from driver.scenarios.scenario import KnownIssue
from driver.scenarios.validation import explain
from driver.scenarios.yaml_file import YamlFile, read_yaml

FILE = "known_issues.yaml"


class KnownIssueEntry(KnownIssue):
    """One entry: a known issue, and its scenario ("" for all)."""

    scenario: Annotated[str, Field(description="the scenario in which it fails; all by default")] = ""


def known_issues(scenario: str, folder: Path | None = None) -> list[KnownIssue]:
    """Return the known issues of one scenario, none without the file. Raises FileError."""
    path = (folder or working_root()) / FILE
    if not path.exists():
        return []
    return of_scenario(declared(read_yaml(path, FILE)), scenario)


def declared(file: YamlFile) -> list[KnownIssueEntry]:
    """Return every entry of the file. Raises FileError with line, key, expected and found."""
    if file.data is None:
        return []
    if not isinstance(file.data, list):
        raise file.error((), f"expected a list of entries with `check:` and `because:`; found {file.data!r}")
    entries = []
    for place, data in enumerate(file.data):
        try:
            entries.append(KnownIssueEntry.model_validate(data))
        except ValidationError as error:
            below, text = explain(error, KnownIssueEntry)
            raise file.error((place, *below), text) from None
    return entries


def of_scenario(entries: Sequence[KnownIssueEntry], scenario: str) -> list[KnownIssue]:
    """Return the issues of one scenario."""
    return [
        KnownIssue(check=one.check, because=one.because) for one in entries if one.scenario in ("", scenario)
    ]
