"""Claims about the YAML of a generated document: it reads as the document, with Compose's tags in it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from driver.scenarios.yaml_file import parse_yaml
from driver.systems.compose_yaml import Removed, Replaced, as_yaml

WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="$"), min_size=1
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(0, 10**9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=30)
@given(st.dictionaries(WORDS, VALUES, max_size=3))
def test_a_document_reads_as_it_was_written(entries: dict[str, Any]) -> None:
    assert parse_yaml(as_yaml({"services": entries}), "generated").data == {"services": entries}


def test_a_dollar_is_no_variable() -> None:
    assert as_yaml({"configs": {"a": {"content": "${HOME} $1"}}}) == (
        'configs:\n  "a": {"content": "$${HOME} $$1"}\n'
    )


def test_what_replaces_and_what_is_removed_has_composes_tag() -> None:
    assert as_yaml({"services": {"a": {"networks": Replaced({"b": {}}), "links": Removed()}}}) == (
        'services:\n  "a": {"networks": !override {"b": {}}, "links": !reset null}\n'
    )
