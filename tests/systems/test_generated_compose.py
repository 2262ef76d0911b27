"""Claims about Docker Compose reading a user's files and the generated one: all else keeps its meaning."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from driver.errors import UsageError
from driver.systems.compose_yaml import as_yaml
from driver.systems.resolve_compose import compose_flags, resolve
from tests.driver.systems.compose_files import OPTIONS, PROJECT, planned

MAIN = """
name: shop
include: [parts/queue.yaml]
services:
  db:
    image: postgres:${TAG}
    expose: ["5432"]
    environment: {PASSWORD: "a$$b", TAG: "${TAG}"}
    env_file: [db.env]
    volumes: ["data:/data", "./init.sql:/init.sql:ro", "shared:/shared"]
    healthcheck: {test: ["CMD-SHELL", "pg_isready -h $$HOSTNAME"], interval: 5s}
    secrets: [password]
    container_name: the-db
  api:
    extends: {file: parts/base.yaml, service: base}
    build: {context: .}
    ports: ["8080:8000"]
    depends_on: {db: {condition: service_healthy}, queue: {condition: service_started}}
    links: ["db:pg"]
    deploy: {replicas: 2, resources: {limits: {memory: 64M}}}
  debug: {image: tools, profiles: [debug], depends_on: [api]}
volumes:
  data: {driver: local}
  shared: {external: true, name: of-another}
secrets:
  password: {file: db.env}
"""
FILES = {
    "compose.yaml": MAIN,
    "more.yaml": "services: {api: {environment: {MORE: yes-more}}}",
    "parts/queue.yaml": "services: {queue: {image: queue, expose: ['6379'], command: ['--save', '60 1']}}",
    "parts/base.yaml": "services: {base: {image: base, read_only: true, stop_grace_period: 3s}}",
    ".env": "TAG=16",
    "db.env": "FROM_FILE=1",
}
CHANGED = {"networks", "ports", "links", "container_name", "image", "depends_on"}


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return [tmp_path / "compose.yaml", tmp_path / "more.yaml"]


def composed(files: list[Path], *words: str) -> dict[str, Any]:
    """What Compose makes of files."""
    done = subprocess.run(
        ["docker", "compose", *words, *compose_flags(files, ["debug"]), "config", "--format", "json"],
        capture_output=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr.decode()
    return dict(json.loads(done.stdout))


def test_everything_but_networks_and_names_is_as_without_doors(files: list[Path], tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    plan = planned(resolve(files, ["debug"]))
    generated = tmp_path / "elsewhere" / "doors.yaml"
    generated.parent.mkdir()
    generated.write_text(as_yaml(plan.document))
    plain, doors = composed(files), composed([*files, generated], "-p", PROJECT)
    assert set(plain["services"]) == {"api", "db", "queue", "debug"}
    for name, service in plain["services"].items():
        kept = {key: value for key, value in doors["services"][name].items() if key not in CHANGED}
        assert kept == {key: value for key, value in service.items() if key not in CHANGED}
        assert service.get("depends_on", {}).items() <= doors["services"][name].get("depends_on", {}).items()
        assert set(doors["services"][name]["networks"]) == {f"sl-{name}"}
    assert plain["secrets"]["password"]["file"] == doors["secrets"]["password"]["file"]
    assert {path: path.read_bytes() for path in before} == before


def test_what_another_project_may_have_is_the_projects_own(files: list[Path], tmp_path: Path) -> None:
    generated = tmp_path / "doors.yaml"
    generated.write_text(as_yaml(planned(resolve(files, ["debug"])).document))
    doors = composed([*files, generated], "-p", PROJECT)
    services = doors["services"]
    assert doors["name"] == PROJECT
    assert doors["volumes"] == {
        "data": {"name": f"{PROJECT}_data", "driver": "local"},
        "shared": {"name": f"{PROJECT}_shared"},
    }
    assert services["api"]["image"] == f"{PROJECT}-api"
    assert not {"ports", "links"} & set(services["api"])
    assert "container_name" not in services["db"]
    assert services["sl-door-1"]["ports"][0]["published"] == "8080"
    assert not any("external" in network for network in doors["networks"].values())


def test_pairs_reach_the_door_as_they_were_planned(files: list[Path], tmp_path: Path) -> None:
    plan = planned(resolve(files, []))
    generated = tmp_path / "doors.yaml"
    generated.write_text(as_yaml(plan.document))
    configs = composed([*files, generated], "-p", PROJECT)["configs"]
    for door in plan.doors:
        content = json.loads(configs[door.service]["content"].replace("$$", "$"))
        assert [pair["name"] for pair in content] == [pair.name for pair in door.pairs]


def test_services_of_a_profile_have_doors_where_it_is_named(files: list[Path]) -> None:
    assert "debug" not in resolve(files, []).services
    assert "debug" in resolve(files, ["debug"]).services


def test_a_way_out_and_its_network_are_read_by_compose(files: list[Path], tmp_path: Path) -> None:
    generated = tmp_path / "doors.yaml"
    plan = planned(resolve(files, []), replace(OPTIONS, egress=frozenset({"api"})))
    generated.write_text(as_yaml(plan.document))
    doors = composed([*files, generated], "-p", PROJECT)
    assert set(doors["services"]["api"]["networks"]) == {"sl-api", "sl_egress_api"}
    assert "internal" not in doors["networks"]["sl_egress_api"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("services: [\n", "yaml: line 1"),
        ("services: {a: {imag: x}}", "Additional property imag is not allowed"),
        ("services: {a: {image: x, networks: [n]}}", "refers to undefined network n"),
        (
            "services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}}",
            "dependency cycle detected: a -> b -> a",
        ),
        ("services: {a: {image: '${TAG:?no tag}'}}", "no tag"),
    ],
)
def test_a_file_that_compose_does_not_accept_is_named_with_composes_reason(
    text: str, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as refused:
        resolve([file], [])
    assert f"Docker Compose does not accept {file}" in refused.value.sentence
    assert says in refused.value.sentence


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.yaml is no file"):
        resolve([tmp_path / "nowhere.yaml"], [])
