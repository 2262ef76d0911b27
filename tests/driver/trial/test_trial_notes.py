"""Claims about the notes of a trial."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from driver.trial.baseline import FlowBaseline, RequestBaseline, SystemBaseline
from driver.trial.run_trial import notes_on

LINK = "api[1]->db:5432"


def notes(baseline: SystemBaseline) -> list[str]:
    return notes_on(cast(Any, SimpleNamespace(bypassed=(), portless=(), differences=())), baseline)


@pytest.mark.parametrize(("silence_s", "is_advised"), [(5.0, True), (7.0, False)])
def test_a_longer_watch_is_advised_only_where_the_window_of_the_link_fits(
    silence_s: float, is_advised: bool
) -> None:
    silent = FlowBaseline(1, 1, 0.0, 1, silence_s, 2 * silence_s, judged=False)
    (note,) = notes(SystemBaseline(6.0, {LINK: silent}, {}))
    assert ("--watch" in note) is is_advised
    assert "more traffic" in note


def test_a_link_that_is_judged_by_its_connections_alone_is_named() -> None:
    quiet = FlowBaseline(1, 1, 0.0, 1, 8.0, 16.0, judged=False, standing=1)
    (note,) = notes(SystemBaseline(20.0, {LINK: quiet}, {}))
    assert note.endswith("judged by its connections alone")


def test_a_container_that_restarts_at_rest_is_named() -> None:
    (note,) = notes(SystemBaseline(6.0, {}, {}, restless=["cron[1]"]))
    assert note == "cron[1] ends and is started again at rest: that is no finding"


def test_the_share_of_requests_that_fail_at_rest_is_named() -> None:
    assert notes(SystemBaseline(6.0, {}, {}, RequestBaseline(3.0, 0.4))) == [
        "40% of the requests failed at rest"
    ]
    assert notes(SystemBaseline(6.0, {}, {}, RequestBaseline(5.0, 0.0))) == []
