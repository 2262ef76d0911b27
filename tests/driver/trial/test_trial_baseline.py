"""Claims about the baseline of a system at rest."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from driver.trial.baseline import LONGEST_WINDOW_S, FlowBaseline, SystemBaseline, baseline_of, flow_points
from driver.trial.samples import ContainerLook, FlowCounters, RequestCounters, SystemSample

LINK = "api[1]->db:5432"


def samples(totals: list[int], every_s: float = 1.0, accepted: int = 1) -> list[SystemSample]:
    """One look each `every_s`, with that total of bytes to the server and ten times as many back."""
    return [
        SystemSample(index * every_s, {LINK: FlowCounters(1, accepted, total, 10 * total)})
        for index, total in enumerate(totals)
    ]


def flow(totals: list[int], every_s: float = 1.0) -> FlowBaseline:
    return baseline_of(samples(totals, every_s)).links[LINK]


def test_rates_are_means_over_the_whole_watch() -> None:
    one = flow([100, 200, 200, 300])
    assert (one.to_server_per_s, one.to_client_per_s) == pytest.approx((200 / 3, 2000 / 3))


@pytest.mark.parametrize(
    ("totals", "silence_s"),
    [([0, 1, 2, 3], 1), ([0, 1, 1, 1, 2], 3), ([0, 0, 0, 1], 3), ([0, 1, 1, 1], 2)],
    ids=["steady", "between", "at the begin", "at the end"],
)
def test_the_longest_silence_counts_the_ends_of_the_watch(totals: list[int], silence_s: float) -> None:
    assert flow(totals).silence_s == silence_s


def test_a_window_holds_two_silences() -> None:
    totals = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]
    assert flow(totals).window_s == 6.0


def test_a_link_must_carry_half_of_the_least_of_any_window() -> None:
    # Bytes each second: 10, 10, 2, 2, 10, 10.
    one = flow([0, 10, 20, 22, 24, 34, 44])
    assert (one.to_server_least, one.to_client_least) == (2, 20)


def test_a_direction_without_bytes_need_not_carry_any() -> None:
    looks = [SystemSample(float(n), {LINK: FlowCounters(1, 1, 5 * n, 0)}) for n in range(6)]
    one = baseline_of(looks).links[LINK]
    assert (one.to_server_least > 0, one.to_client_least) == (True, 0)


def test_a_link_that_is_silent_for_longer_than_a_step_can_wait_is_not_judged() -> None:
    long = LONGEST_WINDOW_S / 2 + 1
    assert not flow([0, 1, 2, 3, 4, 5], every_s=long).judged


def test_a_link_that_was_never_dialled_is_no_part_of_the_baseline() -> None:
    assert baseline_of(samples([0, 0, 0], accepted=0)).links == {}


def test_a_link_without_bytes_carries_nothing() -> None:
    baseline = baseline_of(samples([7, 7, 7]))
    assert (baseline.carrying(), list(baseline.links)) == ([], [LINK])


def test_totals_go_on_where_a_door_lost_count() -> None:
    points = flow_points(samples([100, 200, 30, 40, 5]), LINK)
    assert [one.to_server_bytes for _, one in points] == [100, 200, 230, 240, 245]


def test_requests_have_a_rate_and_a_share_that_fails() -> None:
    looks = [SystemSample(10.0 * n, requests=RequestCounters(90 * n, 10 * n)) for n in range(3)]
    requests = baseline_of(looks).requests
    assert requests is not None
    assert (requests.answered_per_s, requests.failed_share) == (9.0, 0.1)


def looked(*looks: ContainerLook) -> SystemBaseline:
    """The baseline of a client that is seen so, once a second, while its link carries."""
    return baseline_of(
        [
            replace(sample, containers={"api[1]": look})
            for sample, look in zip(samples(list(range(0, 100 * len(looks), 100))), looks, strict=True)
        ]
    )


def test_a_container_with_several_lives_at_rest_is_restless() -> None:
    lives = [ContainerLook("api", life=f"{index // 4}", restart_policy="always") for index in range(12)]
    assert looked(*lives).restless == ["api[1]"]
    assert looked(*[ContainerLook("api", life="0")] * 12).restless == []


def test_the_link_of_a_client_that_has_ended_is_not_judged() -> None:
    ended = ContainerLook("api", "exited", exit_code=0, life="0")
    runs = [ContainerLook("api", life="0")] * 11
    assert looked(*runs, runs[0]).links[LINK].judged
    assert not looked(*runs, ended).links[LINK].judged
