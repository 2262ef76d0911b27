"""Claims about what `learn` and `try` refuse before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.cli.main import run
from driver.exit_codes import ExitCode

COMPOSE = "services: {web: {image: x}}\n"
LEARNED = "stormlab: 1\ncompose: [compose.yaml]\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "stormlab.yaml").write_text(LEARNED)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("try compose.yaml --traffic true --http GET http://web:80/", "exclude each other"),
        ("try compose.yaml --http GET web:80", "--http takes a method and a URL"),
        ("try compose.yaml --http GET http://web:80/ --rate 20", "--rate: expected a rate"),
        ("try compose.yaml --http GET http://web:80/ --rate 900/s", "at most 500/s"),
        ("try compose.yaml --budget soon", "--budget takes seconds"),
        ("try compose.yaml --listens web", "--listens takes a service and a port"),
        ("try stormlab.yaml --listens web:80", "Write them into that file"),
        ("learn compose.yaml", "stormlab.yaml is there already"),
    ],
)
def test_wrong_use_ends_with_64_and_says_what_is_right(
    words: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words.split()) == ExitCode.WRONG_USE
    assert expected in capsys.readouterr().err
