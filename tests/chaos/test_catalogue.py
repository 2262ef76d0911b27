"""The catalogue: every fault explains itself, keeps its parameters, and refuses what it cannot be."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chaos.catalogue import ALL, FAULTS, FaultError, faults_of, make, parameters, read
from chaos.directions import Direction, direction_of, stream
from chaos.fault import Fault, conflict
from driver.scenarios.scenario import FaultEntry, ParallelEntry, SequenceEntry
from wire.declarations import DeclarationError

EXAMPLES = {kind.name: yaml.safe_load(f"{{{kind.example}}}") for kind in ALL}


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_a_fault_says_what_it_does_in_sentences(kind: type[Fault]) -> None:
    for found in (kind.visible_effect, kind.expected_client_behaviour):
        assert found[0].isupper()
        assert found.endswith((".", "!"))
        assert "  " not in found
    assert kind.summary[0].islower() or kind.summary[:3].isupper()
    assert all(info.description for info in kind.model_fields.values())


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_an_example_makes_a_fault_that_is_written_and_read_back_the_same(kind: type[Fault]) -> None:
    fault = make(kind.name, EXAMPLES[kind.name])
    assert make(kind.name, fault.params()) == fault


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_no_parameter_has_the_name_of_a_timeline_key(kind: type[Fault]) -> None:
    taken = {
        info.alias or name
        for entry in (FaultEntry, SequenceEntry, ParallelEntry)
        for name, info in entry.model_fields.items()
    }
    assert not taken & parameters(kind).keys()


def test_the_issues_vocabulary_is_there() -> None:
    table = "latency bandwidth fragment stall blackhole cut refuse reset truncate corrupt duplicate drop flap"
    others = "fail_first pause kill restart stop unplug cpu memory reject hang block_new_only partition"
    assert set(FAULTS) >= {*table.split(), *others.split(), "one_sided_close"}


@pytest.mark.parametrize(
    ("name", "params", "key", "message"),
    [
        ("latenci", {}, "", "Did you mean latency"),
        ("latency", {}, "mean", "latency needs it"),
        ("latency", {"mean": 200}, "mean", "found 200, which has no unit"),
        ("latency", {"mean": "0.5ms"}, "mean", "expected at least 1ms; found '0.5ms'"),
        ("latency", {"mean": "5ms", "direction": "up"}, "direction", "to_worker"),
        ("latency", {"mean": "5ms", "jiter": "1ms"}, "jiter", "Did you mean jitter"),
        ("corrupt", {"rate": "2"}, "rate", "out of range"),
        ("corrupt", {"rate": 0}, "rate", "expected more than 0"),
        ("fail_first", {"connections": "x"}, "connections", "expected a whole number; found 'x'"),
        ("flap", {"of": "kill", "up": "1s", "down": "1s"}, "of", "a link fault other than flap"),
        (
            "flap",
            {"of": {"fault": "latency", "mean": 3}, "up": "1s", "down": "1s"},
            "of",
            "which has no unit",
        ),
        ("flap", {"of": 3, "up": "1s", "down": "1s"}, "of", "expected the name of a fault"),
        ("cut", {"direction": "both"}, "direction", "cut has no parameter"),
    ],
)
def test_what_cannot_be_is_refused_with_its_key(
    name: str, params: dict[str, Any], key: str, message: str
) -> None:
    with pytest.raises(FaultError) as caught:
        make(name, params)
    assert caught.value.key == key
    assert message in str(caught.value)


def test_a_fault_is_read_from_its_name_or_a_mapping() -> None:
    assert read("refuse") == make("refuse", {})
    assert read({"fault": "latency", "mean": "3ms"}) == make("latency", {"mean": "3ms"})


def test_defaults_are_shown_with_their_units() -> None:
    assert parameters(FAULTS["stop"])["grace"].endswith("(default 10s)")
    assert parameters(FAULTS["latency"])["jitter"].endswith("(default 0ms)")


def test_a_flap_comes_in_stretches_that_all_end_in_time() -> None:
    flap = make("flap", {"of": "refuse", "down": "1s", "up": "3s"})
    assert [(part.at_s, part.for_s, part.fault.name) for part in flap.expand(10.0)] == [
        (0.0, 1.0, "refuse"), (4.0, 1.0, "refuse"), (8.0, 1.0, "refuse"),
    ]  # fmt: skip
    instants = make("flap", {"of": "cut", "down": "1s", "up": "1s"}).expand(3.0)
    assert [(part.at_s, part.for_s) for part in instants] == [(0.0, None), (2.0, None)]


@pytest.mark.parametrize("direction", list(Direction))
def test_only_toxiproxy_calls_directions_streams(direction: Direction) -> None:
    assert direction_of(stream(direction)) is direction
    assert re.fullmatch("upstream|downstream|both", stream(direction))


def test_what_the_worker_sends_flows_upstream() -> None:
    assert stream(Direction.to_server) == "upstream"


NOTHING: dict[str, str] = {}
LATENCY, STALL, REFUSE = ("latency", {"mean": "5ms"}), ("stall", NOTHING), ("refuse", NOTHING)
TO_WORKER, TO_COORDINATOR = {"direction": "to_worker"}, {"direction": "to_coordinator"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LATENCY, LATENCY),
        (LATENCY, REFUSE),
        (LATENCY, STALL),
        (REFUSE, ("cut", {})),
        (("reject", {}), ("hang", {})),
        (("hang", {}), STALL),
        (("pause", {}), ("kill", {})),
        (("unplug", {}), ("kill", {})),
        (("flap", {"of": "refuse", "up": "1s", "down": "1s"}), LATENCY),
        (("truncate", {}), ("cut", {})),
        (("one_sided_close", {"side": "client"}), ("cut", {})),
        (("one_sided_close", {"side": "client"}), ("one_sided_close", {"side": "server"})),
        (("one_sided_close", {"side": "server"}), STALL),
    ],
)
def test_these_contradict_each_other(
    one: tuple[str, dict[str, Any]], other: tuple[str, dict[str, Any]]
) -> None:
    assert conflict(make(*one), make(*other))
    assert conflict(make(*other), make(*one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LATENCY, ("bandwidth", {"rate": "1MB/s"})),
        (LATENCY, ("corrupt", {"rate": "1e-4"})),
        (("latency", {"mean": "5ms", **TO_WORKER}), ("latency", {"mean": "9ms", **TO_COORDINATOR})),
        (("stall", TO_WORKER), ("latency", {"mean": "5ms", **TO_COORDINATOR})),
        (("cut", {}), LATENCY),
        (("pause", {}), LATENCY),
        (("cpu", {"cores": 0.1}), ("memory", {"limit": "64MiB"})),
    ],
)
def test_these_go_together(one: tuple[str, dict[str, Any]], other: tuple[str, dict[str, Any]]) -> None:
    assert not conflict(make(*one), make(*other))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty package `faulty`, which is forgotten afterwards."""
    folder = tmp_path / "faulty"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "faulty"]:
        del sys.modules[name]


CUT = """
class {0}(Cut):
    name: ClassVar = "{0}"
    rank: ClassVar = {1}
"""
HEAD = """\
from typing import ClassVar

from chaos.fault import LinkFault
from chaos.faults.cut import Cut
"""


def test_each_fault_of_a_module_is_in_the_order_of_its_own_rank(package: Path) -> None:
    (package / "one.py").write_text(HEAD + CUT.format("last", 30) + CUT.format("first", 10))
    (package / "two.py").write_text(HEAD + CUT.format("second", 20))
    assert list(faults_of("faulty")) == ["first", "second", "last"]


def test_a_fault_without_a_name_is_an_error_that_names_its_module(package: Path) -> None:
    nameless = """
class Nameless(LinkFault):
    def effect(self): ...
    def observed(self, seen): ...
"""
    (package / "mine.py").write_text(HEAD + nameless)
    with pytest.raises(DeclarationError, match=r"faulty\.mine: expected `name: ClassVar = …`.* in Nameless"):
        faults_of("faulty")


def test_a_direction_goes_by_its_name_in_any_system_too() -> None:
    assert make("stall", {"direction": "to_server"}) == make("stall", {"direction": "to_coordinator"})
    assert make("stall", {"direction": "to_client"}) == make("stall", {"direction": "to_worker"})
    assert [one.in_systems for one in Direction] == ["to_client", "to_server", "both"]
