"""Claims about the plan that puts every link fault on each example system."""

from __future__ import annotations

from collections import Counter
from itertools import chain

from click.testing import CliRunner

from driver.cli.inject import command
from tests.example_faults import KINDS, LINKS, Injected, as_markdown, dealt, words_of


def test_every_link_fault_is_dealt_to_one_link_of_each_system() -> None:
    for links in LINKS.values():
        found = dealt(KINDS, links)
        assert Counter(chain.from_iterable(found.values())) == Counter(KINDS)
        assert set(found) == set(links)
        assert max(map(len, found.values())) - min(map(len, found.values())) <= 1


def test_inject_takes_the_words_of_every_fault() -> None:
    for kind in KINDS:
        done = CliRunner().invoke(command, [*words_of(kind), "--help"])
        assert done.exit_code == 0, done.output
        options = {word for word in words_of(kind) if word.startswith("--")}
        assert options <= set(done.output.split()), kind.name


def test_a_fault_that_lasts_is_given_a_time_and_another_none() -> None:
    assert {"--for" in words_of(kind) for kind in KINDS if kind.lasting} == {True}
    assert {"--for" in words_of(kind) for kind in KINDS if not kind.lasting} == {False}


def test_the_page_has_each_fault_with_its_receipt_and_escapes_what_a_system_says() -> None:
    page = as_markdown({"celery": [Injected("cut", "shop[1]->redis:6379", True, "proved: a | b <script>")]})
    assert "`examples/celery`, faults on `shop[1]->redis:6379`" in page
    (line,) = [line for line in page.splitlines() if line.startswith("| cut |")]
    assert "<script>" not in line
    assert line.replace("\\|", "").count("|") == 3
