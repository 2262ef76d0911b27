"""What the engines on processes can do, by what the machine has."""

from __future__ import annotations

from pathlib import Path

from chaos.abilities import Ability
from driver.engines.process.control_groups import GroupParents
from driver.engines.process.namespaces import cure
from driver.engines.process.process_abilities import abilities_with

FULL = GroupParents(1, {}, frozenset({"freezer", "cpu", "memory"}))
NOTHING = GroupParents(0, {}, frozenset(), "no control group is writable")


def test_with_control_groups_a_pause_is_the_freezer_s() -> None:
    assert abilities_with(True, FULL).by[Ability.pause] == "cgroup freezer (v1)"


def test_without_control_groups_a_pause_says_that_it_is_a_signal() -> None:
    assert abilities_with(True, NOTHING).by[Ability.pause] == "SIGSTOP to each process"


def test_without_control_groups_limits_are_lacked_with_the_reason() -> None:
    lacks = abilities_with(True, NOTHING).lacks
    assert lacks == {Ability.cpu: NOTHING.why, Ability.memory: NOTHING.why}


def test_a_controller_that_is_not_delegated_is_lacked_alone() -> None:
    parents = GroupParents(2, {}, frozenset({"freezer", "memory"}), "cpu is not delegated")
    assert abilities_with(True, parents).lacks == {Ability.cpu: "cpu is not delegated"}


def test_the_loopback_network_has_no_cables_and_no_isolation() -> None:
    found = abilities_with(False, FULL)
    assert set(found.lacks) == {Ability.unplug, Ability.isolation}
    assert found.engine == "plain"


def test_ubuntu_s_rule_is_named_with_the_setting_that_lifts_it(tmp_path: Path) -> None:
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel/apparmor_restrict_unprivileged_userns").write_text("1\n")
    assert "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0" in cure(tmp_path)


def test_a_setting_that_allows_namespaces_is_not_named(tmp_path: Path) -> None:
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel/apparmor_restrict_unprivileged_userns").write_text("0\n")
    assert "sysctl" not in cure(tmp_path)
