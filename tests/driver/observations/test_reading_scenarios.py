"""Claims about `observe:` as a scenario writes it: which kind an entry is, and what a wrong one is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from driver.observations.catalogue import (
    OBSERVATIONS,
    ObservationError,
    read_observation,
    read_observations,
)
from driver.observations.observation import SystemObservation
from driver.scenarios.yaml_file import parse_yaml


def refusal(data: object) -> str:
    """What is said of an entry."""
    with pytest.raises(ObservationError) as error:
        read_observation(data)
    return str(error.value)


@pytest.mark.parametrize("kind", OBSERVATIONS.values(), ids=lambda kind: kind.name)
def test_the_example_of_each_kind_is_one_of_that_kind(kind: type[SystemObservation]) -> None:
    assert type(read_observation(parse_yaml(f"{{{kind.example}}}", "").data)) is kind


def test_a_key_of_two_kinds_belongs_to_the_one_that_has_all_of_them() -> None:
    entry: dict[str, Any] = {"redis": "redis://redis:6379/0", "command": ["LLEN", "votes"]}
    assert read_observation(entry).name == "redis"
    assert read_observation({"command": ["ls"]}).name == "command"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"sqll": "x"}, "sqll: expected the key of a kind. Did you mean sql?"),
        ({"redis": "redis://r", "sql": "s"}, "expected the key of one kind; found 'redis' and 'sql'"),
        ({"sql": "postgresql://db/x"}, "query: sql needs it: the query; it cannot write"),
        ({"sql": "postgresql://db/x", "query": "q", "per": "1s"}, "per: sql has no key 'per'."),
        (
            {"sql": "oracle://db/x", "query": "q"},
            "expected a URL like postgresql://user:password@db:5432/name",
        ),
        (
            {"sql": "sqlite://web", "query": "q"},
            "expected sqlite://SERVICE/PATH/IN/THE/CONTAINER",
        ),
        ({"http": "http://web:x/"}, "expected a URL like http://web:8000/health"),
        ({"http": "http://web/", "read": "count"}, "expected status, text, or a JSON path like $.count"),
        ({"http": "http://web/", "read": "$.a["}, "expected a JSON path (RFC 9535)"),
        ({"redis": "redis://r/main", "command": ["GET", "a"]}, "expected the number of a database"),
        ({"log": "worker", "pattern": r"(a)\1"}, "without look-around and back-references"),
        ({"prometheus": "http://p:9090"}, "expected either query (of a Prometheus server) or sample"),
        ({"health": "no service"}, "expected a service like worker, or a replica like worker[2]"),
        ({"memory": "web", "every": "1"}, "which has no unit"),
        (["http"], "expected a mapping like {http:"),
    ],
)
def test_what_is_wrong_is_said_with_what_is_expected(data: object, said: str) -> None:
    assert said in refusal(data)


def test_a_password_is_in_no_error() -> None:
    assert "secret" not in refusal({"sql": "postgresql://me:secret@db:port/x", "query": "q"})
    found = read_observation({"sql": "postgresql://me:secret@db:5432/x", "query": "SELECT 1"})
    assert found.tried == "postgresql://me@db:5432/x SELECT 1"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:sec/ret@db:5432/x",
        "postgresql://u:sec#ret@db:5432/x",
        "postgresql://u:sec?ret@db:port/x",
        "postgresql://u:s:e@sec@ret@db:port/x",
        "u:secret@db:5432/x",
        "oracle://db/x?password=secret&a=b",
    ],
)
@pytest.mark.parametrize(
    "entry",
    [
        lambda url: {"sql": url, "query": "q"},
        lambda url: {"sql": [url], "query": "q"},
        lambda url: {"sql": {url: 1}, "query": "q"},
        lambda url: {"sql": "postgresql://db/x", "query": [url]},
        lambda url: {"health": url},
        lambda url: {url: None},
        lambda url: {"memory": "web", url: None},
        lambda url: url,
        lambda url: [url],
    ],
)
def test_a_password_is_in_no_error_of_a_url_that_is_written_wrongly(
    url: str, entry: Callable[[str], object]
) -> None:
    said = refusal(entry(url))
    assert not any(part in said for part in ("sec", "ret"))


def test_a_password_is_in_nothing_that_was_tried() -> None:
    found = read_observation({"sql": "postgresql://me@db:5432/x?password=secret", "query": "SELECT 1"})
    assert found.tried == "postgresql://me@db:5432/x?password=… SELECT 1"
    found = read_observation({"sql": "postgresql://me:5432/ret@db/x", "query": "SELECT 1"})
    assert "ret" not in found.tried


def test_all_observations_of_a_scenario_are_read_by_their_names() -> None:
    found = read_observations({"stored": {"log": "web", "pattern": "x"}, "cores": {"cpu": "web"}})
    assert [(name, one.name) for name, one in found.items()] == [("stored", "log"), ("cores", "cpu")]


@pytest.mark.parametrize(
    ("data", "name", "key", "said"),
    [
        ({"a": {"cpu": "web"}, "b": {"cpu": "web", "each": "1s"}}, "b", "each", "cpu has no key"),
        ({"a.b": {"cpu": "web"}}, "a.b", "", "expected a name of letters, digits, - and _; found 'a.b'"),
        ({f"a{number}": {"cpu": "web"} for number in range(65)}, "", "", "at most 64 observations; found 65"),
    ],
    ids=["key", "name", "many"],
)
def test_a_wrong_one_of_several_is_named(data: dict[str, object], name: str, key: str, said: str) -> None:
    with pytest.raises(ObservationError) as error:
        read_observations(data)
    assert (error.value.name, error.value.key) == (name, key)
    assert said in error.value.problem
