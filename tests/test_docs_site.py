"""Claims about the docs site, which builds strictly and offline, and about the glossary of its terms."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GLOSSARY = ROOT / "docs" / "glossary.md"
ELSEWHERE = ("mkdocs.yml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
READMES = ("results", "benchmarks", "chaos/toxiproxy")


def build(root: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120)


def terms() -> list[str]:
    return re.findall(r"^## (.+)$", GLOSSARY.read_text(), re.M)


def copy_of_the_docs(folder: Path) -> Path:
    """The sources of the site, and the files that they link to, for a test to change."""
    for name in ("docs", ".github"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ELSEWHERE:
        shutil.copy(ROOT / name, folder / name)
    for name in READMES:
        (folder / name).mkdir(parents=True)
        for page in (ROOT / name).glob("*.md"):
            shutil.copy(page, folder / name)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_begins_with_the_readme(site: Path) -> None:
    first_words = (ROOT / "README.md").read_text().split("# Stormlab\n", 1)[1].split(".", 1)[0].strip()
    assert len(first_words) > 20
    assert first_words in (site / "index.html").read_text()


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        tags = re.findall(r"<(?:script|img|iframe)\b[^>]*>|<link[^>]*stylesheet[^>]*>", page.read_text())
        loaded = [tag for tag in tags if re.search(r"(?:src|href)=[\"']?https?:", tag)]
        assert not loaded, page.name


def test_a_broken_link_or_list_or_a_page_outside_the_navigation_ends_the_build(tmp_path: Path) -> None:
    root = copy_of_the_docs(tmp_path / "root")
    (root / "docs" / "new.md").write_text("# New\n")
    with (root / "docs" / "walk.md").open("a") as page:
        page.write(
            "\n[a](gone.md) [b](glossary.md#gone) [c](../gone.py)\n\nA list:\n- without an empty line\n"
        )
    done = build(root, tmp_path / "site")
    assert done.returncode != 0
    for found in (
        "docs/walk.md: the link to gone.md leads to no file",
        "'glossary.md#gone'",
        "docs/walk.md: the link to ../gone.py leads to no file",
        "docs/walk.md: an empty line is needed before this list",
        "new.md",
    ):
        assert found in done.stderr


def test_the_terms_of_the_glossary_are_sorted_and_each_is_defined_once() -> None:
    found = terms()
    assert len(found) >= 60
    assert [term.casefold() for term in found] == sorted({term.casefold() for term in found})


def test_a_term_of_the_glossary_has_a_short_definition() -> None:
    for section in GLOSSARY.read_text().split("\n## ")[1:]:
        term, _, definition = section.partition("\n")
        assert 5 <= len(definition.split()) <= 45, term


def test_the_pages_link_only_to_terms_that_the_glossary_defines() -> None:
    defined = {term.casefold().replace(" ", "-") for term in terms()}
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    linked = 0
    for page in pages:
        pattern = r"\(#([^)]+)\)" if page == GLOSSARY else r"glossary\.md#([\w-]+)"
        for anchor in re.findall(pattern, page.read_text()):
            assert anchor in defined, f"{page.name} links to {anchor}, which docs/glossary.md does not define"
            linked += 1
    assert linked >= 20
