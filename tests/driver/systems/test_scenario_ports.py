"""Claims about scenarios on a system of one's own whose images are not built: which ports are known then."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from driver.cli.main import run as lab
from driver.exit_codes import ExitCode
from driver.systems import describe_system
from tests.driver.systems.compose_files import config_of

HEAD = "# All is well.\nsystem: compose.yaml\nduration: 60s\ntimeline:\n"
REFUSE = "  - {fault: refuse, targets: 'api->TO', at: 9s, for: 3s}\n"


class FakeImages:
    """Images of this machine, with the ports that each names."""

    def __init__(self, images: Mapping[str, set[int]]) -> None:
        self._images = images

    def image_id(self, image: str) -> str | None:
        return "sha256:1" if image in self._images else None

    def exposed_ports(self, image: str) -> set[int]:
        return self._images.get(image, set())


def validated(
    folder: Path, monkeypatch: pytest.MonkeyPatch, scenario: str, dockerfile: str = "FROM a\n"
) -> int:
    """Validate a scenario on an api that names a cache, of which the Dockerfile is this one."""
    (folder / "cache").mkdir()
    (folder / "cache" / "Dockerfile").write_text(dockerfile)
    (folder / "compose.yaml").write_text("services: {}\n")
    (folder / "s.yaml").write_text(scenario)
    build = {"context": str(folder / "cache"), "dockerfile": "Dockerfile"}
    clients = {"image": "api", "depends_on": {"cache": {"condition": "service_started"}}}
    config = config_of({"api": clients, "cache": {"build": build}})
    monkeypatch.setattr(describe_system, "resolve", lambda *_: config)
    images = FakeImages({"api": {80}, "here": set()})
    monkeypatch.setattr(describe_system, "DockerSdk", lambda *_, **__: images)
    return lab(["validate", str(folder / "s.yaml")])


def test_a_dockerfile_names_ports_before_its_image_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = HEAD + REFUSE.replace("TO", "cache:11211")
    assert validated(tmp_path, monkeypatch, scenario, "FROM here\nEXPOSE 11211\n") == ExitCode.PASSED
    assert "Not judged" not in capsys.readouterr().out


def test_a_port_that_a_dockerfile_does_not_name_is_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = HEAD + REFUSE.replace("TO", "cache:1")
    assert validated(tmp_path, monkeypatch, scenario, "FROM here\nEXPOSE 11211\n") == ExitCode.WRONG_USE


@pytest.mark.parametrize("target", ["cache", "cache:11211"])
def test_ports_that_only_a_build_decides_are_named_as_not_judged(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert validated(tmp_path, monkeypatch, HEAD + REFUSE.replace("TO", target)) == ExitCode.PASSED
    assert "Not judged: ports of cache, which are known once its image is here." in capsys.readouterr().out


def test_all_else_is_judged_where_ports_are_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert validated(tmp_path, monkeypatch, HEAD + REFUSE.replace("TO", "queue")) == ExitCode.WRONG_USE
    assert "there is no service 'queue'" in capsys.readouterr().err


def test_a_service_without_a_port_is_refused_with_where_it_is_written_and_the_other_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = HEAD + REFUSE.replace("TO", "queue")
    assert validated(tmp_path, monkeypatch, scenario, "FROM here\n") == ExitCode.WRONG_USE
    said = " ".join(capsys.readouterr().err.split())
    assert "s.yaml:2: `system`:" in said
    assert "services.cache has no known port" in said
    assert "`system: {file: compose.yaml, listens: {cache: [PORT]}}`" in said
    assert "--listens" not in said
    assert "there is no service 'queue'" in said
