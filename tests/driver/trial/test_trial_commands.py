"""Claims about what `learn` and `try` refuse before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.cli import options_traffic
from driver.cli.main import run
from driver.exit_codes import ExitCode
from tests.driver.systems.compose_files import API, DB, config_of

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
        ("try compose.yaml --http POST --budget 3m", "--http takes a METHOD and a URL; found 'POST'"),
        ("try compose.yaml --http GET http://web:80/ --rate 20", "--rate: expected a rate"),
        ("try compose.yaml --http GET http://web:80/ --rate 900/s", "at most 500/s"),
        ("try compose.yaml --http FETCH http://web:80/", "found 'FETCH'"),
        ("try compose.yaml --rate 5/s", "--rate is that of --http"),
        ("learn compose.yaml --rate 5/s --output new.yaml", "--rate is that of --http"),
        ("try compose.yaml --watch 1s", "--watch takes 2s or more"),
        ("try compose.yaml --budget 3", "has no time for a step"),
        ("try compose.yaml --body {}", "--body is that of --http"),
        ("try compose.yaml --http POST http://web:80/ --body {", "--body takes JSON"),
        ('try compose.yaml --http POST http://web:80/ --body ["${x}"]', "expected ${key} and ${n} alone"),
        ("try compose.yaml --budget soon", "--budget takes seconds"),
        ("try compose.yaml --listens web", "--listens takes a service and a port"),
        ("try stormlab.yaml --listens web:80", "Write them into that file"),
        ("learn compose.yaml", "stormlab.yaml is there already"),
        ("learn compose.yaml --output no/such.yaml", "there is no folder"),
    ],
)
def test_wrong_use_ends_with_64_and_says_what_is_right(
    words: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words.split()) == ExitCode.WRONG_USE
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["try", "learn --output new.yaml"])
def test_requests_to_a_port_that_is_not_published_are_refused_before_anything_starts(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(options_traffic, "resolve", lambda *_: config_of({"api": API, "db": DB}))
    assert run([*verb.split(), "compose.yaml", "--http", "GET", "http://db:5432/"]) == ExitCode.WRONG_USE
    assert "db:5432 is no published port of the system. It publishes: api:8000." in " ".join(
        capsys.readouterr().err.split()
    )
