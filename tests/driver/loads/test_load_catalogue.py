"""Claims about `workload:` of a foreign system: which loads it names, and what is refused."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from driver.loads import catalogue
from driver.loads.catalogue import LoadError, read_loads
from driver.loads.load import Load, LoadContext


class Knock(Load):
    name: ClassVar = "knock"
    summary: ClassVar = "calls a door"
    knock: Annotated[str, Field(max_length=10, description="which door")]

    async def run(self, context: LoadContext) -> None:
        raise AssertionError("reading a workload runs no load")


@pytest.fixture(autouse=True)
def _one_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "LOADS", {"knock": Knock})


def test_a_load_without_a_name_is_called_load() -> None:
    loads = read_loads({"knock": "front", "timeout": "2s"})
    assert {name: load.timeout_s for name, load in loads.items()} == {"load": 2.0}


def test_loads_with_names_keep_their_order() -> None:
    assert list(read_loads({"b": {"knock": "x"}, "a": {"knock": "y"}})) == ["b", "a"]


@pytest.mark.parametrize(
    ("value", "path", "said"),
    [
        ([], (), "expected a load, or a mapping of a name to each; found []"),
        ({"votes": "GET /"}, ("votes",), "expected a mapping with one of knock in it; found 'GET /'"),
        (
            {"votes": {"rate": "1/s"}},
            ("votes",),
            "expected one of knock, which selects its kind; found 'rate'",
        ),
        ({"1st": {"knock": "x"}}, ("1st",), "and no digit first; found '1st'"),
        ({"a": {"knock": "x", "timeouts": "1s"}}, ("a", "timeouts"), "Did you mean timeout?"),
        ({"knock": "x", "timeout": "1h"}, ("timeout",), "expected at most 600; found '1h'"),
    ],
)
def test_a_mistake_is_named_with_its_place(value: Any, path: tuple[str, ...], said: str) -> None:
    with pytest.raises(LoadError) as error:
        read_loads(value)
    assert error.value.path == path
    assert said in error.value.problem


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["knock", "rate", "timeout", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(values)
def test_any_value_is_loads_or_a_short_load_error(value: Any) -> None:
    assert said_of(value) is None or len(said_of(value) or "") < 1_000


def said_of(value: Any) -> str | None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogue, "LOADS", {"knock": Knock})
        try:
            return None if read_loads(value) else ""
        except LoadError as error:
            return str(error)
