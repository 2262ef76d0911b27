"""Every defect there is: a new one is a file in defects/ and a line here."""

from __future__ import annotations

CATALOGUE: tuple[str, ...] = (
    "result_dropped_on_reconnect",
    "replay_starts_one_late",
    "ack_before_commit",
    "result_counted_twice",
    "done_tasks_forgotten_at_restart",
    "older_socket_not_superseded",
    "silence_never_noticed_by_worker",
    "silence_never_noticed_by_coordinator",
    "lease_end_ignored_by_worker",
    "lease_end_ignored_by_coordinator",
    "checkpoint_in_memory_only",
    "checkpoint_not_handed_on",
    "priority_flattened",
    "frames_not_verified",
    "no_wait_before_dialling",
    "store_not_replayed",
    "drain_drops_work",
    "leaves_before_acknowledged",
    "resume_refused",
    "token_not_compared",
)
