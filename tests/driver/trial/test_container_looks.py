"""Claims about what is read of one container."""

from __future__ import annotations

from typing import Any

import pytest

from driver.systems.replicas import Replica
from driver.trial.container_looks import container_look


@pytest.mark.parametrize(
    ("state", "health"),
    [
        ({}, ""),
        ({"Health": {"Status": "none"}}, ""),
        ({"Health": {"Status": "healthy", "FailingStreak": 0}}, "healthy"),
        ({"Health": {"Status": "unhealthy", "FailingStreak": 3}}, "unhealthy"),
        ({"Health": {"Status": "unhealthy", "FailingStreak": 0}}, ""),
        ({"Health": {"Status": "unhealthy", "FailingStreak": 2}}, ""),
    ],
    ids=["no check", "none", "healthy", "failed", "paused before", "paused after two failures"],
)
def test_a_container_is_unhealthy_where_its_check_failed_and_not_since_it_was_paused(
    state: dict[str, Any], health: str
) -> None:
    details = {"State": {"StartedAt": "now", **state}, "HostConfig": {}}
    assert container_look(Replica("db", 1, "id", "running", "", None, ""), details).health == health
