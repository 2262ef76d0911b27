"""Labs come and go: the last picture stays, and another lab is another lab whatever its name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from driver.engines.engine import Container, LabSpec
from driver.errors import EngineError
from driver.reference.dashboard.lab_monitor import LabMonitor
from tests.driver.fakes import SPEC, FakeEngine
from tests.driver.judge.histories import small


@dataclass
class Engine(FakeEngine):
    """A lab whose proxy has an id; "" where no lab is up."""

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


async def seen(engine: Engine) -> LabMonitor:
    """The monitor of a lab that has journals of two workers."""
    small(drained=False).write(engine.folder.parent)
    monitor = LabMonitor(engine)
    await monitor.refresh()
    read_all(monitor)
    return monitor


def read_all(monitor: LabMonitor) -> None:
    assert monitor.feed is not None
    while monitor.step():
        pass


def done(monitor: LabMonitor) -> int:
    assert monitor.feed is not None
    return monitor.feed.model.tasks.completed


async def test_a_lab_that_is_gone_keeps_its_last_picture(tmp_path: Path) -> None:
    engine = Engine(folder=tmp_path / "lab" / "journals")
    monitor = await seen(engine)
    before = done(monitor)
    assert before > 0
    engine.proxy = ""
    await monitor.refresh()
    read_all(monitor)
    found = monitor.status()
    assert (found["state"], found["workers"]) == ("gone", 0)
    assert "python lab.py up" in found["hint"]
    assert done(monitor) == before


async def test_the_curves_of_a_lab_that_is_gone_stop(tmp_path: Path) -> None:
    engine = Engine(folder=tmp_path / "lab" / "journals")
    monitor = await seen(engine)
    engine.proxy = ""
    await monitor.refresh()
    assert monitor.feed is not None
    columns = monitor.feed.model.series.columns
    before = len(columns["t"])
    for later_s in (3600, 7200):
        at_ns = later_s * 10**9 + 10**18
        monitor.feed.step(at_ns, float(later_s), is_live=False)
    assert len(columns["t"]) == before
    monitor.feed.step(10**18, 4e9, is_live=True)
    assert len(columns["t"]) > before


async def test_another_lab_of_the_same_name_and_folder_starts_again(tmp_path: Path) -> None:
    engine = Engine(folder=tmp_path / "lab" / "journals")
    monitor = await seen(engine)
    for path in engine.folder.iterdir():
        path.unlink()
    engine.proxy = "second"
    await monitor.refresh()
    read_all(monitor)
    assert (monitor.labs_seen, done(monitor)) == (2, 0)


async def test_an_engine_that_is_silent_for_a_while_changes_nothing(tmp_path: Path) -> None:
    engine = Engine(folder=tmp_path / "lab" / "journals")
    monitor = await seen(engine)
    before = done(monitor)
    engine.is_silent = True
    await monitor.refresh()
    assert monitor.status()["hint"] == "Docker does not answer."
    engine.is_silent = False
    await monitor.refresh()
    read_all(monitor)
    assert (monitor.labs_seen, done(monitor), monitor.status()["workers"]) == (1, before, 2)


async def test_what_comes_after_the_whole_state_is_not_what_was_in_it(tmp_path: Path) -> None:
    engine = Engine(folder=tmp_path / "lab" / "journals")
    monitor = await seen(engine)
    assert monitor.feed is not None
    encoder = monitor.feed.encoder
    encoder.skip()
    whole = [one["n"] for one in encoder.state({}, {}, 0.0)["events"]]
    assert whole
    assert "events" not in (encoder.delta({}, {}, 0.0) or {})
    with (engine.folder / "worker-1.jsonl").open("ab") as file:
        last = small().lines["worker-1"][-1]
        file.write(msgspec.json.encode(last) + b"\n")
    read_all(monitor)
    monitor.feed.step(10**18, 0.0)
    in_between = [one["n"] for one in encoder.state({}, {}, 0.0)["events"]]
    news = [one["n"] for one in (encoder.delta({}, {}, 0.0) or {})["events"]]
    assert (in_between, news) == (whole, [whole[-1] + 1])
