"""Claims about the start of a system's prober: at its first use, once, by the lab's own file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from driver.engines import images
from driver.errors import LabError
from driver.paths import project_root
from driver.systems import prober_container
from driver.systems.prober_container import ProberContainer, prober_file
from tests.driver.systems.test_replicas import row

LIMIT_S = 10.0


class Engine:
    """One engine for all commands: what Compose was asked, and what runs."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.rows: list[dict[str, Any]] = [row("db")]
        self.while_it_starts: Callable[[], None] = lambda: None

    def summaries(self) -> list[dict[str, Any]]:
        return self.rows

    def compose(self, *words: str, **_: object) -> list[str]:
        self.started.append(words[0])
        self.while_it_starts()
        self.rows = [row("db"), row("sl-prober")]
        return []


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    fake = Engine()
    monkeypatch.setattr(prober_container, "DockerSdk", lambda *_, **__: fake)
    monkeypatch.setattr(prober_container, "ComposeCommand", lambda *_: fake.compose)
    return fake


def container(folder: Path) -> ProberContainer:
    return ProberContainer("doors-shop", folder, "10.236.12.7", folder / "journals")


def test_the_first_use_starts_the_prober_and_a_later_one_asks_for_no_image(
    engine: Engine, tmp_path: Path
) -> None:
    made: list[str] = []
    for name in ("first", "second"):
        container(tmp_path).ensure(partial(made.append, name))
    assert (engine.started, made) == (["up"], ["first"])


def test_a_prober_that_ended_is_started_again(engine: Engine, tmp_path: Path) -> None:
    engine.rows = [row("sl-prober", State="exited", Status="Exited (1)")]
    container(tmp_path).ensure(lambda: None)
    assert engine.started == ["up"]


def test_two_commands_at_once_start_one_prober(engine: Engine, tmp_path: Path) -> None:
    both_need_it = threading.Barrier(2, timeout=LIMIT_S)
    failed: list[BaseException] = []

    def use() -> None:
        try:
            container(tmp_path).ensure(both_need_it.wait)
        except BaseException as error:
            failed.append(error)

    commands = [threading.Thread(target=use) for _ in range(2)]
    for one in commands:
        one.start()
    for one in commands:
        one.join(LIMIT_S)
    assert (engine.started, failed) == (["up"], [])


def test_the_wait_for_another_start_ends(engine: Engine, tmp_path: Path) -> None:
    refused: list[LabError] = []

    def another() -> None:
        with pytest.raises(LabError, match="another command still starts the prober") as error:
            container(tmp_path).ensure(lambda: None, lock_within_s=0.0)
        refused.append(error.value)

    engine.while_it_starts = another
    container(tmp_path).ensure(lambda: None)
    assert len(refused) == 1
    assert engine.started == ["up"]


def test_the_start_reads_a_file_with_the_prober_alone(engine: Engine, tmp_path: Path) -> None:
    container(tmp_path).ensure(lambda: None)
    text = prober_file(tmp_path).read_text()
    image = next(one for one in images.CATALOGUE if one.service == "prober")
    assert images.reference(image, project_root()) in text
    assert "10.236.12.7" in text
    assert f"{tmp_path}/journals/prober" in text
    assert '"doors-shop_sl_prober"' in text
