from pathlib import Path

import pytest

from driver.machine import daemon
from driver.machine.debian import InstallPlan
from driver.machine.engine_install import ensure_engine, not_root_message, plugin_version, refusal, version_of
from driver.machine.shell import MachineError
from tests.driver.machine.conftest import FakeDocker

BOOKWORM = InstallPlan(own=("runc",), from_trixie=("docker.io",))
UBUNTU = InstallPlan(own=("docker.io", "docker-compose-v2"))
ANSWERS = """\
"version --format {{.Server.Version}}") echo 26.1.5;;
"compose version") echo "Docker Compose version v2.26.1-4";;
"buildx version") echo "github.com/docker/buildx 0.13.1 abc";;
"""


def quiet(_: str) -> None:
    """A `say` that drops every line."""


@pytest.mark.parametrize(
    ("text", "version"),
    [("26.1.5+dfsg1", (26, 1)), ("Docker Compose version v2.9.0", (2, 9)), ("dev", None)],
)
def test_a_version_is_found_in_what_programs_print(text: str, version: tuple[int, int] | None) -> None:
    assert version_of(text) == version


@pytest.mark.parametrize(
    ("engine", "compose", "buildx", "named"),
    [
        ("20.10.24", "2.26.1", "0.13.1", "Docker Engine 20.10.24"),
        ("26.1.5", "2.9.0", "0.13.1", "Docker Compose 2.9.0"),
        ("26.1.5", "1.29.2", "0.13.1", "Docker Compose 1.29.2"),
        ("26.1.5", None, "0.13.1", "no `compose`"),
        ("26.1.5", "2.20.0", None, "no `buildx`"),
    ],
)
def test_what_is_too_old_or_missing_is_refused_by_name(
    engine: str, compose: str | None, buildx: str | None, named: str
) -> None:
    assert named in str(refusal(engine, compose, buildx))


def test_the_oldest_versions_that_will_do_are_not_refused() -> None:
    assert refusal("24.0.0", "2.20.0", "0.10.0") is None


def test_an_engine_that_answers_is_used_as_it_is(fake_docker: FakeDocker) -> None:
    fake_docker(ANSWERS)
    found = ensure_engine(quiet)
    assert (found.engine, found.compose, found.buildx) == ("26.1.5", "2.26.1-4", "0.13.1")


def test_a_client_alone_is_no_engine(fake_docker: FakeDocker) -> None:
    fake_docker('"--version") echo "Docker version 28.2.2";;\n"version "*) echo "28.2.2"; exit 1;;')
    assert daemon.server_version() is None


def test_an_old_compose_stops_the_set_up_with_a_sentence(fake_docker: FakeDocker) -> None:
    fake_docker(ANSWERS.replace("v2.26.1-4", "v2.17.3"))
    with pytest.raises(MachineError, match=r"Compose 2\.17\.3 is too old: the lab needs 2\.20"):
        ensure_engine(quiet)


def test_a_named_host_that_does_not_answer_is_never_replaced(
    fake_docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_docker("")
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    with pytest.raises(MachineError, match=r"DOCKER_HOST is tcp://192\.0\.2\.1:2375"):
        ensure_engine(quiet)


def test_a_plugin_the_client_does_not_find_has_no_version(fake_docker: FakeDocker) -> None:
    fake_docker('"compose version") echo "docker: unknown command: docker compose" >&2; exit 1;;')
    assert plugin_version("compose") is None


def test_without_root_the_user_gets_the_command_to_run() -> None:
    assert "python -m driver.machine" in not_root_message(BOOKWORM, installed=False, may_connect=True)
    assert "sudo apt-get install -y docker.io docker-compose-v2" in not_root_message(
        UBUNTU, installed=False, may_connect=True
    )


def test_a_user_outside_dockers_group_gets_the_command_to_join_it() -> None:
    message = not_root_message(BOOKWORM, installed=True, may_connect=False)
    assert "usermod -aG docker" in message
    assert "install" not in message


def test_a_stopped_daemon_is_distinguished_from_one_not_installed() -> None:
    assert "service docker start" in not_root_message(BOOKWORM, installed=True, may_connect=True)


@pytest.mark.parametrize(
    ("pid_text", "stat", "stale"),
    [
        ("41\n", "41 (dockerd) S 1 41", False),
        ("41", "41 (a (odd) name) S 1 41", True),
        ("41", "41 (dockerd) Z 1 41", True),
        ("42", "41 (dockerd) S 1 41", True),
        ("", "41 (dockerd) S 1 41", True),
    ],
)
def test_a_pid_file_is_stale_unless_its_number_is_a_living_dockerd(
    tmp_path: Path, pid_text: str, stat: str, stale: bool
) -> None:
    (tmp_path / "41").mkdir()
    (tmp_path / "41" / "stat").write_text(f"{stat}\n")
    assert daemon.is_stale(pid_text, "dockerd", tmp_path) is stale
