"""Which defects each scenario exists to catch, and which finding has to fail for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    """A scenario, a defect, and the findings (checks, or expectations as written) of which one must fail."""

    scenario: str
    defect: str
    noticed_by: tuple[str, ...]


LOST = ("nothing_lost",)
REPEATED = ("no_work_repeated",)
LISTENS_FIRST = "coordinator_detection_time_max <= 10s"
BACK_SOON = "within 15s of heal: connected >= 95% for 3s"
QUEUE_EMPTIES = "within 25s of heal: waiting_tasks <= 40 for 3s"

PAIRS: tuple[Pair, ...] = (
    Pair("asymmetric_partition", "silence_never_noticed_by_worker", ("workers_were_cut_off",)),
    Pair("asymmetric_partition", "silence_never_noticed_by_coordinator", ("workers_were_cut_off",)),
    Pair("checkpoint_heavy", "worker_begins_from_nothing", ("checkpoints_restored >= 1",)),
    Pair("checkpoint_heavy", "checkpoint_not_handed_on", ("checkpoint_restore_ratio >= 90%",)),
    Pair("coordinator_crash", "coordinator_promises_early", ("nothing_lost", "nothing_counted_twice")),
    Pair("coordinator_crash", "coordinator_forgets_open_attempts", ("results_refused == 0",)),
    Pair("coordinator_pause", "coordinator_judges_before_listening", (LISTENS_FIRST,)),
    Pair("coordinator_pause", "coordinator_throws_its_fleet_away", ("resume_rate >= 90%",)),
    Pair("data_corruption", "worker_stops_at_damage", ("no_process_died", BACK_SOON)),
    Pair("data_corruption", "frames_not_verified", ("damage_was_not_believed",)),
    Pair("end_to_end", "worker_loses_results", LOST),
    Pair("end_to_end", "worker_repeats_work", REPEATED),
    Pair("flapping_link", "worker_forgets_its_session", ("resume_rate >= 90%",)),
    Pair("flapping_link", "worker_oversleeps", ("within 15s of heal: connected >= 95% for 2s",)),
    Pair("half_open", "silence_never_noticed_by_worker", ("detection_time_max <= 10s",)),
    Pair("half_open", "silence_never_noticed_by_coordinator", ("disagreement_max <= 5s",)),
    Pair("long_soak", "worker_leaks_memory", ("memory_worker_max <= 96MiB", "no_process_died")),
    Pair("long_soak", "worker_gives_up", ("workers_were_cut_off", "converged_after_healing")),
    Pair("message_flood", "worker_loses_results", LOST),
    Pair("message_flood", "worker_repeats_work", REPEATED),
    Pair("metastable_storm", "worker_leaks_slots", ("no_metastable_state", QUEUE_EMPTIES)),
    Pair("metastable_storm", "worker_is_impatient_after_a_loss", ("no_metastable_state",)),
    Pair("mid_frame_cut", "result_dropped_on_reconnect", LOST),
    Pair("mid_frame_cut", "coordinator_takes_half_for_whole", ("acknowledged_results_stand", "nothing_lost")),
    Pair("million_tasks", "worker_loses_results", LOST),
    Pair("million_tasks", "worker_repeats_work", REPEATED),
    Pair("mixed_priority", "coordinator_serves_the_newest_first", ("order_within_priority",)),
    Pair("mixed_priority", "coordinator_ranks_priorities", ("no_starvation",)),
    Pair("partial_outage", "coordinator_loses_expired_tasks", LOST),
    Pair("partial_outage", "coordinator_counts_late_results", ("nothing_counted_twice",)),
    Pair("rolling_restart", "worker_leaves_at_once", ("left_in_order",)),
    Pair("rolling_restart", "leaves_before_acknowledged", ("left_in_order",)),
    Pair("slow_drain", "leaves_before_acknowledged", ("left_in_order",)),
    Pair("slow_drain", "worker_begins_from_nothing", ("checkpoints_restored >= 1",)),
    Pair("slow_link", "worker_is_impatient", ("reconnections == 0",)),
    Pair("slow_link", "coordinator_lends_too_briefly", ("attempts_lost == 0",)),
    Pair("steady_load", "coordinator_waits_for_the_whole_fleet", ("task_latency_p90 <= 2s",)),
    Pair("steady_load", "worker_leaves_at_once", ("left_in_order",)),
    Pair("thundering_herd", "no_wait_before_dialling", ("storm_amplification <= 120",)),
    Pair("thundering_herd", "worker_oversleeps", ("time_to_all_back <= 10s",)),
    Pair("unplugged_cable", "silence_never_noticed_by_worker", ("detection_time_max <= 10s",)),
    Pair("unplugged_cable", "silence_never_noticed_by_coordinator", ("disagreement_max <= 5s",)),
    Pair("worst_day", "worker_loses_results", LOST),
    Pair("worst_day", "worker_repeats_work", REPEATED),
    Pair("zombie_worker", "lease_end_ignored_by_worker", REPEATED),
    Pair("zombie_worker", "zombies_count", ("nothing_counted_twice",)),
)  # fmt: skip
"""Two for each scenario, at least. backoff_policies is none: it compares policies, and is no claim."""

EVERYWHERE: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("worker_loses_results", LOST),
    ("worker_repeats_work", REPEATED),
)
"""Defects that no scenario may pass, whatever it is about."""


def all_pairs() -> tuple[Pair, ...]:
    """PAIRS, and behind them those of EVERYWHERE that are not among them."""
    known = {(pair.scenario, pair.defect) for pair in PAIRS}
    more = (
        Pair(scenario, defect, noticed_by)
        for scenario in dict.fromkeys(pair.scenario for pair in PAIRS)
        for defect, noticed_by in EVERYWHERE
        if (scenario, defect) not in known
    )
    return (*PAIRS, *more)
