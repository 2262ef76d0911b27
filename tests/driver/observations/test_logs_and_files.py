"""Claims about readings of logs, copied database files, metrics pages, commands and containers."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from driver.engines.engine import ResourceReading
from driver.errors import EngineError, UsageError
from driver.observations import log
from driver.observations.address import Target
from driver.observations.catalogue import read_observation
from driver.observations.cpu import CpuReader
from driver.observations.prometheus import sample_value
from driver.observations.reading import Reader, ReadingError, ReadingTable
from driver.paths import project_root
from driver.systems.system_access import CallTimeoutError, Ran, run_bounded
from tests.driver.observations.fake_access import FakeAccess, context
from tests.waiting import eventually_in_thread

PAGE = """\
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{code="200",path="/a"} 5
requests_total{code="200",path="/b"} 2
requests_total{code="500",path="/a"} 1
# TYPE up gauge
up NaN
"""


def reader(access: FakeAccess, home: Path = Path(), /, **data: Any) -> Reader:
    """The reader of one observation."""
    found = {key.rstrip("_"): value for key, value in data.items()}
    return read_observation(found).reader(context(access, home))


def line(second: int, text: str) -> bytes:
    """A line of a container's log, as the engine returns it."""
    return f"2026-11-30T10:00:{second:02d}.000000001Z {text}\n".encode()


# -- logs --------------------------------------------------------------------------------------------------


def test_lines_are_counted_once_also_where_the_engine_returns_them_again() -> None:
    access = FakeAccess(log={"worker": line(1, "done 1") + line(2, "other")})
    count = reader(access, log="worker", pattern="^done")
    assert count() == 1
    access.log["worker"] = line(2, "other") + line(3, "done 2") + line(3, "done 3")
    assert count() == 3
    access.log["worker"] = line(3, "done 2") + line(3, "done 3") + line(3, "done 4")
    assert count() == 4
    assert access.since[0] is None
    assert access.since[1] == pytest.approx(1796032801.0, abs=0.01)


def test_lines_of_two_streams_whose_times_cross_are_counted_once_each() -> None:
    access = FakeAccess(log={"worker": line(2, "done 2") + line(1, "done 1")})
    count = reader(access, log="worker", pattern="^done")
    assert count() == 2
    access.log["worker"] += line(1, "done late") + line(1, "done 1")
    access.log["worker"] += line(2, "done 3")
    assert count() == 5
    assert count() == 5


def test_named_groups_are_columns() -> None:
    access = FakeAccess(log={"worker": line(1, "job a7: 3 words") + line(2, "job b1: 5 words")})
    read = reader(access, log="worker", pattern=r"job (?P<id>\w+): (?P<words>\d+)")
    assert read() == ReadingTable(("id", "words"), [["a7", "3"], ["b1", "5"]])


def test_what_is_kept_of_a_log_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "MOST_KEPT_CHARS", 10)
    access = FakeAccess(log={"worker": line(1, "a" * 8)})
    read = reader(access, log="worker", pattern="(?P<id>a+)")
    assert read() == ReadingTable(("id",), [["a" * 8]])
    access.log["worker"] = line(2, "a" * 8)
    for _ in range(2):
        with pytest.raises(ReadingError, match="more than 10 characters match"):
            read()


def test_a_hostile_line_takes_no_exponential_time() -> None:
    access = FakeAccess(log={"worker": line(1, "a" * 50_000 + "!")})
    assert reader(access, log="worker", pattern="^(a+)+$")() == 0


# -- SQLite ------------------------------------------------------------------------------------------------


def database(folder: Path) -> bytes:
    path = folder / "votes.db"
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("CREATE TABLE votes (id TEXT, n INTEGER)")
        connection.executemany("INSERT INTO votes VALUES (?, ?)", [("a", 1), ("b", 2)])
    connection.close()
    return path.read_bytes()


def sqlite(access: FakeAccess, query: str) -> Reader:
    return reader(access, sql="sqlite://web/data/votes.db", query=query)


def test_a_copy_of_an_sqlite_file_is_read(tmp_path: Path) -> None:
    access = FakeAccess(files={"/data/votes.db": database(tmp_path)})
    assert sqlite(access, "SELECT * FROM votes")() == ReadingTable(("id", "n"), [["a", 1], ["b", 2]])
    assert sqlite(access, "SELECT count(*) FROM votes")() == 2


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT * FROM vote", "no such table: vote"),
        ("DELETE FROM votes", "attempt to write a readonly database"),
        ("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT count(*) FROM c", "interrupted"),
    ],
)
def test_a_query_that_fails_writes_or_never_ends_is_unknown(tmp_path: Path, query: str, said: str) -> None:
    access = FakeAccess(files={"/data/votes.db": database(tmp_path)})
    read = reader(access, sql="sqlite://web/data/votes.db", query=query, timeout="500ms")
    with pytest.raises(ReadingError, match=said):
        read()


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ReadingError, match=r"Could not find the file /data/votes\.db"):
        sqlite(FakeAccess(), "SELECT 1")()


def test_a_file_beside_it_that_cannot_be_copied_is_no_database_without_it(tmp_path: Path) -> None:
    class Large(FakeAccess):
        def file(self, service: str, path: str, replica: int = 1) -> bytes:
            if path.endswith("-wal"):
                raise EngineError(f"{path} of web holds more than 16777216 bytes.")
            return super().file(service, path, replica)

    access = Large(files={"/data/votes.db": database(tmp_path)})
    with pytest.raises(ReadingError, match=r"votes\.db-wal of web holds more than"):
        sqlite(access, "SELECT * FROM votes")()


def test_a_value_of_any_size_that_a_query_makes_is_unknown(tmp_path: Path) -> None:
    access = FakeAccess(files={"/data/votes.db": database(tmp_path)})
    with pytest.raises(ReadingError, match="too big"):
        sqlite(access, "SELECT length(zeroblob(900000000))")()


def test_a_file_that_changes_while_it_is_copied_is_no_reading(tmp_path: Path) -> None:
    class Written(FakeAccess):
        copies = 0

        def file(self, service: str, path: str, replica: int = 1) -> bytes:
            self.copies += 1
            self.files = {"/data/votes.db": data + bytes([self.copies % 250])}
            return super().file(service, path, replica)

    data = database(tmp_path)
    with pytest.raises(ReadingError, match="was written to while it was copied"):
        sqlite(Written(), "SELECT 1")()


# -- metrics pages -----------------------------------------------------------------------------------------


def test_samples_with_the_labels_are_summed() -> None:
    assert sample_value(PAGE, "requests_total", {"code": "200"}) == 7
    assert sample_value(PAGE, "requests_total", {}) == 8


@pytest.mark.parametrize(
    ("name", "labels", "said"),
    [
        ("request_total", {}, "Did you mean requests_total?"),
        ("requests_total", {"code": "404"}, "It has others with that name."),
        ("up", {}, "expected a finite number"),
    ],
)
def test_a_sample_that_is_not_there_is_unknown_and_not_zero(
    name: str, labels: dict[str, str], said: str
) -> None:
    with pytest.raises(ReadingError) as error:
        sample_value(PAGE, name, labels)
    assert said in str(error.value)


def test_what_is_no_metrics_page_is_unknown() -> None:
    with pytest.raises(ReadingError, match="expected a metrics page"):
        sample_value("<html>{", "up", {})


# -- commands ----------------------------------------------------------------------------------------------


def test_a_command_on_this_machine_has_the_addresses_of_services(tmp_path: Path) -> None:
    (tmp_path / "count.sh").write_text('#!/bin/sh\necho "$WEB_8000"\n')
    (tmp_path / "count.sh").chmod(0o755)
    access = FakeAccess(ends={("web", 8000): "127.0.0.1:49153"})
    read = reader(access, tmp_path, command=["./count.sh"], format="lines")
    assert read() == ReadingTable(("line",), [["127.0.0.1:49153"]])


@pytest.mark.parametrize(
    ("out", "kind", "value"),
    [
        (b" 12\n", "number", 12.0),
        (b"a\nb\n", "lines", ReadingTable(("line",), [["a"], ["b"]])),
        (b'[{"id": 1}]', "json", ReadingTable(("id",), [[1]])),
    ],
)
def test_what_a_command_in_a_container_prints_is_read(out: bytes, kind: str, value: object) -> None:
    access = FakeAccess(runs=lambda argv: Ran(0, out, b""))
    assert reader(access, command=["count"], in_="worker", format=kind)() == value


def test_a_command_that_fails_is_unknown_with_its_last_words() -> None:
    access = FakeAccess(runs=lambda argv: Ran(3, b"5\n", b"warning\nno such queue\x1b[2J\n"))
    with pytest.raises(ReadingError, match=r"it ended with 3, and printed last: no such queue\\x1b"):
        reader(access, command=["count"], in_="worker")()


def test_a_command_that_never_ends_is_ended_with_what_it_started() -> None:
    with pytest.raises(CallTimeoutError, match="no end within"):
        run_bounded(["sh", "-c", "sleep 300 & wait"], 0.3)


def test_a_command_that_prints_without_end_is_ended() -> None:
    with pytest.raises(CallTimeoutError, match="printed more than"):
        run_bounded([sys.executable, "-c", "while True: print('x' * 100000)"], 60)


def test_how_a_command_ended_is_known() -> None:
    assert run_bounded(["sh", "-c", "echo out; echo err >&2; exit 3"], 30) == Ran(3, b"out\n", b"err\n")
    assert run_bounded(["sh", "-c", "kill -9 $$"], 30).code == -9
    with pytest.raises(UsageError, match=r"nowhere cannot be started: .*No such file"):
        run_bounded(["nowhere"], 30)


def test_a_command_does_not_outlive_the_lab_that_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = f"echo $$ > {pid_file}.new; mv {pid_file}.new {pid_file}; sleep 300 & wait"
    code = f"from driver.systems.system_access import run_bounded; run_bounded(['sh', '-c', {script!r}], 200)"
    with subprocess.Popen([sys.executable, "-c", code], cwd=project_root()) as lab:
        eventually_in_thread(pid_file.exists, "the command")
        lab.kill()
    command = Path(f"/proc/{pid_file.read_text().strip()}")
    eventually_in_thread(lambda: not command.exists(), "the command's end")


# -- containers --------------------------------------------------------------------------------------------


def state(status: str, code: int = 0, health: str = "", restarts: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {"Status": status, "ExitCode": code}
    if health:
        found["Health"] = {"Status": health}
    return {"State": found, "RestartCount": restarts}


DETAILS = {
    "job[1]": state("exited", 3),
    "web[1]": state("running", health="healthy", restarts=1),
    "web[2]": state("running", health="unhealthy", restarts=4),
    "db[1]": state("exited", health="healthy"),
    "plain[1]": state("running"),
    "made[1]": state("created"),
}


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ({"exit_code": "job"}, 3),
        ({"exit_code": "web"}, -1),
        ({"health": "web[1]"}, 1),
        ({"health": "web"}, 0),
        ({"health": "db"}, 0),
        ({"restarts": "web"}, 5),
        ({"restarts": "web[2]"}, 4),
    ],
)
def test_what_the_engine_says_of_containers_is_a_number(data: dict[str, str], value: float) -> None:
    assert reader(FakeAccess(details=DETAILS), **data)() == value


def test_a_container_that_was_never_started_has_no_exit_code() -> None:
    with pytest.raises(ReadingError, match=r"made\[1\] is created, and has no exit code"):
        reader(FakeAccess(details=DETAILS), exit_code="made")()


def test_a_service_without_a_health_check_has_no_health() -> None:
    with pytest.raises(ReadingError, match=r"plain\[1\] has no health check"):
        reader(FakeAccess(details=DETAILS), health="plain")()


def test_memory_is_the_sum_of_replicas() -> None:
    figures = {f"web[{number}]": ResourceReading("web", 1000 * number, 0.0) for number in (1, 2)}
    assert reader(FakeAccess(figures=figures), memory="web")() == 3000


def started(at: str) -> dict[str, Any]:
    return {"Id": "c0ffee", "State": {"StartedAt": f"2026-11-30T{at}:00Z"}}


def test_processor_time_is_that_since_the_reading_before() -> None:
    access = FakeAccess(details={"web[1]": started("10:00")})
    now_s = 100.0

    def works(seconds: float, cpu_s: float) -> None:
        nonlocal now_s
        now_s += seconds
        access.figures["web[1]"] = ResourceReading("web", 0, cpu_s)

    works(0.0, 5.0)
    cpu = CpuReader(Target("web"), access, lambda: now_s, lambda seconds: works(seconds, 5.25))
    assert cpu.read() == pytest.approx(0.5)
    works(4.0, 8.25)
    assert cpu.read() == pytest.approx(0.75)
    works(2.0, 9.0)
    access.details["web[1]"] = started("10:01")
    with pytest.raises(ReadingError, match="was started since"):
        cpu.read()
