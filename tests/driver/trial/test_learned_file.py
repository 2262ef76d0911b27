"""Claims about stormlab.yaml: what is written is read back, and what a person edits is checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.errors import UsageError
from driver.systems.system import ServicePair, System, SystemService
from driver.systems.system_request import SystemRequest
from driver.trial.baseline import FlowBaseline, SystemBaseline
from driver.trial.learned_file import LearnedFile, learned_yaml, read_learned, refuse_unknown
from driver.trial.run_trial import Choice
from driver.trial.samples import ContainerLook

CARRIES = FlowBaseline(1_500, 20, 0.5, 2, 0.5)
QUIET = FlowBaseline(0, 0, 0, 1, 20.0, judged=False)
BASELINE = SystemBaseline(
    60.0,
    {
        "api[1]->db:5432": CARRIES,
        "api[2]->db:5432": CARRIES,
        "api[1]->mail:25": QUIET,
        "outside->api:80": CARRIES,
    },
    {
        "api[1]": ContainerLook("api"),
        "api[2]": ContainerLook("api"),
        "db[1]": ContainerLook("db"),
        "job[1]": ContainerLook("job", "exited", exit_code=0),
        "no[1]": ContainerLook("no"),
    },
)
SYSTEM = System(
    "shop",
    (
        SystemService("api", ports=(80,)),
        SystemService("db", ports=(5432,)),
        *(SystemService(name) for name in ("mail", "job", "no")),
    ),
    (
        ServicePair("api", "db", 5432),
        ServicePair("api", "mail", 25),
        ServicePair("db", "api", 80),
        ServicePair("outside", "api", 80),
    ),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "compose.yaml").write_text("services: {}\n")
    return tmp_path


def test_a_link_that_is_too_silent_to_be_judged_is_listed_with_that(folder: Path) -> None:
    silent = FlowBaseline(10, 10, 0, 1, 6.2, 12.4, judged=False)
    baseline = SystemBaseline(60.0, {"api[1]->db:5432": silent}, {"api[1]": ContainerLook("api")})
    request = SystemRequest((folder / "app" / "compose.yaml",))
    text = learned_yaml(folder / "stormlab.yaml", request, {}, baseline, SYSTEM)
    (line,) = [one for one in text.splitlines() if one.startswith("  - api->db:5432  # ")]
    assert "not tried where it is so silent again: it is silent for up to 6.2 s at rest" in line


def written(folder: Path) -> str:
    request = SystemRequest(
        (folder / "app" / "compose.yaml",), ("dev",), frozenset({"mail"}), ports={"db": frozenset({5432})}
    )
    return learned_yaml(folder / "stormlab.yaml", request, {"db": {5432}}, BASELINE, SYSTEM)


def read(folder: Path, text: str) -> LearnedFile | None:
    (folder / "stormlab.yaml").write_text(text)
    return read_learned(folder / "stormlab.yaml")


def test_what_is_written_is_read_back(folder: Path) -> None:
    learned = read(folder, written(folder))
    assert learned is not None
    assert learned.links == ["api->db:5432", "outside->api:80"]
    assert learned.services == ["api", "db", "no"]
    request = learned.request(folder / "stormlab.yaml")
    assert request.files[0].samefile(folder / "app" / "compose.yaml")
    assert (request.profiles, request.bypass, request.ports) == (
        ("dev",),
        frozenset({"mail"}),
        {"api": frozenset({80}), "db": frozenset({5432})},
    )


def test_each_link_has_what_flowed_and_those_without_are_comments(folder: Path) -> None:
    lines = [line.strip() for line in written(folder).splitlines()]
    assert (
        "- api->db:5432  # 2 links: 3.0 KB/s to the server, 40 B/s to the client, 4 open, 1.0/s opened"
        in lines
    )
    assert "# dialled, and nothing flowed: api->mail:25" in lines
    assert "# not dialled: db->api:80" in lines


def test_only_the_links_and_services_that_are_left_in_the_file_are_tried() -> None:
    steps = Choice(links=[], services=["db"]).steps(BASELINE)
    assert {one.target for one in steps} == {"db[1]"}


@pytest.mark.parametrize("text", ["services: {web: {image: x}}\n", "name: stormlab\n", "\x00"])
def test_another_file_is_none_of_these(folder: Path, text: str) -> None:
    assert read(folder, text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stormlab: 1\n", "compose"),
        ("stormlab: 2\ncompose: [a]\n", "expected 1; found 2"),
        ("stormlab: 1\ncompose: []\n", "path of a Compose file"),
        ("stormlab: 1\ncompose: [a]\nlinx: []\n", "linx"),
    ],
)
def test_an_invalid_file_is_refused_with_the_key(folder: Path, text: str, expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        read(folder, text)


@pytest.mark.parametrize(
    ("learned", "expected"),
    [
        (LearnedFile(1, ["a"], links=["api->db:5433"]), "api->db:5433.*api->db:5432"),
        (LearnedFile(1, ["a"], services=["dbb"]), "dbb.*db"),
    ],
    ids=["link", "service"],
)
def test_a_link_or_service_that_is_not_there_is_refused_with_the_nearest(
    learned: LearnedFile, expected: str
) -> None:
    with pytest.raises(UsageError, match=expected):
        refuse_unknown(learned, SYSTEM, Path("stormlab.yaml"))
