"""Labs come and go: the last picture stays, and another lab is another lab whatever its name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from driver.dashboard.standing import Standing
from driver.engines.engine import Container, LabSpec
from driver.errors import EngineError
from tests.driver.fakes import SPEC, FakeEngine
from tests.driver.judge.histories import small


@dataclass
class Engine(FakeEngine):
    """A lab whose proxy has an id; "" where none stands."""

    folder: Path = Path()
    proxy: str = "first"
    is_silent: bool = field(default=False)

    def existing_spec(self) -> LabSpec | None:
        if self.is_silent:
            raise EngineError("Docker does not answer.")
        return replace(SPEC, journals=self.folder) if self.proxy else None

    def containers(self) -> list[Container]:
        names = {"toxiproxy": self.proxy, "worker-1": "a", "worker-2": "b"}
        return [
            Container(name, name.partition("-")[0], one, "image", "running", "")
            for name, one in names.items()
        ]


async def seen(engine: Engine) -> Standing:
    """A lab that is watched, with what its journals tell of two workers."""
    small(drained=False).write(engine.folder.parent)
    standing = Standing(engine)
    await standing.look()
    hear_all(standing)
    return standing


def hear_all(standing: Standing) -> None:
    assert standing.feed is not None
    while standing.step():
        pass


def done(standing: Standing) -> int:
    assert standing.feed is not None
    return standing.feed.model.completed


async def test_a_lab_that_is_gone_keeps_its_last_picture(tmp_path: Path) -> None:
    engine = Engine(folder=tmp_path / "lab" / "journals")
    standing = await seen(engine)
    before = done(standing)
    assert before > 0
    engine.proxy = ""
    await standing.look()
    hear_all(standing)
    told = standing.told()
    assert (told["state"], told["workers"]) == ("gone", 0)
    assert "python lab.py up" in told["hint"]
    assert done(standing) == before


async def test_the_curves_of_a_lab_that_is_gone_stop(tmp_path: Path) -> None:
    engine = Engine(folder=tmp_path / "lab" / "journals")
    standing = await seen(engine)
    engine.proxy = ""
    await standing.look()
    assert standing.feed is not None
    columns = standing.feed.model.series.columns
    before = len(columns["t"])
    for later_s in (3600, 7200):
        at_ns = later_s * 10**9 + 10**18
        standing.feed.step(at_ns, float(later_s), passes=False)
    assert len(columns["t"]) == before
    standing.feed.step(10**18, 4e9, passes=True)
    assert len(columns["t"]) > before


async def test_another_lab_of_the_same_name_and_folder_starts_anew(tmp_path: Path) -> None:
    engine = Engine(folder=tmp_path / "lab" / "journals")
    standing = await seen(engine)
    for path in engine.folder.iterdir():
        path.unlink()
    engine.proxy = "second"
    await standing.look()
    hear_all(standing)
    assert (standing.changed, done(standing)) == (2, 0)


async def test_an_engine_that_is_silent_for_a_while_changes_nothing(tmp_path: Path) -> None:
    engine = Engine(folder=tmp_path / "lab" / "journals")
    standing = await seen(engine)
    before = done(standing)
    engine.is_silent = True
    await standing.look()
    assert standing.told()["hint"] == "Docker does not answer."
    engine.is_silent = False
    await standing.look()
    hear_all(standing)
    assert (standing.changed, done(standing), standing.told()["workers"]) == (1, before, 2)


async def test_what_comes_after_the_whole_state_is_not_what_was_in_it(tmp_path: Path) -> None:
    engine = Engine(folder=tmp_path / "lab" / "journals")
    standing = await seen(engine)
    assert standing.feed is not None
    painter = standing.feed.painter
    painter.skip()
    whole = [one["n"] for one in painter.state({}, {}, 0.0)["events"]]
    assert whole
    assert "events" not in (painter.delta({}, {}, 0.0) or {})
    with (engine.folder / "worker-1.jsonl").open("ab") as file:
        last = small().lines["worker-1"][-1]
        file.write(msgspec.json.encode(last) + b"\n")
    hear_all(standing)
    standing.feed.step(10**18, 0.0)
    in_between = [one["n"] for one in painter.state({}, {}, 0.0)["events"]]
    news = [one["n"] for one in (painter.delta({}, {}, 0.0) or {})["events"]]
    assert (in_between, news) == (whole, [whole[-1] + 1])
