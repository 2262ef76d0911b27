"""Forms of the catalogue: the values of a field, and the targets of a filled form."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from driver.dashboard.forms import FormError, catalogue
from driver.reference.dashboard.forms import fill

LIST_METHODS = {"params", "removeAttribute"}


def fields(fault: str) -> dict[str, dict[str, object]]:
    (found,) = (one for one in catalogue() if one["name"] == fault)
    return {one["name"]: one for one in found["params"]}


def test_a_field_says_its_unit_its_default_and_its_limits() -> None:
    found = {name: (one["unit"], one["default"], one["limits"]) for name, one in fields("latency").items()}
    assert found == {
        "direction": ("", "both", ""),
        "mean": ("ms", "", "from 1 ms to 600000 ms"),
        "jitter": ("ms", "0ms", "from 0 ms to 600000 ms"),
        "distribution": ("", "uniform", ""),
    }


def test_every_fault_of_the_catalogue_says_what_both_ends_see() -> None:
    assert all(one["visible_effect"] and one["summary"] for one in catalogue())


def test_every_fault_of_the_catalogue_says_first_what_happens_in_plain_words() -> None:
    jargon = re.compile(r"\b(FIN|RST|TCP|SIG[A-Z]+|ECONN\w+|cgroup|upgrade|jitter|chunk)\b", re.IGNORECASE)
    found = [str(one["plain_effect"]) for one in catalogue()]
    assert len(set(found)) == len(found)
    assert [words for words in found if jargon.search(words) or len(words) > 50] == []


def test_the_page_reads_nothing_of_a_fault_that_the_catalogue_does_not_say() -> None:
    script = resources.files("driver.dashboard").joinpath("page", "form.js").read_text()
    (first, *_) = catalogue()
    (field, *_) = first["params"]
    assert set(re.findall(r"\bone\.(\w+)", script)) - LIST_METHODS <= set(first) | {"dataset"}
    assert set(re.findall(r"\bparam\.(\w+)", script)) <= set(field)


def test_a_fault_of_the_coordinator_spares_every_worker() -> None:
    filled = fill({"fault": "pause", "targets": "coordinator", "seed": 1}, 5, "stormlab")
    assert (filled.hits, filled.spares) == (("coordinator",), 5)


def test_the_same_seed_draws_the_same_workers() -> None:
    form = {"fault": "refuse", "targets": "random 3", "seed": 7}
    one, other = fill(form, 20, "stormlab"), fill(form, 20, "stormlab")
    assert one.hits == other.hits
    assert (len(one.hits), one.spares) == (3, 17)
    assert "--seed 7" in one.command


def test_what_a_link_cannot_suffer_is_refused() -> None:
    with pytest.raises(FormError, match="acts on the links of workers"):
        fill({"fault": "refuse", "targets": "coordinator"}, 5, "stormlab")


def test_a_value_out_of_range_names_its_field() -> None:
    with pytest.raises(FormError) as refused:
        fill({"fault": "latency", "params": {"mean": "700s"}}, 5, "stormlab")
    assert refused.value.field == "mean"


@pytest.mark.parametrize("params", [[1], "mean", 7])
def test_parameters_that_have_no_names_are_refused(params: object) -> None:
    with pytest.raises(FormError, match="by their names"):
        fill({"fault": "latency", "params": params}, 5, "stormlab")
