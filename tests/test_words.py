"""Claims about the language of the docs, which treat components as things, and about the tool that counts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.words import (
    PERSON_WORD,
    ROOT,
    circles,
    code_files,
    of_code,
    of_docs,
    of_scenario,
    participles,
    repeated_classes,
    scenarios,
    share,
)

AT_MOST = 0.5
"""Person-words per 1,000 words."""
SWEPT = (
    "benchmarks",
    "wire",
    "coordinator",
    "worker",
    "chaos",
    *(
        f"driver/{name}"
        for name in (
            "histories",
            "metrics",
            "checks",
            "judging",
            "loads",
            "scenarios",
            "suite",
            "machine",
            "compare",
            "systems",
            "trial",
            "engines",
            "labs",
            "cli",
            "dashboard",
            "results",
            "report",
            "runs",
            *(
                "reference/advice",
                "reference/checks",
                "reference/dashboard",
                "reference/metrics",
                "reference/report",
            ),
            "search",
        )
    ),
)
"""Folders whose code is held to the same share; their public class names and modules are held too."""
PAGES = {
    *(path.relative_to(ROOT).as_posix() for folder in (ROOT, ROOT / "docs") for path in folder.glob("*.md")),
    *("results/README.md", "benchmarks/README.md", "chaos/toxiproxy/README.md"),
}


def without_generated(page: str) -> str:
    """A page without the blocks between `<!-- name -->` and `<!-- end -->`, which a command writes."""
    return re.sub(r"^<!-- [^>]+ -->$.*?^<!-- end -->$", "", page, flags=re.M | re.S)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_treats_components_as_things(name: str) -> None:
    prose = of_docs(without_generated((ROOT / name).read_text()))
    assert share(prose) <= AT_MOST, f"a component is no person: {PERSON_WORD.findall(prose)}"


def test_the_comments_of_the_scenarios_treat_components_as_things() -> None:
    prose = " ".join(of_scenario(path.read_text()) for path in scenarios())
    assert share(prose) <= AT_MOST, f"a component is no person: {PERSON_WORD.findall(prose)}"


@pytest.mark.parametrize("folder", SWEPT)
def test_a_package_treats_components_as_things(folder: str) -> None:
    prose = " ".join(text for path in code_files((folder,)) for _, text in of_code(path.read_text()))
    assert share(prose) <= AT_MOST, f"a component is no person: {PERSON_WORD.findall(prose)}"
    assert not participles(code_files((folder,)))


def test_the_driver_s_own_modules_treat_components_as_things() -> None:
    files = sorted((ROOT / "driver").glob("*.py"))
    prose = " ".join(text for path in files for _, text in of_code(path.read_text()))
    assert share(prose) <= AT_MOST, f"a component is no person: {PERSON_WORD.findall(prose)}"
    assert not participles(files)


def test_the_tests_treat_components_as_things() -> None:
    prose = " ".join(text for path in code_files(("tests",)) for _, text in of_code(path.read_text()))
    assert share(prose) <= AT_MOST, f"a component is no person: {PERSON_WORD.findall(prose)}"


def test_the_sentences_of_the_defects_treat_components_as_things() -> None:
    """Pages that these sentences are written into are held too, but only once they are made again."""
    files = [*ROOT.glob("tests/mutants/**/*.toml"), *ROOT.glob("tests/defects/**/*.toml")]
    prose = " ".join(
        sentence
        for path in files
        for sentence in re.findall(r'^(?:wrong|beyond_simulation|reason) = "(.*)"$', path.read_text(), re.M)
    )
    assert len(prose) > 5_000
    assert share(prose) <= AT_MOST, f"a component is no person: {PERSON_WORD.findall(prose)}"


def test_a_class_of_a_swept_package_has_a_name_of_its_own() -> None:
    repeated = repeated_classes(code_files())
    assert not [name for name, places in repeated.items() if any(one.startswith(SWEPT) for one in places)]


def test_code_and_addresses_are_no_prose() -> None:
    page = "One `told` word [here](who.md).\n\n```\nwho knows\n```\n"
    assert of_docs(page).split() == ["One", "word", "[here", "."]


def test_docstrings_messages_and_comments_are_read_apart() -> None:
    source = '"""A module."""\nname = "key"\nraise ValueError("expected a number")  # why\n'
    assert list(of_code(source)) == [
        ("docstrings", "A module."),
        ("messages", "expected a number"),
        ("comments", "why"),
    ]


def test_packages_that_reach_one_another_are_a_circle() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set[str]()}) == [{"b", "c"}]


def test_a_class_is_repeated_where_its_public_name_has_two_definitions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.words.ROOT", tmp_path)
    (tmp_path / "a.py").write_text("class Link: ...\nclass _Own: ...\n")
    (tmp_path / "b.py").write_text("class Link: ...\nclass _Own: ...\nclass Once: ...\n")
    assert repeated_classes([tmp_path / "a.py", tmp_path / "b.py"]) == {"Link": ["a.py", "b.py"]}


def test_a_module_named_by_a_participle_is_found_and_a_check_may_be_a_claim() -> None:
    files = [
        ROOT / "wire/hearing.py",
        ROOT / "wire/seed.py",
        ROOT / "driver/reference/checks/traffic_flowed.py",
    ]
    assert participles(files) == ["wire/hearing.py"]
