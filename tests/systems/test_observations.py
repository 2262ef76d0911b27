"""Claims about observations of a foreign system, on real servers behind doors: tests/systems/observed."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from driver.cli.options import build_environment
from driver.engines.compose_engine import ComposeEngine
from driver.errors import UsageError
from driver.histories.driver_journal import DriverJournal
from driver.histories.journal_kinds import OBSERVER
from driver.histories.journals import read_history
from driver.histories.readings import final_reading, first_reading, readings_of
from driver.loads.addresses import host_address
from driver.machine.example_images import ensure_example_images, ensure_stand_ins
from driver.observations.catalogue import read_observation
from driver.observations.observation import ReadingContext
from driver.observations.observer import Observer
from driver.observations.reading import ReadingError, ReadingTable, Value
from driver.paths import project_root
from driver.systems.lab_of_system import SystemLab
from driver.systems.running_system import RunningSystem, running_system
from driver.systems.system_access import CallTimeoutError, RunningAccess
from driver.systems.system_images import TOXIPROXY, door_image
from driver.systems.system_request import SystemRequest
from tests.systems.test_doors import docker
from tests.waiting import eventually_in_thread

FILE = project_root() / "tests/systems/observed/compose.yaml"
PROJECT = "doors-observed-test"
LIMIT_S = 30.0
IMAGES = project_root() / "tests/systems/images/compose.yaml"
VARIABLES = {
    "MARIADB_IMAGE": "stormlab/test-mariadb:trixie",
    "PROMETHEUS_IMAGE": "stormlab/test-prometheus:trixie",
}
MARIA = "mariadb://votes:s3cret%2F%40%3A@maria:3306/votes"
MYSQL = MARIA.replace("mariadb:", "mysql:")
PROMETHEUS = "http://prometheus:9090"
DATABASE = "postgresql://votes:s3cret%2F%40%3A@db:5432/votes"
REDIS = "redis://redis:6379/0"
SQLITE = "sqlite://web/data/votes.db"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """The servers, up behind doors, each with two votes."""
    ComposeEngine(f"{PROJECT}-images", project_root(), build_environment).ensure_images([TOXIPROXY], print)
    folder = tmp_path_factory.mktemp("systems")
    lab = SystemLab(PROJECT, door_image(), folder)
    with pytest.MonkeyPatch.context() as patch:
        images = ensure_example_images(print, project_root()) | ensure_stand_ins(IMAGES, VARIABLES, print)
        for name, image in images.items():
            patch.setenv(name, image)
        lab.down()
        lab.up(SystemRequest((FILE,), publish=False), print)
    try:
        running = running_system(PROJECT, folder / PROJECT, str(FILE))
        fill(RunningAccess(running))
        yield running
    finally:
        lab.down()


def fill(access: RunningAccess) -> None:
    """Give each server two votes."""
    for path in ("a1/cats", "b2/dogs"):
        url = f"http://{host_address(access, 'web', 8000)}/vote/{path}"
        urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=LIMIT_S)
    assert access.execute("redis", ["redis-cli", "RPUSH", "votes", "a1", "b2"]).code == 0
    assert access.execute("redis", ["redis-cli", "HSET", "counts", "cats", "1", "dogs", "1"]).code == 0
    host, _, port = access.inside("db", 5432).rpartition(":")
    with psycopg.connect(
        host=host, port=int(port), user="votes", password="s3cret/@:", dbname="votes", autocommit=True
    ) as database:
        database.execute("CREATE TABLE votes (id text, n numeric, at timestamptz DEFAULT now())")
        database.execute("INSERT INTO votes VALUES ('a1', 1.5), ('b2', 2)")

    host, _, port = access.inside("maria", 3306).rpartition(":")
    with pymysql.connect(
        host=host, port=int(port), user="votes", password="s3cret/@:", database="votes", autocommit=True
    ) as maria:
        maria.query("CREATE TABLE votes (id varchar(9), n decimal(9, 1), at datetime(3), note text)")
        maria.query("INSERT INTO votes VALUES ('a1', 1.5, '2026-01-02 03:04:05.678', 'gr\u00fcn')")
        maria.query("INSERT INTO votes VALUES ('b2', 2, NULL, '')")


@pytest.fixture(scope="module")
def context(system: RunningSystem, tmp_path_factory: pytest.TempPathFactory) -> ReadingContext:
    """Where observations of it read."""
    home = tmp_path_factory.mktemp("scenario")
    (home / "ask.sh").write_text('#!/bin/sh\nexec curl -s "http://$WEB_8000/stats"\n')
    (home / "ask.sh").chmod(0o755)
    return ReadingContext(RunningAccess(system), home)


def read(context: ReadingContext, **entry: Any) -> Value:
    """One reading of an observation."""
    return read_observation({key.rstrip("_"): value for key, value in entry.items()}).reader(context)()


IDS = ReadingTable(("id",), [["a1"], ["b2"]])


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ({"http": "http://web:8000/stats"}, 200.0),
        ({"http": "http://web:8000/other"}, 404.0),
        ({"http": "http://web:8000/stats", "read": "$.choices[0].votes"}, 1.0),
        (
            {"http": "http://web:8000/stats", "read": "$.choices"},
            ReadingTable(("choice", "votes"), [["cats", 1], ["dogs", 1]]),
        ),
        ({"sql": DATABASE, "query": "SELECT id FROM votes ORDER BY id"}, IDS),
        ({"sql": DATABASE, "query": "SELECT n FROM votes"}, ReadingTable(("n",), [["1.5"], [2]])),
        ({"sql": DATABASE, "query": "SELECT count(*) FROM votes"}, 2.0),
        ({"sql": DATABASE, "query": "SELECT id FROM votes WHERE false"}, ReadingTable(("id",), [])),
        ({"sql": SQLITE, "query": "SELECT id FROM votes ORDER BY id"}, IDS),
        ({"sql": MARIA, "query": "SELECT id FROM votes ORDER BY id"}, IDS),
        ({"sql": MYSQL, "query": "SELECT count(*) FROM votes"}, 2.0),
        ({"sql": MARIA, "query": "SELECT n FROM votes ORDER BY id"}, ReadingTable(("n",), [["1.5"], [2]])),
        (
            {"sql": MARIA, "query": "SELECT at, note FROM votes ORDER BY id"},
            ReadingTable(("at", "note"), [["2026-01-02T03:04:05.678000", "gr\u00fcn"], [None, ""]]),
        ),
        ({"sql": MARIA, "query": "SELECT id FROM votes WHERE false"}, ReadingTable(("id",), [])),
        ({"redis": REDIS, "command": ["LLEN", "votes"]}, 2.0),
        (
            {"redis": REDIS, "command": ["LRANGE", "votes", "0", "-1"]},
            ReadingTable(("value",), [["a1"], ["b2"]]),
        ),
        (
            {"redis": REDIS, "command": ["HGETALL", "counts"]},
            ReadingTable(("key", "value"), [["cats", "1"], ["dogs", "1"]]),
        ),
        ({"command": ["redis-cli", "LLEN", "votes"], "in": "redis"}, 2.0),
        ({"command": ["./ask.sh"], "format": "json", "read": "$.choices[*].votes"}, None),
        ({"log": "web", "pattern": "^vote"}, 2.0),
        ({"log": "web", "pattern": r"vote (?P<id>\w+)"}, IDS),
        ({"prometheus": "http://web:8000/metrics", "sample": "votes_total"}, 2.0),
        (
            {"prometheus": "http://web:8000/metrics", "sample": "votes_total", "labels": {"choice": "cats"}},
            1.0,
        ),
        ({"prometheus": PROMETHEUS, "query": "scalar(vector(7))"}, 7.0),
        (
            {"prometheus": PROMETHEUS, "query": 'label_replace(vector(1), "a", "x", "", "") or vector(2)'},
            ReadingTable(("a", "value"), [["x", 1], [None, 2]]),
        ),
        ({"prometheus": f"{PROMETHEUS}/metrics", "sample": "prometheus_ready"}, 1.0),
        ({"exit_code": "job"}, 0.0),
        ({"exit_code": "web"}, -1.0),
        ({"health": "db"}, 1.0),
        ({"restarts": "web"}, 0.0),
    ],
    ids=str,
)
def test_each_kind_reads_a_real_server(context: ReadingContext, entry: dict[str, Any], value: Value) -> None:
    expected = value if value is not None else ReadingTable(("value",), [[1], [1]])
    assert read(context, **entry) == expected


def test_a_query_to_prometheus_reads_what_it_has_scraped_of_a_service(context: ReadingContext) -> None:
    def is_scraped() -> bool:
        return read(context, prometheus=PROMETHEUS, query="sum(votes_total) or vector(0)") == 2

    assert eventually_in_thread(is_scraped, "Prometheus has scraped the votes", LIMIT_S, poll_s=0.2)
    assert read(context, prometheus=PROMETHEUS, query='votes_total{choice="cats"}') == 1


def test_memory_and_processor_time_are_those_of_the_container(context: ReadingContext) -> None:
    memory, cores = read(context, memory="db"), read(context, cpu="web")
    assert isinstance(memory, float)
    assert isinstance(cores, float)
    assert 1e6 < memory < 1e9
    assert 0 <= cores < 1


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"sql": "postgresql://votes:wrong@db:5432/votes", "query": "SELECT 1"}, "password authentication"),
        ({"sql": DATABASE, "query": "SELECT id FROM vote"}, 'relation "vote" does not exist'),
        ({"sql": DATABASE, "query": "DELETE FROM votes"}, "read-only transaction"),
        ({"sql": DATABASE, "query": "SELECT pg_sleep(60)", "timeout": "1s"}, "statement timeout"),
        ({"sql": MARIA.replace("s3cret", "wrong"), "query": "SELECT 1"}, "Access denied for user 'votes'"),
        ({"sql": MARIA, "query": "SELECT id FROM vote"}, "Table 'votes.vote' doesn't exist"),
        ({"sql": MARIA, "query": "DELETE FROM votes"}, "READ ONLY transaction"),
        ({"sql": MARIA, "query": "SELECT sleep(60)", "timeout": "1s"}, "timed out"),
        ({"sql": MARIA, "query": "SELECT seq FROM seq_1_to_300000"}, "more than 200,000 rows"),
        ({"prometheus": PROMETHEUS, "query": "sum("}, "it answered 400: invalid parameter"),
        ({"prometheus": PROMETHEUS, "query": "up[1m]"}, "it answered a matrix"),
        ({"sql": SQLITE, "query": "SELECT id FROM vote"}, "no such table: vote"),
        ({"redis": REDIS, "command": ["DEL", "votes"]}, "DEL is no command that reads alone: write"),
        ({"redis": REDIS, "command": ["LLEN", "counts"]}, "WRONGTYPE"),
        ({"redis": REDIS, "command": ["LLENN", "counts"]}, "unknown command"),
        ({"http": "http://web:8000/other", "read": "text"}, "it answered 404: no such page"),
        ({"http": "http://web:8000/stats", "read": "$.count"}, "$.count finds nothing in its answer"),
        ({"command": ["redis-cli", "PING"], "in": "redis"}, "expected one number; it answered 'PONG'"),
        ({"command": ["nonesuch"], "in": "redis"}, "it ended with 126"),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_unknown_with_the_server_s_words(
    context: ReadingContext, entry: dict[str, Any], said: str
) -> None:
    with pytest.raises(ReadingError) as error:
        read(context, **entry)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"http": "http://webb:8000/"}, "'webb' is no service of the system that has a container."),
        ({"http": "http://web:8001/"}, "web listens on no port 8001"),
        ({"redis": "redis://redis:6379/0", "command": ["LLEN", "votes"], "replica": 2}, "no replica 2"),
        ({"memory": "web[3]"}, "web has no replica 3"),
    ],
    ids=str,
)
def test_a_service_port_or_replica_that_is_not_there_is_said(
    context: ReadingContext, entry: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError) as error:
        read(context, **entry)
    assert said in error.value.sentence


def test_a_command_that_does_not_end_is_not_run_twice(context: ReadingContext) -> None:
    entry = {"command": ["sleep", "5"], "in": "web", "timeout": "1s"}
    with pytest.raises(CallTimeoutError, match=r"In web\[1\]: docker exec .*: no end within 1 s"):
        read(context, **entry)
    with pytest.raises(CallTimeoutError, match="The same command of before still runs in"):
        read(context, **entry)


def test_a_reading_goes_beside_the_doors_and_their_faults(
    system: RunningSystem, context: ReadingContext
) -> None:
    doors = [name for name in docker("ps", "--format", "{{.Names}}").split() if f"{PROJECT}-sl-door" in name]
    docker("pause", *doors)
    try:
        assert read(context, redis=REDIS, command=["LLEN", "votes"]) == 2
        assert read(context, sql=DATABASE, query="SELECT count(*) FROM votes") == 2
    finally:
        docker("unpause", *doors)


def test_no_service_reaches_the_relay(context: ReadingContext) -> None:
    relay = f"{PROJECT}-sl-relay-1"
    template = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
    addresses = docker("inspect", "--format", template, relay).split()
    reaches = (
        "import socket, sys\n"
        "for host in sys.argv[1:]:\n"
        "    for port in (8474, 10000):\n"
        "        try: socket.create_connection((host, port), 1); print(host, port)\n"
        "        except OSError: pass\n"
    )
    found = context.access.execute("web", ["python3", "-c", reaches, *addresses], timeout_s=LIMIT_S)
    assert (found.code, found.out) == (0, b"")


def test_a_server_that_comes_back_elsewhere_is_read_there(context: ReadingContext) -> None:
    docker("restart", "-t", "1", context.access.container("redis"))
    assert eventually_in_thread(lambda: _is_pong(context), "redis answers again", LIMIT_S, poll_s=0.2)


def _is_pong(context: ReadingContext) -> bool:
    try:
        return read(context, redis=REDIS, command=["PING"]) is not None
    except (ReadingError, UsageError):
        return False


# -- the observer ------------------------------------------------------------------------------------------


def observer(context: ReadingContext, journals: Path, **entries: dict[str, Any]) -> Observer:
    """An observer of these entries, with a journal."""
    found = {name: read_observation(entry) for name, entry in entries.items()}
    return Observer(found, context, DriverJournal(journals / OBSERVER, OBSERVER).write)


def test_readings_before_during_and_after_are_in_the_journal(context: ReadingContext, tmp_path: Path) -> None:
    watch = observer(
        context,
        tmp_path / "journals",
        stored={"sql": DATABASE, "query": "SELECT id FROM votes ORDER BY id"},
        served={"http": "http://web:8000/stats", "every": "200ms", "timeout": "300ms"},
    )

    async def run() -> None:
        await watch.read_first(within_s=10.0)
        following = asyncio.create_task(watch.follow())
        await asyncio.sleep(2.0)
        web = context.access.container("web")
        await asyncio.to_thread(docker, "pause", web)
        await asyncio.sleep(1.0)
        await asyncio.to_thread(docker, "unpause", web)
        following.cancel()
        await watch.read_last(within_s=10.0)

    asyncio.run(run())
    history = read_history(tmp_path)
    assert not history.damage
    first, last = first_reading(history, "stored"), final_reading(history, "stored")
    assert first is not None
    assert last is not None
    assert first.rows == last.rows == (["a1"], ["b2"])
    assert len(readings_of(history, "stored")) == 2
    served = readings_of(history, "served")
    assert sum(one.number == 200 for one in served) >= 5
    assert [one for one in served if one.unknown == "no answer within 0.3 s" and one.number is None]


def test_what_cannot_be_read_is_said_before_the_first_fault(context: ReadingContext, tmp_path: Path) -> None:
    watch = observer(
        context,
        tmp_path,
        stored={"sql": "postgresql://votes:wrong@db:5432/votes", "query": "SELECT 1"},
        votes={"sql": DATABASE, "query": "SELECT id FROM vote"},
        served={"http": "http://web:8000/stats"},
        other={"http": "http://webb:8000/stats"},
    )
    with pytest.raises(UsageError) as error:
        asyncio.run(watch.read_first(within_s=1.0))
    said = error.value.sentence
    assert "observe.stored (sql): postgresql://votes@db:5432/votes SELECT 1: " in said
    assert "password authentication failed" in said
    assert 'relation "vote" does not exist' in said
    assert "'webb' is no service of the system" in said
    assert "observe.served" not in said
    assert "wrong@" not in said
