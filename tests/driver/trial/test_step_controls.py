"""Claims about the controls of a trial: each comparison of a step is shown to be able to break."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from driver.trial.baseline import SystemBaseline, baseline_of
from driver.trial.programme import KINDS, TrialStep
from driver.trial.recovery import SystemRecovery, recovery
from driver.trial.samples import ContainerLook, FlowCounters, RequestCounters, SystemSample
from driver.trial.step_controls import CLOSED, ENDED, REQUESTS, UNANSWERED, WITHHELD, StepControl, controls_of
from driver.trial.step_outcome import StepOutcome, StepVerdict, with_controls

LINK = "api[1]->db:5432"
RUNS = ContainerLook("api", life="first")
BEGAN_S, HEALED_S, END_S = 20.0, 22.0, 32.0
CUT = TrialStep(KINDS[0], "api->db:5432")


def sample(at_s: float, *, containers: Sequence[str] = ("api[1]", "db[1]")) -> SystemSample:
    """A system that carries a thousand bytes a second each way, and answers ten requests."""
    carried = int(at_s * 1_000)
    links = {LINK: FlowCounters(1, 1, carried, carried)}
    looks = {name: replace(RUNS, service=name.partition("[")[0]) for name in containers}
    return SystemSample(at_s, links, looks, RequestCounters(int(at_s * 10), 0))


def samples(from_s: float, until_s: float) -> list[SystemSample]:
    return [sample(from_s + quarter / 4) for quarter in range(int((until_s - from_s) * 4))]


AT_REST = baseline_of(samples(0.0, BEGAN_S))


def compare(observed: Sequence[SystemSample]) -> SystemRecovery:
    return recovery(AT_REST, observed, BEGAN_S, HEALED_S)


def test_each_comparison_of_a_step_that_came_back_breaks_after_its_change() -> None:
    observed = samples(BEGAN_S - 1, END_S)
    assert compare(observed).whole
    assert controls_of(compare, AT_REST, observed, HEALED_S) == [
        StepControl(LINK, WITHHELD, True),
        StepControl("api[1]", ENDED, True),
        StepControl("db[1]", ENDED, True),
        StepControl(REQUESTS, UNANSWERED, True),
    ]


def test_a_link_that_is_judged_by_its_connections_breaks_without_one() -> None:
    quiet = replace(AT_REST.links[LINK], judged=False, silence_s=8.0, standing=1)
    at_rest = replace(AT_REST, links={LINK: quiet})
    observed = samples(BEGAN_S - 1, END_S)
    controls = controls_of(
        lambda changed: recovery(at_rest, changed, BEGAN_S, HEALED_S), at_rest, observed, HEALED_S
    )
    assert controls[0] == StepControl(LINK, CLOSED, True)


def test_what_is_not_compared_has_no_control() -> None:
    restless = SystemBaseline(
        AT_REST.length_s, {}, AT_REST.containers, restless=["db[1]"], requests=None
    )  # fmt: skip
    observed = samples(BEGAN_S - 1, END_S)
    controls = controls_of(
        lambda changed: recovery(restless, changed, BEGAN_S, HEALED_S), restless, observed, HEALED_S
    )
    assert controls == [StepControl("api[1]", ENDED, True)]


@pytest.mark.parametrize("comparison", [LINK, "db[1]", REQUESTS])
def test_a_comparison_that_passes_whatever_was_observed_is_found_out(comparison: str) -> None:
    """As a defect in `recovery` would make it."""

    def blind(observed: Sequence[SystemSample]) -> SystemRecovery:
        found, good = compare(observed), compare(samples(BEGAN_S - 1, END_S))
        links = {name: good.links[name] if name == comparison else one for name, one in found.links.items()}
        troubles = {name: one for name, one in found.troubles.items() if name != comparison}
        requests = good.requests if comparison == REQUESTS else found.requests
        return replace(found, links=links, troubles=troubles, requests=requests)

    controls = controls_of(blind, AT_REST, samples(BEGAN_S - 1, END_S), HEALED_S)
    assert [one.comparison for one in controls if not one.broke] == [comparison]


def test_a_step_with_a_comparison_that_cannot_break_shows_nothing() -> None:
    outcome = StepOutcome(step=CUT, verdict=StepVerdict.came_back, after_s=1.0)
    shown = with_controls(outcome, [StepControl(LINK, WITHHELD, True)])
    assert shown.verdict is StepVerdict.came_back
    assert shown.controls == [StepControl(LINK, WITHHELD, True)]
    blind = with_controls(outcome, [StepControl(LINK, WITHHELD, False)])
    assert blind.verdict is StepVerdict.inconclusive
    assert LINK in blind.note


def test_a_step_that_broke_needs_no_control() -> None:
    outcome = StepOutcome(step=CUT, verdict=StepVerdict.broke, broke=["api[1] ended with 1"])
    assert with_controls(outcome, [StepControl(LINK, WITHHELD, False)]) == outcome
