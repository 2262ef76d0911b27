"""Claims about loads and observations that name what their system has not: refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.cli.scenario_system import described
from driver.scenarios.scenario_file import ScenarioFile, load_scenario
from driver.scenarios.yaml_file import FileError
from tests.driver.systems.compose_files import API, DB, config_of


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of({"api": {**API, "scale": 3}, "db": DB})
    monkeypatch.setattr("driver.systems.describe_system.resolve", lambda *_: config)
    monkeypatch.setattr("driver.systems.describe_system.SystemImages.known_ports", lambda *_: {})


def scenario(folder: Path, target: str, more: str) -> ScenarioFile:
    (folder / "compose.yaml").touch()
    text = f"# All is well.\nsystem: compose.yaml\nduration: 60s\n{more}\n"
    path = folder / "x.yaml"
    path.write_text(f"{text}timeline:\n  - {{fault: pause, targets: {target}, at: 9s, for: 3s}}\n")
    return load_scenario(path)


@pytest.mark.parametrize(
    ("more", "key", "said"),
    [
        ("workload: {http: GET http://ap:80/, rate: 5/s}", "workload.http", "found 'ap'. Did you mean api?"),
        ("workload: {a: {http: GET http://ap:80/, rate: 5/s}}", "workload.a.http", "Services: api, db."),
        ("workload: {command: 'true', reach: ['db:5432', 'dbs:1']}", "workload.reach[1]", "found 'dbs'"),
        (
            "observe: {a: {sql: 'postgresql://database/x', query: q}}",
            "observe.a.sql",
            "found 'database'",
        ),
        ("observe: {a: {http: 'http://example.org/'}}", "observe.a.http", "found 'example.org'"),
        ("observe: {a: {redis: 'redis://bd', command: [GET, a]}}", "observe.a.redis", "Did you mean db?"),
        ("observe: {a: {prometheus: 'http://p:9090', query: up}}", "observe.a.prometheus", "found 'p'"),
        ("observe: {a: {log: web, pattern: x}}", "observe.a.log", "found 'web'"),
        ("observe: {a: {command: [ls], in: web}}", "observe.a.in", "found 'web'"),
        (
            "observe: {a: {memory: 'api[4]'}}",
            "observe.a.memory",
            "api, which has 3; found 'api[4]'",
        ),
        ("observe: {a: {cpu: web}}", "observe.a.cpu", "found 'web'"),
        ("observe: {a: {restarts: web}}", "observe.a.restarts", "found 'web'"),
    ],
)
def test_a_service_that_the_system_has_not_is_refused_with_its_key(
    more: str, key: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(FileError) as caught:
        described(scenario(tmp_path, "db", more))
    assert f"`{key}`: expected " in caught.value.sentence
    assert said in f"{caught.value.sentence} {caught.value.hint}"


def test_wrong_services_are_refused_together_with_wrong_targets(tmp_path: Path) -> None:
    with pytest.raises(FileError) as caught:
        described(scenario(tmp_path, "dd", "observe: {a: {cpu: web}}"))
    assert "`observe.a.cpu`" in caught.value.sentence
    assert "`timeline[0].targets`" in caught.value.sentence
