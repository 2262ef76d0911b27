"""Errors of `observe:` in a scenario, before anything starts: with their key and line."""

from __future__ import annotations

import pytest

from driver.cli.scenario_system import described
from driver.observations.catalogue import MAX_OBSERVATIONS
from driver.scenarios.scenario_file import parse_scenario
from driver.scenarios.yaml_file import FileError
from tests.driver.scenario.test_system_scenarios import HEAD

FIRST_LINE = len(HEAD.splitlines()) + 1


def refusal(observe: str) -> FileError:
    """Why a scenario with these observations is refused."""
    loaded = parse_scenario(f"{HEAD}observe:\n{observe}", "x")
    with pytest.raises(FileError) as caught:
        described(loaded)
    return caught.value


@pytest.mark.parametrize(
    ("observe", "path", "lines_on"),
    [
        ("  ok: {cpu: web}\n  'no name': {cpu: web}\n", ("observe", "no name"), 2),
        ("  ok: {cpu: web}\n  bad: {cpu: web, every: 3}\n", ("observe", "bad", "every"), 2),
        ("  bad: {cpuu: web}\n", ("observe", "bad", "cpuu"), 1),
        (
            "".join(f"  n{number}: {{cpu: web}}\n" for number in range(MAX_OBSERVATIONS + 1)),
            ("observe",),
            0,
        ),
    ],
)
def test_a_wrong_observation_is_refused_with_its_key_and_line(
    observe: str, path: tuple[str, ...], lines_on: int
) -> None:
    error = refusal(observe)
    assert (error.path, error.line) == (path, FIRST_LINE + lines_on)


def test_a_password_is_in_no_error_of_a_scenario() -> None:
    for entry in ('"postgresql://u:secret@db/x"', '{"postgresql://u:secret@db/x": 1}'):
        assert "secret" not in str(refusal(f"  stored: {entry}\n"))
