"""How closely the prober looks, and that it stays within its bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.catalogue import make
from chaos.fault import LinkFault
from chaos.prober.probe_rate import (
    ProbeRate,
    ProbeWindow,
    rate_at,
    rate_for_duration,
    read_windows,
    spared_link_rate,
    write_windows,
)
from chaos.prober.settings import ProberSettings

CLOSE = ProbeRate(probes_per_s=20, connects_per_s=4)
WATCH = ProbeWindow(100, 200, ["worker-1"], CLOSE)


@pytest.mark.parametrize(
    ("link", "now_ns", "close"),
    [
        ("worker-1", 100, True),
        ("worker-1", 199, True),
        ("worker-1", 99, False),
        ("worker-1", 200, False),
        ("worker-2", 150, False),
    ],
)
def test_a_watched_link_is_looked_at_closely_in_its_time_alone(link: str, now_ns: int, close: bool) -> None:
    assert rate_at(link, now_ns, ProbeRate(), [WATCH]) == (CLOSE if close else ProbeRate())


def test_two_watches_on_one_link_give_the_closer_of_both() -> None:
    other = ProbeWindow(
        0, 300, ["worker-1"], ProbeRate(probes_per_s=1, connects_per_s=0, volume_bytes_per_s=5000)
    )
    assert rate_at("worker-1", 150, ProbeRate(), [WATCH, other]) == ProbeRate(
        probes_per_s=20, connects_per_s=4, volume_bytes_per_s=5000
    )


def test_a_link_is_probed_patiently_where_one_of_two_watches_is_patient() -> None:
    patient = ProbeRate(patient=True)
    assert CLOSE.at_least(patient).patient
    assert patient.at_least(CLOSE).patient
    assert rate_for_duration(patient, 1.0).patient
    assert ProberSettings().limited(patient, 1_000).patient
    assert not CLOSE.at_least(CLOSE).patient


def test_a_watch_file_is_read_back_as_it_was_written() -> None:
    assert read_windows(write_windows([WATCH])) == [WATCH]


@pytest.mark.parametrize("data", [b"", b"[", b'[{"from_ns": 1}]', b"{}"])
def test_an_invalid_watch_file_is_reported(data: bytes) -> None:
    with pytest.raises(ValueError, match="probe windows"):
        read_windows(data)


@pytest.mark.parametrize("rate", ["1e-6", "1e-4", "1e-2", "1"])
def test_corruption_is_looked_for_in_bounded_traffic(rate: str) -> None:
    look = make("corrupt", {"rate": rate}).probe_rate_for(10.0)
    assert 400 <= look.volume_bytes_per_s <= 120_000


def test_throughput_is_measured_in_bounded_bursts() -> None:
    assert make("bandwidth", {"rate": "1GB/s"}).probe_rate_for(10.0).burst_bytes == 128_000
    assert make("bandwidth", {"rate": "64KB/s"}).probe_rate_for(10.0).burst_bytes == 6_400


def test_a_fault_that_is_shorter_than_a_look_is_looked_at_more_often() -> None:
    usual = make("block_new_only", {}).probe_rate_for(0.5)
    close = rate_for_duration(usual, 0.5)
    assert close.probes_per_s * 0.5 >= 5
    assert close.connects_per_s * 0.5 >= 3
    assert rate_for_duration(usual, 12.0) == usual


@pytest.mark.parametrize("for_s", [5.0, 20.0, 300.0])
def test_a_link_s_own_rate_is_measured_before_a_fault_that_bounds_it(for_s: float) -> None:
    assert make("bandwidth", {"rate": "64KB/s"}).probe_rate_for(for_s).burst_every_s <= 1.5


@pytest.mark.parametrize("links", [5, 50, 500])
def test_spared_links_are_looked_at_in_bounded_traffic(links: int) -> None:
    look = spared_link_rate(links)
    assert links * look.burst_bytes / look.burst_every_s <= 350_000
    assert look.probes_per_s >= 2


LASTS = st.none() | st.floats(1.0, 600.0)


def due(per_s: float, least: float, most: float, enough: float, for_s: float | None) -> bool:
    """Whether `per_s` hits a second come to `enough` within the duration (10 s where that is unknown), or the
    rate is at its bound.
    """
    return any(
        (
            abs(per_s * (for_s or 10.0) - enough) <= 0.01 * enough,
            per_s == least and least * (for_s or 10.0) >= enough,
            per_s == most and most * (for_s or 10.0) <= enough,
        )
    )


@given(st.sampled_from(("drop", "duplicate")), st.floats(0.001, 1.0), LASTS)
def test_fifteen_probes_are_hit_while_a_fault_of_chunks_lasts(
    name: str, probability: float, for_s: float | None
) -> None:
    fault = make(name, {"probability": probability})
    assert isinstance(fault, LinkFault)
    rate = fault.probe_rate_for(for_s).probes_per_s
    assert due(rate, 2.0, 25.0, 15 / probability, for_s)


@given(st.floats(1e-6, 1e-1), st.sampled_from(("to_worker", "to_coordinator", "both")), LASTS)
def test_a_hundred_and_fifty_bytes_are_hit_while_a_corruption_lasts(
    share: float, direction: str, for_s: float | None
) -> None:
    fault = make("corrupt", {"rate": share, "direction": direction})
    assert isinstance(fault, LinkFault)
    rate = fault.probe_rate_for(for_s).volume_bytes_per_s
    assert due(rate, 400, 120_000, 150 / (share * (2 if direction == "both" else 1)), for_s)
